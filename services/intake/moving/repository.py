"""The queries on what is forgotten of a case that was moved."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.tables import attachments, cases, messages, ratings, timeline


async def messages_of(connection: AsyncConnection, case_id: UUID) -> Sequence[Any]:
    """What the citizen added to a case, in order."""
    query = select(messages).where(messages.c.case_id == case_id).order_by(messages.c.id)
    return (await connection.execute(query)).all()


async def forget(connection: AsyncConnection, case_id: UUID, **left: Any) -> None:
    """Forgets what a case held; ``left`` are the case's columns afterwards. Its steps stay, without a word."""
    await connection.execute(update(cases).where(cases.c.id == case_id).values(**left))
    await connection.execute(delete(attachments).where(attachments.c.case_id == case_id))
    await connection.execute(delete(messages).where(messages.c.case_id == case_id))
    await connection.execute(update(ratings).where(ratings.c.case_id == case_id).values(comment_sealed=None))
    await connection.execute(update(timeline).where(timeline.c.case_id == case_id).values(note_sealed=None))
    # the events that carried it: they were delivered, and what they say is of no use here any more
    await connection.execute(text("DELETE FROM event_archive WHERE case_id = :case_id"), {"case_id": case_id})
