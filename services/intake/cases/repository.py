"""The queries on cases as their citizen sees them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, false, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.tables import cases, messages, ratings, step_sms, timeline, tracking_codes
from shared.kit.auth import Principal

CaseRow = Any
"""A row of the query below; SQLAlchemy types a row of whole tables no closer."""


def _own(principal: Principal) -> Select[Any]:
    """The cases of whoever asks; nobody's for any other kind of caller."""
    if principal.kind == "citizen":
        return select(cases).where(cases.c.citizen_id == UUID(principal.subject))
    if principal.kind == "partner":
        return select(cases).where(cases.c.partner_id == principal.subject)
    return select(cases).where(false())


async def own_case(
    connection: AsyncConnection, principal: Principal, case_id: UUID, *, lock: bool = False
) -> CaseRow | None:
    """A case of the caller, its row locked if it is to be changed."""
    query = _own(principal).where(cases.c.id == case_id)
    return (await connection.execute(query.with_for_update() if lock else query)).one_or_none()


async def own_cases(
    connection: AsyncConnection, principal: Principal, *, before: UUID | None, limit: int
) -> Sequence[CaseRow]:
    """The caller's cases, newest first, from ``before`` on; one more than ``limit`` if there are more."""
    query = _own(principal).order_by(cases.c.id.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(cases.c.id < before)
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows


async def case_by_id(connection: AsyncConnection, case_id: UUID, *, lock: bool = False) -> CaseRow | None:
    """A case, whoever it belongs to."""
    query = select(cases).where(cases.c.id == case_id)
    return (await connection.execute(query.with_for_update() if lock else query)).one_or_none()


async def case_by_code(connection: AsyncConnection, code: str) -> CaseRow | None:
    """The case with that tracking code (in its canonical form)."""
    query = select(cases).join(tracking_codes, tracking_codes.c.case_id == cases.c.id)
    return (await connection.execute(query.where(tracking_codes.c.code == code))).one_or_none()


async def steps_of(connection: AsyncConnection, case_id: UUID) -> Sequence[Any]:
    """The steps after the registration, in order, each with how far its text came."""
    query = (
        select(timeline, step_sms.c.status.label("sms_status"))
        .outerjoin(step_sms, step_sms.c.event_id == timeline.c.event_id)
        .where(timeline.c.case_id == case_id)
        .order_by(timeline.c.at, timeline.c.sequence)
    )
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows


async def sms_status_of(connection: AsyncConnection, event_id: UUID) -> str | None:
    """How far the text about a step came; None while none was sent."""
    return await connection.scalar(select(step_sms.c.status).where(step_sms.c.event_id == event_id))


async def add_step(connection: AsyncConnection, **step: Any) -> None:
    """Adds a step to the timeline; the same step twice is one."""
    await connection.execute(upsert(timeline).values(**step).on_conflict_do_nothing())


async def set_state(connection: AsyncConnection, case_id: UUID, sequence: int, state: dict[str, Any]) -> None:
    """Takes what routing says of a case, unless something newer is known."""
    await connection.execute(
        update(cases)
        .where(cases.c.id == case_id, cases.c.state_sequence < sequence)
        .values(state_sequence=sequence, **state)
    )


async def change_case(connection: AsyncConnection, case_id: UUID, **values: Any) -> None:
    """Sets columns of a case."""
    await connection.execute(update(cases).where(cases.c.id == case_id).values(**values))


async def raise_sms_status(
    connection: AsyncConnection, *, event_id: UUID, case_id: UUID, status: str, rank: int
) -> None:
    """Takes a report on a text unless a higher-ranked one came before."""
    row = upsert(step_sms).values(event_id=event_id, case_id=case_id, status=status, rank=rank)
    await connection.execute(
        row.on_conflict_do_update(
            index_elements=[step_sms.c.event_id],
            set_={"status": row.excluded.status, "rank": row.excluded.rank},
            where=step_sms.c.rank < row.excluded.rank,
        )
    )


async def add_message(connection: AsyncConnection, *, id: UUID, case_id: UUID, text_sealed: str, at: datetime) -> None:
    """Keeps what a citizen added to a case."""
    await connection.execute(insert(messages).values(id=id, case_id=case_id, text_sealed=text_sealed, at=at))


async def add_rating(
    connection: AsyncConnection, *, case_id: UUID, score: int, comment_sealed: str | None, at: datetime
) -> bool:
    """Keeps the one rating of a case; False if it has one already."""
    row = upsert(ratings).values(case_id=case_id, score=score, comment_sealed=comment_sealed, at=at)
    return (await connection.execute(row.on_conflict_do_nothing())).rowcount == 1
