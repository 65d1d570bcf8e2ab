"""Writing an event beside the state it tells of."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID
from zlib import crc32

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.envelope import SYSTEM, Actor, Event
from shared.kit.ids import uuid7
from shared.kit.telemetry import current_traceparent

E = TypeVar("E", bound=Event)

LANES = 16
"""Events of one aggregate share a lane, and a lane has one relay at a time: that keeps their order."""

_INSERT = text(
    "INSERT INTO outbox (lane, event_id, type, subject, case_id, body)"
    " VALUES (:lane, :event_id, :type, :subject, :case_id, :body)"
)


def lane_of(subject: str) -> int:
    """The lane (0 to 15) of an aggregate."""
    return crc32(subject.encode()) % LANES


def new_event(
    kind: type[E],
    *,
    subject: str,
    sequence: int,
    data: Any,
    actor: Actor = SYSTEM,
    case_id: UUID | None = None,
    causation_id: UUID | None = None,
) -> E:
    """An event of ``kind`` that happened now. ``sequence`` counts the events of this producer about ``subject`` from 1;
    the caller holds the aggregate's row lock, so that numbers and outbox rows come in the same order."""
    return kind(
        id=uuid7(),
        source=kind.SOURCE,
        type=kind.TYPE,
        subject=subject,
        time=datetime.now(UTC),
        sequence=sequence,
        traceparent=current_traceparent(),
        actor=actor,
        case_id=case_id,
        causation_id=causation_id,
        data=data,
    )


_INSERT_MANY = """
INSERT INTO outbox (lane, event_id, type, subject, case_id, body)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::bytea[])
"""


async def append_many(connection: asyncpg.Connection, events: Sequence[Event]) -> None:
    """As ``append``, for batches written on a driver's connection, in the transaction that is open on it."""
    if events:
        await connection.execute(
            _INSERT_MANY,
            [lane_of(event.subject) for event in events],
            [event.id for event in events],
            [event.type for event in events],
            [event.subject for event in events],
            [event.case_id for event in events],
            [event.model_dump_json().encode() for event in events],
        )


async def append(connection: AsyncConnection, *events: Event) -> None:
    """Puts the events into the outbox, in the caller's transaction."""
    if events:
        await connection.execute(
            _INSERT,
            [
                {
                    "lane": lane_of(event.subject),
                    "event_id": event.id,
                    "type": event.type,
                    "subject": event.subject,
                    "case_id": event.case_id,
                    "body": event.model_dump_json().encode(),
                }
                for event in events
            ],
        )
