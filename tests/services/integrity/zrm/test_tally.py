from hashlib import sha256

import asyncpg

from services.integrity.zrm.tally import Tally
from shared.kit.bus.broker import Broker, event_message
from shared.kit.bus.parking import DeadLetters
from shared.kit.db import Database
from shared.kit.ids import uuid7
from tests.shared.kit.chassis import accepted, running, until


async def test_every_case_event_is_taken_down_once_and_what_cannot_be_read_is_parked(
    admin: asyncpg.Connection, database: Database, rabbitmq_vhost: str
) -> None:
    broker = Broker(rabbitmq_vhost, name="test")
    exchange = await broker.events_exchange()
    events = [accepted(uuid7(), 1) for _ in range(700)]
    bodies = [event.model_dump_json().encode() for event in events]

    async def publish(body: bytes, message_id: str) -> None:
        message = event_message(body, message_id=message_id, type="case.accepted.v1", case_id="x")
        await exchange.publish(message, routing_key="case.accepted.v1", mandatory=True)

    async def count() -> int:
        return int(await admin.fetchval("SELECT count(*) FROM zrm_events"))

    for event, body in zip(events, bodies, strict=True):
        await publish(body, str(event.id))
    await publish(bodies[0], str(events[0].id))
    await publish(b'{"no": "event"}', str(uuid7()))
    dead = DeadLetters("integrity", database=database, broker=broker)
    async with running(Tally(database, broker), Tally(database, broker), dead):

        async def all_there() -> bool:
            return await count() == len(events) and await admin.fetchval("SELECT count(*) FROM parked") == 1

        await until(all_there, "the events")
    kept = {row["event_id"]: row["body_sha256"] for row in await admin.fetch("SELECT * FROM zrm_events")}
    assert kept == {event.id: sha256(body).digest() for event, body in zip(events, bodies, strict=True)}
    assert await admin.fetchval("SELECT count(*) FROM inbox") == 0
    await broker.close()
