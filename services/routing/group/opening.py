"""Findings become topics by themselves, once per cell: an excess that goes on is more evidence for the same topic."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.group import repository
from services.routing.review.detection import Finding
from services.routing.review.months import month_title
from shared.contracts.envelope import SYSTEM, Actor, CategoryRef
from shared.contracts.routing import TopicOpened, TopicOpenedData
from shared.kit.ids import uuid7
from shared.kit.outbox import append, new_event
from shared.persian.calendar import month_bounds, tehran_day
from shared.persian.places import PROVINCES


async def open_topics(
    connection: AsyncConnection,
    month: str,
    findings: Sequence[Finding],
    categories: Mapping[str, CategoryRef],
    *,
    at: datetime,
) -> None:
    """Opens a topic for each finding of a closed month, or adds it to the one that its category and province have;
    then closes those that are settled: their decisions' dates are past, and the month had no more excess."""
    for finding in findings:
        figures: dict[str, Any] = {
            name: getattr(finding, name) for name in ("observed", "expected", "upper", "p", "score")
        }
        category = categories[finding.category_id]
        topic_id = await repository.topic_of_cell(connection, finding.category_id, finding.province)
        if topic_id is None:
            topic_id = await repository.open_topic(
                connection,
                id=uuid7(),
                title=_title(category, finding.province, month),
                category_id=finding.category_id,
                province=finding.province,
                source="excess",
                score=finding.score,
                at=at,
            )
            if topic_id is None:  # by hand, just now
                topic_id = await repository.topic_of_cell(connection, finding.category_id, finding.province)
            else:
                opened = told_of(
                    topic_id,
                    month,
                    category,
                    finding.province,
                    "excess",
                    observed=finding.observed,
                    expected=finding.expected,
                )
                await append(connection, opened)
        if topic_id is not None:
            await repository.add_evidence(connection, topic_id, month, **figures)
    await repository.close_settled(connection, month, until=tehran_day(month_bounds(month)[1]), at=at)


def told_of(
    topic_id: UUID,
    month: str,
    category: Any,
    province: str,
    opened_by: Literal["excess", "group"],
    *,
    observed: int | None,
    expected: float | None,
    actor: Actor = SYSTEM,
) -> TopicOpened:
    """The event that tells of a new topic; ``category`` has an id and its names."""
    return new_event(
        TopicOpened,
        subject=str(topic_id),
        sequence=1,
        actor=actor,
        data=TopicOpenedData(
            topic_id=topic_id,
            month=month,
            category=CategoryRef(id=category.id, name_fa=category.name_fa, name_en=category.name_en),
            province=province or None,
            opened_by=opened_by,
            observed=observed,
            expected=expected,
        ),
    )


def _title(category: CategoryRef, province: str, month: str) -> str:
    place = f"استان {PROVINCES[province].name_fa}" if province else "سراسر کشور"
    return f"فزونی «{category.name_fa}» در {place}، {month_title(month)}"
