"""Every effect happens once, causes come before effects, and no message vanishes: retried, parked, replayed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deploy.local.testservers import TestServers
from deploy.rabbitmq.policies import POLICIES
from shared.contracts.envelope import Event
from shared.contracts.registry import LETTERS_CASES, QUEUES, SMS_STEPS, Queue
from shared.kit.bus import Consumer, Permanent, Transient
from shared.kit.bus.broker import EVENTS, TIERS, Broker, dead_name, event_message, retry_name
from shared.kit.bus.parking import DeadLetters, replay
from shared.kit.db import Database
from shared.kit.ids import uuid7
from tests.shared.kit.chassis import accepted, chassis, running, some_ids, until, value

Chassis = tuple[Database, Broker]
Handle = Callable[[AsyncConnection, Event], Awaitable[None]]


@pytest.fixture
async def service(postgres_database: str, rabbitmq_vhost: str) -> AsyncIterator[Chassis]:
    async with chassis(postgres_database, rabbitmq_vhost) as service:
        database, _broker = service
        connection = await database.direct()
        await connection.execute("DROP TABLE IF EXISTS effects; CREATE TABLE effects (event_id uuid, note text)")
        await connection.close()
        yield service


async def publish(broker: Broker, event: Event, *, body: bytes | None = None) -> None:
    exchange = await broker.events_exchange()
    message = event_message(
        body or event.model_dump_json().encode(), message_id=str(event.id), type=event.type, case_id=event.subject
    )
    await exchange.publish(message, routing_key=event.type, mandatory=True)


async def effect(connection: AsyncConnection, event: Event) -> None:
    await connection.execute(text("INSERT INTO effects VALUES (:id, 'done')"), {"id": event.id})


async def effects(database: Database) -> int:
    return int(await value(database, "SELECT count(*) FROM effects"))


def consumer(service: Chassis, handle: Handle, *, queue: Queue = SMS_STEPS, causal: bool = False) -> Consumer:
    database, broker = service
    return Consumer(queue, handle, database=database, broker=broker, causal=causal)


async def test_an_event_that_comes_again_and_again_has_one_effect(service: Chassis) -> None:
    database, broker = service
    event, last = accepted(some_ids(1)[0], 1), accepted(some_ids(1)[0], 1)
    async with running(consumer(service, effect)):
        for _ in range(5):
            await publish(broker, event)
        await publish(broker, last)
        await until(lambda: _ready_count(database, 2), "both effects")
        await until(lambda: _handled(database, last), "the last")
    assert await effects(database) == 2


async def test_an_effect_waits_for_its_cause_as_a_row(service: Chassis) -> None:
    database, broker = service
    order: list[int] = []

    async def handle(_connection: AsyncConnection, event: Event) -> None:
        order.append(event.sequence)

    (case,) = some_ids(1)
    first = accepted(case, 1)
    second = accepted(case, 2, cause=first.id)
    third = accepted(case, 3, cause=second.id)
    async with running(consumer(service, handle, causal=True)):
        await publish(broker, third)
        await publish(broker, second)
        await until(lambda: _count(database, "waiting", 2), "two rows that wait")
        await publish(broker, first)
        await until(lambda: len(order) == 3, "all three")
        await until(lambda: _count(database, "waiting", 0), "an empty waiting room")
    assert order == [1, 2, 3]


async def test_a_failure_leaves_no_half_effect_and_the_event_comes_back_through_the_tier(service: Chassis) -> None:
    database, broker = service
    tries = 0

    async def handle(connection: AsyncConnection, event: Event) -> None:
        nonlocal tries
        tries += 1
        await effect(connection, event)
        if tries == 1:
            raise Transient("not yet")

    async with running(consumer(service, handle)):
        await publish(broker, accepted(some_ids(1)[0], 1))
        await until(lambda: tries == 1, "the first try")
        assert await effects(database) == 0
        await until(lambda: _ready_count(database, 1), "the second, after ten seconds", 30)
    assert tries == 2


async def test_a_permanent_failure_is_parked_at_once_seen_and_replayed(service: Chassis) -> None:
    database, broker = service
    broken = True

    async def handle(connection: AsyncConnection, event: Event) -> None:
        if broken:
            raise Permanent("no such thing")
        await effect(connection, event)

    event = accepted(some_ids(1)[0], 1)
    async with running(consumer(service, handle)):
        await publish(broker, event)
        await until(lambda: _count(database, "parked", 1), "the parking lot")
        row = await _parked(database)
        assert (row["consumer"], row["type"], row["error"]) == ("sms.steps", event.type, "no such thing")
        broken = False
        assert await replay(database, broker, type="case.other.v1") == 0
        assert await replay(database, broker, id=row["id"]) == 1
        await until(lambda: _ready_count(database, 1), "the effect")
        assert await replay(database, broker) == 0, "what was replayed is not replayed again"


async def test_of_events_that_go_together_one_that_fails_takes_none_with_it(service: Chassis) -> None:
    database, broker = service
    (case,) = some_ids(1)
    order: list[int] = []

    async def handle(connection: AsyncConnection, event: Event) -> None:
        if event.sequence == 7:
            raise Permanent("no such thing")
        await effect(connection, event)
        order.append(event.sequence)

    for sequence in range(1, 13):
        await publish(broker, accepted(case, sequence))
    async with running(consumer(service, handle)):
        await until(lambda: _ready_count(database, 11), "all others' effects")
        await until(lambda: _count(database, "parked", 1), "the parking lot")
    assert order[-5:] == [8, 9, 10, 11, 12]
    assert await value(database, "SELECT count(DISTINCT event_id) FROM effects") == 11


@pytest.mark.parametrize("poison", [b"\xff\xfe", b"{}", b"[1]", b'{"type": "case.accepted.v9"}', b'{"type": 7}'])
async def test_a_poison_message_is_parked_and_what_follows_is_handled(service: Chassis, poison: bytes) -> None:
    database, broker = service
    async with running(consumer(service, effect)):
        await publish(broker, accepted(some_ids(1)[0], 1), body=poison)
        await publish(broker, accepted(some_ids(1)[0], 1))
        await until(lambda: _ready_count(database, 1), "what follows")
        await until(lambda: _count(database, "parked", 1), "the parking lot")
    assert bytes((await _parked(database))["body"]) == poison


async def test_what_kills_its_consumers_is_taken_out_by_the_broker_and_parked(service: Chassis) -> None:
    database, broker = service
    channel = await broker.channel(prefetch=1)
    queue = await channel.get_queue(LETTERS_CASES.name, ensure=False)
    event = accepted(uuid7(), 1)
    message = event_message(b"{}", message_id=str(event.id), type="x", case_id="x")
    await channel.default_exchange.publish(message, routing_key=LETTERS_CASES.name)
    for _ in range(POLICIES["seda-letters"]["definition"]["delivery-limit"] + 1):
        delivery = await queue.get(timeout=5, fail=False)
        if delivery is None:
            break
        await delivery.nack(requeue=True)
    async with running(DeadLetters("letters", database=database, broker=broker)):
        await until(lambda: _count(database, "parked", 1), "the parking lot")
    assert (await _parked(database))["consumer"] == LETTERS_CASES.name


async def test_the_broker_holds_the_policies_as_written(
    service: Chassis, servers: TestServers, rabbitmq_vhost: str
) -> None:
    _database, broker = service
    await broker.channel()
    vhost = urlsplit(rabbitmq_vhost).path.lstrip("/")

    def queues() -> dict[str, Any]:
        with httpx.Client(base_url=servers.rabbitmq.management_url, trust_env=False) as client:
            return {queue["name"]: queue for queue in client.get(f"/api/queues/{vhost}").raise_for_status().json()}

    expected = {part for queue in QUEUES for part in queue.parts}
    await until(lambda: expected <= queues().keys(), "the statistics")
    held = queues()
    for queue in QUEUES:
        for part in queue.parts:
            assert held[part]["type"] == "quorum"
            assert held[part]["arguments"].get("x-single-active-consumer", False) is bool(queue.partitions)
            policy = held[part]["effective_policy_definition"]
            assert policy["dead-letter-exchange"] == dead_name(queue.service)
            assert policy["delivery-limit"] == 20
            assert policy["dead-letter-strategy"] == "at-least-once"
            assert policy["overflow"] == "reject-publish"
        for tier, milliseconds in zip(TIERS, (10_000, 60_000, 600_000, 3_600_000), strict=True):
            policy = held[retry_name(queue.service, tier)]["effective_policy_definition"]
            assert policy["message-ttl"] == milliseconds
            assert policy["dead-letter-exchange"] == ""
            assert policy["dead-letter-strategy"] == "at-least-once"
            assert policy["overflow"] == "reject-publish"
    assert EVENTS == "seda.events"


async def _ready_count(database: Database, count: int) -> bool:
    return await effects(database) == count


async def _count(database: Database, table: str, count: int) -> bool:
    return bool(await value(database, f"SELECT count(*) FROM {table}") == count)


async def _handled(database: Database, event: Event) -> bool:
    return bool(await value(database, f"SELECT count(*) FROM inbox WHERE event_id = '{event.id}'") == 1)


async def _parked(database: Database) -> Any:
    connection = await database.direct()
    try:
        return await connection.fetchrow("SELECT * FROM parked")
    finally:
        await connection.close()
