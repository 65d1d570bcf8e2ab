"""A moved case's report: who its citizen is opens by two custodians, and its receipt code for whoever has the claim."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from services.integrity.forgetting.service import forget_reporter
from services.integrity.moving.consumers import Moves
from services.integrity.sealing.age import open_sealed
from services.integrity.sealing.shares import Share, recover
from shared.contracts.intake import CaseHandedOver, CaseHandedOverData
from shared.kit.auth import Principal
from shared.kit.ids import uuid7
from shared.kit.outbox import new_event
from shared.kit.sealing import seal
from tests.services.integrity.people import Irm

ADDRESS = {"province": "IR-23", "city": "تهران", "line": "قناری‌نشانی، پلاک ۱۲", "postal_code": "1968943117"}
CONTACT = {"name": "قناری‌نام ژاله", "mobile": "+989121234567", "postal_address": ADDRESS}

Hand = Callable[..., Awaitable[asyncpg.Record]]


@pytest.fixture
def hand(irm: Irm, tmp_path: Path) -> Hand:
    """Hands a case over, as intake does; the report's row."""
    own = irm.resources
    moves = Moves(own.keys, own.filing, own.moved_receipts, tmp_path)

    async def over(claim: str | None, **contact: Any) -> asyncpg.Record:
        case_id, subject = uuid7(), f"موضوع {secrets.token_hex(4)}"
        content: dict[str, Any] = {
            "subject": subject,
            "narrative": "کارشناس شعبه برای ثبت سابقه پول خواست و گرفت.",
            "files": [],
            "claim": claim,
            "contact": {**CONTACT, **contact},
        }
        event = new_event(
            CaseHandedOver,
            subject=str(case_id),
            sequence=2,
            case_id=case_id,
            data=CaseHandedOverData(
                organisation_id="sso",
                province="IR-23",
                language="fa",
                content_sealed=seal(own.keys.move, json.dumps(content).encode(), b"move:" + str(case_id).encode()),
            ),
        )
        before = {row["id"] for row in await irm.database.fetch("SELECT id FROM reports")}
        async with irm.database_of_service.transaction() as connection:
            await moves.handle(connection, event)
        rows = await irm.database.fetch("SELECT * FROM reports")
        (row,) = [row for row in rows if row["id"] not in before]
        return row

    return over


def a_claim() -> str:
    return secrets.token_urlsafe(32)


async def fetch(irm: Irm, claim: Any) -> httpx.Response:
    return await irm.http.post("/v1/reports/claim", json={"claim": claim}, headers=irm.caller())


async def steps(irm: Irm, report: asyncpg.Record) -> list[str]:
    rows = await irm.database.fetch("SELECT type FROM report_steps WHERE report_id = $1 ORDER BY seq", report["id"])
    return [row["type"] for row in rows]


async def test_the_code_that_a_claim_opens_opens_the_report_s_box(irm: Irm, hand: Hand) -> None:
    claim = a_claim()
    report = await hand(claim)
    answer = await fetch(irm, claim)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    caller = await irm.session(receipt_code=answer.json()["receipt_code"])
    mine = (await irm.http.get("/v1/reports/mine", headers=caller)).json()
    assert (mine["report_no"], mine["mode"]) == (report["report_no"], "confidential")
    assert [step["title"] for step in mine["steps"]][-1] == "رمز رسید دریافت شد"
    sent = await irm.http.post(
        "/v1/reports/mine/messages", json={"body": "شعبهٔ ۳"}, headers={**caller, "Idempotency-Key": str(uuid4())}
    )
    assert sent.status_code == 201, sent.text


