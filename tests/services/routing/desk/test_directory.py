"""Directory and rules: changed by the centre, a version each time, told to the others, and kept by the cases."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.routing.assignment.domain import Filing, Rule, first_match
from shared.contracts.registry import parse
from tests.services.routing.desk.routing import CATEGORY, CENTRE, MANAGER, OFFICER, Routing

RULES = "/v1/desk/rules"
DIRECTORY = "/v1/desk/directory"
TO_BEHZISTI = {"name": "همه به بهزیستی", "province": "IR-23", "to_department_id": "behzisti"}


async def put(routing: Routing, path: str, body: object, method: str = "PUT", tag: str = "*") -> Any:
    """Changes something as the centre."""
    return await routing.send(CENTRE, method, path, body, **{"If-Match": tag})


async def test_a_change_is_a_version_that_cases_keep_and_others_hear(routing: Routing) -> None:
    before = await routing.file()
    tag = (await routing.get(OFFICER, DIRECTORY)).headers["ETag"]
    changed = await put(routing, f"{DIRECTORY}/categories/{CATEGORY}", {"sla_days": 5}, "PATCH", tag)
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert (await put(routing, f"{DIRECTORY}/categories/{CATEGORY}", {"sla_days": 6}, "PATCH", tag)).status_code == 412
    after = await routing.file()
    rows = [await routing.case(id) for id in (before, after)]
    assert [(row["directory_version"], row["sla_days"]) for row in rows] == [(1, 20), (2, 5)]
    was = (await routing.get(CENTRE, f"{DIRECTORY}/versions/1")).json()["document"]["categories"]
    assert next(entry["sla_days"] for entry in was if entry["id"] == CATEGORY) == 20
    newest = (await routing.get(CENTRE, f"{DIRECTORY}/versions")).json()["items"][0]
    assert (newest["version"], newest["actor_id"], newest["change"]["to"]["sla_days"]) == (2, "cyra", 5)
    told = [
        parse(row["body"]) for row in await routing.sql.fetch("SELECT body FROM outbox WHERE subject = 'directory'")
    ]
    assert [event.sequence for event in told] == [1, 2]


async def test_what_is_out_of_use_is_offered_to_nobody_and_stands_until_nothing_stands_on_it(routing: Routing) -> None:
    new = {"department_id": "sso-insurance", "name_fa": "موضوع تازه", "name_en": "New", "sla_days": 3}
    path = f"{DIRECTORY}/categories/sso-insurance.new"
    assert (await put(routing, path, new)).status_code == 200
    case_id = await routing.file(category_id="sso-insurance.new")
    assert (await routing.case(case_id))["category_id"] == "sso-insurance.new"
    used = await put(routing, f"{DIRECTORY}/departments/sso-insurance", {"active": False}, "PATCH")
    assert (used.status_code, used.json()["code"]) == (409, "in_use")
    assert (await put(routing, path, {"active": False}, "PATCH")).status_code == 200
    offered = (await routing.get(OFFICER, "/v1/reference/categories")).json()["items"]
    assert "sso-insurance.new" not in {entry["id"] for entry in offered}
    assert (await routing.case(await routing.file(category_id="sso-insurance.new")))[
        "category_id"
    ] != "sso-insurance.new"
    assert (await routing.get(OFFICER, f"/v1/desk/cases/{case_id}")).json()["category"]["name_fa"] == "موضوع تازه"


async def test_only_the_centre_changes_and_only_what_exists(routing: Routing) -> None:
    path = f"{DIRECTORY}/categories/{CATEGORY}"
    assert (await routing.send(MANAGER, "PATCH", path, {"sla_days": 5}, **{"If-Match": "*"})).status_code == 403
    assert (await routing.send(CENTRE, "PATCH", path, {"sla_days": 5})).status_code == 428
    assert (await put(routing, f"{DIRECTORY}/categories/none", {"sla_days": 5}, "PATCH")).status_code == 404
    assert (await put(routing, path, {"department_id": "none"}, "PATCH")).json()["errors"][0]["code"] == "unknown_entry"
    assert (await put(routing, path, {"sla_days": 0}, "PATCH")).status_code == 422


async def test_the_officer_of_a_province_has_its_cases_at_once(routing: Routing) -> None:
    path = f"{DIRECTORY}/departments/sso-insurance"
    await put(routing, path, {"officers": {"IR-23": "ann"}}, "PATCH")
    here, there = await routing.file(), await routing.file(province="IR-10")
    assert [(await routing.case(id))["assignee"] for id in (here, there)] == ["ann", None]
    refused = await put(routing, path, {"officers": {"IR-23": "ann", "IR-10": "nobody"}}, "PATCH")
    faults = [(fault["pointer"], fault["code"]) for fault in refused.json()["errors"]]
    assert (refused.status_code, faults) == (422, [("/officers/IR-10", "unknown_officer")])
    await routing.tell(OFFICER, version=2, active=False)
    assert (await routing.case(await routing.file()))["assignee"] is None
    assert (await put(routing, path, {"name_en": "Insurance"}, "PATCH")).status_code == 200, "who left is passed over"


async def test_rules_are_tried_before_they_are_set_and_the_next_case_follows_them(routing: Routing) -> None:
    before = await routing.file(category_id=None)
    await routing.file(category_id=None, province="IR-10")
    tried = (await routing.send(CENTRE, "POST", f"{RULES}/dry-run", {"items": [TO_BEHZISTI]})).json()
    change = {
        "from_department_id": "sso-insurance",
        "to_department_id": "behzisti",
        "count": 1,
        "samples": [str(before)],
    }
    assert tried == {"cases": 2, "changed": 1, "changes": [change]}
    assert (await routing.get(CENTRE, RULES)).json()["items"] == []
    limits = {"from_hour": 22, "to_hour": 6, "from_on": "1405-09-01", "to_on": "1405-09-30"}
    night = {"name": "شب‌ها", "to_category_id": CATEGORY, **limits}
    answer = await put(routing, RULES, {"items": [night, TO_BEHZISTI]})
    assert answer.status_code == 200, answer.text
    assert answer.headers["ETag"] == '"2"'
    assert {name: answer.json()["items"][0][name] for name in limits} == limits
    case = await routing.case(await routing.file(at=datetime(2026, 10, 1, 9, tzinfo=UTC)))
    assert (case["department_id"], json.loads(case["routing"])["rule"]) == ("behzisti", "همه به بهزیستی")


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"to_department_id": "none"}, "unknown_entry"),
        ({"to_department_id": "behzisti", "county": "nowhere"}, "unknown_county"),
        ({"to_department_id": "behzisti", "province": "IR-99"}, "unknown_province"),
        ({"to_department_id": "behzisti", "from_hour": 3}, "hours_incomplete"),
        ({"to_department_id": "behzisti", "from_on": "1405-13-01"}, "date_invalid"),
        ({"province": "IR-23"}, "rule_leads_nowhere"),
    ],
)
async def test_a_rule_that_cannot_hold_is_refused(routing: Routing, rule: dict[str, Any], code: str) -> None:
    answer = await put(routing, RULES, {"items": [{"name": "قاعده", **rule}]})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)


def test_conditions_of_place_and_time() -> None:
    def matches(at: datetime, **rule: Any) -> bool:
        filing = Filing("complaint", "IR-23", "موضوع", "متن", None, None, "2301", at)
        return first_match(filing, [Rule("r", to_department_id="hq", **rule)]) is not None

    evening = datetime(2026, 11, 24, 19, 30, tzinfo=UTC)  # 23:00 in Tehran
    assert matches(evening, county="2301")
    assert not matches(evening, county="2302")
    assert matches(evening, hours=(22, 6))
    assert matches(evening, hours=(23, 24))
    assert not matches(evening, hours=(6, 23))
    day = evening.date()
    assert matches(evening, from_on=day, to_on=day)
    assert not matches(datetime(2026, 11, 24, 20, 31, tzinfo=UTC), to_on=day)
