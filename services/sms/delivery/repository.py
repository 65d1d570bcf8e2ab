"""The queries on texts: queueing, claiming, what the operator said, and its reports."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

LEASE_SECONDS = 30
"""How long a claimed text is left to its claimer; after that its outcome counts as unknown."""


@dataclass(frozen=True, slots=True)
class NewText:
    """A text to be sent. ``recipient_sealed`` and ``text_sealed`` are None for one that cannot be sent at all."""

    id: UUID
    event_id: UUID
    template: str
    urgency: int
    case_id: UUID | None
    recipient_index: bytes
    recipient_sealed: str | None
    text_sealed: str | None
    traceparent: str | None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A text that this worker is to send, or to ask about if ``unsure``."""

    id: UUID
    event_id: UUID
    template: str
    urgency: int
    case_id: UUID | None
    recipient_sealed: str = field(repr=False)
    text_sealed: str = field(repr=False)
    traceparent: str | None
    taken: dict[int, str]
    attempts: int
    unsure: bool


_QUEUE = text(
    "INSERT INTO messages (id, event_id, template, urgency, case_id, recipient_index, recipient_sealed, text_sealed,"
    " traceparent, state, expires_at) VALUES (:id, :event_id, :template, :urgency, :case_id, :recipient_index,"
    " :recipient_sealed, :text_sealed, :traceparent, :state, :expires_at) ON CONFLICT DO NOTHING"
)


async def queue(connection: AsyncConnection, new: NewText) -> bool:
    """Queues the text; False if this step was told to this phone before. Without a number it is kept as suppressed."""
    row = {name: getattr(new, name) for name in NewText.__slots__}
    state = "queued" if new.recipient_sealed is not None else "suppressed"
    return (await connection.execute(_QUEUE, {**row, "state": state})).rowcount == 1


# One phone's texts of a class leave one after the other, in the order of the steps; a text that waits for its next
# attempt holds back those behind it. A lease that ran out says that a worker died with the text in its hands.
_CLAIM = """
WITH due AS (
    SELECT m.ordinal, m.state FROM messages m
    WHERE m.state IN ('queued', 'sending', 'outcome_unknown') AND m.urgency = ANY($1::smallint[])
      AND m.next_attempt_at <= clock_timestamp()
      AND NOT EXISTS (
          SELECT 1 FROM messages earlier
          WHERE earlier.recipient_index = m.recipient_index AND earlier.urgency = m.urgency
            AND earlier.ordinal < m.ordinal AND earlier.state IN ('queued', 'sending', 'outcome_unknown'))
    ORDER BY m.urgency, m.ordinal LIMIT $2 FOR UPDATE OF m SKIP LOCKED
)
UPDATE messages m SET state = 'sending', attempts = attempts + 1,
    next_attempt_at = clock_timestamp() + make_interval(secs => $3)
FROM due WHERE m.ordinal = due.ordinal
RETURNING m.id, m.event_id, m.template, m.urgency, m.case_id, m.recipient_sealed, m.text_sealed, m.traceparent,
    m.taken, m.attempts, due.state <> 'queued' AS unsure
"""


async def claim(connection: asyncpg.Connection, urgencies: Sequence[int], limit: int) -> list[Claimed]:
    """Up to ``limit`` texts that are due, now leased to the caller."""
    rows = await connection.fetch(_CLAIM, list(urgencies), limit, float(LEASE_SECONDS))
    return [
        Claimed(**{**dict(row), "taken": {int(n): id for n, id in orjson.loads(row["taken"]).items()}}) for row in rows
    ]


async def renew(connection: asyncpg.Connection, ids: Sequence[UUID]) -> None:
    """Keeps the lease on texts that are still on their way: a slow operator must not make them look abandoned."""
    await connection.execute(
        "UPDATE messages SET next_attempt_at = clock_timestamp() + make_interval(secs => $2)"
        " WHERE id = ANY($1::uuid[]) AND state = 'sending'",
        list(ids),
        float(LEASE_SECONDS),
    )


