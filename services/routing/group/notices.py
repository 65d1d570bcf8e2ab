"""Telling the citizens behind a topic of a decision: one event each, in bounded batches, each batch one transaction.

Whom it is to be told was written down with the decision; a crash between two batches goes on with the next.
"""

from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from services.routing.group import repository
from shared.contracts.envelope import CategoryRef, DepartmentRef
from shared.contracts.routing import TopicDecided, TopicDecidedData
from shared.kit.db import Database
from shared.kit.outbox import append, new_event
from shared.kit.telemetry import log

BATCH = 200
POLL_SECONDS = 1.0


class TopicNotices:
    """Takes what is still to be told and puts its events into the outbox. Any number of workers may run it."""

    name = "topic-notices"

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wake = database.wake.another()

    async def run(self) -> None:
        """Tells until cancelled."""
        while True:
            try:
                told = await self.tell()
            except (OSError, SQLAlchemyError, TimeoutError) as error:
                log.warning("notices_interrupted", job=self.name, error=type(error).__name__)
                told = 0
            if told < BATCH:
                await self._wake.wait(POLL_SECONDS)

    async def tell(self) -> int:
        """One batch; how many citizens it tells."""
        async with self._database.transaction(wakes=False) as connection:
            rows = await repository.claim_notices(connection, BATCH)
            await append(connection, *map(_event, rows))
        if rows:
            self._database.wake.set()
        return len(rows)


def _event(row: Any) -> TopicDecided:
    return new_event(
        TopicDecided,
        subject=f"{row.decision_id}/{row.case_id}",
        sequence=1,
        case_id=row.case_id,
        data=TopicDecidedData(
            topic_id=row.topic_id,
            decision_id=row.decision_id,
            kind=row.kind,
            cases=row.cases,
            category=CategoryRef(id=row.category_id, name_fa=row.category_fa, name_en=row.category_en),
            province=row.province or None,
            title=row.title,
            owner=DepartmentRef(id=row.owner_id, name_fa=row.owner_fa, name_en=row.owner_en),
            due_on=row.due_on,
            decided_at=row.decided_at,
        ),
    )
