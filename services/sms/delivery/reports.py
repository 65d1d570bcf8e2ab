"""Delivery reports: kept before the operator hears thanks, folded into the state of the text, told to the others."""

from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg

from services.sms.delivery import repository
from services.sms.delivery.pump import event_of
from services.sms.operators.port import Report, ReportState
from shared.kit.db import Database
from shared.kit.outbox import append_many
from shared.kit.writer import GroupWriter

_RANKS = {
    ReportState.SENT: 1,
    ReportState.EXPIRED: 2,
    ReportState.UNDELIVERABLE: 2,
    ReportState.REJECTED: 2,
    ReportState.DELIVERED: 3,
}
"""Reports come out of order: the higher word stays, and a phone that got the text has it."""


class Reports:
    """Takes the reports of one operator."""

    def __init__(self, operator: str, database: Database) -> None:
        self._operator = operator
        self.writer: GroupWriter[Report, None] = GroupWriter(database, self._keep, writers=1)

    async def take(self, report: Report) -> None:
        """Returns when the report is durable; a report that says nothing is dropped."""
        if report.state in _RANKS:
            await self.writer.submit(report)

    async def _keep(self, connection: asyncpg.Connection, reports: Sequence[Report]) -> Sequence[None]:
        now = datetime.now(UTC)
        await repository.keep_reports(
            connection,
            [(self._operator, r.provider_id, r.state.value, _RANKS[r.state], r.at or now) for r in reports],
        )
        changed = await repository.fold(connection, parts=[(self._operator, r.provider_id) for r in reports])
        await append_many(connection, [event for row in changed if (event := event_of(row)) is not None])
        return [None] * len(reports)
