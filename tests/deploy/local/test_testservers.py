"""Private servers of these tests alone: what they are made of, killed, started again, shared, and gone at the end."""

import asyncio
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aio_pika
import asyncpg
import httpx
import pytest

from deploy.local.packages import ROOT
from deploy.local.processes import is_running, with_variable
from deploy.local.testservers import TestServers


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServers]:
    servers = TestServers(tmp_path_factory.mktemp("servers"))
    yield servers
    if not servers._users.closed:  # the last test stops them
        servers.stop()


async def ask(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def listening_beyond_this_machine(pids: set[int]) -> list[str]:
    """The listening sockets of these processes on any address but 127.0.0.1 and ::1 (proc_net_tcp(5))."""
    inodes = {link.readlink().name for pid in pids for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    rows = [line.split() for file in ("tcp", "tcp6") for line in Path(f"/proc/net/{file}").read_text().splitlines()[1:]]
    listening = [row for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes]
    assert listening
    local = {socket.inet_aton("127.0.0.1")[::-1].hex().upper(), "00000000000000000000000001000000"}
    return [row[1] for row in listening if row[1].partition(":")[0] not in local]


async def test_postgresql_knows_persian_letters_keeps_what_it_confirms_and_wants_a_password(own: TestServers) -> None:
    dsn = f"{own.postgres.url}/postgres"

    assert int(str(await ask(dsn, "SHOW server_version_num"))) >= 150000
    assert await ask(dsn, "SELECT datcollate FROM pg_database WHERE datname = 'template1'") == "C.UTF-8"
    assert await ask(dsn, "SHOW data_checksums") == "on"
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        assert await ask(dsn, f"SHOW {setting}") == "on"
    # pg_trgm finds no letter but ASCII's under locale C, without a word
    await ask(dsn, "CREATE EXTENSION IF NOT EXISTS pg_trgm")
    assert await ask(dsn, "SELECT cardinality(show_trgm('مستمری'))") == 7
    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(dsn.replace(own.postgres.password, "guess"), "SELECT 1")


async def test_rabbitmq_is_debians_with_the_plugins_that_we_use(own: TestServers) -> None:
    async with httpx.AsyncClient(base_url=own.rabbitmq.management_url, trust_env=False) as client:
        overview = (await client.get("/api/overview")).raise_for_status().json()

    assert overview["rabbitmq_version"] >= "3.10"
    assert "x-consistent-hash" in {kind["name"] for kind in overview["exchange_types"]}


async def test_nothing_listens_beyond_this_machine_and_no_secret_is_open_to_others(own: TestServers) -> None:
    base = own._base / "rabbitmq"
    node = with_variable(f"RABBITMQ_PID_FILE={base / 'pid'}")
    postgres = own.postgres.pid()
    assert postgres is not None

    assert listening_beyond_this_machine({postgres, *node}) == []
    assert stat.S_IMODE(base.stat().st_mode) == 0o700
    assert stat.S_IMODE((base / ".erlang.cookie").stat().st_mode) == 0o400


async def test_both_come_back_from_a_kill_with_what_they_confirmed(own: TestServers) -> None:
    dsn, vhost = await asyncio.to_thread(own.create_database), await asyncio.to_thread(own.create_vhost)
    await ask(dsn, "CREATE TABLE kept AS SELECT 7 AS seven")
    async with await aio_pika.connect(vhost) as connection:
        channel = await connection.channel(publisher_confirms=True)
        await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
        message = aio_pika.Message(b"7", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, "kept")
    # RabbitMQ 3.10 writes the name of a *new* quorum queue within half a second (Ra's directory, a dets table); a power
    # cut before that makes the queue unusable. What we promise is about queues that exist.
    await asyncio.sleep(1)

    for server in (own.postgres, own.rabbitmq):
        before = server.pid()
        await asyncio.to_thread(server.kill)
        assert before is not None
        assert not is_running(before)
        assert server.pid() is None
        await asyncio.to_thread(server.start)

    assert await ask(dsn, "SELECT seven FROM kept") == 7
    async with await aio_pika.connect(vhost) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
        held = await queue.get(timeout=20)
        assert held is not None
        assert held.body == b"7"


def test_the_last_living_user_stops_them_with_their_epmd(own: TestServers) -> None:
    base = own._base
    running = (own.postgres.pid(), own.rabbitmq.pid())
    use = f"from pathlib import Path; from deploy.local.testservers import TestServers as T; s = T(Path({str(base)!r}))"
    orderly = [sys.executable, "-c", f"{use}; print(s.postgres.pid(), s.rabbitmq.pid(), flush=True); s.stop()"]
    told = subprocess.run(orderly, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told.split() == [str(pid) for pid in running]
    assert (own.postgres.pid(), own.rabbitmq.pid()) == running

    killed = [sys.executable, "-c", f"{use}; import os; os.kill(os.getpid(), 9)"]
    assert subprocess.run(killed, cwd=ROOT, check=False).returncode == -9
    own.stop()

    assert (own.postgres.pid(), own.rabbitmq.pid()) == (None, None)
    assert with_variable(f"RABBITMQ_PID_FILE={base / 'rabbitmq' / 'pid'}") == {}
