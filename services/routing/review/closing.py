"""Closing months: once one is over, its excess is found, told, and becomes a topic of the working group. Until then it
is looked at now and again, so that who reads it need not wait for the detector."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.group.opening import open_topics
from services.routing.review import repository
from services.routing.review.months import shifted, span
from services.routing.review.service import Names, judged
from shared.contracts.routing import ReviewPublished, ReviewPublishedData
from shared.kit.clock import exclusive
from shared.kit.db import Database
from shared.kit.outbox import append, new_event
from shared.persian.calendar import jalali_month

GRACE = timedelta(hours=1)
"""After a month's end, for what was filed in its last minutes and is still on its way."""
CLOSE_SECONDS = 15.0
FOLD_SECONDS = 5.0
LOOK_SECONDS = 60.0
FOLDED_AT_ONCE = 50_000


class Reviewer:
    """Keeps the reviews: folds the counts, looks at the running month and closes those that are over. Any number of
    workers may have one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def fold(self) -> None:
        """Adds what was counted since to the rollup, in bounded transactions."""
        folded = FOLDED_AT_ONCE
        while folded == FOLDED_AT_ONCE:
            async with self._database.transaction(wakes=False) as connection:
                if not await exclusive(connection, "review-fold"):
                    return
                folded = await repository.fold(connection, most=FOLDED_AT_ONCE)

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

    async def look(self, now: datetime | None = None) -> None:
        """Judges the month that runs at ``now`` (UTC) and keeps what it finds."""
        now = now or datetime.now(UTC)
        month = jalali_month(now)
        async with self._database.transaction(wakes=False) as connection:
            first = await repository.first_month(connection)
            if first is None or not await exclusive(connection, "review-look"):
                return
            await repository.keep_look(connection, month, await judged(connection, month, min(first, month), now))

    async def tick(self) -> None:
        """What the clock does."""
        await self.close()


async def _close(connection: AsyncConnection, month: str, first: str, now: datetime) -> bool:
    found = await judged(connection, month, first, now)
    if not await repository.publish(connection, month, found.history, found.findings):
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
            excess=len(found.findings),
            published_at=now,
        ),
    )
    await append(connection, event)
    names = await Names.read(connection)
    await open_topics(connection, month, found.findings, names.categories, at=now)
    return True
