"""The query for the cases whose clock strikes."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.desk.repository import CaseRow, all_cases
from services.routing.tables import cases


async def striking(connection: AsyncConnection, now: datetime, *, limit: int) -> Sequence[CaseRow]:
    """Cases whose next strike has passed, the longest waiting first, locked; those another worker holds are left to
    it."""
    query = all_cases().where(cases.c.next_clock_at < now).order_by(cases.c.next_clock_at).limit(limit)
    query = query.with_for_update(of=cases, skip_locked=True)
    rows: Sequence[CaseRow] = (await connection.execute(query)).all()
    return rows
