"""A database of integrity, migrated."""

from collections.abc import AsyncIterator

import pytest

from shared.kit.db import Database
from shared.kit.migrate import upgrade


@pytest.fixture(scope="module")
def dsn(postgres_database: str) -> str:
    """The DSN of a database with all of integrity's tables, empty."""
    upgrade("services.integrity", postgres_database)
    return postgres_database


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """The service's own database."""
    database = Database.connect(dsn, pool_size=8)
    yield database
    await database.close()
