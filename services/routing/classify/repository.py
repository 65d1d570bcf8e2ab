"""The queries on models, their nightly refits, drift, and the cases that they learn from and are judged by."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.tables import (
    audit_samples,
    cases,
    categories,
    classifier_drift,
    classifier_models,
    classifier_refits,
    departments,
)


async def promoted(connection: AsyncConnection) -> str | None:
    """The SHA-256 of the promoted model; None before the first."""
    query = select(classifier_models.c.sha256).where(classifier_models.c.promoted_at.is_not(None))
    found: str | None = await connection.scalar(query.order_by(classifier_models.c.promoted_at.desc()).limit(1))
    return found


async def content(connection: AsyncConnection, sha256: str) -> bytes | None:
    """A model's file."""
    found: bytes | None = await connection.scalar(
        select(classifier_models.c.content).where(classifier_models.c.sha256 == sha256)
    )
    return found


async def promote(connection: AsyncConnection, sha256: str, version: str, file: bytes, *, keep: int) -> None:
    """Keeps a model as the one to use from now; of the older ones the files of the last ``keep`` stay."""
    row = upsert(classifier_models).values(sha256=sha256, version=version, content=file, promoted_at=func.now())
    again = {"promoted_at": func.now(), "content": file}
    await connection.execute(row.on_conflict_do_update(index_elements=[classifier_models.c.sha256], set_=again))
    newest = select(classifier_models.c.sha256).order_by(classifier_models.c.promoted_at.desc()).limit(keep)
    await connection.execute(
        update(classifier_models).where(classifier_models.c.sha256.not_in(newest)).values(content=None)
    )


async def begin_refit(connection: AsyncConnection, day: date) -> bool:
    """Claims a day's refit; False if somebody has it."""
    row = upsert(classifier_refits).values(day=day).on_conflict_do_nothing()
    return (await connection.execute(row)).rowcount == 1


async def end_refit(connection: AsyncConnection, day: date, **figures: Any) -> None:
    """Keeps how a day's refit ended."""
    await connection.execute(
        update(classifier_refits).where(classifier_refits.c.day == day).values(ended_at=func.now(), **figures)
    )


async def active_categories(connection: AsyncConnection) -> Sequence[Any]:
    """The categories in use, each with its department, name and keywords."""
    query = (
        select(categories.c.id, categories.c.department_id, categories.c.name_fa, categories.c.keywords)
        .join(departments, departments.c.id == categories.c.department_id)
        .where(categories.c.active, departments.c.active)
        .order_by(categories.c.position)
    )
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows


async def decided(connection: AsyncConnection, *, limit: int) -> Sequence[Any]:
    """Subject, text, final category and decision's time of the cases decided last, the oldest first.

    The final category is the one under which an officer decided, or the auditor's where there is one. What may be
    corruption, and what was moved away, is never learnt from.
    """
    label = func.coalesce(audit_samples.c.right_category_id, cases.c.category_id).label("category_id")
    newest = (
        select(cases.c.id, cases.c.subject, cases.c.body, label, cases.c.decided_at)
        .outerjoin(audit_samples, audit_samples.c.case_id == cases.c.id)
        .where(
            cases.c.status.in_(("decided", "closed")),
            cases.c.category_id.is_not(None),
            cases.c.decided_at.is_not(None),
            cases.c.restricted.is_(False),
        )
        .order_by(cases.c.decided_at.desc(), cases.c.id.desc())
        .limit(limit)
        .subquery()
    )
    rows: Sequence[Any] = (await connection.execute(select(newest).order_by(newest.c.decided_at, newest.c.id))).all()
    return rows


async def shares(connection: AsyncConnection, since: datetime, until: datetime) -> tuple[int, float, float]:
    """Of the cases filed without a category between two moments: how many, the share left to a person, and the mean
    probability of the best guess."""
    query = select(
        func.count(),
        func.count().filter(cases.c.routing["method"].astext == "triage"),
        func.coalesce(func.avg(cases.c.routing["top"][0]["score"].as_float()), 0.0),
    ).where(cases.c.registered_at >= since, cases.c.registered_at < until, cases.c.chosen_category_id.is_(None))
    count, left, score = (await connection.execute(query)).one()
    return count, (left / count if count else 0.0), float(score)


async def guessed(connection: AsyncConnection, since: datetime, until: datetime) -> dict[str, int]:
    """How many cases' best guess each category was."""
    label = func.coalesce(cases.c.routing["top"][0]["category_id"].astext, literal("-")).label("label")
    query = (
        select(label, func.count().label("filed"))
        .where(cases.c.registered_at >= since, cases.c.registered_at < until)
        .group_by(label)
    )
    return {row.label: row.filed for row in await connection.execute(query)}


async def keep_drift(connection: AsyncConnection, day: date, **figures: Any) -> None:
    """Keeps a day's drift figures."""
    row = upsert(classifier_drift).values(day=day, **figures)
    await connection.execute(row.on_conflict_do_update(index_elements=[classifier_drift.c.day], set_=figures))


async def sample(connection: AsyncConnection, **values: Any) -> None:
    """Puts a case that a machine decided on the list of those to be checked."""
    await connection.execute(insert(audit_samples).values(**values))


def _samples() -> Select[Any]:
    now = (cases.c.department_id.label("department_now"), cases.c.category_id.label("category_now"))
    return select(audit_samples, cases.c.tracking_code, cases.c.subject, *now).join(
        cases, cases.c.id == audit_samples.c.case_id
    )


async def samples(connection: AsyncConnection, *, checked: bool, after: UUID | None, limit: int) -> Sequence[Any]:
    """Drawn cases, checked or not, the oldest first; one more than ``limit`` if there are more. What was found to be
    corruption meanwhile is left out."""
    done = audit_samples.c.checked_at
    query = _samples().where(done.is_not(None) if checked else done.is_(None), cases.c.restricted.is_(False))
    if after is not None:
        query = query.where(audit_samples.c.case_id > after)
    rows: Sequence[Any] = (await connection.execute(query.order_by(audit_samples.c.case_id).limit(limit + 1))).all()
    return rows


async def sampled(connection: AsyncConnection, case_id: UUID) -> Any:
    """One drawn case."""
    return (await connection.execute(_samples().where(audit_samples.c.case_id == case_id))).one()


async def check_sample(connection: AsyncConnection, case_id: UUID, category_id: str, by: str) -> bool:
    """Keeps which category was right; False if the case was not drawn."""
    done = await connection.execute(
        update(audit_samples)
        .where(audit_samples.c.case_id == case_id)
        .values(right_category_id=category_id, checked_by=by, checked_at=func.now())
    )
    return done.rowcount == 1
