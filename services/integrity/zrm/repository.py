"""The queries on events of cases and letters, and on daily roots."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_LOCK = 5313
"""Advisory lock: shared while events are taken down, alone while a day is closed."""


async def add_events(
    connection: AsyncConnection, ids: Sequence[UUID], days: Sequence[date], hashes: Sequence[bytes]
) -> None:
    """Takes events down; those that are known stay as they are. One of a day that has its root already counts for the
    first day that has none."""
    await connection.execute(text("SELECT pg_advisory_xact_lock_shared(:lock, 0)"), {"lock": _LOCK})
    await connection.execute(
        text(
            "INSERT INTO zrm_events (event_id, day, body_sha256)"
            " SELECT e.id, greatest(e.day, (SELECT max(day) + 1 FROM zrm_roots)), e.hash FROM"
            " unnest(CAST(:ids AS uuid[]), CAST(:days AS date[]), CAST(:hashes AS bytea[])) AS e (id, day, hash)"
            " ON CONFLICT (event_id) DO NOTHING"
        ),
        {"ids": list(ids), "days": list(days), "hashes": list(hashes)},
    )


async def lock_days(connection: AsyncConnection) -> None:
    """Until the transaction ends no event is taken down, and no other process closes a day."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(:lock, 0)"), {"lock": _LOCK})


async def last_root(connection: AsyncConnection) -> Any:
    """The newest root (``day, leaf_hash, number``, counted from 1); None while there is none."""
    return (
        await connection.execute(
            text(
                "SELECT day, leaf_hash, (SELECT count(*) FROM zrm_roots) AS number FROM zrm_roots"
                " ORDER BY day DESC LIMIT 1"
            )
        )
    ).one_or_none()


async def first_day(connection: AsyncConnection) -> date | None:
    """The first day of which there is an event."""
    day: date | None = await connection.scalar(text("SELECT min(day) FROM zrm_events"))
    return day


async def events_of(connection: AsyncConnection, day: date) -> Sequence[Any]:
    """The day's events (``event_id, body_sha256``) in the order of their ids."""
    rows = await connection.execute(
        text("SELECT event_id, body_sha256 FROM zrm_events WHERE day = :day ORDER BY event_id"), {"day": day}
    )
    return rows.all()


async def add_root(connection: AsyncConnection, **values: Any) -> None:
    """Keeps a day's root (``day, events, root, hashes, leaf_hash``)."""
    await connection.execute(
        text(
            "INSERT INTO zrm_roots (day, events, root, hashes, leaf_hash)"
            " VALUES (:day, :events, :root, :hashes, :leaf_hash)"
        ),
        values,
    )


async def placed_roots(connection: asyncpg.Connection, leaves: Sequence[bytes]) -> Sequence[asyncpg.Record]:
    """The days whose leaves these are (by their hashes), each with its leaf's number and place in the log (``day,
    leaf_hash, seq, index``), on the sequencer's own connection, which sees what it has just placed."""
    rows: Sequence[asyncpg.Record] = await connection.fetch(
        "SELECT r.day, r.leaf_hash, l.seq, l.index FROM zrm_roots r JOIN log_leaves l ON l.hash = r.leaf_hash"
        " WHERE r.leaf_hash = ANY($1::bytea[]) ORDER BY l.seq",
        leaves,
    )
    return rows
