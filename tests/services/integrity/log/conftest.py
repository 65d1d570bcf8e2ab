"""A database of integrity as it is set up for running: migrated, and the log's tables handed over."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from deploy.local.keys import make_keys
from services.integrity.log.keys import LogKeys
from services.integrity.log.ownership import OWNER, SEQUENCER, SERVICE, hand_over
from shared.kit.db import Database
from shared.kit.migrate import upgrade
from tests.services.integrity.log.systems import PASSWORD, TABLES, as_role


@pytest.fixture(scope="module")
async def dsn(postgres_database: str) -> str:
    """The administrator's DSN of a database with integrity's tables, as the service owns and uses them."""
    admin = await asyncpg.connect(postgres_database)
    async with admin.transaction():
        await admin.execute("SELECT pg_advisory_xact_lock(1)")  # roles are the whole server's: other tests make them
        for role in (SERVICE, SEQUENCER, OWNER):
            if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
    await admin.execute(f'ALTER DATABASE "{make_url(postgres_database).database}" OWNER TO {SERVICE}')
    await asyncio.to_thread(upgrade, "services.integrity", as_role(postgres_database, SERVICE))
    await hand_over(admin)
    await admin.close()
    return postgres_database


@pytest.fixture
async def admin(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection to the database, emptied."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY CASCADE")
    yield connection
    await connection.close()


@pytest.fixture
async def database(dsn: str, admin: asyncpg.Connection) -> AsyncIterator[Database]:
    """The service's own database, empty."""
    database = Database.connect(as_role(dsn, SERVICE), pool_size=8)
    yield database
    await database.close()


@pytest.fixture
async def ledger(dsn: str, admin: asyncpg.Connection) -> AsyncIterator[Database]:
    """The same by the sequencer's role."""
    database = Database.connect(as_role(dsn, SEQUENCER), pool_size=2)
    yield database
    await database.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of keys."""
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder)
    return folder


@pytest.fixture
def keys(folder: Path) -> LogKeys:
    """The log's."""
    return LogKeys.load(folder)
