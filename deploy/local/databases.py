"""A database and a role per service, migrated and seeded."""

import asyncio
import importlib.util
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import asyncpg

from deploy.local.system import SERVICES, Layout


def prepare(layout: Layout) -> None:
    """Creates what is missing, brings every schema up to date, and seeds. SystemExit with the reason if one fails."""
    asyncio.run(_create(layout))
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda service: _migrate_and_seed(layout, service), SERVICES))


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
            name, password = f"seda_{service}", layout.passwords[service]
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
                await connection.execute(f"CREATE ROLE {name} LOGIN")
            quoted = password.replace("'", "''")
            await connection.execute(f"ALTER ROLE {name} PASSWORD '{quoted}'")
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                await connection.execute(f"CREATE DATABASE {name} OWNER {name}")
                await connection.execute(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
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