async def give_up_expired(connection: asyncpg.Connection) -> list[UUID]:
    """Texts that are of no use any more (a login code past its time) will not be sent; their ids."""
    rows = await connection.fetch(
        "UPDATE messages SET state = 'expired', text_sealed = NULL"
        " WHERE state = 'queued' AND expires_at < clock_timestamp() RETURNING id"
    )
    return [row["id"] for row in rows]


_SETTLE = """
UPDATE messages m SET state = s.state, taken = s.taken::jsonb, parts = nullif(s.parts, 0), sequence = m.sequence + 1,
    next_attempt_at = clock_timestamp() + make_interval(secs => s.again),
    text_sealed = CASE WHEN s.state IN ('accepted', 'rejected') AND m.urgency = 0 THEN NULL ELSE m.text_sealed END,
    accepted_at = CASE WHEN s.state = 'accepted' THEN clock_timestamp() END
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::smallint[], $5::float8[]) AS s (id, state, taken, parts, again)
WHERE m.id = s.id AND m.state = 'sending'
RETURNING m.id, m.event_id, m.template, m.case_id, m.state, m.sequence
"""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of an attempt: the new state, the parts taken so far, and in how many seconds to try again."""

    id: UUID
    state: str
    taken: dict[int, str]
    operator: str
    again: float = 0.0


async def settle(connection: asyncpg.Connection, settlements: Sequence[Settlement]) -> list[asyncpg.Record]:
    """Writes what became of attempts, many at once; the texts that were still ours to settle."""
    rows: list[asyncpg.Record] = await connection.fetch(
        _SETTLE,
        [s.id for s in settlements],
        [s.state for s in settlements],
        [orjson.dumps({str(n): id for n, id in s.taken.items()}).decode() for s in settlements],
        [len(s.taken) for s in settlements],
        [s.again for s in settlements],
    )
    parts = [(id, s.operator, s.id, number) for s in settlements for number, id in s.taken.items()]
    if parts:
        await connection.execute(
            "INSERT INTO parts (provider_id, operator, message_id, number)"
            " SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::smallint[]) ON CONFLICT DO NOTHING",
            *map(list, zip(*parts, strict=True)),
        )
    return rows


_KEEP_REPORTS = """
INSERT INTO reports (operator, provider_id, state, rank, at)
SELECT DISTINCT ON (operator, provider_id) * FROM unnest($1::text[], $2::text[], $3::text[], $4::smallint[],
    $5::timestamptz[]) AS r (operator, provider_id, state, rank, at) ORDER BY operator, provider_id, rank DESC
ON CONFLICT (operator, provider_id) DO UPDATE SET state = excluded.state, rank = excluded.rank, at = excluded.at
WHERE reports.rank < excluded.rank
"""

# A text is delivered when all its parts are; one part that failed for good fails the text.
_FOLD = """
WITH touched AS (
    SELECT DISTINCT p.message_id FROM parts p
    WHERE p.message_id = ANY($1::uuid[])
       OR (p.operator, p.provider_id) IN (SELECT * FROM unnest($2::text[], $3::text[]))
),
folded AS (
    SELECT p.message_id, count(*) AS known, count(*) FILTER (WHERE r.state = 'delivered') AS delivered,
        count(*) FILTER (WHERE r.state = 'sent') AS sent,
        min(r.state) FILTER (WHERE r.state IN ('undeliverable', 'expired', 'rejected')) AS failed, max(r.at) AS at
    FROM parts p JOIN touched t USING (message_id)
    LEFT JOIN reports r ON r.operator = p.operator AND r.provider_id = p.provider_id
    GROUP BY p.message_id
),
news AS (
    SELECT f.*, coalesce(f.failed, CASE WHEN f.delivered = f.known THEN 'delivered'
        WHEN f.delivered + f.sent > 0 THEN 'sent' END) AS word FROM folded f
)
UPDATE messages m SET state = n.word, sequence = m.sequence + CASE WHEN n.word = 'sent' THEN 0 ELSE 1 END
FROM news n
WHERE m.id = n.message_id AND n.word IS NOT NULL AND n.known = m.parts AND m.state IN ('accepted', 'sent')
  AND m.state <> n.word
