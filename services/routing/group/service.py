"""The working group's use cases: topics, their evidence, decisions, and what became of the counts."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.directory import repository as directory
from services.routing.group import repository, schemas
from services.routing.group.opening import told_of
from services.routing.review import repository as counts
from services.routing.review.months import shifted, span
from services.routing.review.service import Names
from shared.contracts.envelope import Actor
from shared.kit.auth import Principal
from shared.kit.ids import uuid7
from shared.kit.outbox import append
from shared.kit.web.language import Text
from shared.kit.web.problems import CONFLICT, NOT_FOUND, FieldFault, Problem, invalid_fields
from shared.persian.calendar import jalali, jalali_month, tehran_day
from shared.persian.places import PROVINCES

_TREND_MONTHS = 24
_BEFORE_MONTHS = 12
_DIGITS = re.compile(r"[0-9۰-۹][0-9۰-۹ .\-/]{3,}[0-9۰-۹]")


async def list_topics(
    connection: AsyncConnection, *, state: str | None, before: UUID | None, limit: int
) -> list[schemas.TopicOut]:
    """Topics, newest first; one more than ``limit`` if there are more."""
    return await _shown(connection, await repository.list_topics(connection, state=state, before=before, limit=limit))


async def agenda(connection: AsyncConnection) -> schemas.AgendaOut:
    """What the next meeting is about."""
    names, today = await Names.read(connection), tehran_day(datetime.now(UTC))
    return schemas.AgendaOut(
        topics=await _shown(connection, await repository.agenda_topics(connection)),
        overdue=[
            schemas.OverdueOut(
                id=row.id,
                topic_id=row.topic_id,
                topic_title=row.topic_title,
                title=row.title,
                owner=names.departments[row.owner_department_id],
                due_on=jalali(row.due_on),
                days_late=(today - row.due_on).days,
            )
            for row in await repository.overdue_decisions(connection, today)
        ],
    )


async def add_topic(connection: AsyncConnection, principal: Principal, new: schemas.TopicIn) -> schemas.TopicOut:
    """Puts a topic on the agenda by hand. Problem 422 for an unknown category or a month to come, 409 if its category
    and province have a topic that is not closed."""
    now = datetime.now(UTC)
    category = await _category(connection, new.category, "/category")
    month = new.month or jalali_month(now)
    if month > jalali_month(now):
        message = Text("این ماه هنوز نیامده است.", "That month is yet to come.")
        raise invalid_fields(FieldFault("/month", "month_to_come", message))
    province = new.province or ""
    topic_id = await repository.open_topic(
        connection,
        id=uuid7(),
        title=new.title,
        text=new.text,
        category_id=category.id,
        province=province,
        source="group",
        at=now,
        opened_by=principal.subject,
    )
    if topic_id is None:
        raise Problem(CONFLICT, detail=_HAS_TOPIC, code="topic_is_open")
    observed = await counts.filed_in(connection, category.id, province, month, month)
    filed = sum(observed.get(month, {}).values())
    await repository.add_evidence(connection, topic_id, month, observed=filed)
    actor = Actor(kind="staff", id=principal.subject, title=principal.title)
    await append(
        connection, told_of(topic_id, month, category, province, "group", observed=filed, expected=None, actor=actor)
    )
    row = await _found(connection, topic_id)
    return (await _shown(connection, [row]))[0]


async def show(connection: AsyncConnection, topic_id: UUID) -> schemas.TopicDetailOut:
    """A topic with its evidence, cases and decisions, and the counts since. Problem 404 for no such topic."""
    row, names = await _found(connection, topic_id), await Names.read(connection)
    shown = (await _shown(connection, [row]))[0]
    now = jalali_month(datetime.now(UTC))
    months = span(min([shifted(now, 1 - _TREND_MONTHS), *(evidence.month for evidence in shown.evidence)]), now)
    by_month = await counts.filed_in(connection, row.category_id, row.province, months[0], months[-1])
    behind = await repository.cases_of(connection, row)
    places = Counter[str]()
    for evidence in shown.evidence:
        places.update(by_month.get(evidence.month, {}))
    decisions = await repository.decisions_of(connection, [topic_id])
    return schemas.TopicDetailOut(
        **shown.model_dump(),
        trend=[schemas.MonthCountOut(month=m, count=sum(by_month.get(m, {}).values())) for m in months],
        provinces=[
            schemas.PlaceOut(province=code, name_fa=PROVINCES[code].name_fa, count=count)
            for code, count in places.most_common()
            if count
        ],
        sample=[
            schemas.SampleOut(
                id=case.id,
                tracking_code=case.tracking_code,
                kind=case.kind,
                province=case.province,
                registered_on=jalali(case.registered_at),
                subject=_DIGITS.sub("…", case.subject),
            )
            for case in _spread(behind, repository.SAMPLE)
        ],
        cases=[
            schemas.CaseOut(
                id=case.id,
                tracking_code=case.tracking_code,
                status=case.status,
                province=case.province,
                registered_on=jalali(case.registered_at),
            )
            for case in behind
        ],
        cases_count=await repository.count_cases(connection, row),
        decisions=[await _decision(connection, decision, names) for decision in decisions],
    )


async def decide(
    connection: AsyncConnection, principal: Principal, topic_id: UUID, new: schemas.DecisionIn
) -> schemas.DecisionOut:
    """Decides on a topic and writes down whom it is told: everyone whose case stands behind it, once.

    Problem 404 for no such topic, 409 for a closed one, 422 for an unknown department or category and a date that is
    past.
    """
    row = await _found(connection, topic_id, lock=True)
    if row.state == "closed":
        raise Problem(CONFLICT, detail=_CLOSED, code="topic_is_closed")
    owner = await directory.department(connection, new.owner_department_id)
    if owner is None or owner.pipeline != "zrm":
        text = Text("این واحد در فهرست نیست.", "There is no such department.")
        raise invalid_fields(FieldFault("/owner_department_id", "unknown_department", text))
    measured = await _category(connection, new.measure.category, "/measure/category")
    now = datetime.now(UTC)
    if new.due_on < tehran_day(now):
        text = Text("این تاریخ گذشته است.", "This date is past.")
        raise invalid_fields(FieldFault("/due_on", "date_past", text))
    decision_id = uuid7()
    await repository.add_decision(
        connection,
        id=decision_id,
        topic_id=topic_id,
        title=new.title,
        text=new.text,
        owner_department_id=owner.id,
        due_on=new.due_on,
        measure_category_id=measured.id,
        measure_province=new.measure.province or "",
        target=new.measure.target,
        decided_by=principal.subject,
        decided_by_title=principal.title,
        decided_at=now,
        cases=await repository.count_cases(connection, row),
    )
    await repository.list_notices(connection, row, decision_id)
    kept = (await repository.decisions_of(connection, [topic_id]))[-1]
    return await _decision(connection, kept, await Names.read(connection))


async def _found(connection: AsyncConnection, topic_id: UUID, *, lock: bool = False) -> Any:
    row = await repository.topic(connection, topic_id, lock=lock)
    if row is None:
        raise Problem(NOT_FOUND)
    return row


async def _category(connection: AsyncConnection, category_id: str, pointer: str) -> Any:
    row = await directory.category(connection, category_id)
    if row is None:
        text = Text("این موضوع در فهرست نیست.", "There is no such category.")
        raise invalid_fields(FieldFault(pointer, "unknown_category", text))
    return row


async def _shown(connection: AsyncConnection, rows: Sequence[Any]) -> list[schemas.TopicOut]:
    names, ids = await Names.read(connection), [row.id for row in rows]
    evidence: dict[UUID, list[schemas.EvidenceOut]] = {}
    for month in await repository.evidence_of(connection, ids):
        evidence.setdefault(month.topic_id, []).append(
            schemas.EvidenceOut(
                month=month.month,
                observed=month.observed,
                expected=None if month.expected is None else round(month.expected, 2),
                upper=month.upper,
                score=None if month.score is None else round(month.score, 3),
            )
        )
    decisions = Counter(row.topic_id for row in await repository.decisions_of(connection, ids))
    return [
        schemas.TopicOut(
            id=row.id,
            title=row.title,
            text=row.text,
            state=row.state,
            source=row.source,
            category=names.categories[row.category_id],
            province=row.province or None,
            province_name_fa=PROVINCES[row.province].name_fa if row.province else None,
            score=None if row.score is None else round(row.score, 3),
            opened_at=row.opened_at,
            opened_on=jalali(row.opened_at),
            closed_on=jalali(row.closed_at) if row.closed_at else None,
            evidence=evidence.get(row.id, []),
            decisions_count=decisions[row.id],
        )
        for row in rows
    ]


async def _decision(connection: AsyncConnection, row: Any, names: Names) -> schemas.DecisionOut:
    now = datetime.now(UTC)
    decided_in, running = jalali_month(row.decided_at), jalali_month(now)
    months = span(shifted(decided_in, -_BEFORE_MONTHS), running)
    found = await counts.filed_in(connection, row.measure_category_id, row.measure_province, months[0], months[-1])
    counted = {month: sum(places.values()) for month, places in found.items()}
    return schemas.DecisionOut(
        id=row.id,
        topic_id=row.topic_id,
        title=row.title,
        text=row.text,
        owner=names.departments[row.owner_department_id],
        due_on=jalali(row.due_on),
        overdue=row.due_on < tehran_day(now),
        measure=schemas.MeasureOut(
            category=row.measure_category_id, province=row.measure_province or None, target=row.target
        ),
        decided_at=row.decided_at,
        decided_on=jalali(row.decided_at),
        decided_by_title=row.decided_by_title,
        cases=row.cases,
        followed=[
            schemas.FollowedOut(
                month=month,
                count=counted.get(month, 0),
                target=row.target,
                after=month >= decided_in,
                met=counted.get(month, 0) <= row.target if decided_in <= month < running else None,
            )
            for month in months
        ],
    )


def _spread(rows: Sequence[Any], wanted: int) -> Iterable[Any]:
    """So many of the rows, evenly from the first to the last."""
    return rows if len(rows) <= wanted else [rows[n * len(rows) // wanted] for n in range(wanted)]


_HAS_TOPIC = Text(
    "این موضوع و استان هم‌اکنون در دستور کار است.", "This category and province are on the agenda already."
)
_CLOSED = Text("این موضوع بسته شده است.", "This topic is closed.")
