"""The queries on saved views; each reaches its owner's only."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Text as SqlText
from sqlalchemy import Uuid, delete, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.tables import saved_views

MOST = 100


async def views_of(connection: AsyncConnection, owner: str) -> Sequence[Any]:
    """The owner's views, by name."""
    query = select(saved_views).where(saved_views.c.owner == owner).order_by(saved_views.c.name)
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows


async def add_view(connection: AsyncConnection, id: UUID, owner: str, name: str, query: dict[str, Any]) -> Any:
    """The new row; None if the owner has one of that name, or as many as there may be."""
    count = select(func.count()).select_from(saved_views).where(saved_views.c.owner == owner).scalar_subquery()
    values = (literal(id, Uuid), literal(owner, SqlText), literal(name, SqlText), literal(query, JSONB))
    row = insert(saved_views).from_select(["id", "owner", "name", "query"], select(*values).where(count < MOST))
    return (await connection.execute(row.on_conflict_do_nothing().returning(saved_views))).one_or_none()


async def delete_view(connection: AsyncConnection, owner: str, id: UUID) -> bool:
    """Whether there was such a view of the owner's."""
    row = delete(saved_views).where(saved_views.c.id == id, saved_views.c.owner == owner)
    return (await connection.execute(row)).rowcount == 1
