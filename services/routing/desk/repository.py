"""The queries on the desk's cases and their steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    Select,
    Text,
    and_,
    false,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.clocks.domain import LEVELS, RUNNING, Level
from services.routing.tables import cases, categories, departments, desk_feed, step_sms, steps
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


@dataclass(frozen=True)
class Filters:
    """What the desk's list is narrowed to; None narrows nothing."""

    status: str | None = None
    department: str | None = None
    category: str | None = None
    province: str | None = None
    kind: str | None = None
    overdue: bool | None = None
    escalated: Level | None = None
    pending: bool | None = None
    assignee: str | None = None
    q: str | None = None


_CLOCK_RUNS = cases.c.status.in_(tuple(sorted(RUNNING)))
_LEVEL_NUMBERS = {level: number for number, (level, _) in enumerate(LEVELS, 1)}


Sort = Literal["-registered_at", "registered_at", "due_at", "-due_at"]
"""An order of the list. Ids are UUIDv7, so theirs is that of the registration; what has no date comes as the latest."""

Place = tuple[datetime | None, UUID]
"""Where a page ended: the last row's date, if the order is by date, and its id."""

DUE = func.coalesce(cases.c.due_at, literal_column("'infinity'::timestamptz"))


def place_of(sort: Sort, row: CaseRow) -> Place:
    """The place of a row in that order."""
    return (row.due_at if "due_at" in sort else None), row.id


def _ordered(query: Select[Any], sort: Sort, after: Place | None) -> Select[Any]:
    """The order, and what comes after a place in it."""
    down = sort.startswith("-")
    keys: list[Any] = [cases.c.id]
    if "due_at" in sort:
        keys.insert(0, DUE)
    if after is not None:
        due_at, id = after
        values: list[Any] = [literal(id)]
        if "due_at" in sort:
            values.insert(0, literal_column("'infinity'::timestamptz") if due_at is None else literal(due_at))
        here, there = tuple_(*keys), tuple_(*values)
        query = query.where(here < there if down else here > there)
    return query.order_by(*(key.desc() if down else key for key in keys))


async def list_cases(
    connection: AsyncConnection,
    principal: Principal,
    filters: Filters,
    *,
    sort: Sort = "-registered_at",
    after: Place | None = None,
    limit: int,
) -> Sequence[CaseRow]:
    """Cases within reach, in the order asked for; one more than ``limit`` if there are more."""
    query = _ordered(all_cases().where(reach(principal)), sort, after).limit(limit + 1)
    columns = {
        cases.c.status: filters.status,
        cases.c.department_id: filters.department,
        cases.c.category_id: filters.category,
        cases.c.province: filters.province,
        cases.c.kind: filters.kind,
        cases.c.assignee: filters.assignee,
    }
    query = query.where(*(column == value for column, value in columns.items() if value is not None))
    if filters.overdue is not None:
        late = and_(_CLOCK_RUNS, cases.c.due_at < func.now())
        query = query.where(late if filters.overdue else ~late)
    if filters.escalated is not None:
        query = query.where(_CLOCK_RUNS, cases.c.escalation >= _LEVEL_NUMBERS[filters.escalated])
    if filters.pending is not None:
        query = query.where(cases.c.decision.is_not(None) if filters.pending else cases.c.decision.is_(None))
    if filters.q:
        query = query.where(_speaks_of(filters.q))
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows


def _speaks_of(q: str) -> Any:
    """Full text on the folded words, or all of it without spaces, which finds every spelling of a compound."""
    joined = spaceless(q)
    words = cases.c.words.op("@@")(func.plainto_tsquery("simple", fold(q)))
    return or_(words, cases.c.spaceless.contains(joined, autoescape=True)) if len(joined) > 2 else words


async def triage(connection: AsyncConnection, *, after: UUID | None, limit: int) -> Sequence[CaseRow]:
    """Cases that no department has yet, the oldest first; one more than ``limit`` if there are more."""
    query = all_cases().where(cases.c.status == "registered").order_by(cases.c.id).limit(limit + 1)
    if after is not None:
        query = query.where(cases.c.id > after)
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows


async def add_case(connection: AsyncConnection, **values: Any) -> None:
    """Takes in a case that was registered."""
    text = f"{values['subject']} {values['body']}"
    await connection.execute(insert(cases).values(folded=fold(text), spaceless=spaceless(text), **values))


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
