"""The queries on the monthly counts, on what was found in them and on the managers' notes.

The counts are appended by a trigger in the transaction that changes a case (``migrations/0004_review.py``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Select, cast, delete, func, insert, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.review.detection import Finding
from services.routing.tables import review_cell_counts as cells
from services.routing.tables import review_counts as counts
from services.routing.tables import review_findings, review_looks, review_notes, reviews

_MEASURES = tuple(counts.c[name] for name in ("filed", "reopened", "decided", "in_time", "rated", "rating_sum"))
_SUMS = tuple(func.coalesce(func.sum(column), 0).label(column.name) for column in _MEASURES)

DIMENSIONS = ("department_id", "category_id", "province", "kind", "channel")

_FOLD = text("""
WITH taken AS (
    DELETE FROM review_deltas WHERE ctid = ANY(ARRAY(SELECT ctid FROM review_deltas LIMIT :most)) RETURNING *
), folded AS (
    INSERT INTO review_rollup AS kept
    SELECT month, department_id, category_id, province, kind, channel, days, sum(filed), sum(reopened), sum(decided),
        sum(in_time), sum(rated), sum(rating_sum)
    FROM taken GROUP BY month, department_id, category_id, province, kind, channel, days
    ON CONFLICT (month, department_id, category_id, province, kind, channel, days) DO UPDATE SET
        filed = kept.filed + excluded.filed, reopened = kept.reopened + excluded.reopened,
        decided = kept.decided + excluded.decided, in_time = kept.in_time + excluded.in_time,
        rated = kept.rated + excluded.rated, rating_sum = kept.rating_sum + excluded.rating_sum
), coarse AS (
    INSERT INTO review_cells AS kept
    SELECT month, department_id, category_id, province, sum(filed), sum(reopened), sum(decided), sum(in_time)
    FROM taken GROUP BY month, department_id, category_id, province
    ON CONFLICT (category_id, province, month, department_id) DO UPDATE SET
        filed = kept.filed + excluded.filed, reopened = kept.reopened + excluded.reopened,
        decided = kept.decided + excluded.decided, in_time = kept.in_time + excluded.in_time
)
SELECT count(*) FROM taken
""")

_COUNT_ALL = text("""
INSERT INTO review_rollup
SELECT f.month, f.department_id, f.category_id, f.province, f.kind, f.channel, f.days, sum(f.filed), sum(f.reopened),
    sum(f.decided), sum(f.in_time), sum(f.rated), sum(f.rating_sum)
