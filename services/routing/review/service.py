"""The monthly review's use cases: the list, a month, a manager's note, and what is an excess."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.directory import repository as directory
from services.routing.review import repository, schemas
from services.routing.review.detection import MOST_HISTORY, Cell, detect, method_of
from services.routing.review.domain import Tally, mean, share
from services.routing.review.months import month_title, shifted, span
from shared.contracts.envelope import CategoryRef, DepartmentRef
from shared.kit.auth import Principal
from shared.kit.ids import uuid7
from shared.kit.web.problems import FORBIDDEN, NOT_FOUND, Problem
from shared.persian.calendar import DateError, jalali, jalali_month, month_bounds
from shared.persian.places import PROVINCES

FIRST_MONTH = "1380-01"
"""The calendar's first month in the database."""

LOOK_HOLDS = timedelta(minutes=10)
"""What was found in the running month is shown for so long; a worker looks anew much sooner."""

_TREND_MONTHS = 12


def department_in_reach(principal: Principal) -> str | None:
    """The department whose part the caller sees; None for the centre, which sees all. Problem 403 for a manager
    without a department."""
    if "centre" in principal.roles:
        return None
    if principal.department_id is None:
        raise Problem(FORBIDDEN)
    return principal.department_id


def reviewed(month: str) -> None:
    """Problem 404 for what is no Jalali month, or one that is yet to come."""
    try:
        month_bounds(month)
    except DateError:
        raise Problem(NOT_FOUND) from None
    if not FIRST_MONTH <= month <= jalali_month(datetime.now(UTC)):
        raise Problem(NOT_FOUND)


async def list_months(
    connection: AsyncConnection, principal: Principal, *, before: str | None, limit: int
) -> list[schemas.MonthOut]:
    """The months, newest first, from the one before ``before`` on; one more than ``limit`` if there are more."""
    department_id = department_in_reach(principal)
    first = await repository.first_month(connection)
    last = jalali_month(datetime.now(UTC)) if before is None else shifted(before, -1)
    if first is None:
        return []
    months = span(first, last)[::-1][: limit + 1]
    counted = {row.month: row for row in await repository.by_month(connection, months, department_id)}
    closed = await repository.published(connection, months)
    return [_month(month, counted.get(month), closed.get(month), department_id) for month in months]


def _month(month: str, counted: Any, closed: Any, department_id: str | None) -> schemas.MonthOut:
    decided = counted.decided if counted else 0
    return schemas.MonthOut(
        month=month,
        title=month_title(month),
        closed=closed is not None,
        published_at=closed.published_at if closed else None,
        published_on=jalali(closed.published_at) if closed else None,
        filed=counted.filed if counted else 0,
        decided=decided,
        share_in_time=share(counted.in_time, decided) if counted else None,
        reopened=counted.reopened if counted else 0,
        excess=closed.findings if closed and department_id is None else None,
    )


async def show(
    connection: AsyncConnection, principal: Principal, month: str, *, base: str | None = None
) -> schemas.ReviewOut:
    """A month's review, of all or of a manager's own department; visits are compared with the month ``base``, by
    default the first that there is. Problem 404 for what is no month so far."""
    department_id = department_in_reach(principal)
    reviewed(month)
    first = min(await repository.first_month(connection) or month, month)
    names = await Names.read(connection)
    sides = _sides(await repository.along(connection, month, department_id))
    closed = (await repository.published(connection, [month])).get(month)
    found = await _excess(connection, month, first, closed)
    trend = span(max(first, shifted(month, -_TREND_MONTHS)), month)
    by_month = {row.month: row for row in await repository.by_month(connection, trend, department_id)}
    totals = sides["all"].get("", Tally()).out()
    return schemas.ReviewOut(
        month=month,
        title=month_title(month),
        department_id=department_id,
        closed=closed is not None,
        published_at=closed.published_at if closed else None,
        published_on=jalali(closed.published_at) if closed else None,
        totals=schemas.MeasuresOut(**totals),
        counts=[
            schemas.CountOut(
                department_id=row.department_id or None,
                category_id=row.category_id or None,
                province=row.province,
                kind=row.kind,
                filed=row.filed,
                decided=row.decided,
                decided_in_time=row.in_time,
                rated=row.rated,
                mean_rating=mean(row.rating_sum, row.rated),
                reopened=row.reopened,
            )
            for row in await repository.crossed(connection, month, department_id)
        ],
        departments=[
            schemas.DepartmentLineOut(department=names.departments.get(id), **tally.out())
            for id, tally in _largest(sides["department_id"])
        ],
        categories=[
            schemas.CategoryLineOut(category=names.categories.get(id), **tally.out())
            for id, tally in _largest(sides["category_id"])
        ],
        provinces=[
            schemas.ProvinceLineOut(
                province=code, name_fa=PROVINCES[code].name_fa, name_en=PROVINCES[code].name_en, **tally.out()
            )
            for code, tally in _largest(sides["province"])
        ],
        kinds=[schemas.KindLineOut.model_validate({"kind": kind, **t.out()}) for kind, t in _largest(sides["kind"])],
        channels=await _channels(connection, month, base or first, department_id, sides["channel"], totals["filed"]),
        trend=[
            schemas.TrendOut(month=each, filed=row.filed if row else 0, decided=row.decided if row else 0)
            for each in trend
            for row in (by_month.get(each),)
        ],
        detector=schemas.DetectorOut.model_validate(
            {"history_months": found.history, "method": method_of(found.history)}
        ),
        excess_as_of=found.at,
        excess=[
            schemas.ExcessOut(
                category=finding.category_id,
                category_name_fa=names.categories[finding.category_id].name_fa,
                category_name_en=names.categories[finding.category_id].name_en,
                province=finding.province or None,
                observed=finding.observed,
                expected=round(finding.expected, 2),
                upper=finding.upper,
                p=finding.p,
                score=round(finding.score, 3),
            )
            for finding in found.findings
            if department_id in (None, names.department_of.get(finding.category_id))
        ],
        notes=[note_out(row) for row in await repository.notes_of(connection, month, department_id)],
    )


