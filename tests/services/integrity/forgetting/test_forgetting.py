"""Forgetting a reporter: who it was is gone for good, the report and its log are whole, and the audit tells the two
apart."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from deploy.local.packages import ROOT
from services.integrity.audit import audit, examine_reports, tell
from services.integrity.auditing.chains import audit_chains
from services.integrity.forgetting.domain import ENDED, Refusal, refusal
from services.integrity.forgetting.service import forget_after, forget_reporter
from services.integrity.inspect.device import OpenedReport
from services.integrity.inspection.domain import STATES
from services.integrity.log.ownership import SERVICE
from tests.services.integrity.logs import as_role
from tests.services.integrity.people import CONTACT, STAFF, Irm
from tests.shared.kit.chassis import until

SUPERVISOR = next(person for person in STAFF if person.subject == "supervisor.a")
CUSTODIAN = next(person for person in STAFF if person.subject == "custodian.1")
REASON = "حکم ۱۴۰۵/۱۲"


async def _step(irm: Irm, id: Any, **step: Any) -> None:
    headers = {**irm.caller(SUPERVISOR), "If-Match": "*"}
    answer = await irm.http.post(f"/v1/inspect/reports/{id}/steps", json=step, headers=headers)
    assert answer.status_code == 200, answer.text


async def _ended(irm: Irm, **changes: Any) -> dict[str, Any]:
    """A report that went its way: messages both ways, and closed."""
    filed = await irm.file(**changes)
    id = filed["row"]["id"]
    caller = await irm.session(receipt_code=filed["receipt_code"])
    await _step(irm, id, type="acknowledge")
    await _step(irm, id, type="message", body="در چه شعبه‌ای؟")
    headers = {**caller, "Idempotency-Key": str(uuid4())}
    sent = await irm.http.post("/v1/reports/mine/messages", json={"body": "شعبهٔ ۳"}, headers=headers)
    assert sent.status_code == 201, sent.text
    await _step(irm, id, type="triage", priority="low", admissible=False, note="در صلاحیت نیست.")
    await _step(irm, id, type="close", reason="پایان رسیدگی")
    return filed


async def _forget(irm: Irm, report_no: str) -> Refusal | None:
    async with irm.database_of_service.transaction() as connection:
        return await forget_reporter(connection, report_no, REASON, irm.resources.keys)


def _command(dsn: str, irm: Irm, report_no: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "services.integrity.forget", report_no, "--reason", REASON, "--dsn", dsn],
        cwd=ROOT,
        env={"SEDA_KEYS_DIR": str(irm.settings.keys_dir)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


async def test_who_it_was_goes_and_the_report_and_the_log_stay_whole(
    irm: Irm, irm_dsn: str, witnesses: dict[str, str]
) -> None:
    filed = await _ended(irm, mode="confidential", contact=CONTACT)
    id, dsn = filed["row"]["id"], as_role(irm_dsn, SERVICE)
    before = await irm.database.fetch("SELECT * FROM report_steps WHERE report_id = $1 ORDER BY seq", id)
    assert any(step["boxed"] for step in before)

    code, said = await asyncio.to_thread(_command, dsn, irm, filed["report_no"].lower())
    assert (code, said.split(":")[0]) == (0, "forgotten"), said
    code, said = await asyncio.to_thread(_command, dsn, irm, filed["report_no"])
    assert (code, said) == (1, f"refused: {Refusal.BEFORE.value}\n")
    assert await _forget(irm, "00000000000") is Refusal.UNKNOWN

    row = await irm.row(filed["report_no"])
    assert (row["identity_sealed"], row["identity_recipient"], row["notify_sealed"]) == (None, None, None)
    assert await irm.database.fetchval("SELECT count(*) FROM identity_shares WHERE report_id = $1", id) == 0
    for column in ("locator", "auth_hash", "box_recipient"):
        assert row[column] != filed["row"][column]
    after = await irm.database.fetch("SELECT * FROM report_steps WHERE report_id = $1 ORDER BY seq", id)
    assert [step["type"] for step in after[len(before) :]] == ["forgotten"]
    assert all(step["boxed"] is None for step in after)
    gone = [{**old, "boxed": None} for old in before]
    assert [dict(step) for step in after[: len(before)]] == gone, "something else of the steps went"
    nonces = await irm.database.fetch(
        "SELECT s.actor, l.nonce FROM report_steps s JOIN log_leaves l ON l.hash = s.leaf WHERE report_id = $1", id
    )
    assert {(actor, nonce is None) for actor, nonce in nonces} == {
        ("reporter", True),
        ("supervisor.a", False),
        ("system", False),
    }
    # neither the code nor two custodians come to the person any more; a supervisor reads the report, and why
    answer = await irm.http.post(
        "/v1/reports/session", json={"receipt_code": filed["receipt_code"]}, headers=irm.caller()
    )
    assert answer.status_code == 401
    answer = await irm.http.get(f"/v1/inspect/reports/{id}/identity", headers=irm.caller(CUSTODIAN))
    assert answer.status_code == 404
    answer = await irm.http.get(f"/v1/inspect/reports/{id}", headers=irm.caller(SUPERVISOR))
    opened = OpenedReport.of(answer.json(), irm.private["supervisor.a"])
    contents = [opened.contents[step["seq"]] for step in answer.json()["steps"] if step["sealed"]]
    assert contents[0] is not None
    assert (contents[0]["subject"], contents[-1]) == ("دریافت رشوه برای ثبت سابقه", {"reason": REASON})

    async def placed() -> bool:
        return not await irm.database.fetchval("SELECT count(*) FROM log_leaves WHERE index IS NULL")

    await until(placed, "the sequencer")
    seen = await audit(dsn, irm.resources.policy, witnesses, evidence=irm.settings.evidence_dir, settle_seconds=1)
    assert (seen.findings, seen.silent, seen.forgotten) == ([], [], 1)
    told: list[str] = []
    assert tell(seen, 1.0, told.append) == 0
    assert told[0].startswith("forgotten: the reporters of 1 reports")


def test_only_who_has_nothing_more_to_ask_or_hear_is_forgotten() -> None:
    assert {state for state in STATES if refusal(state, before=False) is None} == ENDED
    assert {"closed", "out_of_scope", "transferred", "merged"} == ENDED
    assert refusal("closed", before=True) is Refusal.BEFORE
    assert refusal(None, before=False) is Refusal.UNKNOWN


async def test_a_report_under_way_keeps_its_reporter(irm: Irm) -> None:
    filed = await irm.file()
    assert await _forget(irm, filed["report_no"]) is Refusal.OPEN
    assert await irm.row(filed["report_no"]) == filed["row"]


async def test_a_forgotten_report_goes_on_if_it_is_opened_again(irm: Irm) -> None:
    filed = await _ended(irm)
    assert await _forget(irm, filed["report_no"]) is None
    id = filed["row"]["id"]
    await _step(irm, id, type="reopen", reason="مدرک تازه")
    await _step(irm, id, type="message", body="پیامی که کسی نمی‌خواند")
    assert await _forget(irm, filed["report_no"]) is Refusal.BEFORE
    assert await _found(irm.database) == set()


async def test_by_rule_those_who_ended_long_ago(irm: Irm) -> None:
    await forget_after(irm.database_of_service, irm.resources.keys, 1, now=datetime.now(UTC) + timedelta(days=2))
    ended, under_way = await _ended(irm), await irm.file()
    days, now = 30, datetime.now(UTC)
    assert await forget_after(irm.database_of_service, irm.resources.keys, days, now=now) == 0
    later = now + timedelta(days=days, hours=1)
    assert await forget_after(irm.database_of_service, irm.resources.keys, days, now=later) == 1
    assert await forget_after(irm.database_of_service, irm.resources.keys, days, now=later) == 0
    steps = "SELECT count(*) FROM report_steps WHERE report_id = $1 AND type = 'forgotten'"
    counts = [await irm.database.fetchval(steps, filed["row"]["id"]) for filed in (ended, under_way)]
    assert counts == [1, 0]


async def _found(connection: asyncpg.Connection) -> set[tuple[str, str]]:
    async with connection.transaction():
        findings = [*await examine_reports(connection), *await audit_chains(connection)]
    return {(finding.table, finding.fault) for finding in findings}


@pytest.fixture(scope="module")
async def forgotten(irm: Irm) -> dict[str, Any]:
    """A report whose reporter is forgotten, and what was deleted of it."""
    filed = await _ended(irm, mode="confidential", contact=CONTACT)
    id = filed["row"]["id"]
    steps = await irm.database.fetch("SELECT * FROM report_steps WHERE report_id = $1 ORDER BY seq", id)
    leaves = await irm.database.fetch("SELECT * FROM log_leaves WHERE chain = $1 ORDER BY seq", filed["report_no"])
    shares = await irm.database.fetch("SELECT * FROM identity_shares WHERE report_id = $1", id)
    assert await _forget(irm, filed["report_no"]) is None
    return {**filed, "steps": steps, "leaves": leaves, "shares": shares}


@pytest.fixture
async def tampering(irm: Irm, forgotten: dict[str, Any]) -> AsyncIterator[asyncpg.Connection]:
    """The database for whoever tampers with it; it is put back."""
    transaction = irm.database.transaction()
    await transaction.start()
    await irm.database.execute("SET LOCAL session_replication_role = replica")
    assert await _found(irm.database) == set()
    yield irm.database
    await transaction.rollback()


async def test_nothing_else_goes_under_the_name_of_forgetting(
    tampering: asyncpg.Connection, forgotten: dict[str, Any]
) -> None:
    """What else is changed is found as ever, and so is what comes back."""
    id, old = forgotten["row"]["id"], forgotten["row"]
    boxed = next(step for step in forgotten["steps"] if step["boxed"])
    share, number = forgotten["shares"][0], forgotten["report_no"]
    official = next(step for step in forgotten["steps"] if step["actor"] == "supervisor.a")
    cases: list[tuple[str, tuple[Any, ...], str]] = [
        ("UPDATE reports SET locator = $2 WHERE id = $1", (id, old["locator"]), "reports"),
        ("UPDATE reports SET auth_hash = $2 WHERE id = $1", (id, old["auth_hash"]), "reports"),
        ("UPDATE reports SET box_recipient = $2 WHERE id = $1", (id, old["box_recipient"]), "reports"),
        (
            "UPDATE reports SET identity_sealed = $2, identity_recipient = 'x' WHERE id = $1",
            (id, old["identity_sealed"]),
            "reports",
        ),
        ("UPDATE reports SET notify_sealed = $2 WHERE id = $1", (id, old["notify_sealed"]), "reports"),
        ("UPDATE reports SET organisation_id = 'behzisti' WHERE id = $1", (id,), "reports"),
        ("UPDATE reports SET mode = 'anonymous' WHERE id = $1", (id,), "reports"),
        (
            "UPDATE report_steps SET boxed = $3 WHERE report_id = $1 AND seq = $2",
            (id, boxed["seq"], boxed["boxed"]),
            "report_steps",
        ),
        ("UPDATE report_steps SET sealed = 'x' WHERE report_id = $1 AND seq = 1", (id,), "report_steps"),
        ("UPDATE report_steps SET actor = 'x' WHERE report_id = $1 AND seq = 1", (id,), "report_steps"),
        (
            "INSERT INTO identity_shares (report_id, among, holder, key_id, seq, sealed)"
            " VALUES ($1, $2, $3, $4, 1, $5)",
            (id, share["among"], share["holder"], share["key_id"], share["sealed"]),
            "identity_shares",
        ),
        ("DELETE FROM recovery_shares WHERE report_id = $1", (id,), "recovery_shares"),
        (
            "UPDATE log_leaves SET nonce = $2 WHERE chain = $1 AND seq = 1",
            (number, forgotten["leaves"][0]["nonce"]),
            "report_steps",
        ),
        (
            "UPDATE log_leaves SET nonce = NULL WHERE chain = $1 AND seq = $2",
            (number, official["seq"]),
            "report_steps",
        ),
        (
            "UPDATE log_leaves SET nonce = NULL WHERE chain = $1 AND seq = (SELECT max(seq) FROM log_leaves"
            " WHERE chain = $1)",
            (number,),
            "log_leaves",
        ),
        (
            "WITH gone AS (UPDATE log_leaves SET nonce = NULL WHERE chain = $3 AND seq = $2)"
            " UPDATE report_steps SET actor = 'reporter' WHERE report_id = $1 AND seq = $2",
            (id, official["seq"], number),
            "report_steps",
        ),
        ("DELETE FROM report_steps WHERE report_id = $1 AND type = 'forgotten'", (id,), "report_steps"),
        (
            "UPDATE report_steps SET data = jsonb_set(data, '{locator}', '\"00000000\"') WHERE report_id = $1"
            " AND type = 'forgotten'",
            (id,),
            "report_steps",
        ),
    ]
    for statement, values, table in cases:
        point = tampering.transaction()
        await point.start()
        assert not (await tampering.execute(statement, *values)).endswith(" 0"), statement
        found = await _found(tampering)
        await point.rollback()
        assert table in {table for table, _ in found}, (statement, found)


async def test_a_caller_whose_session_was_open_finds_an_empty_box(irm: Irm) -> None:
    filed = await irm.file()
    caller = await irm.session(receipt_code=filed["receipt_code"])
    for step in ({"type": "acknowledge"}, {"type": "message", "body": "پیام"}):
        await _step(irm, filed["row"]["id"], **step)
    await _step(irm, filed["row"]["id"], type="triage", priority="low", admissible=False, note="در صلاحیت نیست.")
    assert await _forget(irm, filed["report_no"]) is None
    mine = await irm.http.get("/v1/reports/mine", headers=caller)
    assert (mine.status_code, mine.json()["messages"], mine.json()["receipt"]["proof"]) == (200, [], None)
