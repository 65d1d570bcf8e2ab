"""A day of ZRM as one leaf of the log: the Merkle root over all events of cases and letters of that day."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import rfc8785
from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.log.chain import new_leaf, record
from services.integrity.zrm import repository
from shared.kit.db import Database
from shared.kit.tlog.merkle import leaf_hash, root_of
from shared.persian.calendar import day_bounds

CHAIN = "zrm"
TYPE = "zrm.day_rooted"
GRACE = timedelta(hours=1)
"""How long after midnight events of the day may still be on their way."""


def event_leaf(event_id: UUID, body_sha256: bytes) -> bytes:
    """An event's hash in the day's tree: over its id (16 bytes) and the SHA-256 of its body (32 bytes)."""
    return leaf_hash(event_id.bytes + body_sha256)


def statement(day: date, hashes: Sequence[bytes], root: bytes) -> bytes:
    """What the day's leaf is the hash of, in canonical JSON (RFC 8785). ``day`` is Tehran's, written Gregorian."""
    return rfc8785.dumps({"v": 1, "day": day.isoformat(), "events": len(hashes), "root": root.hex()})


async def root_next_day(connection: AsyncConnection, now: datetime) -> date | None:
    """Makes the root of the first day that has none, if it is over at ``now`` (aware); that day, None if none is due.

    Days without events have a root, too, so that a missing day is seen.
    """
    await repository.lock_days(connection)
    last = await repository.last_root(connection)
    day = await repository.first_day(connection) if last is None else last.day + timedelta(days=1)
    if day is None or now < day_bounds(day)[1] + GRACE:
        return None
    rows: Sequence[Any] = await repository.events_of(connection, day)
    hashes = [event_leaf(row.event_id, row.body_sha256) for row in rows]
    root = root_of(hashes)
    recorded = new_leaf(
        chain=CHAIN,
        seq=1 if last is None else last.number + 1,
        type=TYPE,
        at=now,
        actor="system",
        ciphertext=statement(day, hashes, root),
        previous=None if last is None else last.leaf_hash,
    )
    await record(connection, recorded)
    await repository.add_root(
        connection, day=day, events=len(hashes), root=root, hashes=b"".join(hashes), leaf_hash=recorded.hash
    )
    return day


def rooting(database: Database) -> Callable[[], Awaitable[None]]:
    """What a clock does: makes the roots of all days that are due, each in a transaction of its own."""

    async def tick() -> None:
        while True:
            async with database.transaction() as connection:
                if await root_next_day(connection, datetime.now(UTC)) is None:
                    return

    return tick
