"""Who works at the desk: whom a case may be given to, who is told of a late one, and what becomes of who left."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.routing.clocks.service import tick
from services.routing.staff.service import take_back
from shared.kit.auth import Principal
from tests.services.routing.desk.routing import CENTRE, DEPARTMENT, MANAGER, OFFICER, OTHER_OFFICER, Routing, staff

ISFAHANI = staff("isa", province="IR-10")
ELSEWHERE = staff("ela", department="behzisti")
LIST = "/v1/desk/cases"


async def given(routing: Routing, officer: str) -> Any:
    """The answer to assigning a new case of Tehran to somebody."""
    return await routing.step(MANAGER, await routing.file(), "assign", department_id=DEPARTMENT, officer=officer)


@pytest.mark.parametrize(
    ("officer", "code"),
    [
        ("nobody", "unknown_officer"),
        ("left", "unknown_officer"),
        ("opal", "unknown_officer"),
        ("ela", "officer_out_of_reach"),
        ("isa", "officer_out_of_reach"),
    ],
)
async def test_a_case_goes_to_no_one_who_could_not_see_it(routing: Routing, officer: str, code: str) -> None:
    for person in (ISFAHANI, ELSEWHERE, staff("opal", "operator", None)):
        await routing.tell(person)
    await routing.tell(staff("left"), active=False)
    answer = await given(routing, officer)
    assert (answer.status_code, [(e["pointer"], e["code"]) for e in answer.json()["errors"]]) == (
        422,
        [("/officer", code)],
    )


async def test_officers_and_managers_of_the_department_may_be_given_a_case(routing: Routing) -> None:
    await routing.tell(staff("tara", province="IR-23"))
    for officer in ("ann", "tara", MANAGER.subject):
        assert (await given(routing, officer)).json()["assignee"] == officer


async def test_a_late_word_about_somebody_changes_nothing(routing: Routing) -> None:
    await routing.tell(OFFICER, version=3)
    await routing.tell(OFFICER, version=2, active=False)
    assert (await given(routing, "ann")).status_code == 200


@pytest.mark.parametrize("now", [staff("ann", department="behzisti"), staff("ann", "operator", None), None])
async def test_who_leaves_has_no_open_case_any_more_and_the_manager_sees_which(
    routing: Routing, now: Principal | None
) -> None:
    open_one, kept, decided = [await routing.file() for _ in range(3)]
    for case_id in (open_one, decided):
        await routing.step(OFFICER, case_id, "accept")
    await routing.step(OTHER_OFFICER, kept, "accept")
    await routing.step(OFFICER, decided, "decide", outcome="upheld", letter_body="به درخواست شما رسیدگی شد.")
    await routing.step(MANAGER, decided, "approve")
    assert await take_back(routing.database) == 0
    await routing.tell(now or OFFICER, version=2, active=now is not None)
    tag = (await routing.get(MANAGER, f"{LIST}/{open_one}")).headers["ETag"]
    assert (await take_back(routing.database), await take_back(routing.database)) == (1, 0)
    assert [(await routing.case(id))["assignee"] for id in (open_one, kept, decided)] == [None, "dora", "ann"]
    shown = await routing.get(MANAGER, f"{LIST}/{open_one}")
    assert shown.headers["ETag"] != tag
    step = shown.json()["timeline"][-1]
    assert (step["type"], step["internal"], step["data"]) == ("note", True, {"officer": "ann"})
    assert (await routing.told(open_one))[-1] == "case.accepted.v1", "the citizen is told nothing"
    items = (await routing.get(MANAGER, LIST, unassigned=True)).json()["items"]
    assert [item["id"] for item in items] == [str(open_one)]
    assert (await routing.get(MANAGER, "/v1/desk/summary")).json()["unassigned"] == 1


async def test_a_missed_date_names_the_managers_and_without_one_it_comes_before_the_centre(routing: Routing) -> None:
    here = await routing.file()
    await routing.step(OFFICER, here, "accept")
    there = await routing.file(category_id="cspf.end-of-service")
    late = (await routing.case(here))["due_at"] + timedelta(days=60)
    await tick(routing.database, late)
    told = [step["data"] for step in (await routing.get(CENTRE, f"{LIST}/{here}")).json()["timeline"]][-3:]
    assert [(data["level"], data["to"]) for data in told] == [
        ("officer", ["ann"]),
        ("manager", ["bob"]),
        ("centre", ["cyra"]),
    ]
    told = [step["data"] for step in (await routing.get(CENTRE, f"{LIST}/{there}")).json()["timeline"]][-2:]
    assert [(data["level"], data["to"]) for data in told] == [("officer", []), ("centre", ["cyra"])]
    assert (await routing.told(there)).count("case.overdue.v1") == 1
    shown = (await routing.get(CENTRE, LIST, escalated="centre")).json()["items"]
    assert {item["id"] for item in shown} == {str(here), str(there)}


async def test_the_directory_shows_the_staff_of_a_department_and_province(routing: Routing) -> None:
    for person in (ISFAHANI, ELSEWHERE, staff("opal", "operator", None)):
        await routing.tell(person)
    await routing.tell(staff("left"), active=False)

    async def names(caller: Principal, **filters: Any) -> list[str]:
        page = (await routing.get(caller, "/v1/desk/directory/staff", **filters)).json()
        return [item["username"] for item in page["items"]]

    assert await names(MANAGER) == ["ann", "bob", "dora", "isa"]
    assert await names(MANAGER, province="IR-23") == ["ann", "bob", "dora"]
    assert await names(OFFICER, role="manager") == ["bob"]
    assert await names(MANAGER, department="behzisti") == ["ann", "bob", "dora", "isa"], "one's own alone"
    assert await names(MANAGER, active=False) == ["left"]
    assert await names(CENTRE, department="behzisti") == ["ela"]
    assert await names(CENTRE) == ["ann", "bob", "cyra", "dora", "ela", "isa"]
    first = (await routing.get(CENTRE, "/v1/desk/directory/staff", limit=4)).json()
    rest = (await routing.get(CENTRE, "/v1/desk/directory/staff", limit=4, cursor=first["next"])).json()
    assert ([item["username"] for item in rest["items"]], rest["next"]) == (["ela", "isa"], None)


async def test_a_case_that_was_taken_from_its_officer_goes_on_with_another(routing: Routing) -> None:
    case_id = await routing.file(at=datetime.now(UTC) - timedelta(days=3))
    await routing.step(OFFICER, case_id, "accept")
    await routing.tell(OFFICER, version=2, active=False)
    before = await routing.case(case_id)
    await take_back(routing.database)
    after = await routing.case(case_id)
    names = ("status", "due_at", "next_clock_at", "escalation")
    assert [after[name] for name in names] == [before[name] for name in names]
    answer = await routing.step(MANAGER, case_id, "assign", department_id=DEPARTMENT, officer="dora")
    assert (answer.status_code, answer.json()["assignee"]) == (200, "dora")
