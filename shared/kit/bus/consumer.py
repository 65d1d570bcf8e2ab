"""A consumer: takes events from its queue and handles each once.

The inbox row, what the handler writes and its own outbox rows are one transaction; the broker hears ``ack`` after the
commit. What fails for now goes through the retry tiers, what fails for good to the parking lot.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from uuid import UUID

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import AMQPException
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.envelope import Event
from shared.contracts.registry import Queue, parse
from shared.kit.bus.broker import TIERS, Broker, event_message, retry_name
from shared.kit.bus.parking import park
from shared.kit.db import Database
from shared.kit.telemetry import log, metrics, span

Handler = Callable[[AsyncConnection, Event], Awaitable[None]]

ATTEMPT = "x-seda-attempt"
TOGETHER = 16
"""So many waiting events are handled in one transaction, which saves their begins and commits (docs/performance.md)."""
WAIT_FOR_CAUSE_SECONDS = 60


class Permanent(Exception):
    """The event can never be handled: it is parked at once."""


class Transient(Exception):
    """The event cannot be handled yet: it is tried again through the tiers."""


async def _enter_inbox(connection: AsyncConnection, consumer: str, event_id: UUID) -> bool:
    entered = await connection.execute(
        text("INSERT INTO inbox (consumer, event_id) VALUES (:consumer, :event) ON CONFLICT DO NOTHING"),
        {"consumer": consumer, "event": event_id},
    )
    return entered.rowcount == 1


class Handled(Enum):
    """What became of a delivery."""

    DONE = "done"
    DUPLICATE = "duplicate"
    WAITING = "waiting"


class Consumer:
    """Handles the events of one queue. With ``causal`` an event waits, as a row, until the event that caused it was
    handled, at most ``WAIT_FOR_CAUSE_SECONDS``. ``concurrency`` lanes are handled at a time, all of a case in one lane,
    and what waits in a lane goes together."""

    def __init__(
        self,
        queue: Queue,
        handle: Handler,
        *,
        database: Database,
        broker: Broker,
        concurrency: int = 8,
        causal: bool = False,
    ) -> None:
        self.name = queue.name
        self._queue = queue
        self._handle = handle
        self._database = database
        self._broker = broker
        self._concurrency = concurrency
        self._causal = causal
        self._consuming = False

    @property
    def ready(self) -> bool:
        """Whether it is connected and consuming."""
        return self._consuming and self._broker.connected

    async def run(self) -> None:
        """Consumes until cancelled; after the broker went away it starts anew, with a growing pause."""
        pause = 0.2
        while True:
            try:
                await self._consume()
            except* (OSError, AMQPException, TimeoutError, SQLAlchemyError) as errors:
                log.warning("consumer_interrupted", consumer=self.name, error=type(errors.exceptions[0]).__name__)
            self._consuming = False
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)

    async def _consume(self) -> None:
        channel = await self._broker.channel(prefetch=self._concurrency * TOGETHER)
        async with channel, asyncio.TaskGroup() as group:
            tasks = []
            if self._queue.partitions:
                for part in self._queue.parts:
                    lane: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
                    tasks.append(group.create_task(self._work(channel, part, lane)))
                    await self._subscribe(channel, part, [lane])
            else:
                lanes = [asyncio.Queue[AbstractIncomingMessage]() for _ in range(self._concurrency)]
                tasks += [group.create_task(self._work(channel, self.name, lane)) for lane in lanes]
                await self._subscribe(channel, self.name, lanes)
            if self._causal:
                tasks.append(group.create_task(self._sweep(channel)))
            self._consuming = True
            await channel.closed()
            self._consuming = False
            for task in tasks:
                task.cancel()

    @staticmethod
    async def _subscribe(
        channel: AbstractChannel, name: str, lanes: list[asyncio.Queue[AbstractIncomingMessage]]
    ) -> None:
        async def deliver(message: AbstractIncomingMessage) -> None:
            key = message.headers.get("case_id") or message.message_id or ""
            lanes[hash(str(key)) % len(lanes)].put_nowait(message)

        queue = await channel.get_queue(name, ensure=False)
        await queue.consume(deliver)

    async def _work(
        self, channel: AbstractChannel, queue_name: str, lane: asyncio.Queue[AbstractIncomingMessage]
    ) -> None:
        while True:
            messages = [await lane.get()]
            while len(messages) < TOGETHER and not lane.empty():
                messages.append(lane.get_nowait())
            if len(messages) > 1 and await self._take_together(channel, messages, queue_name=queue_name):
                continue
            for message in messages:
                attempt = int(str(message.headers.get(ATTEMPT, 0)))
                await self._take(channel, message.body, queue_name=queue_name, attempt=attempt)
                await message.ack()

    async def _take_together(
        self, channel: AbstractChannel, messages: Sequence[AbstractIncomingMessage], *, queue_name: str
    ) -> bool:
        """Handles several events in one transaction and acknowledges them. False, and nothing done, if one of them
        cannot be handled, or may be what ended a consumer before: each then goes by itself."""
        if any(message.redelivered for message in messages):
            return False
        results: list[tuple[UUID, Handled]] = []
        try:
            events = [parse(message.body) for message in messages]
            async with self._database.transaction() as connection:
                for event, message in zip(events, messages, strict=True):
                    with span(f"handle {event.type}", event.traceparent):
                        results.append((event.id, await self._handle_in(connection, event, message.body, patient=True)))
        except Exception as error:  # as in _take, where the one that failed is seen again by itself
            log.info("batch_split", consumer=self.name, error=type(error).__name__)
            return False
        for message in messages:
            await message.ack()
        for event_id, handled in results:
            metrics.events_handled.labels(self.name, handled.value).inc()
            if handled is Handled.DONE and self._causal:
                await self._release_followers(channel, event_id, queue_name=queue_name)
        return True

    async def _take(self, channel: AbstractChannel, body: bytes, *, queue_name: str, attempt: int) -> None:
        """Handles, retries or parks; returns when the message may be acknowledged."""
        try:
            event = parse(body)
        except ValueError as error:
            await park(self._database, self.name, body, error=str(error), attempts=attempt + 1)
            metrics.events_handled.labels(self.name, "parked").inc()
            return
        try:
            with span(f"handle {event.type}", event.traceparent):
                handled = await self._once(event, body, patient=True)
        except Permanent as error:
            await park(self._database, self.name, body, event=event, error=str(error), attempts=attempt + 1)
            metrics.events_handled.labels(self.name, "parked").inc()
            return
        except Exception as error:  # whatever a handler raises: the event is kept, seen and tried again
            log.warning("event_failed", consumer=self.name, type=event.type, error=type(error).__name__)
            await self._retry(channel, event, body, queue_name=queue_name, attempt=attempt, error=error)
            return
        metrics.events_handled.labels(self.name, handled.value).inc()
        if handled is Handled.DONE and self._causal:
            await self._release_followers(channel, event.id, queue_name=queue_name)

    async def _once(self, event: Event, body: bytes, *, patient: bool) -> Handled:
        async with self._database.transaction() as connection:
            return await self._handle_in(connection, event, body, patient=patient)

    async def _handle_in(self, connection: AsyncConnection, event: Event, body: bytes, *, patient: bool) -> Handled:
        if not await _enter_inbox(connection, self.name, event.id):
            return Handled.DUPLICATE
        if patient and self._causal and await self._cause_is_missing(connection, event, body):
            return Handled.WAITING
        await self._handle(connection, event)
        return Handled.DONE

    async def _cause_is_missing(self, connection: AsyncConnection, event: Event, body: bytes) -> bool:
        if event.causation_id is None:
            return False
        known = await connection.scalar(
            text("SELECT 1 FROM inbox WHERE consumer = :consumer AND event_id = :cause"),
            {"consumer": self.name, "cause": event.causation_id},
        )
        if known:
            return False
        row = {"consumer": self.name, "event": event.id, "cause": event.causation_id, "body": body}
        await connection.execute(
            text("DELETE FROM inbox WHERE consumer = :consumer AND event_id = :event"),
            {"consumer": self.name, "event": event.id},
        )
        await connection.execute(
            text(
                "INSERT INTO waiting (consumer, event_id, cause_id, body) VALUES (:consumer, :event, :cause, :body)"
                " ON CONFLICT DO NOTHING"
            ),
            row,
        )
        return True

    async def _release_followers(self, channel: AbstractChannel, cause: UUID, *, queue_name: str) -> None:
        async with self._database.reading() as connection:
            rows = await connection.execute(
                text("SELECT event_id, body FROM waiting WHERE consumer = :consumer AND cause_id = :cause"),
                {"consumer": self.name, "cause": cause},
            )
            followers = rows.all()
        for event_id, body in followers:
            await self._take_waiting(channel, event_id, body, queue_name=queue_name)

    async def _take_waiting(self, channel: AbstractChannel, event_id: UUID, body: bytes, *, queue_name: str) -> None:
        """Handles an event that waited. The row goes last: a crash in between handles it twice, and the inbox knows."""
        event = parse(body)
        try:
            with span(f"handle {event.type}", event.traceparent):
                await self._once(event, body, patient=False)
        except Permanent as error:
            await park(self._database, self.name, body, event=event, error=str(error), attempts=1)
        except Exception as error:  # as in _take
            log.warning("event_failed", consumer=self.name, type=event.type, error=type(error).__name__)
            await self._retry(channel, event, body, queue_name=queue_name, attempt=0, error=error)
        async with self._database.transaction() as connection:
            await connection.execute(
                text("DELETE FROM waiting WHERE consumer = :consumer AND event_id = :event"),
                {"consumer": self.name, "event": event_id},
            )
        await self._release_followers(channel, event_id, queue_name=queue_name)

    async def _sweep(self, channel: AbstractChannel) -> None:
        """Takes what waited long enough, or whose cause was handled in the very moment that it began to wait."""
        while True:
            await asyncio.sleep(2)
            try:
                async with self._database.reading() as connection:
                    rows = await connection.execute(
                        text(
                            "SELECT w.event_id, w.body FROM waiting w WHERE w.consumer = :consumer AND"
                            " (w.since < now() - make_interval(secs => :bound) OR EXISTS"
                            " (SELECT 1 FROM inbox i WHERE i.consumer = w.consumer AND i.event_id = w.cause_id))"
                            " ORDER BY w.since LIMIT 100"
                        ),
                        {"consumer": self.name, "bound": WAIT_FOR_CAUSE_SECONDS},
                    )
                    overdue = rows.all()
            except (OSError, SQLAlchemyError) as error:
                log.warning("sweep_failed", consumer=self.name, error=type(error).__name__)
                continue
            for event_id, body in overdue:
                await self._take_waiting(channel, event_id, body, queue_name=self._queue.parts[0])

    async def _retry(
        self,
        channel: AbstractChannel,
        event: Event,
        body: bytes,
        *,
        queue_name: str,
        attempt: int,
        error: Exception,
    ) -> None:
        if attempt >= len(TIERS):
            await park(self._database, self.name, body, event=event, error=type(error).__name__, attempts=attempt + 1)
            metrics.events_handled.labels(self.name, "parked").inc()
            return
        tier = await channel.get_exchange(retry_name(self._queue.service, TIERS[attempt]), ensure=False)
        message = event_message(
            body, message_id=str(event.id), type=event.type, case_id=str(event.case_id or event.subject)
        )
        message.headers[ATTEMPT] = attempt + 1
        await tier.publish(message, routing_key=queue_name, mandatory=True, timeout=10)
        metrics.events_handled.labels(self.name, "retried").inc()
