"""The query for the desk's list: any filters, four orders, and pages by the place where the last one ended.

First the page's ids are found, from indexes that hold all that a list is filtered by; then its rows are read. Whatever
can only be true of an open case is looked for among the open cases, which have a small index of their own: the planner,
left to itself, would walk through all of time to find the few that are overdue. An order by date is walked status by
status. A search walks through the first cases of the list, and only then asks the indexes of words.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Text, and_, cast, func, literal, literal_column, or_, select, text, tuple_, union_all
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

WALKED = 400
"""So many cases of the list a search walks through first: a frequent word fills its page from them."""

NEAR = 4_000
"""So many cases it asks the indexes for next, and then for those within ``FURTHER`` times as long a time. A word that
does not fill its page from there is rare enough to be looked for in all of time."""

FURTHER = 10

_PLANNING = text(
    # every filter has a plan of its own; what several indexes find is to be known row by row, not page by page; and the
    # rows found are read from the disk side by side
    "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('work_mem', '64MB', true),"
    " set_config('effective_io_concurrency', '32', true)"
)
_NEVER: Any = literal_column("'infinity'::timestamptz")
_DUE = func.coalesce(cases.c.due_at, _NEVER)


def _among(statuses: Iterable[str]) -> Any:
    """The condition on the status, written out: a partial index is used for what the planner can read only."""
    return cases.c.status.in_([literal_column(f"'{status}'") for status in sorted(statuses)])


IS_OPEN = _among(domain.OPEN)
_CLOCK_RUNS = _among(RUNNING)
_ESCALATES: Set[str] = RUNNING | {"registered"}
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

    def statuses(self, sort: Sort) -> Set[str] | None:
        """The only states that what is asked for can be in; None: any. An order by date without a status is one of what
        is to be done."""
        clocks = RUNNING if self.overdue else _ESCALATES if self.escalated else None
        if self.status is not None:
            return {self.status} if clocks is None else {self.status} & clocks
        if clocks is not None:
            return clocks
        return domain.OPEN if self.pending or self.unassigned or "due_at" in sort else None


def place_of(sort: Sort, row: CaseRow) -> Place:
    """The place of a row in that order."""
    return (row.due_at if "due_at" in sort else None), row.id


@dataclass(frozen=True)
class Order:
    """The order of a list, and the place in it after which it goes on."""

    sort: Sort
    after: Place | None

    @property
    def by_date(self) -> bool:
        """By the date when a case is due, not by id."""
        return "due_at" in self.sort

    @property
    def down(self) -> bool:
        """The latest first."""
        return self.sort.startswith("-")

    def keys(self, source: Any) -> list[Any]:
        """What ``source`` (``id`` and ``due``) is sorted by."""
        keys = [source.c.due, source.c.id] if self.by_date else [source.c.id]
        return [key.desc() if self.down else key for key in keys]

    def first(self, source: Any, count: int) -> Any:
        """The first ``count`` of ``source`` after the place."""
        page = select(source.c.id, source.c.due)
        if self.after is not None:
            due, id = (_NEVER if self.after[0] is None else literal(self.after[0])), literal(self.after[1])
            here, place = (tuple_(source.c.due, source.c.id), tuple_(due, id)) if self.by_date else (source.c.id, id)
            page = page.where(here < place if self.down else here > place)
        return page.order_by(*self.keys(source)).limit(count)


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
    statuses, order = filters.statuses(sort), Order(sort, after)
    if statuses is not None and not statuses:
        return []
    await connection.execute(_PLANNING)
    conditions = [reach(principal), *_conditions(filters)]
    among = conditions if statuses is None else [*conditions, cases.c.status.in_(sorted(statuses))]
    count = WALKED if filters.q else limit + 1
    if statuses is None or not statuses <= domain.OPEN:
        source = _found(among)
    elif "centre" not in principal.roles:
        source = _few(among)
    elif filters.status is not None:
        source = _found(among)  # there is an index for each order of one status
    elif order.by_date:
        each = (order.first(_found([*conditions, cases.c.status == status]), count) for status in sorted(statuses))
        source = union_all(*each).subquery("found")
    else:
        source = _few(among)
    if filters.q:
        whole = "centre" in principal.roles and filters.department is None
        return await _search(connection, source, among, filters.q, order, limit, whole=whole)
    return await _page(connection, source, order, limit)


async def _search(
    connection: AsyncConnection,
    source: Any,
    conditions: Sequence[Any],
    q: str,
    order: Order,
    limit: int,
    *,
    whole: bool,
) -> Sequence[CaseRow]:
    """Those of ``source`` that speak of ``q``: of the first of them, then further, then of all. ``whole``: in the whole
    country, not in one department."""
    walked = order.first(source, WALKED).subquery("walked")
    spoken = select(walked).join(cases, cases.c.id == walked.c.id).where(_speaks_of(q)).subquery("spoken")
    rows = await _page(connection, spoken, order, limit)
    if len(rows) > limit:
        return rows
    ids = (await connection.scalars(select(walked.c.id).order_by(*order.keys(walked)))).all()
    if len(ids) < WALKED:
        return rows
    conditions = [*conditions, _speaks_of(q)]
    if order.after is not None and not order.by_date:
        conditions.append(_days(order.after[1], later=not order.down))
    nearest = order.first(source, 1).offset(NEAR - 1).with_only_columns(source.c.id)
    if not order.by_date and (near := await connection.scalar(nearest)) is not None:
        # all of one department is not much more than that
        for bound in (near, _further(ids[0], near)) if whole else (near,):
            rows = await _page(connection, _few([*conditions, _days(bound, later=order.down)]), order, limit)
            if len(rows) > limit:
                return rows
    return await _page(connection, _few(conditions), order, limit)


def _days(id: UUID, *, later: bool) -> Any:
    """The condition for what was registered in the few days around ``id`` or later (else earlier), as the indexes of
    words know it."""
    few_days, digits = func.left(cast(cases.c.id, Text), literal_column("5")), literal(str(id)[:5])
    return few_days >= digits if later else few_days <= digits


def _found(conditions: Sequence[Any]) -> Any:
    return select(cases.c.id, _DUE.label("due")).where(*conditions).subquery("found")


def _few(conditions: Sequence[Any]) -> Any:
    """What is found by itself and not, in the hope of soon filling a page, by walking along the order."""
    found = select(cases.c.id, _DUE.label("due")).where(*conditions)
    return found.cte("few").prefix_with("MATERIALIZED", dialect="postgresql")


def first_id(moment: datetime) -> UUID:
    """The least UUIDv7 of that moment (UTC): a range of ids is a range of time."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def _further(first: UUID, last: UUID) -> UUID:
    """The UUIDv7 that is ``FURTHER`` times as far from ``first`` as ``last``, as near to it as there are any."""
    begin, end = first.int >> 80, last.int >> 80
    return UUID(int=min(max(begin + FURTHER * (end - begin), 0), 2**48 - 1) << 80)


