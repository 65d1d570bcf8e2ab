"""From a planted excess to the working group, and from its decision to the phones."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from deploy.local.client import Caller, System, complaint, wait_for
from services.routing.review.months import shifted, span
from shared.persian.calendar import jalali, jalali_month, month_bounds
from tests.e2e.journeys import a_mobile, at_desk

pytestmark = pytest.mark.e2e

RUNNING = jalali_month(datetime.now(UTC))
LAST = shifted(RUNNING, -1)
PLANTED, DEPARTMENT, PROVINCE = "behzisti.assessment", "behzisti", "IR-07"
TOPICS = "/v1/desk/working-group/topics"

_PLANT = """
INSERT INTO cases (id, tracking_code, kind, channel, language, province, reachable, subject, body, folded, spaceless,
    registered_at, registered_event_id, status, department_id, category_id, routing, last_event_id)
SELECT gen_random_uuid(), gen_random_uuid()::text, 'complaint', 'web', 'fa', $1, false, 'کمیسیون', 'دیر شد', '', '',
    $2::timestamptz + n * interval '1 hour', gen_random_uuid(), 'assigned', $3, $4, '{}', gen_random_uuid()
FROM generate_series(1, $5) AS n
"""


async def _plant(url: str) -> None:
    connection = await asyncpg.connect(f"{url}/seda_routing")
    try:
        for month in span(shifted(LAST, -13), LAST):
            count = 60 if month == LAST else 10
            await connection.execute(_PLANT, PROVINCE, month_bounds(month)[0], DEPARTMENT, PLANTED, count)
    finally:
        await connection.close()


def found(group: Caller) -> Callable[[], Any]:
    """Looks for the topic that the excess opens."""

    def look() -> Any:
        items = group.get(TOPICS, params={"limit": 100})["items"]
        return next((t for t in items if (t["category"]["id"], t["province"]) == (PLANTED, PROVINCE)), None)

    return look


def test_a_planted_excess_becomes_a_topic_by_itself(system: System) -> None:
    asyncio.run(_plant(system.run["postgres"]))
    group, centre, manager = system.staff("group"), system.staff("centre"), system.staff(f"manager.{DEPARTMENT}")
    topic = wait_for(found(group), "the topic", 60)
    assert (topic["source"], topic["state"], topic["evidence"][0]["month"]) == ("excess", "open", LAST)
    review = manager.get(f"/v1/desk/reviews/{LAST}")
    (excess,) = [e for e in review["excess"] if e["province"] == PROVINCE]
    assert (excess["category"], excess["observed"]) == (PLANTED, 60)
    assert excess["expected"] < excess["upper"] < 60
    assert topic["id"] in [t["id"] for t in centre.get("/v1/desk/working-group/agenda")["topics"]]
    shown = group.get(f"{TOPICS}/{topic['id']}")
    assert (shown["cases_count"], len(shown["cases"])) == (60, 60)
    report = manager.request("GET", f"/v1/desk/reviews/{LAST}/report", headers={"Accept": "application/pdf"})
    assert (report.status_code, report.content[:5]) == (200, b"%PDF-")
    table = manager.request("GET", f"/v1/desk/reviews/{LAST}/report", headers={"Accept": "text/csv"})
    assert table.content.startswith(b"\xef\xbb\xbf")
    assert manager.request("GET", TOPICS).status_code == 403
    assert system.staff(f"officer.{DEPARTMENT}").request("GET", f"/v1/desk/reviews/{LAST}").status_code == 403


def test_everyone_behind_a_decision_is_told_once(system: System) -> None:
    about = {"category_id": "rural-fund.record-transfer", "province": "IR-29"}
    mobiles = [a_mobile(), a_mobile()]
    citizens = [system.citizen(mobile) for mobile in mobiles]
    cases = [c.post("/v1/cases", complaint(**about)) for c in (citizens[0], citizens[0], citizens[1])]
    centre, group = system.staff("centre"), system.staff("group")
    for case in cases:
        wait_for(lambda id=case["id"]: at_desk(centre, id, "assigned"), "the assignment")  # type: ignore[misc]
    new = {"title": "انتقال سابقه از سمنان", "category": about["category_id"], "province": about["province"]}
    topic = group.post(TOPICS, new)
    decision = {
        "title": "میز مشترک با تأمین اجتماعی",
        "text": "دو صندوق سابقه‌ها را هر هفته با هم تطبیق می‌دهند.",
        "owner_department_id": "rural-fund",
        "due_on": jalali(datetime.now(UTC) + timedelta(days=60)),
        "measure": {"category": about["category_id"], "province": about["province"], "target": 1},
    }
    assert centre.request("POST", f"{TOPICS}/{topic['id']}/decisions", json=decision).status_code == 403
    group.post(f"{TOPICS}/{topic['id']}/decisions", decision)

    def told(mobile: str) -> list[str]:
        return [m["text"] for m in system.phone(mobile) if decision["title"] in m["text"]]

    for mobile in mobiles:
        wait_for(lambda mobile=mobile: told(mobile) or None, "the text")  # type: ignore[misc]
    for mobile in mobiles:
        (text,) = told(mobile)
        assert "شکایت شما یکی از ۳ پرونده‌ای بود" in text
    shown = centre.get(f"{TOPICS}/{topic['id']}")
    assert {case["id"] for case in shown["cases"]} == {case["id"] for case in cases}
    assert shown["decisions"][0]["followed"][-1]["count"] == 3
