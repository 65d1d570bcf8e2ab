"""The queries on the files of cases."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.tables import attachments
from shared.contracts.intake import AttachmentRef


async def keep(connection: AsyncConnection, case_id: UUID, files: Sequence[AttachmentRef], *, at: datetime) -> None:
    """Takes in the files that came with a case or a message of it."""
    if files:
        rows = [{**file.model_dump(), "case_id": case_id, "at": at} for file in files]
        await connection.execute(upsert(attachments).values(rows).on_conflict_do_nothing())


async def of_case(connection: AsyncConnection, case_id: UUID) -> Sequence[Any]:
    """The files of a case, in order."""
    query = select(attachments).where(attachments.c.case_id == case_id).order_by(attachments.c.n)
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows


async def one(connection: AsyncConnection, case_id: UUID, n: int) -> Any | None:
    """A file of a case."""
    query = select(attachments).where(attachments.c.case_id == case_id, attachments.c.n == n)
    return (await connection.execute(query)).one_or_none()
