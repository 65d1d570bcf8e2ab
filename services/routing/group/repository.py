"""The queries on the working group's topics, their evidence and cases, its decisions, and whom they are told."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, insert, literal, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.tables import cases, jalali_months, topic_decisions, topic_evidence, topic_notices, topics

SAMPLE = 10
MOST_CASES = 1000


async def topic(connection: AsyncConnection, topic_id: UUID, *, lock: bool = False) -> Any:
    """A topic, if there is such a one; its row locked if it is to be changed."""
    query = select(topics).where(topics.c.id == topic_id)
    return (await connection.execute(query.with_for_update() if lock else query)).one_or_none()


async def list_topics(
    connection: AsyncConnection, *, state: str | None, before: UUID | None, limit: int
) -> Sequence[Any]:
    """Topics, the newest first; one more than ``limit`` if there are more."""
    query = select(topics).order_by(topics.c.id.desc()).limit(limit + 1)
    if state is not None:
        query = query.where(topics.c.state == state)
    if before is not None:
        query = query.where(topics.c.id < before)
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows


async def agenda_topics(connection: AsyncConnection) -> Sequence[Any]:
    """The topics that wait for a decision, the highest score first, then the oldest; at most a hundred."""
    order = (topics.c.score.desc().nulls_last(), topics.c.id)
    rows: Sequence[Any] = (
        await connection.execute(select(topics).where(topics.c.state == "open").order_by(*order).limit(100))
    ).all()
    return rows


async def open_topic(
    connection: AsyncConnection,
    *,
    id: UUID,
    title: str,
    category_id: str,
    province: str,
    source: str,
    at: datetime,
    text: str | None = None,
    score: float | None = None,
    opened_by: str | None = None,
) -> UUID | None:
    """Opens a topic; None if the cell has one that is not closed."""
    row = upsert(topics).values(
        id=id,
        title=title,
        text=text,
        category_id=category_id,
        province=province,
        source=source,
        score=score,
        opened_by=opened_by,
        opened_at=at,
    )
    opened: UUID | None = await connection.scalar(row.on_conflict_do_nothing().returning(topics.c.id))
    return opened


async def topic_of_cell(connection: AsyncConnection, category_id: str, province: str) -> UUID | None:
    """The cell's topic that is not closed; a lock keeps it so until the transaction ends."""
    query = select(topics.c.id).where(
        topics.c.category_id == category_id, topics.c.province == province, topics.c.state != "closed"
    )
    found: UUID | None = await connection.scalar(query.with_for_update())
    return found


async def add_evidence(connection: AsyncConnection, topic_id: UUID, month: str, **figures: Any) -> None:
    """A month that speaks for the topic, once; ``figures`` are the finding's, if there is one."""
    row = upsert(topic_evidence).values(topic_id=topic_id, month=month, **figures)
    await connection.execute(row.on_conflict_do_nothing())
    if figures.get("score") is not None:
        highest = func.greatest(func.coalesce(topics.c.score, 0.0), figures["score"])
        await connection.execute(update(topics).where(topics.c.id == topic_id).values(score=highest))


async def evidence_of(connection: AsyncConnection, topic_ids: Sequence[UUID]) -> Sequence[Any]:
    """The months that speak for the topics, in order."""
    query = select(topic_evidence).where(topic_evidence.c.topic_id.in_(topic_ids)).order_by(topic_evidence.c.month)
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows


async def close_settled(connection: AsyncConnection, month: str, *, until: date, at: datetime) -> int:
    """Closes the decided topics whose decisions were all due before ``until`` and whose cell had no finding in
    ``month``; how many."""
    pending = exists().where(topic_decisions.c.topic_id == topics.c.id, topic_decisions.c.due_on >= until)
    spoken = exists().where(topic_evidence.c.topic_id == topics.c.id, topic_evidence.c.month == month)
    change = update(topics).where(topics.c.state == "decided", ~pending, ~spoken)
    return (await connection.execute(change.values(state="closed", closed_at=at))).rowcount


def _behind(topic_id: UUID, category_id: str, province: str) -> ColumnElement[bool]:
    """The cases behind a topic: those of its cell filed in the months that speak for it. What may be corruption is
    nobody's evidence."""
    months = jalali_months.c
    filed_then = exists().where(
        topic_evidence.c.topic_id == topic_id,
        months.month == topic_evidence.c.month,
        cases.c.registered_at >= months.since,
        cases.c.registered_at < months.until,
    )
    own = and_(cases.c.category_id == category_id, cases.c.restricted.is_(False), filed_then)
    return own if not province else and_(own, cases.c.province == province)


