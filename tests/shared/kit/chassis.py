"""An empty service on real servers: its database, a broker connection, and events to send through them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

from shared.contracts.routing import CaseAccepted, CaseState
from shared.kit.bus.broker import Broker
from shared.kit.db import Database
from shared.kit.ids import uuid7
from shared.kit.outbox import new_event
from shared.kit.schema import chassis_ddl


@asynccontextmanager
async def chassis(dsn: str, amqp: str) -> AsyncIterator[tuple[Database, Broker]]:
    """A database with the chassis' tables, emptied, and a broker."""
    connection = await asyncpg.connect(dsn)
    if await connection.fetchval("SELECT to_regclass('outbox')") is None:
        await connection.execute(chassis_ddl())
    await connection.execute("TRUNCATE outbox, event_archive, inbox, waiting, parked")
    await connection.close()
    database, broker = Database.connect(dsn, pool_size=8), Broker(amqp, name="test")
    yield database, broker
    await broker.close()
    await database.close()


@asynccontextmanager
async def running(*jobs: Any) -> AsyncIterator[None]:
    """The jobs, until the block ends."""
    tasks = [asyncio.create_task(job.run()) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def accepted(case_id: UUID, sequence: int, *, cause: UUID | None = None) -> CaseAccepted:
    """An event about a case."""
    return new_event(
        CaseAccepted,
        subject=str(case_id),
        sequence=sequence,
        case_id=case_id,
        causation_id=cause,
        data=CaseState(status="in_progress"),
    )


async def until(condition: Callable[[], Awaitable[object] | object], what: str, seconds: float = 20) -> None:
    """Waits until the condition holds."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if await result if isinstance(result, Awaitable) else result:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        await asyncio.sleep(0.05)


async def value(database: Database, query: str) -> Any:
    """What a query gives."""
    connection = await database.direct()
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def some_ids(count: int) -> list[UUID]:
    """Ids of cases."""
    return [uuid7() for _ in range(count)]
