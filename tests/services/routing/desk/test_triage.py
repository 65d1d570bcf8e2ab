"""The clock of triage: what nobody has decided on comes before the centre, and starts afresh once it is assigned."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.routing.clocks.domain import LEVELS, TriageDays
from services.routing.clocks.service import measure, tick
from shared.persian.calendar import CALENDAR, jalali
from tests.services.routing.desk.routing import CENTRE, DEPARTMENT, MANAGER, Routing

UNCLEAR: dict[str, Any] = {"category_id": None, "subject": "سلام", "body": "لطفاً رسیدگی کنید."}
CORRUPT: dict[str, Any] = {
    "category_id": None,
    "subject": "شعبه",
    "body": "کارشناس گفت دست خالی که نمی‌شود، یک شیرینی بده تا پرونده‌ات را راه بیندازم.",
}
WEDNESDAY = datetime(2026, 11, 18, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "usual", "restricted"),
    [
        (WEDNESDAY, "1405-08-30", "1405-08-27"),  # over the weekend to Saturday; the same day
        (WEDNESDAY + timedelta(days=2), "1405-08-30", "1405-08-30"),  # a Friday
    ],
)
def test_it_is_told_after_a_working_day_and_what_may_be_corruption_on_the_same(
    start: datetime, usual: str, restricted: str
) -> None:
    days = TriageDays()
    assert jalali(days.strike(start, restricted=False)) == usual
    assert jalali(days.strike(start, restricted=True)) == restricted
    assert TriageDays(usual=3).strike(start, restricted=False) == CALENDAR.add_working_days(start, 3)


async def test_what_waits_too_long_comes_before_the_centre_once_and_is_seen_everywhere(routing: Routing) -> None:
    case_id, fresh, corrupt = [await routing.file(**words) for words in (UNCLEAR, UNCLEAR, CORRUPT)]
    registered_at = (await routing.case(case_id))["registered_at"]
    for id, days in ((case_id, 1), (corrupt, 0)):
        assert (await routing.case(id))["next_clock_at"] == CALENDAR.add_working_days(registered_at, days)
    assert await tick(routing.database) == 0
    await routing.sql.execute("UPDATE cases SET next_clock_at = now() - interval '1 s' WHERE id <> $1", fresh)
    late = (await routing.get(CENTRE, "/v1/desk/triage")).json()["items"]
    assert {item["id"] for item in late if item["overdue"]} == {str(case_id), str(corrupt)}, "told or not"
    assert (await tick(routing.database), await tick(routing.database)) == (2, 0)

    items = {item["id"]: item for item in (await routing.get(CENTRE, "/v1/desk/triage")).json()["items"]}
    assert [items[str(id)]["overdue"] for id in (case_id, fresh, corrupt)] == [True, False, True]
    assert items[str(case_id)]["waiting_since"] == items[str(case_id)]["registered_at"]
    assert (items[str(case_id)]["escalated"], items[str(fresh)]["escalated"]) == ("centre", None)
    step = (await routing.get(CENTRE, f"/v1/desk/cases/{case_id}")).json()["timeline"][-1]
    assert (step["type"], step["internal"]) == ("escalate", True)
    assert step["data"] == {"level": "centre", "to": ["cyra"], "clock": "triage"}
    listed = (await routing.get(CENTRE, "/v1/desk/cases", escalated="centre")).json()["items"]
    assert {item["id"] for item in listed} == {str(case_id), str(corrupt)}

    figures = (await routing.get(CENTRE, "/v1/desk/summary")).json()["triage"]
    assert figures | {"oldest_at": None} == {"waiting": 3, "restricted": 1, "overdue": 2, "oldest_at": None}
    assert datetime.fromisoformat(figures["oldest_at"]) == registered_at
    assert (await routing.get(MANAGER, "/v1/desk/summary")).json()["triage"] is None
    await measure(routing.database)
    names = ("seda_routing_triage_waiting", "seda_routing_triage_overdue")
    assert [REGISTRY.get_sample_value(name) for name in names] == [3, 2]


async def test_the_departments_clock_begins_where_triage_ends(routing: Routing) -> None:
    case_id = await routing.file(**UNCLEAR)
    await tick(routing.database, datetime.now(UTC) + timedelta(days=20))
    assert (await routing.case(case_id))["escalation"] == len(LEVELS)
    await routing.step(CENTRE, case_id, "note", note="در دست بررسی است.")
    assert (await routing.case(case_id))["next_clock_at"] is None, "told once"
    await routing.step(CENTRE, case_id, "assign", department_id=DEPARTMENT)
    case = await routing.case(case_id)
    assert (case["status"], case["escalation"]) == ("assigned", 0)
    assert case["next_clock_at"] is not None
