"""Submissions a second through intake against ``pgbench`` doing the same two inserts in one transaction.

Intake is one API process; the relay is not running, so that the events stay in the outbox and can be counted. Both are
driven from one process on the same machine with the same number of clients, on the same private PostgreSQL.
"""

import asyncio
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import orjson

from deploy.local.client import complaint
from deploy.local.keys import make_keys
from deploy.local.packages import ROOT, postgres_bin
from deploy.local.ports import free_port
from deploy.local.postgres import PrivatePostgres
from shared.kit.auth import Mint, Principal
from shared.kit.ids import uuid7
from shared.kit.migrate import upgrade
from shared.kit.sealing import BlindIndex, KeyRing, seal

CLIENTS = 64
SECONDS = 10

_LUA = """
local counter = 0
local thread_id = 0
function setup(thread) thread:set("thread_id", thread_id); thread_id = thread_id + 1 end
function init(args) body = io.open(args[1]):read("*a"); token = io.open(args[2]):read("*a"); prefix = args[3] end
function request()
  counter = counter + 1
  return wrk.format("POST", "/v1/cases", {
    ["Content-Type"] = "application/json",
    ["Authorization"] = "Bearer " .. token,
    ["Idempotency-Key"] = prefix .. "-" .. thread_id .. "-" .. counter,
  }, body)
end
function done(summary, latency, requests)
  io.write(string.format("RESULT %d %d %d %d\\n", summary.requests, summary.errors.status, latency:percentile(50),
    latency:percentile(99)))
end
"""

_PGBENCH = """
\\set n random(1, 1000000000)
BEGIN;
INSERT INTO bench_cases (id, tracking_code, citizen_id, kind, channel, language, category_id, province, contact_sealed,
  text_sealed, registered_at, registered_event_id, last_event_id)
VALUES (gen_random_uuid(), md5(:n::text || clock_timestamp()::text), gen_random_uuid(), 'complaint', 'app', 'fa',
  'sso-insurance.missing-record', 'IR-23', repeat('x', {contact}), repeat('x', {text}), now(), gen_random_uuid(),
  gen_random_uuid());
INSERT INTO bench_outbox (lane, event_id, type, subject, case_id, body)
VALUES (3, gen_random_uuid(), 'case.registered.v1', md5(:n::text), gen_random_uuid(), repeat('x', {event})::bytea);
COMMIT;
"""


@dataclass(frozen=True)
class Figures:
    """Submissions and pgbench's transactions a second, and the latencies (ms) of the submissions."""

    submissions: float
    transactions: float
    p50_ms: float
    p99_ms: float
    settings: str

    @property
    def ratio(self) -> float:
        """Our share of what the database does by itself."""
        return self.submissions / self.transactions


def run(base: Path) -> Figures:
    """Measures both; raises if what was answered is not what the database holds."""
    base.mkdir(parents=True)
    postgres = PrivatePostgres(base / "postgres", free_port())
    postgres.start()
    try:
        return asyncio.run(_measure(base, postgres))
    finally:
        postgres.stop()


async def _measure(base: Path, postgres: PrivatePostgres) -> Figures:
    connection = await asyncpg.connect(f"{postgres.url}/postgres")
    await connection.execute("CREATE ROLE seda_intake LOGIN PASSWORD 'bench'")
    await connection.execute("CREATE DATABASE seda_intake OWNER seda_intake")
    names = ("fsync", "full_page_writes", "synchronous_commit")
    settings = ", ".join([f"{name}={await connection.fetchval(f'SHOW {name}')}" for name in names])
    await connection.close()
    await asyncio.to_thread(
        upgrade, "services.intake", f"postgresql://seda_intake:bench@127.0.0.1:{postgres.port}/seda_intake"
    )
    database = await asyncpg.connect(f"{postgres.url}/seda_intake")
    await database.execute(
        "INSERT INTO directory (version, categories, organisations) VALUES (1, '{sso-insurance.missing-record}', '{}')"
    )
    make_keys(base / "keys")
    port = free_port()
    api = _start_api(base, postgres, port)
    try:
        await _ready(port)
        submissions, p50, p99 = await _submissions(base, port, database)
    finally:
        api.terminate()
        api.wait()
    sizes = await database.fetchrow(
        "SELECT avg(length(contact_sealed))::int AS contact, avg(length(text_sealed))::int AS text,"
        " (SELECT avg(length(body))::int FROM outbox) AS event FROM cases"
    )
    transactions = await _transactions(base, postgres, database, dict(sizes))
    await database.close()
    return Figures(submissions, transactions, p50, p99, settings)


