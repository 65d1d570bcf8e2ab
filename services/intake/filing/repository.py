"""Writing cases, many in one statement: the case, its tracking code, its Idempotency-Key and its event."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.kit.web.idempotency import KEY_IN_USE
from shared.kit.web.problems import Problem


class NewCase(NamedTuple):
    """A row for each of the four tables; ``key_hash`` binds the Idempotency-Key to who used it."""

    key_hash: bytes
    fingerprint: bytes
    id: UUID
    tracking_code: str
    citizen_id: UUID | None
    partner_id: str | None
    kind: str
    channel: str
    language: str
    category_id: str | None
    province: str
    county: str | None
    organisation_id: str | None
    contact_sealed: str
    text_sealed: str
    registered_at: datetime
    event_id: UUID
    event_lane: int
    event_type: str
    event_body: bytes


@dataclass(frozen=True, slots=True)
class Filed:
    """What a key holds: the case now written, or the one that was filed under the key before."""

    case_id: UUID
    fingerprint: bytes
    fresh: bool


_NOT_TEXT = {
    "key_hash": "bytea",
    "fingerprint": "bytea",
    "id": "uuid",
    "citizen_id": "uuid",
    "registered_at": "timestamptz",
    "event_id": "uuid",
    "event_lane": "smallint",
    "event_body": "bytea",
}
_ARRAYS = ", ".join(f"${n}::{_NOT_TEXT.get(name, 'text')}[]" for n, name in enumerate(NewCase._fields, start=1))

# One round trip. Keys are written in order, so that two writers with the same keys wait for each other instead of
# deadlocking; whoever comes second finds its key taken and writes nothing.
_WRITE = f"""
WITH filed AS MATERIALIZED (SELECT * FROM unnest({_ARRAYS}) AS t ({", ".join(NewCase._fields)})),
fresh AS (
    INSERT INTO filing_keys (key_hash, fingerprint, case_id)
    SELECT key_hash, fingerprint, id FROM filed ORDER BY key_hash ON CONFLICT DO NOTHING RETURNING case_id
),
new AS MATERIALIZED (SELECT filed.* FROM filed JOIN fresh ON fresh.case_id = filed.id),
codes AS (INSERT INTO tracking_codes (code, case_id) SELECT tracking_code, id FROM new),
events AS (
    INSERT INTO outbox (lane, event_id, type, subject, case_id, body)
    SELECT event_lane, event_id, event_type, id::text, id, event_body FROM new
)
INSERT INTO cases (id, tracking_code, citizen_id, partner_id, kind, channel, language, category_id, province, county,
                   organisation_id, contact_sealed, text_sealed, registered_at, registered_event_id, last_event_id)
SELECT id, tracking_code, citizen_id, partner_id, kind, channel, language, category_id, province, county,
       organisation_id, contact_sealed, text_sealed, registered_at, event_id, event_id FROM new
RETURNING id
"""
_LOCK_CLASS = 5313
_HELD = "SELECT key_hash, fingerprint, case_id FROM filing_keys WHERE key_hash = ANY($1::bytea[])"


async def write_cases(connection: asyncpg.Connection, cases: Sequence[NewCase]) -> list[Filed]:
    """Writes those cases whose key is new, in the caller's transaction; for the others tells what the key holds.

    Two of one batch with the same key: the first is written, the second told of it.
    """
    first: dict[bytes, NewCase] = {}
    for case in cases:
        first.setdefault(case.key_hash, case)
    columns = [list(column) for column in zip(*first.values(), strict=True)]
    written = {record["id"] for record in await connection.fetch(_WRITE, *columns)}
    held = {case.key_hash: (case.id, case.fingerprint) for case in first.values() if case.id in written}
    missing = [key for key in first if key not in held]
    if missing:
        for record in await connection.fetch(_HELD, missing):
            held[record["key_hash"]] = (record["case_id"], record["fingerprint"])
    return [Filed(*held[case.key_hash], fresh=held[case.key_hash][0] == case.id) for case in cases]


async def held_by(connection: AsyncConnection, key_hash: bytes) -> Filed | None:
    """What was filed under a key before; the key is the caller's until its transaction ends.

    Raises a 409 problem while another transaction has it.
    """
    lock = {"class": _LOCK_CLASS, "lock": int.from_bytes(key_hash[:4], "big", signed=True)}
    if not await connection.scalar(text("SELECT pg_try_advisory_xact_lock(:class, :lock)"), lock):
        raise Problem(KEY_IN_USE, headers={"Retry-After": "1"})
    query = text("SELECT case_id, fingerprint FROM filing_keys WHERE key_hash = :key_hash")
    row = (await connection.execute(query, {"key_hash": key_hash})).one_or_none()
    return Filed(row.case_id, row.fingerprint, fresh=False) if row else None


async def write_one(connection: AsyncConnection, case: NewCase) -> Filed:
    """As ``write_cases``, in a transaction in which more is written."""
    driver: asyncpg.Connection = (await connection.get_raw_connection()).driver_connection
    (filed,) = await write_cases(driver, [case])
    return filed


async def forget_old_keys(connection: AsyncConnection, *, days: int) -> None:
    """Idempotency-Keys older than ``days`` may be used again."""
    await connection.execute(
        text("DELETE FROM filing_keys WHERE created_at < now() - make_interval(days => :days)"), {"days": days}
    )