async def cases_of(connection: AsyncConnection, topic: Any) -> Sequence[Any]:
    """The newest cases behind a topic, at most ``MOST_CASES``."""
    columns = (cases.c[name] for name in ("id", "tracking_code", "kind", "status", "province", "registered_at"))
    behind = _behind(topic.id, topic.category_id, topic.province)
    newest = select(*columns, cases.c.subject).where(behind).order_by(cases.c.id.desc()).limit(MOST_CASES)
    rows: Sequence[Any] = (await connection.execute(newest)).all()
    return rows


async def count_cases(connection: AsyncConnection, topic: Any) -> int:
    """How many cases stand behind a topic."""
    behind = _behind(topic.id, topic.category_id, topic.province)
    return int(await connection.scalar(select(func.count()).select_from(cases).where(behind)) or 0)


async def add_decision(connection: AsyncConnection, **values: Any) -> None:
    """Keeps a decision, and the topic is decided."""
    await connection.execute(insert(topic_decisions).values(**values))
    await connection.execute(update(topics).where(topics.c.id == values["topic_id"]).values(state="decided"))


async def decisions_of(connection: AsyncConnection, topic_ids: Sequence[UUID]) -> Sequence[Any]:
    """The decisions on topics, in their order."""
    query = select(topic_decisions).where(topic_decisions.c.topic_id.in_(topic_ids))
    rows: Sequence[Any] = (await connection.execute(query.order_by(topic_decisions.c.id))).all()
    return rows


async def overdue_decisions(connection: AsyncConnection, today: date) -> Sequence[Any]:
    """Decisions whose date is past and whose topic is not closed, the longest overdue first; at most a hundred."""
    query = (
        select(topic_decisions, topics.c.title.label("topic_title"))
        .join(topics, topics.c.id == topic_decisions.c.topic_id)
        .where(topic_decisions.c.due_on < today, topics.c.state != "closed")
        .order_by(topic_decisions.c.due_on, topic_decisions.c.id)
        .limit(100)
    )
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows


async def list_notices(connection: AsyncConnection, topic: Any, decision_id: UUID) -> int:
    """Writes down whom a decision is to be told: each citizen once, about the first of their cases; how many."""
    person = func.coalesce(cases.c.citizen_id, cases.c.id)
    behind = _behind(topic.id, topic.category_id, topic.province)
    query = (
        select(literal(decision_id), cases.c.id)
        .ext(distinct_on(person))
        .where(cases.c.reachable.is_(True), behind)
        .order_by(person, cases.c.id)
    )
    told = insert(topic_notices).from_select(["decision_id", "case_id"], query)
    return (await connection.execute(told)).rowcount


_CLAIM = text("""
WITH due AS (
    SELECT decision_id, case_id FROM topic_notices WHERE told_at IS NULL ORDER BY decision_id, case_id LIMIT :limit
    FOR UPDATE SKIP LOCKED
), told AS (
    UPDATE topic_notices n SET told_at = clock_timestamp() FROM due
    WHERE n.decision_id = due.decision_id AND n.case_id = due.case_id RETURNING n.decision_id, n.case_id
)
SELECT told.case_id, c.kind, d.id AS decision_id, d.title, d.due_on, d.decided_at, d.cases, t.id AS topic_id,
    t.province, k.id AS category_id, k.name_fa AS category_fa, k.name_en AS category_en, o.id AS owner_id,
    o.name_fa AS owner_fa, o.name_en AS owner_en
FROM told JOIN cases c ON c.id = told.case_id JOIN topic_decisions d ON d.id = told.decision_id
JOIN topics t ON t.id = d.topic_id JOIN categories k ON k.id = t.category_id
JOIN departments o ON o.id = d.owner_department_id
""")


async def claim_notices(connection: AsyncConnection, limit: int) -> Sequence[Any]:
    """Up to ``limit`` that are still to be told, now told if the transaction commits, with all that is said."""
    rows: Sequence[Any] = (await connection.execute(_CLAIM, {"limit": limit})).all()
    return rows
