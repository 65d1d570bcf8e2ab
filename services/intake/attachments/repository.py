"""The queries on the files of cases."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.tables import attachments

AttachmentRow = Any
"""A row of the table; SQLAlchemy types a row of a whole table no closer."""


async def add(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Keeps files of a case."""
    await connection.execute(insert(attachments), list(rows))


async def last_of(connection: AsyncConnection, case_id: UUID) -> int:
    """The place of the case's last file, 0 if it has none; the caller holds the case's row lock."""
    query = select(func.coalesce(func.max(attachments.c.n), 0)).where(attachments.c.case_id == case_id)
    return int(await connection.scalar(query) or 0)


async def of_case(connection: AsyncConnection, case_id: UUID) -> Sequence[AttachmentRow]:
    """The files of a case, in order."""
    query = select(attachments).where(attachments.c.case_id == case_id).order_by(attachments.c.n)
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows


async def one(connection: AsyncConnection, case_id: UUID, n: int) -> AttachmentRow | None:
    """A file of a case."""
    query = select(attachments).where(attachments.c.case_id == case_id, attachments.c.n == n)
    return (await connection.execute(query)).one_or_none()
