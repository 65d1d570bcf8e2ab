"""A commit wakes the workers of the process, unless it was only a look for work."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from shared.kit.db import Database


@pytest.fixture
async def database(postgres_database: str) -> AsyncIterator[Database]:
    database = Database.connect(postgres_database, pool_size=2)
    yield database
    await database.close()


@pytest.mark.parametrize("wakes", [True, False])
async def test_who_looks_for_work_does_not_wake_itself(database: Database, wakes: bool) -> None:
    worker = database.wake.another()
    async with database.transaction(wakes=wakes) as connection:
        await connection.execute(text("SELECT 1"))
    assert worker.is_set() is wakes