FROM cases c, review_facts(c) f GROUP BY 1, 2, 3, 4, 5, 6, 7
""")
_COUNT_CELLS = text("""
INSERT INTO review_cells
SELECT month, department_id, category_id, province, sum(filed), sum(reopened), sum(decided), sum(in_time)
FROM review_rollup GROUP BY 1, 2, 3, 4
""")


@dataclass(frozen=True)
class Look:
    """What the detector found in a month at a moment (UTC), with so many months of history."""

    at: datetime
    history: int
    findings: Sequence[Any]


async def fold(connection: AsyncConnection, *, most: int) -> int:
    """Adds up to ``most`` appended counts to the rollup; how many. One transaction at a time may do it."""
    return int(await connection.scalar(_FOLD, {"most": most}) or 0)


async def rebuild(connection: AsyncConnection) -> None:
    """Counts all cases anew, while those who change cases wait."""
    await connection.execute(text("LOCK TABLE review_deltas, review_rollup, review_cells IN EXCLUSIVE MODE"))
    for table in ("review_deltas", "review_rollup", "review_cells"):
        await connection.execute(text(f"DELETE FROM {table}"))
    await connection.execute(_COUNT_ALL)
    await connection.execute(_COUNT_CELLS)


async def first_month(connection: AsyncConnection) -> str | None:
    """The month of the first case; None before there is one."""
    month: str | None = await connection.scalar(select(func.min(cells.c.month)))
    return month


def _within(query: Select[Any], department_id: str | None) -> Select[Any]:
    return query if department_id is None else query.where(counts.c.department_id == department_id)


async def by_month(connection: AsyncConnection, months: Sequence[str], department_id: str | None) -> Sequence[Any]:
    """What was filed, reopened, decided and decided in time in each of the months, by all departments or one."""
    sums = (func.sum(cells.c[name]).label(name) for name in ("filed", "reopened", "decided", "in_time"))
    query = select(cells.c.month, *sums).where(cells.c.month.in_(months)).group_by(cells.c.month)
    if department_id is not None:
        query = query.where(cells.c.department_id == department_id)
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows


async def crossed(connection: AsyncConnection, month: str, department_id: str | None) -> Sequence[Any]:
    """The measures of a month by department × category × province × kind."""
    columns = tuple(counts.c[name] for name in DIMENSIONS[:4])
    # a cell that its cases moved out of is empty
    some = or_(*(func.sum(counts.c[name]) != 0 for name in ("filed", "decided", "reopened")))
    query = select(*columns, *_SUMS).where(counts.c.month == month).group_by(*columns).having(some).order_by(*columns)
    rows: Sequence[Any] = (await connection.execute(_within(query, department_id))).all()
    return rows


async def along(connection: AsyncConnection, month: str, department_id: str | None) -> Sequence[Any]:
    """The measures of a month and how long its decisions took, along each dimension by itself: rows of ``days``, the
    measures and the dimensions, of which one holds its value and the others are None; all None for the whole."""
    dimensions = tuple(counts.c[name] for name in DIMENSIONS)
    sets = func.grouping_sets(tuple_(counts.c.days), *(tuple_(column, counts.c.days) for column in dimensions))
    query = select(*dimensions, counts.c.days, *_SUMS).where(counts.c.month == month).group_by(sets)
    rows: Sequence[Any] = (await connection.execute(_within(query, department_id))).all()
    return rows


async def in_person(connection: AsyncConnection, month: str, department_id: str | None) -> tuple[int, int]:
    """How many cases of a month were filed in person, and how many in all."""
    sums = select(
        func.coalesce(func.sum(counts.c.filed).filter(counts.c.channel == "in_person"), 0).label("in_person"),
        func.coalesce(func.sum(counts.c.filed), 0).label("filed"),
    ).where(counts.c.month == month)
    row = (await connection.execute(_within(sums, department_id))).one()
    return int(row.in_person), int(row.filed)


async def filed_by_cell(connection: AsyncConnection, first: str, last: str) -> Sequence[Any]:
    """How many cases of each category and province were filed from ``first`` to ``last``: ``months`` and, in the same
    order, ``filed``; a month without any is not among them."""
    filed = (
        select(cells.c.category_id, cells.c.province, cells.c.month, func.sum(cells.c.filed).label("filed"))
        .where(cells.c.month.between(first, last), cells.c.category_id != "")
        .group_by(cells.c.category_id, cells.c.province, cells.c.month)
        .subquery()
    )
    query = select(
        filed.c.category_id,
        filed.c.province,
        func.array_agg(filed.c.month).label("months"),
        func.array_agg(cast(filed.c.filed, Integer)).label("filed"),
    ).group_by(filed.c.category_id, filed.c.province)
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows


async def filed_in(
    connection: AsyncConnection, category_id: str, province: str, first: str, last: str
) -> dict[str, dict[str, int]]:
    """How many cases of a category were filed, by month and province; in one ``province`` or, if it is empty, all."""
    query = (
        select(cells.c.month, cells.c.province, func.sum(cells.c.filed).label("filed"))
        .where(cells.c.month.between(first, last), cells.c.category_id == category_id)
        .group_by(cells.c.month, cells.c.province)
    )
    if province:
        query = query.where(cells.c.province == province)
    found: dict[str, dict[str, int]] = {}
    for row in await connection.execute(query):
        found.setdefault(row.month, {})[row.province] = int(row.filed)
    return found


async def published(connection: AsyncConnection, months: Sequence[str]) -> dict[str, Any]:
    """The closed ones of the months, each with how many findings it had (``findings``)."""
    findings = select(func.count()).where(review_findings.c.month == reviews.c.month).scalar_subquery()
    query = select(reviews, findings.label("findings")).where(reviews.c.month.in_(months))
    return {row.month: row for row in await connection.execute(query)}


async def newest_published(connection: AsyncConnection) -> str | None:
    """The last month that is closed."""
    month: str | None = await connection.scalar(select(func.max(reviews.c.month)))
    return month


async def publish(connection: AsyncConnection, month: str, history: int, findings: Iterable[Finding]) -> bool:
    """Closes a month with what was found, in place of what was seen while it ran; False, and nothing done, if it was
    closed before."""
    closing = upsert(reviews).values(month=month, history=history).on_conflict_do_nothing()
    if (await connection.execute(closing)).rowcount != 1:
        return False
    rows = [{"month": month, **vars(finding)} for finding in findings]
    if rows:
        await connection.execute(insert(review_findings), rows)
    await connection.execute(delete(review_looks).where(review_looks.c.month <= month))
    return True


async def findings_of(connection: AsyncConnection, month: str) -> Sequence[Any]:
    """What was found when a month was closed, the highest score first."""
    query = select(review_findings).where(review_findings.c.month == month)
    order = (review_findings.c.score.desc(), *(review_findings.c[name] for name in ("category_id", "province")))
    return (await connection.execute(query.order_by(*order))).all()


async def keep_look(connection: AsyncConnection, month: str, look: Look) -> None:
    """Keeps what was found in a month that is not closed, in place of what was found before."""
    kept = {"at": look.at, "history": look.history, "findings": [vars(finding) for finding in look.findings]}
    row = upsert(review_looks).values(month=month, **kept)
    await connection.execute(row.on_conflict_do_update(index_elements=[review_looks.c.month], set_=kept))


async def look_since(connection: AsyncConnection, month: str, since: datetime) -> Look | None:
    """What was found last in a month that is not closed; None if nobody looked after ``since`` (UTC)."""
    query = select(review_looks).where(review_looks.c.month == month, review_looks.c.at > since)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else Look(row.at, row.history, [Finding(**finding) for finding in row.findings])


async def notes_of(connection: AsyncConnection, month: str, department_id: str | None) -> Sequence[Any]:
    """The managers' notes on a month, of all departments or one, the oldest first."""
    query = select(review_notes).where(review_notes.c.month == month).order_by(review_notes.c.at, review_notes.c.id)
    if department_id is not None:
        query = query.where(review_notes.c.department_id == department_id)
    return (await connection.execute(query)).all()


async def add_note(
    connection: AsyncConnection,
    *,
    id: UUID,
    month: str,
    department_id: str,
    note: str,
    author: str,
    author_title: str | None,
    at: datetime,
) -> None:
    """Keeps a manager's note."""
    await connection.execute(
        insert(review_notes).values(
            id=id,
            month=month,
            department_id=department_id,
            note=note,
            author=author,
            author_title=author_title,
            at=at,
        )
    )
