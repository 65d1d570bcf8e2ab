"""The parking lot: events that could not be handled are a table's rows, with the error, to be seen and replayed."""

import asyncio
from datetime import datetime
from typing import Any

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import AMQPException
from sqlalchemy import text

from shared.contracts.envelope import Event
from shared.contracts.registry import QUEUES
from shared.kit.bus.broker import Broker, dead_name
from shared.kit.db import Database
from shared.kit.telemetry import log, metrics

_PARK = text(
    "INSERT INTO parked (consumer, event_id, type, body, error, attempts)"
    " VALUES (:consumer, :event_id, :type, :body, :error, :attempts)"
)


async def park(
    database: Database, consumer: str, body: bytes, *, error: str, attempts: int, event: Event | None = None
) -> None:
    """Keeps ``body`` for a person to look at. ``error`` names a class or a place, never content."""
    async with database.transaction() as connection:
        await connection.execute(
            _PARK,
            {
                "consumer": consumer,
                "event_id": event and str(event.id),
                "type": event and event.type,
                "body": body,
                "error": error,
                "attempts": attempts,
            },
        )
    log.error("event_parked", consumer=consumer, type=event and event.type, error=error)
    metrics.events_parked.labels(consumer).inc()


class DeadLetters:
    """Parks what the broker took out of a queue because it killed its consumers again and again."""

    def __init__(self, service: str, *, database: Database, broker: Broker) -> None:
        self.name = dead_name(service)
        self._database = database
        self._broker = broker

    async def run(self) -> None:
        """Consumes until cancelled."""
        while True:
            try:
                channel = await self._broker.channel(prefetch=10)
                async with channel:
                    queue = await channel.get_queue(self.name, ensure=False)
                    await queue.consume(self._deliver)
                    await channel.closed()
            except (OSError, AMQPException, TimeoutError) as error:
                log.warning("consumer_interrupted", consumer=self.name, error=type(error).__name__)
            await asyncio.sleep(1)

    async def _deliver(self, message: AbstractIncomingMessage) -> None:
        deaths: Any = message.headers.get("x-death") or [{}]
        queue = str(deaths[0].get("queue", "unknown"))
        attempts = int(str(message.headers.get("x-delivery-count", 0)))
        await park(self._database, queue, message.body, error="delivery limit", attempts=attempts)
        await message.ack()


async def replay(
    database: Database,
    broker: Broker,
    *,
    id: int | None = None,
    type: str | None = None,
    since: datetime | None = None,
) -> int:
    """Sends parked events back to the queue of the consumer that could not handle them; returns how many.

    Without a condition all open ones are sent. An event is marked only after the broker has confirmed it.
    """
    channel = await broker.channel()
    count = 0
    async with database.transaction() as connection:
        rows = await connection.execute(
            text(
                "SELECT id, consumer, event_id, type, body FROM parked WHERE replayed_at IS NULL"
                " AND (CAST(:id AS bigint) IS NULL OR id = :id) AND (CAST(:type AS text) IS NULL OR type = :type)"
                " AND (CAST(:since AS timestamptz) IS NULL OR parked_at >= :since) ORDER BY id FOR UPDATE SKIP LOCKED"
            ),
            {"id": id, "type": type, "since": since},
        )
        for row in rows.all():
            message = aio_pika.Message(
                row.body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, message_id=row.event_id, type=row.type
            )
            await channel.default_exchange.publish(message, routing_key=home_queue(row.consumer), timeout=10)
            await connection.execute(text("UPDATE parked SET replayed_at = now() WHERE id = :id"), {"id": row.id})
            count += 1
    await channel.close()
    return count


def home_queue(consumer: str) -> str:
    """A queue that the consumer reads; of a partitioned one the first, as the order is lost by then anyway."""
    return next((queue.parts[0] for queue in QUEUES if queue.name == consumer), consumer)
