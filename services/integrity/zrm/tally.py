"""Taking down every event of a case or a letter: its id and the SHA-256 of its body, nothing else.

Not by the kit's consumer: there are many events and so little to do that a transaction for each would cost more than
all else. They are taken down by the hundred, once each by their ids; what cannot be read goes to the parking lot.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from uuid import UUID

import orjson
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import AMQPException
from sqlalchemy.exc import SQLAlchemyError

from services.integrity.zrm import repository
from shared.contracts.registry import INTEGRITY_ZRM
from shared.kit.bus.broker import Broker
from shared.kit.db import Database
from shared.kit.telemetry import log
from shared.persian.calendar import tehran_day

_MOST = 500
_GATHER_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Heard:
    """An event: the day (Tehran's) that it is of, and the hash of its body as it was published."""

    event_id: UUID
    day: date
    body_sha256: bytes

    @classmethod
    def parse(cls, body: bytes) -> "Heard":
        """From an event's JSON; ValueError if it has no id or time."""
        document = orjson.loads(body)
        try:
            event_id, day = UUID(document["id"]), tehran_day(datetime.fromisoformat(document["time"]))
        except (KeyError, TypeError, AttributeError):
            raise ValueError("not an event") from None
        return cls(event_id, day, sha256(body).digest())


class Tally:
    """A job: takes down events until it is cancelled; any number may run."""

    name = "zrm-tally"

    def __init__(self, database: Database, broker: Broker) -> None:
        self._database = database
        self._broker = broker

    async def run(self) -> None:
        """Takes down what comes; after a failure of broker or database it starts anew, with a growing pause."""
        pause = 0.2
        while True:
            try:
                await self._consume()
            except (OSError, AMQPException, TimeoutError, SQLAlchemyError) as error:
                log.warning("consumer_interrupted", consumer=INTEGRITY_ZRM.name, error=type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)

    async def _consume(self) -> None:
        channel = await self._broker.channel(prefetch=_MOST)
        async with channel:
            arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
            queue = await channel.get_queue(INTEGRITY_ZRM.name, ensure=False)
            await queue.consume(arrived.put)
            closed = asyncio.ensure_future(channel.closed())
            try:
                while True:
                    first = asyncio.ensure_future(arrived.get())
                    await asyncio.wait((first, closed), return_when=asyncio.FIRST_COMPLETED)
                    if not first.done():
                        first.cancel()
                        return
                    await asyncio.sleep(_GATHER_SECONDS)
                    messages = [first.result()]
                    while len(messages) < _MOST and not arrived.empty():
                        messages.append(arrived.get_nowait())
                    await self._take_down(messages)
            finally:
                closed.cancel()

    async def _take_down(self, messages: Sequence[AbstractIncomingMessage]) -> None:
        heard: list[Heard] = []
        for message in messages:
            try:
                heard.append(Heard.parse(message.body))
            except ValueError:
                await message.reject(requeue=False)  # to the dead letters, and from there to the parking lot
        async with self._database.transaction(wakes=False) as connection:
            await repository.add_events(
                connection,
                [event.event_id for event in heard],
                [event.day for event in heard],
                [event.body_sha256 for event in heard],
            )
        for message in messages:
            if not message.processed:
                await message.ack()