RETURNING m.id, m.event_id, m.template, m.case_id, m.state, m.sequence, n.at
"""


async def keep_reports(connection: asyncpg.Connection, rows: Sequence[tuple[str, str, str, int, datetime]]) -> None:
    """Keeps reports ``(operator, provider id, state, rank, at)``, whether or not we know whose they are yet."""
    await connection.execute(_KEEP_REPORTS, *map(list, zip(*rows, strict=True)))


async def fold(
    connection: asyncpg.Connection, *, messages: Sequence[UUID] = (), parts: Sequence[tuple[str, str]] = ()
) -> list[asyncpg.Record]:
    """Brings texts (by id, or by the ``(operator, provider id)`` of a part) to what their parts' reports say; those
    whose state changed."""
    rows: list[asyncpg.Record] = await connection.fetch(
        _FOLD, list(messages), [operator for operator, _ in parts], [id for _, id in parts]
    )
    return rows


_CLAIM_UNREPORTED = text(
    "WITH due AS (SELECT id, accepted_at FROM messages WHERE state IN ('accepted', 'sent')"
    " AND accepted_at < clock_timestamp() - make_interval(secs => :patience) AND next_attempt_at <= clock_timestamp()"
    " ORDER BY accepted_at LIMIT :limit FOR UPDATE SKIP LOCKED),"
    " asked AS (UPDATE messages m SET next_attempt_at = clock_timestamp()"
    " + least(clock_timestamp() - due.accepted_at, interval '6 hours') FROM due WHERE m.id = due.id RETURNING m.id)"
    " SELECT p.provider_id FROM parts p JOIN asked ON asked.id = p.message_id WHERE p.operator = :operator"
)


async def claim_unreported(
    connection: AsyncConnection, operator: str, *, limit: int, patience_seconds: float = 20
) -> list[str]:
    """The operator's ids of texts that it took ``patience_seconds`` ago or longer and has not reported on; they are
    asked about again when as much time has passed once more."""
    rows = await connection.execute(
        _CLAIM_UNREPORTED, {"operator": operator, "limit": limit, "patience": patience_seconds}
    )
    return [row.provider_id for row in rows]


async def contact(connection: AsyncConnection, case_id: UUID) -> Any:
    """Whom to tell about a case; None before its registration came."""
    return (
        await connection.execute(text("SELECT * FROM contacts WHERE case_id = :case_id"), {"case_id": case_id})
    ).one_or_none()


async def forget_contact(connection: AsyncConnection, case_id: UUID) -> None:
    """Forgets whose case it is, and what was said about it, but for texts that are still to be sent."""
    await connection.execute(
        text(
            "UPDATE contacts SET mobile_sealed = NULL, mobile_index = NULL, sequence = 2147483647"
            " WHERE case_id = :case_id"
        ),
        {"case_id": case_id},
    )
    await connection.execute(
        text(
            "UPDATE messages SET text_sealed = NULL, recipient_sealed = NULL, recipient_index = ''"
            " WHERE case_id = :case_id AND state NOT IN ('queued', 'sending', 'outcome_unknown')"
        ),
        {"case_id": case_id},
    )


async def put_contact(connection: AsyncConnection, **values: Any) -> None:
    """Keeps whom to tell about a case, unless something newer is known."""
    await connection.execute(
        text(
            "INSERT INTO contacts (case_id, tracking_code, language, mobile_sealed, mobile_index, sequence)"
            " VALUES (:case_id, :tracking_code, :language, :mobile_sealed, :mobile_index, :sequence)"
            " ON CONFLICT (case_id) DO UPDATE SET mobile_sealed = excluded.mobile_sealed,"
            " mobile_index = excluded.mobile_index, sequence = excluded.sequence"
            " WHERE contacts.sequence < excluded.sequence"
        ),
        values,
    )
