"""Delivery reports that did not come: an operator drops them while we are away, so it is asked how the texts are."""

from services.sms.delivery import repository
from services.sms.delivery.reports import Reports
from services.sms.operators.port import Operator
from shared.kit.db import Database

EVERY_SECONDS = 10.0
AT_ONCE = 200


class Reconciler:
    """Asks about texts that the operator took and has said nothing of since; ever less often the older they are."""

    def __init__(self, database: Database, operator: Operator, reports: Reports) -> None:
        self._database = database
        self._operator = operator
        self._reports = reports

    async def tick(self) -> None:
        """One round; what the operator answers is taken like a report."""
        if not self._operator.ready:
            return
        async with self._database.transaction() as connection:
            ids = await repository.claim_unreported(connection, self._operator.name, limit=AT_ONCE)
        if ids:
            for report in (await self._operator.status(ids)).values():
                await self._reports.take(report)
