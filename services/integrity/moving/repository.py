"""The queries on receipt codes that wait for the citizens of moved cases."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.tables import moved_receipts


async def add(connection: AsyncConnection, *, id: bytes, code_sealed: bytes, expires_at: datetime) -> None:
    """Keeps a code until it expires."""
    await connection.execute(insert(moved_receipts).values(id=id, code_sealed=code_sealed, expires_at=expires_at))


async def waiting(connection: AsyncConnection, id: bytes) -> Any:
    """The row of a code that can be fetched, locked; None if there is none, or none any more."""
    query = select(moved_receipts).where(moved_receipts.c.id == id, moved_receipts.c.expires_at > func.now())
    return (await connection.execute(query.with_for_update())).one_or_none()


async def fetched(connection: AsyncConnection, id: bytes, *, expires_at: datetime) -> None:
    """The code was fetched, and is kept no longer than until ``expires_at``."""
    await connection.execute(
        update(moved_receipts)
        .where(moved_receipts.c.id == id)
        .values(fetched=True, expires_at=func.least(moved_receipts.c.expires_at, expires_at))
    )


async def forget_expired(connection: AsyncConnection) -> None:
    """Deletes the codes whose time is over."""
    await connection.execute(delete(moved_receipts).where(moved_receipts.c.expires_at <= func.now()))
