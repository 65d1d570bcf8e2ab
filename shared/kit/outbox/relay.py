"""The relay: takes events from the outbox to the broker, in order, and moves what the broker confirmed to the archive.

Lanes are owned by session advisory locks on the very connection that reads and moves the rows: who loses the
connection loses the lanes with it, and cannot go on publishing. Never a cursor (``id > last``): late commits would be
skipped. A crash between confirm and move publishes twice; consumers' inboxes see to that.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg
from aio_pika.abc import AbstractExchange
from aio_pika.exceptions import AMQPException

from shared.contracts.registry import HEARD
from shared.kit.bus.broker import Broker, event_message
from shared.kit.db import Database
from shared.kit.outbox.append import LANES
from shared.kit.telemetry import log, metrics

BATCH = 200
POLL_SECONDS = 0.2
LOCK_SPACE = 5310  # the first half of the advisory locks' key: lanes of the outbox
PURGED_TYPES = frozenset({"otp.requested.v1", "notice.requested.v1", "case.handed_over.v1"})
"""Gone once published: the archive keeps no login codes, no number of a reporter, and nothing of a case
that became a report."""

_READ = """
SELECT id, event_id, type, subject, case_id, body FROM outbox WHERE lane = ANY($1::smallint[]) ORDER BY id LIMIT $2
"""
_MOVE = """
WITH sent AS (DELETE FROM outbox WHERE id = ANY($1::bigint[]) RETURNING *)
INSERT INTO event_archive (id, event_id, type, subject, case_id, body, created_at)
SELECT id, event_id, type, subject, case_id, body, created_at FROM sent WHERE type <> ALL($2::text[])
"""


@dataclass(frozen=True)
class _Row:
    id: int
    type: str
    subject: str
    message_id: str
    case_id: str | None
    body: bytes


class Relay:
    """Runs until cancelled; any number may run, each lane is served by one of them."""

    name = "relay"

    def __init__(self, database: Database, broker: Broker) -> None:
        self._database = database
        self._broker = broker

    async def run(self) -> None:
        """Publishes as events come; after a failure of database or broker it starts anew, with a growing pause."""
        pause = 0.2
        while True:
            try:
                connection = await self._database.direct()
                try:
                    await self._serve(connection)
                finally:
                    await connection.close(timeout=5)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, AMQPException, TimeoutError) as error:
                log.warning("relay_interrupted", error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    async def _serve(self, connection: asyncpg.Connection) -> None:
        exchange = await self._broker.events_exchange()
        lanes: list[int] = []
        idle = 0
        while True:
            if len(lanes) < LANES and idle % 10 == 0:
                lanes += await self._take_lanes(connection, set(range(LANES)) - set(lanes))
            rows = await self._read(connection, lanes)
            if not rows:
                idle += 1
                await self._database.wake.wait(POLL_SECONDS)
                continue
            idle = 0
            await self._publish(exchange, rows)
            await connection.execute(_MOVE, [row.id for row in rows], list(PURGED_TYPES))
            metrics.events_published.inc(len(rows))

    @staticmethod
    async def _take_lanes(connection: asyncpg.Connection, missing: Iterable[int]) -> list[int]:
        taken = await connection.fetch(
            "SELECT lane FROM unnest($2::int[]) AS lane WHERE pg_try_advisory_lock($1, lane)", LOCK_SPACE, list(missing)
        )
        return [record["lane"] for record in taken]

    @staticmethod
    async def _read(connection: asyncpg.Connection, lanes: list[int]) -> list[_Row]:
        if not lanes:
            return []
        return [
            _Row(r["id"], r["type"], r["subject"], str(r["event_id"]), r["case_id"] and str(r["case_id"]), r["body"])
            for r in await connection.fetch(_READ, lanes, BATCH)
        ]

    @staticmethod
    async def _publish(exchange: AbstractExchange, rows: list[_Row]) -> None:
        """All confirms of the batch are awaited together, but an aggregate's second event only after its first."""
        waves: list[list[_Row]] = []
        depth: dict[str, int] = {}
        for row in rows:
            wave = depth.get(row.subject, 0)
            depth[row.subject] = wave + 1
            if wave == len(waves):
                waves.append([])
            waves[wave].append(row)
        for wave_rows in waves:
            results = await asyncio.gather(*(_publish_one(exchange, row) for row in wave_rows), return_exceptions=True)
            for failure in results:
                if failure is not None:
                    raise failure


async def _publish_one(exchange: AbstractExchange, row: _Row) -> None:
    """Publishes one event; what the broker refuses for a moment (a leader election) is tried again with backoff."""
    message = event_message(row.body, message_id=row.message_id, type=row.type, case_id=row.case_id or row.subject)
    for pause in (0.1, 0.3, 1.0, 3.0):
        try:
            await exchange.publish(message, routing_key=row.type, mandatory=row.type in HEARD, timeout=10)
        except AMQPException:
            await asyncio.sleep(pause)
        else:
            return
    await exchange.publish(message, routing_key=row.type, mandatory=row.type in HEARD, timeout=10)
