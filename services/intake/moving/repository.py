"""The queries on a case that was moved: what is forgotten of it, and the claim that its citizen has."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.tables import attachments, cases, messages, moved_claims, ratings, timeline


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


async def add_claim(connection: AsyncConnection, *, case_id: UUID, claim_sealed: str, expires_at: datetime) -> None:
    """Keeps a case's claim until it expires."""
    await connection.execute(
        insert(moved_claims).values(case_id=case_id, claim_sealed=claim_sealed, expires_at=expires_at)
    )


async def claim_of(connection: AsyncConnection, case_id: UUID) -> Any:
    """The claim of a case (``claim_sealed``, ``expires_at``); None if it has none, or none any more."""
    query = select(moved_claims).where(moved_claims.c.case_id == case_id, moved_claims.c.expires_at > func.now())
    return (await connection.execute(query)).one_or_none()


async def forget_expired_claims(connection: AsyncConnection) -> None:
    """Deletes the claims that are of no use any more."""
    await connection.execute(delete(moved_claims).where(moved_claims.c.expires_at <= func.now()))