def _start_api(base: Path, postgres: PrivatePostgres, port: int) -> subprocess.Popen[bytes]:
    environment = {
        "PATH": os.environ["PATH"],
        "SEDA_ENVIRONMENT": "development",
        "SEDA_POSTGRES_URL": f"postgresql://127.0.0.1:{postgres.port}",
        "SEDA_POSTGRES_PASSWORD": "bench",
        "SEDA_KEYS_DIR": str(base / "keys"),
        "SEDA_PORT": str(port),
    }
    with (base / "intake.log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "services.intake", "--role", "api"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
        )


async def _ready(port: int) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    raise TimeoutError("intake did not get ready")


async def _submissions(base: Path, port: int, database: asyncpg.Connection) -> tuple[float, float, float]:
    keys = base / "keys"
    citizen = str(BlindIndex(KeyRing.load(keys / "blind.json")).citizen_id("+989120000000"))
    mobile = seal(KeyRing.load(keys / "identity.json"), b"+989120000000", b"mobile:" + citizen.encode())
    token = Mint.load(keys / "gateway-internal.jwk").token(Principal("citizen", citizen, mob=mobile), "intake")
    (base / "body.json").write_bytes(orjson.dumps(complaint()))
    (base / "token").write_text(token)
    (base / "post.lua").write_text(_LUA)
    before = 0
    for name, seconds in (("warm", 2), ("counted", SECONDS)):
        before = await database.fetchval("SELECT count(*) FROM cases")
        out = await asyncio.to_thread(_wrk, base, port, name, seconds)
    requests, errors, p50, p99 = map(int, re.findall(r"RESULT (\d+) (\d+) (\d+) (\d+)", out)[0])
    held = await _drained(database) - before
    told = await database.fetchval("SELECT count(*) FROM outbox")
    # wrk drops what is under way when its time is over, so the database may hold a few more
    if errors or not requests <= held <= requests + 2 * CLIENTS or told != before + held:
        raise RuntimeError(f"answered {requests} ({errors} errors), held {held}, events {told - before}")
    return requests / SECONDS, p50 / 1000, p99 / 1000


async def _drained(database: asyncpg.Connection) -> int:
    """The number of cases once what was under way when wrk left is written, too."""
    count = -1
    while (now := await database.fetchval("SELECT count(*) FROM cases")) != count:
        count = now
        await asyncio.sleep(0.3)
    return count


def _wrk(base: Path, port: int, name: str, seconds: int) -> str:
    command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}s", "-s", str(base / "post.lua"), f"http://127.0.0.1:{port}"]
    words = ["--", str(base / "body.json"), str(base / "token"), f"{name}{uuid7().hex}"]
    return subprocess.run([*command, *words], capture_output=True, text=True, check=True).stdout


async def _transactions(
    base: Path, postgres: PrivatePostgres, database: asyncpg.Connection, sizes: dict[str, int]
) -> float:
    """The same two inserts: tables like ours, rows of the same size, the same keys and indexes."""
    await database.execute(
        "CREATE TABLE bench_cases (LIKE cases INCLUDING DEFAULTS, PRIMARY KEY (id));"
        "CREATE INDEX ON bench_cases (citizen_id, id DESC);"
        "CREATE TABLE bench_outbox (LIKE outbox INCLUDING ALL)"
    )
    script = base / "two-inserts.sql"
    script.write_text(_PGBENCH.format(**sizes))
    script.chmod(0o644)
    program = postgres_bin()
    if program is None:
        raise RuntimeError("pgbench is missing")
    words = ["-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1", "-T", str(SECONDS), "-f", str(script)]
    command = [str(program / "pgbench"), *words, f"{postgres.url}/seda_intake"]
    out = await asyncio.to_thread(lambda: subprocess.run(command, capture_output=True, text=True, check=True))
    return float(re.findall(r"tps = ([0-9.]+)", out.stdout)[0])
