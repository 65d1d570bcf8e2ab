"""The queries for the cases whose clock strikes, and for those in triage."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, literal_column, or_, select
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


IN_TRIAGE = cases.c.status == literal_column("'registered'")


def waited_too_long(now: datetime) -> ColumnElement[bool]:
    """The condition for cases in triage whose time there is over by ``now``, told or not yet."""
    return and_(IN_TRIAGE, or_(cases.c.escalation > 0, cases.c.next_clock_at < now))


async def in_triage(connection: AsyncConnection, now: datetime) -> Row[Any]:
    """``waiting``: how many cases no department has yet; ``restricted``: of those, how many may be corruption;
    ``overdue``: how many have waited longer than they may; ``oldest_at``: since when the oldest waits."""
    query = select(
        func.count().label("waiting"),
        func.count().filter(cases.c.restricted).label("restricted"),
        func.count().filter(waited_too_long(now)).label("overdue"),
        func.min(cases.c.registered_at).label("oldest_at"),
    ).where(IN_TRIAGE)
    row: Row[Any] = (await connection.execute(query)).one()
    return row
