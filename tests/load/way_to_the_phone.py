"""From the POST of a case to the registration SMS at the simulated phone, through the whole system.

First a burst, until everything that follows from it is done, which gives the highest load that can go on for ever;
then half of that, which gives the latencies. The clock is the machine's: client and simulator run on it both.
"""

import asyncio
import json
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import orjson

from deploy.local.client import System, complaint

BURST = 1500
SECONDS = 15
CONCURRENT = 32
PATIENCE_SECONDS = 90.0


@dataclass(frozen=True)
class Figures:
    """Cases a second with all that follows from them (two texts, their reports, timelines); at half of that the seconds
    from POST to phone."""

    highest: float
    half: float
    p50: float
    p99: float


def run(system: System, base: Path) -> Figures:
    """Measures on a running system whose data is under ``base``. TimeoutError if a text does not come."""
    return asyncio.run(_measure(system, base))


async def _measure(system: System, base: Path) -> Figures:
    partner = json.loads((base / "demo-partner.json").read_text())
    token = system.http.post("/v1/auth/token", data={"grant_type": "client_credentials", **partner}).json()
    async with httpx.AsyncClient(
        base_url=system.run["gateway"],
        headers={"Authorization": f"Bearer {token['access_token']}"},
        timeout=30,
        limits=httpx.Limits(max_connections=CONCURRENT),
        trust_env=False,
    ) as client:
        await _file(client, base, series=1, count=200, per_second=None)  # warm
        await _drained(system)
        began = time.monotonic()
        await _file(client, base, series=2, count=BURST, per_second=None)
        await _drained(system)
        highest = BURST / (time.monotonic() - began)
        half = highest / 2
        waits = sorted(await _file(client, base, series=3, count=int(half * SECONDS), per_second=half))
    return Figures(highest, half, waits[len(waits) // 2], waits[int(len(waits) * 0.99)])


async def _file(
    client: httpx.AsyncClient, base: Path, *, series: int, count: int, per_second: float | None
) -> list[float]:
    """Files that many cases and waits until each phone has its text; the seconds that each took."""
    sent: dict[str, float] = {}
    turn = asyncio.Semaphore(CONCURRENT)
    began = time.monotonic()

    async def one(number: int) -> None:
        if per_second is not None:
            await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
        mobile = f"093{series}{number:07d}"
        case: dict[str, Any] = complaint(channel=None)
        body = orjson.dumps({**case, "citizen": {**case["citizen"], "mobile": mobile}})
        async with turn:
            sent[f"+98{mobile[1:]}"] = time.time()
            answer = await client.post(
                "/v1/cases",
                content=body,
                headers={"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"},
            )
            answer.raise_for_status()

    await asyncio.gather(*(one(number) for number in range(count)))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        arrived = await asyncio.to_thread(_first_texts, base / "phones.jsonl")
        if sent.keys() <= arrived.keys():
            return [arrived[mobile] - at for mobile, at in sent.items()]
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(sent.keys() - arrived.keys())} texts did not come")
        await asyncio.sleep(0.1)


async def _drained(system: System) -> None:
    """Waits until nothing is under way any more: no event in an outbox, no message in a queue."""
    async with httpx.AsyncClient(base_url=system.run["management"], timeout=20, trust_env=False) as broker:
        quiet = 0
        while quiet < 3:
            waiting = sum(queue.get("messages", 0) for queue in (await broker.get("/api/queues")).json())
            for service in ("intake", "routing", "sms"):
                connection = await asyncpg.connect(f"{system.run['postgres']}/seda_{service}")
                waiting += await connection.fetchval("SELECT count(*) FROM outbox")
                await connection.close()
            quiet = quiet + 1 if waiting == 0 else 0
            await asyncio.sleep(0.5)


def _first_texts(journal: Path) -> dict[str, float]:
    """When each phone got the last part of its first text (the registration), as the simulator wrote it down."""
    arrived: dict[str, float] = {}
    reference: dict[str, int] = {}
    for line in journal.read_bytes().splitlines():
        try:
            message = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue  # being written just now
        phone = message.get("recipient")
        if phone is not None and reference.setdefault(phone, message.get("reference", 0)) == message.get(
            "reference", 0
        ):
            arrived[phone] = datetime.fromisoformat(message["at"]).timestamp()
    return arrived
