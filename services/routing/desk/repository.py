"""The queries on the desk's cases and their steps."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Select,
    Text,
    and_,
    delete,
    false,
    insert,
    literal,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.tables import attachments, cases, categories, departments, desk_feed, step_sms, steps
from shared.kit.auth import Principal
from shared.persian.text import fold, spaceless

CaseRow = Any
"""A row of the query below; SQLAlchemy types a row of whole tables no closer."""

_COLUMNS = (
    *(column for column in cases.c if column.name not in ("words", "folded", "spaceless")),
    departments.c.name_fa.label("department_fa"),
    departments.c.name_en.label("department_en"),
    categories.c.name_fa.label("category_fa"),
    categories.c.name_en.label("category_en"),
)


def all_cases() -> Select[Any]:
    """Cases with the names of their department and category."""
    joined = cases.outerjoin(departments, departments.c.id == cases.c.department_id)
    return select(*_COLUMNS).select_from(joined.outerjoin(categories, categories.c.id == cases.c.category_id))


def reach(principal: Principal) -> Any:
    """The condition for the cases that a member of staff may see: the centre all, a manager the department's, an
    officer the department's in their own province. What may be corruption is for the centre alone."""
    if principal.kind != "staff":
        return false()
    if "centre" in principal.roles:
        return true()
    own = and_(cases.c.department_id == principal.department_id, cases.c.restricted.is_(False))
    if "manager" in principal.roles:
        return own
    if "officer" in principal.roles:
        return own if principal.province is None else and_(own, cases.c.province == principal.province)
    return false()


async def case_in_reach(
    connection: AsyncConnection, principal: Principal, case_id: UUID, *, lock: bool = False
) -> CaseRow | None:
    """A case within the caller's reach, its row locked if it is to be changed."""
    query = all_cases().where(cases.c.id == case_id, reach(principal))
    return (await connection.execute(query.with_for_update(of=cases) if lock else query)).one_or_none()


async def case_of_citizen(connection: AsyncConnection, principal: Principal, case_id: UUID) -> CaseRow | None:
    """The citizen's own case, locked."""
    if principal.kind != "citizen":
        return None
    query = all_cases().where(cases.c.id == case_id, cases.c.citizen_id == UUID(principal.subject))
    return (await connection.execute(query.with_for_update(of=cases))).one_or_none()


async def case_for_event(connection: AsyncConnection, case_id: UUID) -> CaseRow | None:
    """A case, locked, for what another service tells of it."""
    query = all_cases().where(cases.c.id == case_id).with_for_update(of=cases)
    return (await connection.execute(query)).one_or_none()


async def triage(connection: AsyncConnection, *, after: UUID | None, limit: int) -> Sequence[CaseRow]:
    """Cases that no department has yet, the oldest first; one more than ``limit`` if there are more."""
    query = all_cases().where(cases.c.status == "registered").order_by(cases.c.id).limit(limit + 1)
    if after is not None:
        query = query.where(cases.c.id > after)
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows


async def add_case(connection: AsyncConnection, **values: Any) -> None:
    """Takes in a case that was registered."""
    words = f"{values['subject']} {values['body']}"
    await connection.execute(insert(cases).values(folded=fold(words), spaceless=spaceless(words), **values))


async def change_case(connection: AsyncConnection, case_id: UUID, **values: Any) -> None:
    """Sets columns of a case; its ETag changes with it."""
    await connection.execute(update(cases).where(cases.c.id == case_id).values(version=cases.c.version + 1, **values))


async def steps_of(connection: AsyncConnection, case_id: UUID) -> Sequence[Any]:
    """All steps of a case, in order, each with how far its text came."""
    query = (
        select(steps, step_sms.c.status.label("sms_status"))
        .outerjoin(step_sms, step_sms.c.event_id == steps.c.event_id)
        .where(steps.c.case_id == case_id)
        .order_by(steps.c.at, steps.c.id)
    )
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows


async def add_step(
    connection: AsyncConnection,
    *,
    id: UUID,
    case_id: UUID,
    at: datetime,
    type: str,
    actor_kind: str,
    actor_id: str | None = None,
    actor_title: str | None = None,
    note: str | None = None,
    data: dict[str, Any] | None = None,
    event_id: UUID | None = None,
    former_department_id: str | None = None,
) -> None:
    """Keeps a step of a case as it now stands, and shows it to those who watch the desk, the department that had the
    case before included. One with an event is told to the citizen, one without is internal."""
    await connection.execute(
        insert(steps).values(
            id=id,
            case_id=case_id,
            at=at,
            type=type,
            actor_kind=actor_kind,
            actor_id=actor_id,
            actor_title=actor_title,
            note=note,
            data=data or {},
            event_id=event_id,
        )
    )
    columns = ("tracking_code", "status", "department_id", "province", "restricted")
    now = select(
        cases.c.id, literal(type), literal(former_department_id, Text), *(cases.c[name] for name in columns)
    ).where(cases.c.id == case_id)
    await connection.execute(
        insert(desk_feed).from_select(
            ["case_id", "step", "former_department_id", *columns], now, include_defaults=False
        )
    )


async def forget_steps(connection: AsyncConnection, case_id: UUID) -> None:
    """Forgets what the steps of a case say, its files and its archived events; that the steps were taken stays."""
    await connection.execute(update(steps).where(steps.c.case_id == case_id).values(note=None, data={}))
    await connection.execute(delete(attachments).where(attachments.c.case_id == case_id))
    await connection.execute(text("DELETE FROM event_archive WHERE case_id = :case_id"), {"case_id": case_id})


async def raise_sms_status(
    connection: AsyncConnection, *, event_id: UUID, case_id: UUID, status: str, rank: int
) -> None:
    """Takes a report on a text unless a higher-ranked one came before; the case's ETag stays."""
    row = upsert(step_sms).values(event_id=event_id, case_id=case_id, status=status, rank=rank)
    await connection.execute(
        row.on_conflict_do_update(
            index_elements=[step_sms.c.event_id],
            set_={"status": row.excluded.status, "rank": row.excluded.rank},
            where=step_sms.c.rank < row.excluded.rank,
        )
    )
