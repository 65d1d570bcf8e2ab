"""Clocks: what a worker does every so often, in one process at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from zlib import crc32

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.kit.db import Database
from shared.kit.telemetry import log

INBOX_DAYS = 90
"""An event is not delivered again after so long: the longest retry tier is an hour."""


class Clock:
    """Runs ``tick`` every ``seconds``; a failing tick is logged and comes again."""

    def __init__(self, name: str, seconds: float, tick: Callable[[], Awaitable[None]]) -> None:
        self.name = name
        self._seconds = seconds
        self._tick = tick

    async def run(self) -> None:
        """Ticks until cancelled."""
        while True:
            try:
                await self._tick()
            except (OSError, SQLAlchemyError, asyncpg.PostgresError, TimeoutError) as error:
                log.warning("clock_failed", job=self.name, error=type(error).__name__)
            await asyncio.sleep(self._seconds)


async def exclusive(connection: AsyncConnection, name: str) -> bool:
    """Whether this transaction is the only one at ``name`` in the database, until it ends."""
    return bool(
        await connection.scalar(
            text("SELECT pg_try_advisory_xact_lock(5311, :key)"), {"key": crc32(name.encode()) >> 1}
        )
    )


async def housekeeping(database: Database) -> None:
    """Makes the coming months' partitions and forgets inbox rows that nothing can repeat any more."""
    async with database.transaction() as connection:
        if not await exclusive(connection, "housekeeping"):
            return
        await connection.execute(
            text(
                "SELECT ensure_month_partition('event_archive', (current_date + make_interval(months => n))::date)"
                " FROM generate_series(0, 2) AS n"
            )
        )
        await connection.execute(
            text("DELETE FROM inbox WHERE handled_at < now() - make_interval(days => :days)"), {"days": INBOX_DAYS}
        )