async def test_a_lost_answer_is_given_again_each_time_on_record_until_its_time_is_over(irm: Irm, hand: Hand) -> None:
    claim = a_claim()
    report = await hand(claim)
    answers = await asyncio.gather(*(fetch(irm, claim) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["receipt_code"] for answer in answers}) == 1
    assert (await steps(irm, report)).count("receipt_fetched") == 3
    row = await irm.row(report["report_no"])
    assert row["version"] == report["version"], "an inspector's If-Match still fits"
    hours = "SELECT extract(epoch FROM expires_at - now()) / 3600 FROM moved_receipts WHERE fetched"
    assert 23.9 < await irm.database.fetchval(hours) <= 24

    await irm.database.execute("UPDATE moved_receipts SET expires_at = now()")
    assert (await fetch(irm, claim)).status_code == 404
    await irm.resources.moved_receipts.forget()
    assert await irm.database.fetchval("SELECT count(*) FROM moved_receipts") == 0
    assert (await steps(irm, report)).count("receipt_fetched") == 3


async def test_wrong_used_and_malformed_claims_are_answered_alike(irm: Irm, hand: Hand) -> None:
    used = a_claim()
    await hand(used)
    await irm.database.execute("UPDATE moved_receipts SET expires_at = now()")
    answers = [await fetch(irm, claim) for claim in (used, a_claim(), "x", "x" * 43, 12345, None, ["x"])]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    answers = [await fetch(irm, used) for _ in range(irm.settings.codes_per_minute)]
    assert answers[-1].status_code == 429
    assert "retry-after" in answers[-1].headers


async def test_the_claim_of_a_forgotten_reporter_opens_nothing(irm: Irm, hand: Hand) -> None:
    claim = a_claim()
    report = await hand(claim)
    await irm.database.execute("UPDATE reports SET state = 'closed' WHERE id = $1", report["id"])
    async with irm.database_of_service.transaction() as connection:
        assert await forget_reporter(connection, report["report_no"], "حکم ۱۲", irm.resources.keys) is None
    answers = [await fetch(irm, one) for one in (claim, a_claim())]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].text == answers[1].text
    assert "receipt_fetched" not in await steps(irm, report)


async def test_what_waits_says_neither_of_whom_nor_of_which_report(irm: Irm, hand: Hand) -> None:
    claim = a_claim()
    report = await hand(claim)
    code = (await fetch(irm, claim)).json()["receipt_code"]
    kept = str([dict(row) for row in await irm.database.fetch("SELECT * FROM moved_receipts")])
    for known in (claim, code, code.replace(" ", ""), report["locator"], report["report_no"], str(report["id"])):
        assert known not in kept
    assert report["locator"].encode().hex() not in kept


async def test_a_case_that_nobody_can_log_in_for_has_no_code_waiting(irm: Irm, hand: Hand) -> None:
    before = await irm.database.fetchval("SELECT count(*) FROM moved_receipts")
    assert (await hand(None, mobile=None))["mode"] == "confidential"
    assert await irm.database.fetchval("SELECT count(*) FROM moved_receipts") == before


@pytest.mark.parametrize("mobile", [CONTACT["mobile"], None], ids=["with a mobile", "on paper"])
async def test_two_custodians_open_name_and_address_and_the_content_holds_neither(
    irm: Irm, hand: Hand, mobile: str | None
) -> None:
    row = await hand(a_claim(), mobile=mobile)
    shares = await irm.database.fetch("SELECT * FROM identity_shares WHERE report_id = $1", row["id"])
    assert len(shares) == 2
    opened = [Share.open(share["sealed"], irm.private[share["holder"]]) for share in shares]
    key = recover(opened, row["identity_recipient"])
    assert json.loads(open_sealed(row["identity_sealed"], key)) == {**CONTACT, "mobile": mobile}
    assert row["notify_sealed"] is None


async def test_only_who_is_let_in_by_the_gateway_may_ask(irm: Irm) -> None:
    assert (await irm.http.post("/v1/reports/claim", json={"claim": a_claim()})).status_code == 401
    for caller in (Principal("citizen", str(uuid4())), Principal("reporter", str(uuid4()))):
        answer = await irm.http.post("/v1/reports/claim", json={"claim": a_claim()}, headers=irm.caller(caller))
        assert answer.status_code == 404
