"""Corruption reports a second through the gateway of a running system, each answered with its proof, and where the time
goes: ``python -m tests.load.reports`` for this part alone.

The service seals; the receipt code is the client's (Argon2id on the phone), but in the last row, where it is the
service's. What was answered is compared with what the database holds.
"""

import asyncio
import os
import re
import secrets
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from deploy.local.client import System
from services.integrity.sealing.age import SecretKey
from tests.holders import ensure_holders
from tests.systems import process_of, running_system

SECONDS = 6.0
AIM_PER_SECOND = 50
PARTS = ("derive", "seal", "write", "prove")


@dataclass(frozen=True)
class Figures:
    """Reports a second with ``clients`` at a time, latencies in ms, mean milliseconds of each part, the share of
    answers with their proof, and the processor time (ms) that integrity, its log included, spent on a report: what a
    busy machine changes least."""

    clients: int
    derived: str
    per_second: float
    p50_ms: float
    p99_ms: float
    parts: dict[str, float]
    proven: float
    cpu_ms: float


def run(system: System, base: Path) -> list[Figures]:
    """Measures on a running system whose data is under ``base``; RuntimeError if the database holds something else than
    what was answered."""
    ensure_holders(system)
    return asyncio.run(_measure(system, process_of(base, "services.integrity")))


async def _measure(system: System, process: int) -> list[Figures]:
    async with httpx.AsyncClient(
        base_url=system.run["gateway"], timeout=60, limits=httpx.Limits(max_connections=64), trust_env=False
    ) as client:
        await _load(system, process, client, 4, own_code=True, seconds=1.5)  # warm
        figures = [await _load(system, process, client, clients, own_code=True) for clients in (1, 8, 32)]
        return [*figures, await _load(system, process, client, 8, own_code=False)]


async def _load(
    system: System, process: int, client: httpx.AsyncClient, clients: int, *, own_code: bool, seconds: float = SECONDS
) -> Figures:
    held, parts, cpu = await _held(system), _parts(system), _cpu_seconds(process)
    took: list[float] = []
    proven = 0
    begun = time.perf_counter()

    async def reporter() -> None:
        nonlocal proven
        while time.perf_counter() < begun + seconds:
            body = _report(own_code=own_code)
            at = time.perf_counter()
            answer = await client.post("/v1/reports", json=body, headers={"Idempotency-Key": str(uuid4())})
            took.append(time.perf_counter() - at)
            if answer.status_code != 201:
                raise RuntimeError(f"answered {answer.status_code}")
            proven += "proof" in answer.json()["receipt"] and answer.json()["receipt"]["proof"] is not None

    await asyncio.gather(*(reporter() for _ in range(clients)))
    whole = time.perf_counter() - begun
    if await _held(system) - held != len(took):
        raise RuntimeError(f"answered {len(took)}, held {await _held(system) - held}")
    after, ordered = _parts(system), sorted(took)
    return Figures(
        clients,
        "client" if own_code else "service",
        len(took) / whole,
        ordered[len(ordered) // 2] * 1000,
        ordered[int(len(ordered) * 0.99)] * 1000,
        {
            name: (after[name][0] - parts[name][0]) / max(1, after[name][1] - parts[name][1]) * 1000
            for name in PARTS
            if after[name][1] > parts[name][1]
        },
        proven / len(took),
        (_cpu_seconds(process) - cpu) / len(took) * 1000,
    )


def _cpu_seconds(process: int) -> float:
    """Processor time of a process so far (proc(5): utime and stime)."""
    words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _report(*, own_code: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "mode": "anonymous",
        "organisation_id": "sso",
        "province": "IR-23",
        "subject": "دریافت پول برای ثبت سابقه",
        "narrative": "در شعبه برای ثبت سابقهٔ بیمه پول نقد گرفته می‌شود و رسید نمی‌دهند. " * 20,
    }
    if own_code:
        body["box"] = {
            "locator": f"{secrets.randbelow(10**8):08d}",
            "auth_hash": secrets.token_hex(32),
            "recipient": SecretKey.generate().recipient,
        }
    return body


def _parts(system: System) -> dict[str, tuple[float, float]]:
    """Seconds and times of each part so far, as the service counts them."""
    text = httpx.get(f"{system.run['services']['integrity']}/metrics", trust_env=False).text
    found = {}
    for name in PARTS:
        figures = [
            re.search(rf'^seda_report_filing_seconds_{kind}{{part="{name}"}} (\S+)$', text, re.M)
            for kind in ("sum", "count")
        ]
        total, count = (float(figure[1]) if figure else 0.0 for figure in figures)
        found[name] = (total, count)
    return found


async def _held(system: System) -> int:
    connection = await asyncpg.connect(f"{system.run['postgres']}/seda_integrity")
    try:
        return int(await connection.fetchval("SELECT count(*) FROM reports"))
    finally:
        await connection.close()


def row(figures: Figures) -> tuple[str, str, str]:
    """What was measured, the figure, and whether the aim is met, as ``make bench`` prints them."""
    parts = ", ".join(f"{name} {ms:.0f}" for name, ms in figures.parts.items())
    what = f"reports, {figures.clients} at a time, code derived by the {figures.derived}"
    told = f"{figures.per_second:,.0f}/s, p50 {figures.p50_ms:.0f} ms, p99 {figures.p99_ms:.0f} ms"
    verdict = f"ms: {parts}; {figures.proven:.0%} with proof; {figures.cpu_ms:.0f} ms of CPU each"
    if figures.clients == 32:
        met = "met" if figures.per_second >= AIM_PER_SECOND else "MISSED"
        verdict += f"; aim ≥ {AIM_PER_SECOND}/s {met}"
    return what, told, verdict


def main() -> None:
    """This part alone."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        base.chmod(0o755)  # PostgreSQL's user goes through it
        with running_system(base / "system", SEDA_REQUESTS_PER_MINUTE="10000000") as system:
            for figures in run(system, base / "system"):
                print(" | ".join(row(figures)), flush=True)


if __name__ == "__main__":
    main()
