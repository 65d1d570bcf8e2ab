"""Closing months: once one is over, its excess is found, told, and becomes a topic of the working group."""

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.group.opening import open_topics
from services.routing.review import repository
from services.routing.review.detection import detect, method_of
from services.routing.review.months import shifted, span
from services.routing.review.service import Names, series
from shared.contracts.routing import ReviewPublished, ReviewPublishedData
from shared.kit.clock import exclusive
from shared.kit.db import Database
from shared.kit.outbox import append, new_event
from shared.persian.calendar import jalali_month

GRACE = timedelta(hours=1)
"""After a month's end, for what was filed in its last minutes and is still on its way."""
CLOSE_SECONDS = 15.0
FOLD_SECONDS = 5.0


class Reviewer:
    """Keeps the reviews: folds the counts and closes months. Any number of workers may have one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def fold(self) -> None:
        """Adds what was counted since to the rollup."""
        async with self._database.transaction(wakes=False) as connection:
            if await exclusive(connection, "review-fold"):
                await repository.fold(connection)

    async def close(self, now: datetime | None = None) -> list[str]:
        """Closes all months that are over at ``now`` (UTC) and not closed yet, the oldest first, each in a transaction
        of its own; those that it closed."""
        now = now or datetime.now(UTC)
        async with self._database.reading() as connection:
            first = await repository.first_month(connection)
            newest = await repository.newest_published(connection)
        if first is None:
            return []
        last = shifted(jalali_month(now - GRACE), -1)
        closed = []
        for month in span(shifted(newest, 1) if newest else first, last):
            async with self._database.transaction() as connection:
                if not await exclusive(connection, "review-close") or not await _close(connection, month, first, now):
                    break
            closed.append(month)
        return closed

    async def tick(self) -> None:
        """What the clock does."""
        await self.close()


async def _close(connection: AsyncConnection, month: str, first: str, now: datetime) -> bool:
    cells, history = await series(connection, month, first)
    findings = await asyncio.to_thread(detect, cells) if method_of(history) else []
    if not await repository.publish(connection, month, history, findings):
        return False
    counted = next(iter(await repository.by_month(connection, [month], None)), None)
    event = new_event(
        ReviewPublished,
        subject=month,
        sequence=1,
        data=ReviewPublishedData(
            month=month,
            filed=counted.filed if counted else 0,
            decided=counted.decided if counted else 0,
            excess=len(findings),
            published_at=now,
        ),
    )
    await append(connection, event)
    names = await Names.read(connection)
    await open_topics(connection, month, findings, names.categories, at=now)
    return True
