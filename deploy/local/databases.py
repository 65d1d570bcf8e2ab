"""A database and a role per service, migrated and seeded."""

import asyncio
import importlib.util
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import asyncpg

from deploy.local.system import SERVICES, Layout
from services.integrity.log.ownership import OWNER, SEQUENCER, hand_over


def prepare(layout: Layout) -> None:
    """Creates what is missing, brings every schema up to date, and seeds. SystemExit with the reason if one fails."""
    asyncio.run(_create(layout))
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda service: _migrate_and_seed(layout, service), SERVICES))
    asyncio.run(_hand_over_log(layout))


async def _create(layout: Layout) -> None:
    try:
        connection = await asyncpg.connect(f"{layout.postgres_url}/postgres")
    except (OSError, asyncpg.PostgresError) as error:
        raise SystemExit(f"PostgreSQL lets nobody in: {error}.") from None
    try:
        encoding, locale = await connection.fetchrow(
            "SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = 'template1'"
        )
        if encoding != "UTF8" or locale == "C":
            raise SystemExit(
                "PostgreSQL must be made with UTF8 and C.UTF-8: with locale C Persian text is not searched."
            )
        for service in SERVICES:
            name = f"seda_{service}"
            await _create_role(connection, name, layout.passwords[service])
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                await connection.execute(f"CREATE DATABASE {name} OWNER {name}")
                await connection.execute(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
        await _create_role(connection, SEQUENCER, layout.passwords["log"])
        await _create_role(connection, OWNER, None)
    finally:
        await connection.close()


async def _create_role(connection: asyncpg.Connection, name: str, password: str | None) -> None:
    """Makes the role if it is missing, and sets its password; without one it may not log in."""
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
        await connection.execute(f"CREATE ROLE {name} {'NOLOGIN' if password is None else 'LOGIN'}")
    if password is not None:
        quoted = password.replace("'", "''")
        await connection.execute(f"ALTER ROLE {name} PASSWORD '{quoted}'")


async def _hand_over_log(layout: Layout) -> None:
    """Takes the transparency log's tables away from the service that may only add to them."""
    connection = await asyncpg.connect(f"{layout.postgres_url}/seda_integrity")
    try:
        await hand_over(connection)
    finally:
        await connection.close()


def _migrate_and_seed(layout: Layout, service: str) -> None:
    module = layout.module(service)
    _python(layout, service, "-m", "shared.kit.migrate", module)
    if importlib.util.find_spec(f"{module}.seed") is not None:
        _python(layout, service, "-m", f"{module}.seed")


def _python(layout: Layout, service: str, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=layout.root,
        env=layout.environment(service),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stderr[-2000:]}")
