"""The query for the desk's list: any filters, four orders, and pages by the place where the last one ended.

First the page's ids are found, then its rows are read. Whatever can only be true of an open case is looked for among
the open cases, which have a small index of their own: the planner, left to itself, would walk through all of time to
find the few that are overdue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import and_, func, literal, literal_column, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.clocks.domain import LEVELS, RUNNING, Level
from services.routing.desk import domain
from services.routing.desk.repository import CaseRow, all_cases, reach
from services.routing.tables import cases
from shared.kit.auth import Principal
from shared.persian.text import fold, spaceless

Sort = Literal["-registered_at", "registered_at", "due_at", "-due_at"]
"""An order of the list. Ids are UUIDv7, so theirs is that of the registration; what has no date comes as the latest."""

Place = tuple[datetime | None, UUID]
"""Where a page ended: the last row's date, if the order is by date, and its id."""

RECENT_DAYS = (10, 100)
"""A search looks back so far first: a frequent word fills its page from there, a rare one costs little afterwards."""

_NEVER: Any = literal_column("'infinity'::timestamptz")
_DUE = func.coalesce(cases.c.due_at, _NEVER)


def _among(statuses: Sequence[str]) -> Any:
    """The condition on the status, written out: a partial index is used for what the planner can read only."""
    return cases.c.status.in_([literal_column(f"'{status}'") for status in sorted(statuses)])


IS_OPEN = _among(tuple(domain.OPEN))
_CLOCK_RUNS = _among(tuple(RUNNING))
_ESCALATES = _among((*RUNNING, "registered"))
_LEVEL_NUMBERS = {level: number for number, (level, _) in enumerate(LEVELS, 1)}


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
    unassigned: bool | None = None
    q: str | None = None

    def of_open_cases(self, sort: Sort) -> bool:
        """Whether only open cases are asked for. An order by date without a status is one of what is to be done."""
        if self.status is not None:
            return self.status in domain.OPEN
        return bool(self.overdue or self.escalated or self.pending or self.unassigned) or "due_at" in sort


def place_of(sort: Sort, row: CaseRow) -> Place:
    """The place of a row in that order."""
    return (row.due_at if "due_at" in sort else None), row.id


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
    conditions = [reach(principal), *_conditions(filters)]
    if filters.of_open_cases(sort):
        source = _few([*conditions, IS_OPEN])
    elif filters.q:
        source = _few(conditions)
        if sort == "-registered_at":
            newest = _when(after) or datetime.now(UTC)
            for days in RECENT_DAYS:
                recent = _few([*conditions, cases.c.id >= first_id(newest - timedelta(days=days))])
                rows = await _page(connection, recent, sort, after, limit)
                if len(rows) > limit:
                    return rows
    else:
        source = select(cases.c.id, _DUE.label("due")).where(*conditions).subquery("found")
    return await _page(connection, source, sort, after, limit)


def _few(conditions: Sequence[Any]) -> Any:
    """What is found by itself and not, in the hope of soon filling a page, by walking along the order."""
    found = select(cases.c.id, _DUE.label("due")).where(*conditions)
    return found.cte("few").prefix_with("MATERIALIZED", dialect="postgresql")


def first_id(moment: datetime) -> UUID:
    """The least UUIDv7 of that moment (UTC): a range of ids is a range of time."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def _when(place: Place | None) -> datetime | None:
    return datetime.fromtimestamp((place[1].int >> 80) / 1000, UTC) if place else None


async def _page(
    connection: AsyncConnection, source: Any, sort: Sort, after: Place | None, limit: int
) -> Sequence[CaseRow]:
    by_date, down = "due_at" in sort, sort.startswith("-")
    page = select(source.c.id, source.c.due)
    if after is not None:
        there = (_NEVER if after[0] is None else literal(after[0]), literal(after[1]))
        here, place = (tuple_(source.c.due, source.c.id), tuple_(*there)) if by_date else (source.c.id, there[1])
        page = page.where(here < place if down else here > place)
    shown = page.order_by(*_keys(source, by_date, down)).limit(limit + 1).subquery("page")
    query = all_cases().join(shown, shown.c.id == cases.c.id).order_by(*_keys(shown, by_date, down))
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows


def _keys(source: Any, by_date: bool, down: bool) -> list[Any]:
    keys = [source.c.due, source.c.id] if by_date else [source.c.id]
    return [key.desc() if down else key for key in keys]


def _conditions(filters: Filters) -> list[Any]:
    columns = {
        cases.c.status: filters.status,
        cases.c.department_id: filters.department,
        cases.c.category_id: filters.category,
        cases.c.province: filters.province,
        cases.c.kind: filters.kind,
        cases.c.assignee: filters.assignee,
    }
    conditions: list[Any] = [column == value for column, value in columns.items() if value is not None]
    if filters.overdue is not None:
        late = and_(_CLOCK_RUNS, cases.c.due_at < func.now())
        conditions.append(late if filters.overdue else ~late)
    if filters.escalated is not None:
        conditions += [_ESCALATES, cases.c.escalation >= _LEVEL_NUMBERS[filters.escalated]]
    if filters.unassigned is not None:
        conditions.append(cases.c.assignee.is_(None) if filters.unassigned else cases.c.assignee.is_not(None))
    if filters.pending is not None:
        conditions.append(cases.c.decision.is_not(None) if filters.pending else cases.c.decision.is_(None))
    if filters.q:
        conditions.append(_speaks_of(filters.q))
    return conditions


def _speaks_of(q: str) -> Any:
    """Full text on the folded words, or all of it without spaces, which finds every spelling of a compound."""
    folded, joined = fold(q), spaceless(q)
    words = cases.c.words.op("@@")(func.plainto_tsquery("simple", folded))
    if len(joined) < 3:
        return words  # nothing for trigrams
    anywhere = cases.c.spaceless.contains(joined, autoescape=True)
    return anywhere if " " not in folded else or_(words, anywhere)
