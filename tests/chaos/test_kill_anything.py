"""A thousand cases are filed while processes and the broker are killed: nothing is lost, nothing is doubled.

What the client was answered is reconciled with the databases, the events, and the texts at the phones.
"""

import asyncio
import json
import os
import signal
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from deploy.local.client import System, complaint
from tests.systems import broker_of, process_of

pytestmark = pytest.mark.chaos

CASES = 1000
SPREAD_SECONDS = 25.0
PATIENCE_SECONDS = 120.0


async def file_one(client: httpx.AsyncClient, number: int) -> dict[str, Any]:
    """Files a case as a phone on a bad network does: again and again under the same key, until there is an answer."""
    await asyncio.sleep(number * SPREAD_SECONDS / CASES)
    case = complaint(kind="request", channel=None)
    case["citizen"] = {**case["citizen"], "mobile": f"0935{number:07d}"}
    key = str(uuid.uuid4())
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            answer = await client.post("/v1/cases", json=case, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            answer = None
        if answer is not None and answer.status_code == 201:
            return {**answer.json(), "mobile": f"+98935{number:07d}"}
        if answer is not None and answer.status_code not in (409, 502, 503, 504):
            raise AssertionError(f"answered {answer.status_code}")
        if time.monotonic() > deadline:
            raise TimeoutError("no answer in time")
        await asyncio.sleep(0.3)


async def kill_things(base: Path) -> None:
    """kill -9 of each process with relay and handlers at work, and of the broker."""
    for name in ("services.intake", "services.sms", "services.routing"):
        await asyncio.sleep(2.5)
        os.kill(await asyncio.to_thread(process_of, base, name), signal.SIGKILL)
    await asyncio.sleep(2.5)
    broker = broker_of(base)
    await asyncio.to_thread(broker.kill)
    await asyncio.sleep(1)
    await asyncio.to_thread(broker.start)
    for name in ("services.intake", "services.sms", "services.letters"):
        await asyncio.sleep(2)
        os.kill(await asyncio.to_thread(process_of, base, name), signal.SIGKILL)


async def count(url: str, database: str, query: str) -> Any:
    connection = await asyncpg.connect(f"{url}/seda_{database}")
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def settled(url: str, expected: int) -> None:
    """Waits until every case was assigned and both its texts were delivered."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    query = "SELECT count(*) FROM messages WHERE state = 'delivered' AND case_id IS NOT NULL"
    while (delivered := await count(url, "sms", query)) < 2 * expected:
        if time.monotonic() > deadline:
            states = await count(
                url,
                "sms",
                "SELECT json_object_agg(state, n) FROM (SELECT state, count(*) n FROM messages GROUP BY state) s",
            )
            raise TimeoutError(f"{delivered} of {2 * expected} texts delivered: {states}")
        await asyncio.sleep(0.5)


async def test_nothing_is_lost_or_doubled_while_everything_is_killed(system: System, base: Path) -> None:
    partner = json.loads((base / "demo-partner.json").read_text())
    token = system.http.post("/v1/auth/token", data={"grant_type": "client_credentials", **partner}).json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    limits = httpx.Limits(max_connections=64)
    async with httpx.AsyncClient(
        base_url=system.run["gateway"], headers=headers, timeout=10, limits=limits, trust_env=False
    ) as client:
        killing = asyncio.create_task(kill_things(base))
        answers = await asyncio.gather(*(file_one(client, number) for number in range(CASES)))
        await killing

    url = system.run["postgres"]
    await settled(url, CASES)
    ids = {answer["id"] for answer in answers}
    assert len(ids) == CASES, "two answers name the same case"

    assert await count(url, "intake", "SELECT count(*) FROM cases") == CASES
    events = "(SELECT type, event_id FROM event_archive UNION ALL SELECT type, event_id FROM outbox) e"
    registered = f"SELECT count(DISTINCT event_id) FROM {events} WHERE type = 'case.registered.v1'"
    assert await count(url, "intake", registered) == CASES
    assert await count(url, "routing", "SELECT count(*) FROM cases WHERE status = 'assigned'") == CASES
    assigned = f"SELECT count(DISTINCT event_id) FROM {events} WHERE type = 'case.assigned.v1'"
    assert await count(url, "routing", assigned) == CASES
    for template in ("case.registered", "case.assigned"):
        rows = f"SELECT count(*) FROM messages WHERE template = '{template}'"
        cases = f"SELECT count(DISTINCT case_id) FROM messages WHERE template = '{template}'"
        assert await count(url, "sms", rows) == await count(url, "sms", cases) == CASES

    wrong = {}
    for answer in answers:
        texts = [m["text"] for m in system.phone(answer["mobile"])]
        told = Counter("registered" if "ثبت شد" in text else "assigned" for text in texts)
        if told != {"registered": 1, "assigned": 1} or "ثبت شد" not in texts[0]:
            wrong[answer["mobile"]] = told
    assert not wrong, f"{len(wrong)} phones got something else than their two texts in order"
    for service in ("intake", "routing", "sms", "letters"):
        assert await count(url, service, "SELECT count(*) FROM parked") == 0
