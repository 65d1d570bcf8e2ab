"""The desk's lists and figures, what resembles a case, and what is done to many at once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.kit.auth import Principal
from shared.kit.ids import uuid7
from tests.services.routing.desk.routing import CENTRE, MANAGER, OFFICER, Routing, staff

TEHRANI = staff("tara", province="IR-23")
ELSEWHERE = staff("ela", department="behzisti")
LIST = "/v1/desk/cases"


async def listed(routing: Routing, caller: Principal, **params: Any) -> list[str]:
    """All ids of a list, page by page."""
    ids: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await routing.get(caller, LIST, limit=2, **params, **cursor)).json()
        ids += [item["id"] for item in page["items"]]
        if page["next"] is None:
            return ids
        cursor = {"cursor": page["next"]}


@pytest.mark.parametrize("sort", ["registered_at", "-registered_at", "due_at", "-due_at"])
async def test_every_order_pages_through_all_cases_once(routing: Routing, sort: str) -> None:
    now = datetime.now(UTC)
    ids = [await routing.file(at=now - timedelta(days=age)) for age in (30, 1, 20, 20, 5)]
    triage = await routing.file(category_id=None, subject="سلام", body="لطفاً رسیدگی کنید.")
    due = {str(id): (await routing.case(id))["due_at"] for id in ids}
    found = await listed(routing, CENTRE, sort=sort)
    assert sorted(found) == sorted(map(str, [*ids, triage]))
    latest = now + timedelta(days=9999)
    keys = [due.get(id) or latest for id in found] if "due" in sort else found
    assert keys == sorted(keys, reverse=sort.startswith("-"))
    other = (await routing.get(CENTRE, LIST, sort=sort, limit=1)).json()["next"]
    wrong = "due_at" if sort != "due_at" else "-due_at"
    assert (await routing.get(CENTRE, LIST, sort=wrong, cursor=other)).status_code == 422


async def test_similar_cases_are_within_reach_and_the_most_alike_first(routing: Routing) -> None:
    person = uuid7()
    words: dict[str, Any] = {"subject": "کسری سابقه", "body": "هشت ماه از سابقهٔ بیمهٔ من در سال ۱۳۹۸ ثبت نشده است."}
    here = await routing.file(citizen=person, **words)
    twin = await routing.file(citizen=person, body="هشت‌ماه از سابقهٔ بیمه من در سال ۱۳۹۸ ثبت نشده", subject="کسری سابقه")
    neighbour = await routing.file(body="سه ماه از سابقهٔ بیمهٔ من در سال ۱۳۹۹ ثبت نشده است.", subject="سابقه")
    await routing.file(body="دفترچهٔ درمان من تمدید نمی‌شود و هزینهٔ بستری را نداده‌اند.", subject="درمان")
    old = datetime.now(UTC) - timedelta(days=120)
    await routing.file(at=old, **words)
    await routing.file(citizen=person, category_id="behzisti.assessment", **words)
    shown = (await routing.get(OFFICER, f"{LIST}/{here}")).json()["similar"]
    assert [(s["id"], s["same_person"]) for s in shown] == [(str(twin), True), (str(neighbour), False)]
    assert shown[0]["score"] > shown[1]["score"]


async def test_a_duplicate_of_the_same_person_is_merged_once(routing: Routing) -> None:
    person = uuid7()
    case_id, into, strangers = [await routing.file(citizen=citizen) for citizen in (person, person, uuid7())]

    async def merge(into: Any, **headers: str) -> Any:
        return await routing.send(OFFICER, "POST", f"{LIST}/{case_id}/merge", {"into": str(into)}, **headers)

    anything = {"If-Match": "*"}
    assert (await merge(into)).status_code == 428
    assert (await merge(strangers, **anything)).json()["code"] == "other_person"
    assert (await merge(case_id, **anything)).json()["code"] == "same_case"
    assert (await merge(uuid7(), **anything)).status_code == 404
    merged = await merge(into, **anything)
    assert (merged.status_code, merged.json()["status"]) == (200, "closed")
    assert merged.json()["timeline"][-1]["data"]["into"] == str(into)
    assert (await merge(into, **anything)).json()["code"] == "state_does_not_allow"
    assert (await routing.told(case_id))[-1:] == ["case.merged.v1"]
    assert (await routing.steps(into))[-1]["type"] == "duplicate"
    assert (await routing.case(case_id))["next_clock_at"] is None
    citizen = Principal("citizen", str(person))
    again = await routing.send(citizen, "POST", f"/v1/cases/{case_id}/reopen", {"reason": "چرا؟"})
    assert again.status_code == 409


async def test_many_are_assigned_and_each_is_answered_for_itself(routing: Routing) -> None:
    one, two, other = [
        await routing.file(),
        await routing.file(),
        await routing.file(category_id="cspf.end-of-service"),
    ]
    order = {
        "items": [{"id": str(id), "etag": tag} for id, tag in ((one, '"2"'), (two, '"9"'), (other, '"2"'))],
        "department_id": "sso-insurance",
        "officer": "ann",
    }
    results = (await routing.send(MANAGER, "POST", f"{LIST}/bulk-assign", order)).json()["items"]
    assert [(r["id"], r["status"], r["etag"]) for r in results] == [
        (str(one), 200, '"3"'),
        (str(two), 412, None),
        (str(other), 404, None),
    ]
    assert [(await routing.case(id))["assignee"] for id in (one, two)] == ["ann", None]
    assert (await routing.told(two)).count("case.assigned.v1") == 1
    assert (await routing.send(OFFICER, "POST", f"{LIST}/bulk-assign", order)).status_code == 403


async def test_the_summary_counts_what_the_caller_may_see(routing: Routing) -> None:
    now = datetime.now(UTC)
    await routing.file()
    await routing.file(at=now - timedelta(days=200), province="IR-10")
    decided = await routing.file(at=now - timedelta(days=4))
    await routing.decided(decided)
    await routing.file(category_id="cspf.end-of-service")
    seen = (await routing.get(MANAGER, "/v1/desk/summary")).json()
    assert (seen["open"], seen["overdue"], seen["due_today"], seen["median_days"]) == (2, 1, 0, 4.0)
    assert {part["id"]: part["open"] for part in seen["by_province"]} == {"IR-23": 1, "IR-10": 1}
    assert (await routing.get(TEHRANI, "/v1/desk/summary")).json()["open"] == 1
    assert (await routing.get(CENTRE, "/v1/desk/summary")).json()["open"] == 3
    assert (await routing.get(ELSEWHERE, "/v1/desk/summary")).json()["open"] == 0


async def test_views_are_saved_for_their_owner(routing: Routing) -> None:
    view = {"name": "عقب‌افتاده‌ها", "query": {"overdue": True, "sort": "due_at"}}
    key = {"Idempotency-Key": str(uuid7())}
    saved = await routing.send(OFFICER, "POST", "/v1/desk/views", view, **key)
    assert (saved.status_code, (await routing.send(OFFICER, "POST", "/v1/desk/views", view, **key)).json()) == (
        201,
        saved.json(),
    )
    clash = await routing.send(OFFICER, "POST", "/v1/desk/views", view, **{"Idempotency-Key": str(uuid7())})
    assert clash.status_code == 409
    assert [v["query"]["sort"] for v in (await routing.get(OFFICER, "/v1/desk/views")).json()["items"]] == ["due_at"]
    assert (await routing.get(MANAGER, "/v1/desk/views")).json()["items"] == []
    path = f"/v1/desk/views/{saved.json()['id']}"
    assert (await routing.send(MANAGER, "DELETE", path)).status_code == 404
    assert (await routing.send(OFFICER, "DELETE", path)).status_code == 204