async def _page(connection: AsyncConnection, source: Any, order: Order, limit: int) -> Sequence[CaseRow]:
    shown = order.first(source, limit + 1).subquery("page")
    query = all_cases().join(shown, shown.c.id == cases.c.id).order_by(*order.keys(shown))
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows


def _conditions(filters: Filters) -> list[Any]:
    columns = {
        cases.c.department_id: filters.department,
        cases.c.category_id: filters.category,
        cases.c.province: filters.province,
        cases.c.kind: filters.kind,
        cases.c.assignee: filters.assignee,
    }
    conditions: list[Any] = [column == value for column, value in columns.items() if value is not None]
    # that a clock runs is among the statuses
    late = cases.c.due_at < func.now()
    if filters.overdue is not None:
        conditions.append(late if filters.overdue else ~and_(_CLOCK_RUNS, late))
    if filters.escalated is not None:
        conditions.append(cases.c.escalation >= _LEVEL_NUMBERS[filters.escalated])
    if filters.unassigned is not None:
        conditions.append(cases.c.assignee.is_(None) if filters.unassigned else cases.c.assignee.is_not(None))
    if filters.pending is not None:
        conditions.append(cases.c.decision.is_not(None) if filters.pending else cases.c.decision.is_(None))
    return conditions


def _speaks_of(q: str) -> Any:
    """Full text on the folded words, or all of it without spaces, which finds every spelling of a compound."""
    folded, joined = fold(q), spaceless(q)
    words = cases.c.words.op("@@")(func.plainto_tsquery("simple", folded))
    if len(joined) < 3:
        return words  # nothing for trigrams
    anywhere = cases.c.spaceless.contains(joined, autoescape=True)
    # the words are stored apart from the row: they come second
    return anywhere if " " not in folded else or_(anywhere, words)
