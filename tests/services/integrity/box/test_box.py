"""The reporter's box: a receipt code opens one report, and nothing else does."""

import asyncio
import base64
import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.integrity.client import box_of, seal_message, session_of
from services.integrity.log.receipt import Receipt
from services.integrity.reports.content import open_content, seal_content
from services.integrity.reports.derivations import Derivations
from services.integrity.reports.repository import report_by_id
from services.integrity.reports.story import Step, take
from services.integrity.sealing.age import ReportKey
from services.integrity.sealing.receipt_code import ReceiptCode
from shared.kit.auth import Principal
from shared.kit.db import Database
from shared.kit.web.problems import Problem
from shared.persian.digits import to_persian
from tests.services.integrity.people import REPORT, Irm


async def write_to_reporter(irm: Irm, report_no: str, text: str, **changes: str) -> None:
    """What an inspector's message does to the report."""
    row = await irm.row(report_no)
    fields = {"body": text}
    database: Database = irm.database_of_service
    async with database.transaction() as connection:
        locked = await report_by_id(connection, row["id"], lock=True)
        step = Step(
            "message",
            "tehran.a",
            datetime.now(UTC),
            visible=True,
            sealed=seal_content(fields, [row["recipient"]]),
            boxed=seal_content(fields, [row["box_recipient"]]),
            changes=changes,
        )
        await take(connection, locked, step, irm.resources.keys)


async def test_a_reporter_comes_back_by_the_code_in_any_script_and_talks_with_the_inspector(irm: Irm) -> None:
    filed = await irm.file()
    caller = await irm.session(receipt_code=to_persian(filed["receipt_code"]).replace(" ", "‌-"))
    mine = (await irm.http.get("/v1/reports/mine", headers=caller)).json()
    assert (mine["report_no"], mine["state"], mine["state_title"]) == (filed["report_no"], "received", "دریافت شد")
    assert [step["type"] for step in mine["steps"]] == ["filed", "acknowledged_by_machine"]
    assert mine["receipt"]["nonce"] == filed["receipt"]["nonce"]
    assert mine["messages"] == []
    assert "tehran" not in str(mine)

    await write_to_reporter(irm, filed["report_no"], "کدام شعبه بود؟", state="awaiting_reporter")
    sent = await irm.http.post(
        "/v1/reports/mine/messages",
        json={"body": "شعبهٔ ۳"},
        headers={**caller, "Idempotency-Key": "a-random-key", "Accept-Language": "en"},
    )
    assert sent.status_code == 201, sent.text
    Receipt.parse(sent.json()["receipt"]).verify_case(filed["report_no"])
    mine = (await irm.http.get("/v1/reports/mine", headers={**caller, "Accept-Language": "en"})).json()
    assert [(m["by"], m["body"]) for m in mine["messages"]] == [("office", "کدام شعبه بود؟"), ("reporter", "شعبهٔ ۳")]
    assert (mine["state"], mine["state_title"]) == ("investigating", "Under investigation")

    again = await irm.http.post(
        "/v1/reports/mine/messages",
        json={"body": "شعبهٔ ۳"},
        headers={**caller, "Idempotency-Key": "a-random-key"},
    )
    assert (again.status_code, again.json()["seq"]) == (201, sent.json()["seq"])
    assert (await irm.row(filed["report_no"]))["seq"] == sent.json()["seq"]

    # the inspector reads it with the report's key
    sealed = await irm.database.fetchval(
        "SELECT sealed FROM report_steps WHERE type = 'reporter_message' AND report_id = $1", filed["row"]["id"]
    )
    grant = await irm.database.fetchval(
        "SELECT sealed FROM grants WHERE report_id = $1 AND holder = 'supervisor.a'", filed["row"]["id"]
    )
    key = ReportKey.open_grant(grant, irm.private["supervisor.a"]).key
    assert open_content(sealed, key) == {"body": "شعبهٔ ۳"}


