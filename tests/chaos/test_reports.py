"""Two hundred reports are filed at a time while integrity is killed and started again: none is lost, none is doubled.

Phones seal nothing here but make their own receipt codes for most, so that the killing meets filings and not Argon2id.
"""

import asyncio
import json
import os
import secrets
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from deploy.local.client import System
from services.integrity.log.policy import Policy
from services.integrity.sealing.age import SecretKey
from services.integrity.verify import Verdict, judge
from tests.holders import ensure_holders
from tests.systems import process_of

pytestmark = pytest.mark.chaos

REPORTS = 200
BY_SERVER = 20
"""So many leave the receipt code to the service."""
PATIENCE_SECONDS = 150.0
"""Half a minute is enough on a machine that has nothing else to do."""
RETRYABLE = (502, 503, 504)


class Phone:
    """One reporter on a bad network: sends again under the same key until there is an answer."""

    def __init__(self, number: int) -> None:
        self.key = str(uuid4())
        self.statuses: Counter[int] = Counter()
        self.body: dict[str, Any] = {
            "mode": "anonymous",
            "organisation_id": "sso",
            "province": ("IR-23", "IR-10", "IR-06")[number % 3],
            "subject": f"گزارش شمارهٔ {number}",
            "narrative": "برای ثبت سابقه پول نقد گرفته می‌شود و رسید نمی‌دهند.",
        }
        if number >= BY_SERVER:
            self.body["box"] = {
                "locator": f"{number:08d}",
                "auth_hash": secrets.token_hex(32),
                "recipient": SecretKey.generate().recipient,
            }

    async def file(self, client: httpx.AsyncClient) -> dict[str, Any]:
        """The answer of 201, in the end."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            answer = await client.post("/v1/reports", json=self.body, headers={"Idempotency-Key": self.key})
            self.statuses[answer.status_code] += 1
            if answer.status_code == 201:
                filed: dict[str, Any] = answer.json()
                return filed
            assert answer.status_code in RETRYABLE, answer.text
            await asyncio.sleep(0.2 + secrets.randbelow(300) / 1000)
        raise TimeoutError("no answer in time")


async def kill_integrity(base: Path, url: str) -> int:
    """kill -9 twice, each time in the middle of the filing; how many reports there were at the second."""
    connection = await asyncpg.connect(f"{url}/seda_integrity")
    held = 0
    for share in (0.2, 0.6):
        while held < share * REPORTS:
            await asyncio.sleep(0.02)
            held = await connection.fetchval("SELECT count(*) FROM reports")
        os.kill(await asyncio.to_thread(process_of, base, "services.integrity"), signal.SIGKILL)
    await connection.close()
    return held


async def test_reports_survive_the_service_s_death(system: System, base: Path) -> None:
    ensure_holders(system)
    url = system.run["postgres"]
    phones = [Phone(number) for number in range(REPORTS)]
    # no connection twice: one that the gateway closes for idleness just then would look like an answer that got lost
    limits = httpx.Limits(max_connections=REPORTS, max_keepalive_connections=0)
    async with httpx.AsyncClient(
        base_url=system.run["gateway"], timeout=PATIENCE_SECONDS, limits=limits, trust_env=False
    ) as client:
        async with asyncio.TaskGroup() as group:
            killing = group.create_task(kill_integrity(base, url))
            filing = [group.create_task(phone.file(client)) for phone in phones]
        answers, held = [task.result() for task in filing], killing.result()
        assert held < REPORTS, "everything was filed before the killing"

        numbers = {answer["report_no"] for answer in answers}
        assert len(numbers) == REPORTS
        assert all((answer["receipt_code"] is not None) == (n < BY_SERVER) for n, answer in enumerate(answers))
        await check_database(url, numbers)

        # the same answer again, with the receipt as it is by now
        policy = Policy.parse(json.loads((base / "keys" / "log-policy.json").read_text()))
        for phone, before in zip(phones[::10], answers[::10], strict=True):
            again = await proven(client, phone, policy)
            assert again["report_no"] == before["report_no"]
            assert again["receipt_code"] == before["receipt_code"]


async def proven(client: httpx.AsyncClient, phone: Phone, policy: Policy) -> dict[str, Any]:
    """The answer once its receipt is proven and countersigned."""
    deadline = time.monotonic() + 20
    while True:
        filed = await phone.file(client)
        verdict = judge(filed, policy)
        if verdict.verdict is Verdict.PROVEN:
            return filed
        assert verdict.verdict is Verdict.NOT_YET, verdict.english
        assert time.monotonic() < deadline, verdict.english


async def check_database(url: str, numbers: set[str]) -> None:
    """Every 201 is there and nothing else; steps, leaves and events are numbered without a gap."""
    connection = await asyncpg.connect(f"{url}/seda_integrity")
    try:
        rows = await connection.fetch("SELECT id, report_no, seq, version, last_leaf FROM reports")
        assert {row["report_no"] for row in rows} == numbers
        assert {row["seq"] for row in rows} == {2}
        gaps = await connection.fetch(
            "SELECT report_id FROM report_steps GROUP BY report_id HAVING count(*) <> max(seq) OR min(seq) <> 1"
        )
        assert not gaps
        unlogged = "SELECT count(*) FROM report_steps WHERE leaf NOT IN (SELECT hash FROM log_leaves)"
        assert await connection.fetchval(unlogged) == 0
        deadline = time.monotonic() + 20
        while await connection.fetchval("SELECT count(*) FROM log_leaves WHERE index IS NULL"):
            assert time.monotonic() < deadline, "the log does not catch up"
            await asyncio.sleep(0.2)
        entries, last = await connection.fetchrow("SELECT count(*), max(index) FROM log_entries")
        assert entries == last + 1 == await connection.fetchval("SELECT count(*) FROM log_leaves")
        events = "(SELECT type, event_id FROM event_archive UNION ALL SELECT type, event_id FROM outbox) e"
        for type in ("report.registered.v1", "report.advanced.v1"):
            count = f"SELECT count(DISTINCT event_id) FROM {events} WHERE type = '{type}'"
            assert await connection.fetchval(count) == REPORTS
    finally:
        await connection.close()