async def _excess(connection: AsyncConnection, month: str, first: str, closed: Any) -> repository.Look:
    """What was found in a month when it was closed; before, lately or else now."""
    if closed is not None:
        findings = await repository.findings_of(connection, month)
        return repository.Look(closed.published_at, closed.history, findings)
    now = datetime.now(UTC)
    lately = await repository.look_since(connection, month, now - LOOK_HOLDS)
    return lately or await judged(connection, month, first, now)


async def judged(connection: AsyncConnection, month: str, first: str, now: datetime) -> repository.Look:
    """Judges the counts of ``month`` as they stand at ``now`` (UTC), ``first`` being the first month that there is.
    Finds nothing without enough history."""
    cells, history = await series(connection, month, first)
    # in a thread: a second of arithmetic must not hold up what else this process does
    findings = await asyncio.to_thread(detect, cells) if method_of(history) else []
    return repository.Look(now, history, findings)


async def series(connection: AsyncConnection, month: str, first: str) -> tuple[dict[Cell, list[int]], int]:
    """Each cell's counts up to ``month``, all equally long, and how many months come before it, at most those that
    the detector looks at. A cell without a case in a month counts 0 there."""
    begin = max(first, shifted(month, -MOST_HISTORY))
    places = {each: place for place, each in enumerate(span(begin, month))}
    cells: dict[Cell, list[int]] = {}
    for row in await repository.filed_by_cell(connection, begin, month):
        counts = cells[row.category_id, row.province] = [0] * len(places)
        for each, filed in zip(row.months, row.filed, strict=True):
            counts[places[each]] = filed
    return cells, len(places) - 1


def _sides(rows: Iterable[Any]) -> dict[str, dict[str, Tally]]:
    """Each dimension's values with their tallies; under ``all`` the whole."""
    sides: dict[str, dict[str, Tally]] = defaultdict(dict)
    for row in rows:
        name = next((name for name in repository.DIMENSIONS if getattr(row, name) is not None), None)
        value = "" if name is None else getattr(row, name)
        held = sides["all" if name is None else name].setdefault(value, Tally())
        held.add(row)
    return sides


def _largest(side: Mapping[str, Tally]) -> list[tuple[str, Tally]]:
    counted = ((value, tally) for value, tally in side.items() if tally.filed or tally.decided or tally.reopened)
    return sorted(counted, key=lambda entry: (-entry[1].filed, -entry[1].decided, entry[0]))


async def _channels(
    connection: AsyncConnection,
    month: str,
    base: str,
    department_id: str | None,
    side: Mapping[str, Tally],
    filed: int,
) -> schemas.ChannelsOut:
    visits = side["in_person"].filed if "in_person" in side else 0
    base_visits, base_filed = await repository.in_person(connection, base, department_id)
    return schemas.ChannelsOut(
        items=[
            schemas.ChannelLineOut.model_validate({"channel": name, "filed": t.filed, "share": t.filed / (filed or 1)})
            for name, t in _largest(side)
        ],
        in_person=schemas.InPersonOut(
            filed=visits,
            share=share(visits, filed),
            base_month=base,
            base_filed=base_visits,
            base_share=share(base_visits, base_filed),
            fall=round(1 - visits / base_visits, 4) if base_visits else None,
        ),
    )


@dataclass(frozen=True)
class Names:
    """The directory's names by id."""

    departments: Mapping[str, DepartmentRef]
    categories: Mapping[str, CategoryRef]
    department_of: Mapping[str, str]

    @classmethod
    async def read(cls, connection: AsyncConnection) -> "Names":
        """As they stand now."""
        departments = await directory.all_of(connection, "departments")
        categories = await directory.all_of(connection, "categories")
        return cls(
            {row.id: DepartmentRef(id=row.id, name_fa=row.name_fa, name_en=row.name_en) for row in departments},
            {row.id: CategoryRef(id=row.id, name_fa=row.name_fa, name_en=row.name_en) for row in categories},
            {row.id: row.department_id for row in categories},
        )


async def add_note(
    connection: AsyncConnection, principal: Principal, month: str, note: schemas.NoteIn
) -> schemas.NoteOut:
    """Keeps a manager's note on their own department's month. Problem 403 for another's, 404 for no such month."""
    if principal.department_id != note.department_id:
        raise Problem(FORBIDDEN)
    reviewed(month)
    kept = schemas.NoteOut(
        id=uuid7(),
        department_id=note.department_id,
        note=note.note,
        author_title=principal.title,
        at=(now := datetime.now(UTC)),
        on=jalali(now),
    )
    await repository.add_note(
        connection,
        id=kept.id,
        month=month,
        department_id=kept.department_id,
        note=kept.note,
        author=principal.subject,
        author_title=kept.author_title,
        at=kept.at,
    )
    return kept


def note_out(row: Any) -> schemas.NoteOut:
    """A kept note."""
    return schemas.NoteOut(
        id=row.id,
        department_id=row.department_id,
        note=row.note,
        author_title=row.author_title,
        at=row.at,
        on=jalali(row.at),
    )