async def test_a_client_that_keeps_the_box_s_key_opens_and_seals_by_itself(irm: Irm) -> None:
    code = ReceiptCode.generate()
    keys = code.derive(irm.settings.receipt_service)
    filed = await irm.file(box=box_of(code, keys))
    assert filed["receipt_code"] is None
    caller = await irm.session(**session_of(code, keys))
    await write_to_reporter(irm, filed["report_no"], "پیام بازرس")
    mine = (await irm.http.get("/v1/reports/mine", headers=caller)).json()
    message = mine["messages"][0]
    assert message["body"] is None
    assert open_content(base64.b64decode(message["sealed"]), keys.box) == {"body": "پیام بازرس"}
    answer = await irm.http.post(
        "/v1/reports/mine/messages",
        json=seal_message("پاسخ من", mine),
        headers={**caller, "Idempotency-Key": str(uuid4())},
    )
    assert answer.status_code == 201, answer.text
    stale = {**seal_message("پاسخ من", mine), "epoch": 2}
    refused = await irm.http.post(
        "/v1/reports/mine/messages", json=stale, headers={**caller, "Idempotency-Key": str(uuid4())}
    )
    assert refused.status_code == 409
    sealed = await irm.database.fetchval(
        "SELECT boxed FROM report_steps WHERE type = 'reporter_message' AND report_id = $1", filed["row"]["id"]
    )
    assert open_content(sealed, keys.box) == {"body": "پاسخ من"}
    # the code, typed on another machine, opens the same box there
    shown = (await irm.http.get("/v1/reports/mine", headers=await irm.session(receipt_code=code.shown()))).json()
    assert [m["body"] for m in shown["messages"]] == ["پیام بازرس", "پاسخ من"]


async def test_a_wrong_code_is_401_after_the_same_time_however_it_is_wrong(irm: Irm) -> None:
    filed = await irm.file()
    right = filed["receipt_code"]
    other = ReceiptCode(filed["row"]["locator"], "0" * 24).shown()
    wrong = [
        {"receipt_code": other},
        {"receipt_code": ReceiptCode.generate().shown()},
        {"receipt_code": right[:-1] + str((int(right[-1]) + 1) % 10)},
        {"receipt_code": "سلام"},
        {"receipt_code": 12345},
        {},
    ]
    begun = time.perf_counter()
    await irm.session(receipt_code=right)
    good = time.perf_counter() - begun
    for body in wrong:
        begun = time.perf_counter()
        answer = await irm.http.post("/v1/reports/session", json=body, headers=irm.caller())
        taken = time.perf_counter() - begun
        assert answer.status_code == 401, body
        assert "www-authenticate" in answer.headers
        assert taken > good / 3, f"{body.keys()} was answered in {taken:.3f} s, a good code in {good:.3f} s"
    for auth in ("f" * 64, "no hex", "A" * 64):
        body = {"locator": filed["row"]["locator"], "auth": auth}
        answer = await irm.http.post("/v1/reports/session", json=body, headers=irm.caller())
        assert answer.status_code == 401


async def test_one_locator_is_not_tried_without_end(irm: Irm) -> None:
    locator = "00000000"
    answers = [
        await irm.http.post("/v1/reports/session", json={"locator": locator, "auth": "0" * 64}, headers=irm.caller())
        for _ in range(irm.settings.codes_per_minute + 1)
    ]
    assert {answer.status_code for answer in answers[:-1]} == {401}
    assert answers[-1].status_code == 429
    assert "retry-after" in answers[-1].headers


async def test_too_many_codes_at_a_time_are_told_to_come_back() -> None:
    derivations = Derivations("a service", at_once=1, waiting=1)
    code = ReceiptCode.generate()
    results = await asyncio.gather(*(derivations.derive(code) for _ in range(4)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, Problem)]
    assert len(refused) == 2
    assert {(problem.status_code, (problem.headers or {}).get("Retry-After")) for problem in refused} == {(503, "5")}
    assert (await derivations.derive(code)).auth_hash
    derivations.close()


@pytest.mark.parametrize(
    ("caller", "status"),
    [
        (Principal("public", "public"), 401),
        (Principal("citizen", str(uuid4())), 403),
        (Principal("staff", "admin", roles=frozenset({"admin", "supervisor"})), 403),
        (Principal("reporter", str(uuid4())), 404),
    ],
)
async def test_nobody_else_s_token_opens_a_box(irm: Irm, caller: Principal, status: int) -> None:
    headers = {**irm.caller(caller), "Idempotency-Key": str(uuid4())}
    assert (await irm.http.get("/v1/reports/mine", headers=headers)).status_code == status
    written = await irm.http.post("/v1/reports/mine/messages", json={"body": "متن"}, headers=headers)
    assert written.status_code == status


async def test_the_token_of_one_report_does_not_open_the_box_of_another(irm: Irm) -> None:
    one, other = await irm.file(), await irm.file(subject=REPORT["subject"] + " دیگر")
    await write_to_reporter(irm, other["report_no"], "پیام")
    box = irm.resources.keys.carry_box(
        one["row"]["id"], ReceiptCode.parse(one["receipt_code"]).derive(irm.settings.receipt_service).box
    )
    forged = irm.caller(Principal("reporter", str(other["row"]["id"]), box=box))
    assert (await irm.http.get("/v1/reports/mine", headers=forged)).status_code == 401
