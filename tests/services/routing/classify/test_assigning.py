"""The classifier at work: cases without a category, what smells of corruption, the second topic, the audit."""

from typing import Any
from uuid import UUID

import orjson

from services.routing.classify.domain import drawn_for_audit
from tests.services.routing.desk.routing import CENTRE, OFFICER, Routing

RECORD = "sso-insurance.missing-record"
CLEAR: dict[str, Any] = {
    "subject": "کسری سابقهٔ بیمه",
    "body": "ریز سوابق بیمه‌ام را گرفتم؛ سابقهٔ دو سال از کارکردم در کارخانه ثبت نشده است. اصلاح سوابق می‌خواهم.",
    "category_id": None,
}


async def test_a_clear_text_is_assigned_by_the_classifier_and_the_event_says_so(routing: Routing) -> None:
    body = f"{CLEAR['body']} هر بار می‌روم می‌گویند فردا بیا و کسی جواب نمی‌دهد."
    case_id = await routing.file(**{**CLEAR, "body": body})
    case = await routing.case(case_id)
    assert (case["status"], case["category_id"]) == ("assigned", RECORD)
    assert case["second_category_id"] == "hq.delay-referral"
    told = orjson.loads(await routing.sql.fetchval("SELECT body FROM outbox WHERE case_id = $1", case_id))["data"]
    assert told["method"] == "classifier"
    assert told["guesses"][0]["category_id"] == RECORD
    assert told["model"].startswith("cold-")
    assert told["second_category"]["id"] == "hq.delay-referral"
    assert "سوابق" not in orjson.dumps(told["guesses"]).decode()  # the citizen's words stay at the desk
    shown = (await routing.get(OFFICER, f"/v1/desk/cases/{case_id}")).json()
    assert shown["routing"]["top"][0]["reasons"]
    assert len(shown["routing"]["model_sha256"]) == 64
    assert shown["second_category_id"] == "hq.delay-referral"


async def test_an_unclear_text_waits_with_three_guesses_and_a_suspicious_one_in_restricted_triage(
    routing: Routing,
) -> None:
    unclear = await routing.file(subject="سلام و احترام", body="لطفاً به کار من رسیدگی کنید.", category_id=None)
    veiled = await routing.file(
        subject="شعبه",
        body="کارشناس گفت دست خالی که نمی‌شود، یک شیرینی بده تا پرونده‌ات را راه بیندازم.",
        category_id=None,
    )
    items = {item["id"]: item for item in (await routing.get(CENTRE, "/v1/desk/triage")).json()["items"]}
    assert (len(items[str(unclear)]["routing"]["top"]), items[str(unclear)]["offer"]) == (3, None)
    assert (items[str(veiled)]["restricted"], items[str(veiled)]["offer"]) == (True, "move_to_irm")
    assert (await routing.get(OFFICER, f"/v1/desk/cases/{veiled}")).status_code == 404


async def test_chance_draws_cases_for_the_audit_and_delays_none(routing: Routing) -> None:
    drawn: list[UUID] = []
    for _ in range(120):
        case_id = await routing.file(**CLEAR)
        if drawn_for_audit(case_id):
            drawn.append(case_id)
    chosen = await routing.file()  # by the citizen: no machine decided
    rows = await routing.sql.fetch("SELECT case_id FROM audit_samples ORDER BY case_id")
    assert [row["case_id"] for row in rows] == sorted(drawn)
    assert chosen not in drawn
    assert await routing.sql.fetchval("SELECT count(*) FROM cases WHERE status <> 'assigned'") == 0
    if not drawn:
        return
    page = (await routing.get(CENTRE, "/v1/desk/audit")).json()
    assert [item["case_id"] for item in page["items"]] == [str(id) for id in sorted(drawn)]
    path = f"/v1/desk/audit/{drawn[0]}"
    assert (await routing.send(OFFICER, "POST", path, {"category_id": RECORD})).status_code == 403
    assert (await routing.send(CENTRE, "POST", path, {"category_id": "no.such"})).status_code == 422
    assert (await routing.send(CENTRE, "POST", f"/v1/desk/audit/{chosen}", {"category_id": RECORD})).status_code == 404
    checked = await routing.send(CENTRE, "POST", path, {"category_id": "hq.access"})
    assert (checked.status_code, checked.json()["right_category_id"]) == (200, "hq.access")
    left = (await routing.get(CENTRE, "/v1/desk/audit")).json()["items"]
    assert str(drawn[0]) not in [item["case_id"] for item in left]
