"""The figures of the summary, all within reach, each in one query."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.clocks.domain import RUNNING
from services.routing.desk.list_repository import IS_OPEN
from services.routing.desk.repository import reach
from services.routing.tables import cases
from shared.kit.auth import Principal

_GROUPS = (cases.c.department_id, cases.c.category_id, cases.c.province)
_LEVEL = func.grouping(*_GROUPS).label("level")
LEVELS = {7: "whole", 3: "department", 5: "category", 6: "province"}
"""What the bits of ``GROUPING`` say: which of the three a row is grouped by."""


def _grouped(query: Select[Any]) -> Select[Any]:
    return query.group_by(func.grouping_sets(tuple_(), *(tuple_(column) for column in _GROUPS)))


async def open_figures(
    connection: AsyncConnection, principal: Principal, *, now: datetime, end_of_day: datetime
) -> Sequence[Any]:
    """Open cases, those due by the end of today (UTC instant), those overdue, and those that no officer has: of all and
    by each of three."""
    runs = and_(cases.c.status.in_(tuple(sorted(RUNNING))), cases.c.due_at.is_not(None))
    query = select(
        _LEVEL,
        *_GROUPS,
        func.count().label("open"),
        func.count().filter(and_(runs, cases.c.due_at >= now, cases.c.due_at < end_of_day)).label("due_today"),
        func.count().filter(and_(runs, cases.c.due_at < now)).label("overdue"),
        func.count().filter(cases.c.assignee.is_(None)).label("unassigned"),
    ).where(reach(principal), IS_OPEN)
    rows: Sequence[Any] = (await connection.execute(_grouped(query))).all()
    return rows


async def median_days(connection: AsyncConnection, principal: Principal, *, since: datetime) -> Sequence[Any]:
    """The median days from registration to decision of what was decided since: of all and by each of three."""
    days = func.extract("epoch", cases.c.decided_at - cases.c.registered_at) / 86400.0
    query = select(_LEVEL, *_GROUPS, func.percentile_cont(0.5).within_group(days).label("median_days")).where(
        reach(principal), cases.c.decided_at >= since
    )
    rows: Sequence[Any] = (await connection.execute(_grouped(query))).all()
    return rows
