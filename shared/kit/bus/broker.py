"""The connection to RabbitMQ and what stands there: exchanges, queues, bindings, retry tiers.

Everything is declared by whoever connects, publisher or consumer, from the one table in ``shared.contracts.registry``:
so no event can be published before the queues that must get it exist. Lengths of time, limits and dead-letter rules
are policies (``deploy/rabbitmq/policies.json``), not queue arguments.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, AbstractQueue

from shared.contracts.registry import QUEUES, Queue

EVENTS = "seda.events"
TIERS = ("10s", "1m", "10m", "1h")
"""Waiting times of the retries, one queue each and service: with a TTL per message a short one would wait behind a
long one."""


def retry_name(service: str, tier: str) -> str:
    """The exchange and the queue of a tier; a message in it carries its home queue's name as routing key."""
    return f"{service}.retry.{tier}"


def dead_name(service: str) -> str:
    """Where the broker puts what killed its consumers too often."""
    return f"{service}.dead"


def event_message(body: bytes, *, message_id: str, type: str, case_id: str) -> aio_pika.Message:
    """A persistent message; ``case_id`` (or the aggregate's id) chooses the partition."""
    return aio_pika.Message(
        body,
        content_type="application/cloudevents+json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=message_id,
        type=type,
        headers={"case_id": case_id},
    )


class Broker:
    """One connection per process, opened when first needed and again after it broke."""

    def __init__(self, url: str, *, name: str, queues: Sequence[Queue] = QUEUES) -> None:
        self._url = url
        self._name = name
        self._queues = queues
        self._connection: AbstractConnection | None = None
        self._lock = asyncio.Lock()

    @property
    def connected(self) -> bool:
        """Whether the connection stands."""
        return self._connection is not None and not self._connection.is_closed

    async def channel(self, *, prefetch: int = 0) -> AbstractChannel:
        """A new channel with publisher confirms; an unroutable mandatory message raises."""
        channel = await (await self._connect()).channel(publisher_confirms=True, on_return_raises=True)
        if prefetch:
            await channel.set_qos(prefetch_count=prefetch)
        return channel

    async def events_exchange(self) -> AbstractExchange:
        """The exchange of events, on a channel of its own."""
        return await (await self.channel()).get_exchange(EVENTS)

    async def close(self) -> None:
        """Closes the connection; what was not acknowledged is delivered again."""
        if self._connection is not None:
            await self._connection.close()

    async def _connect(self) -> AbstractConnection:
        async with self._lock:
            if self._connection is None or self._connection.is_closed:
                connection = await aio_pika.connect(
                    self._url, timeout=10, client_properties={"connection_name": self._name}
                )
                try:
                    await self._declare(connection)
                except BaseException:
                    await connection.close()
                    raise
                self._connection = connection
            return self._connection

    async def _declare(self, connection: AbstractConnection) -> None:
        channel = await connection.channel()
        events = await channel.declare_exchange(EVENTS, aio_pika.ExchangeType.TOPIC, durable=True)
        for queue in self._queues:
            await _declare_queue(channel, events, queue)
        for service in sorted({queue.service for queue in self._queues}):
            for tier in TIERS:
                exchange = await channel.declare_exchange(
                    retry_name(service, tier), aio_pika.ExchangeType.FANOUT, durable=True
                )
                await (await _quorum(channel, retry_name(service, tier))).bind(exchange)
            dead = await channel.declare_exchange(dead_name(service), aio_pika.ExchangeType.FANOUT, durable=True)
            await (await _quorum(channel, dead_name(service))).bind(dead)
        await channel.close()


async def _declare_queue(channel: AbstractChannel, events: AbstractExchange, queue: Queue) -> None:
    if not queue.partitions:
        target = await _quorum(channel, queue.name)
        for kind in queue.events:
            await target.bind(events, routing_key=kind.TYPE)
        return
    partitions = await channel.declare_exchange(
        queue.name, aio_pika.ExchangeType.X_CONSISTENT_HASH, durable=True, arguments={"hash-header": "case_id"}
    )
    for kind in queue.events:
        await partitions.bind(events, routing_key=kind.TYPE)
    for part in queue.parts:
        target = await _quorum(channel, part, single_active=True)
        await target.bind(partitions, routing_key="1")  # the routing key is the partition's weight


async def _quorum(channel: AbstractChannel, name: str, *, single_active: bool = False) -> AbstractQueue:
    arguments: dict[str, Any] = {"x-queue-type": "quorum"}
    if single_active:
        arguments["x-single-active-consumer"] = True
    return await channel.declare_queue(name, durable=True, arguments=arguments)
