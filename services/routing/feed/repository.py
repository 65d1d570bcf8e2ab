"""The queries on the desk's feed. Rows are read in the order of their transactions, up to the oldest still open."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, delete, false, func, literal, or_, select, text, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.tables import desk_feed
from shared.kit.auth import Principal

Position = tuple[int, int]
"""The number of a transaction and of a row in it: the id of an entry."""

DAYS_KEPT = 7
_HORIZON = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")


def reach(principal: Principal) -> Any:
    """As ``desk.repository.reach``; a department that has just given a case away hears of that, too."""
    if "centre" in principal.roles:
        return true()
    if not principal.roles & {"officer", "manager"}:
        return false()
    ours = or_(
        desk_feed.c.department_id == principal.department_id,
        desk_feed.c.former_department_id == principal.department_id,
    )
    own = and_(ours, desk_feed.c.restricted.is_(False))
    if "manager" in principal.roles or principal.province is None:
        return own
    return and_(own, desk_feed.c.province == principal.province)


async def newest(connection: AsyncConnection) -> Position:
    """The position after all that is settled by now."""
    return (await connection.scalar(_HORIZON) or 0) - 1, 2**62


async def is_kept(connection: AsyncConnection, after: Position) -> bool:
    """Whether everything after that position is surely still there."""
    oldest = await connection.scalar(select(func.min(desk_feed.c.tx)))
    return oldest is None or after[0] >= oldest


async def entries(
    connection: AsyncConnection, principal: Principal, after: Position, *, limit: int
) -> tuple[Sequence[Any], Position]:
    """Entries within reach after a position, at most ``limit``, and the position up to which all was looked at."""
    horizon = await connection.scalar(_HORIZON) or 0
    place = tuple_(desk_feed.c.tx, desk_feed.c.id)
    query = (
        select(desk_feed)
        .where(place > tuple_(literal(after[0]), literal(after[1])), desk_feed.c.tx < horizon, reach(principal))
        .order_by(desk_feed.c.tx, desk_feed.c.id)
        .limit(limit)
    )
    rows: Sequence[Any] = (await connection.execute(query)).all()
    if len(rows) == limit:
        return rows, (rows[-1].tx, rows[-1].id)
    return rows, max(after, (horizon - 1, 2**62))


async def forget_old(connection: AsyncConnection) -> None:
    """Deletes what is older than ``DAYS_KEPT``."""
    old = func.now() - func.make_interval(0, 0, 0, DAYS_KEPT)
    await connection.execute(delete(desk_feed).where(desk_feed.c.at < old))
