"""Group commit: what waits goes together, a bad row fails alone, and nobody is answered before the commit."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.kit.db import Database
from shared.kit.writer import GroupWriter, Overloaded, PooledReader, PooledWriter


@pytest.fixture
async def database(postgres_database: str) -> AsyncIterator[Database]:
    """A database with a table of numbers, each once, and with the transaction that brought it."""
    database = Database.connect(postgres_database, pool_size=4)
    async with database.transaction() as connection:
        await connection.execute(text("DROP TABLE IF EXISTS numbers"))
        await connection.execute(text("CREATE TABLE numbers (n integer PRIMARY KEY, by bigint DEFAULT txid_current())"))
    yield database
    await database.close()


async def _by_driver(connection: asyncpg.Connection, numbers: Sequence[int]) -> list[int]:
    await connection.execute("INSERT INTO numbers SELECT unnest($1::integer[])", list(numbers))
    return [n * 2 for n in numbers]


async def _by_pool(connection: AsyncConnection, numbers: Sequence[int]) -> list[int]:
    await connection.execute(text("INSERT INTO numbers (n) VALUES (:n)"), [{"n": n} for n in numbers])
    return [n * 2 for n in numbers]


def writer(kind: str, database: Database, **limits: int) -> Any:
    """A writer of either kind."""
    if kind == "driver":
        return GroupWriter(database, _by_driver, **limits)
    return PooledWriter(database, _by_pool, **limits)


async def _held(database: Database) -> tuple[set[int], int]:
    """The numbers, and how many transactions brought them."""
    async with database.reading() as connection:
        rows = (await connection.execute(text("SELECT n, by FROM numbers"))).all()
    return {row.n for row in rows}, len({row.by for row in rows})


@pytest.mark.parametrize("kind", ["driver", "pool"])
async def test_what_waits_is_one_transaction_and_each_gets_its_own_result(database: Database, kind: str) -> None:
    async with writer(kind, database, writers=1, batch=50) as writing:
        assert await asyncio.gather(*(writing.submit(n) for n in range(100))) == [n * 2 for n in range(100)]
    held, transactions = await _held(database)
    assert held == set(range(100))
    assert transactions <= 3


@pytest.mark.parametrize("kind", ["driver", "pool"])
async def test_a_bad_row_fails_alone(database: Database, kind: str) -> None:
    async with writer(kind, database, writers=1) as writing:
        await writing.submit(7)
        results = await asyncio.gather(*(writing.submit(n) for n in (6, 7, 8)), return_exceptions=True)
    assert (results[0], results[2]) == (12, 16)
    assert isinstance(results[1], asyncpg.UniqueViolationError | IntegrityError)
    assert (await _held(database))[0] == {6, 7, 8}


@pytest.mark.parametrize("kind", ["driver", "pool"])
async def test_a_request_that_goes_away_takes_nobody_with_it(database: Database, kind: str) -> None:
    async with writer(kind, database, writers=1) as writing:
        sent = [asyncio.create_task(writing.submit(n)) for n in (1, 2, 2, 3)]
        await asyncio.sleep(0)
        sent[1].cancel()
        results = await asyncio.gather(*sent, return_exceptions=True)
    assert (results[0], results[3]) == (2, 6)
    assert (await _held(database))[0] == {1, 2, 3}


async def test_too_many_are_told_to_come_again(database: Database) -> None:
    writing = writer("pool", database, backlog=2)  # nobody works yet
    waiting = [asyncio.create_task(writing.submit(n)) for n in (1, 2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await writing.submit(3)
    async with writing:
        assert await asyncio.gather(*waiting) == [2, 4]


async def test_a_reader_sees_what_was_committed_before_it_asked(database: Database) -> None:
    looks = 0

    async def look(connection: AsyncConnection, asked: Sequence[int]) -> list[bool]:
        nonlocal looks
        looks += 1
        held = set(await connection.scalars(text("SELECT n FROM numbers")))
        return [n in held for n in asked]

    async with writer("pool", database) as writing, PooledReader(database, look, writers=1) as reading:

        async def write_and_ask(n: int) -> bool:
            await writing.submit(n)
            return await reading.submit(n)

        assert all(await asyncio.gather(*(write_and_ask(n) for n in range(40))))
    assert looks < 40
