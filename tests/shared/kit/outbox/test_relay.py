"""Every event leaves, in order per aggregate, whoever relays and whenever the transaction commits."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

import pytest

from shared.contracts.registry import SMS_STEPS
from shared.kit.bus import Consumer
from shared.kit.bus.broker import Broker
from shared.kit.db import Database
from shared.kit.outbox import append
from shared.kit.outbox.relay import Relay
from tests.shared.kit.chassis import accepted, chassis, running, some_ids, until, value

Chassis = tuple[Database, Broker]


@pytest.fixture
async def service(postgres_database: str, rabbitmq_vhost: str) -> AsyncIterator[Chassis]:
    async with chassis(postgres_database, rabbitmq_vhost) as service:
        yield service


async def test_two_relays_keep_the_order_of_each_case_and_archive_what_left(service: Chassis) -> None:
    database, broker = service
    got: dict[str, list[int]] = defaultdict(list)

    async def handle(_connection: object, event: object) -> None:
        got[event.subject].append(event.sequence)  # type: ignore[attr-defined]

    cases = some_ids(60)
    consumer = Consumer(SMS_STEPS, handle, database=database, broker=broker)
    async with running(consumer, Relay(database, broker), Relay(database, broker)):
        await until(lambda: consumer.ready, "the consumer")
        for sequence in (1, 2, 3, 4):
            async with database.transaction() as connection:
                await append(connection, *(accepted(case, sequence) for case in cases))
        await until(lambda: sum(map(len, got.values())) == 240, "all events")
        await until(lambda: _none_waits(database), "the archive")
    assert all(got[str(case)] == [1, 2, 3, 4] for case in cases)
    assert await value(database, "SELECT count(*) FROM event_archive") == 240


async def test_a_transaction_that_commits_late_is_not_skipped(service: Chassis) -> None:
    database, broker = service
    late, early = some_ids(2)
    got: list[str] = []

    async def handle(_connection: object, event: object) -> None:
        got.append(event.subject)  # type: ignore[attr-defined]

    consumer = Consumer(SMS_STEPS, handle, database=database, broker=broker)
    async with running(consumer, Relay(database, broker)):
        await until(lambda: consumer.ready, "the consumer")
        async with database.transaction() as slow:
            await append(slow, accepted(late, 1))  # has the lower id in the outbox, and is not committed yet
            async with database.transaction() as quick:
                await append(quick, accepted(early, 1))
            await until(lambda: got == [str(early)], "the event that was committed first")
        await until(lambda: got == [str(early), str(late)], "the late one")


async def test_what_was_published_but_not_archived_comes_twice_and_is_handled_once(service: Chassis) -> None:
    database, broker = service
    (case,) = some_ids(1)
    event = accepted(case, 1)
    handled = 0

    async def handle(_connection: object, _event: object) -> None:
        nonlocal handled
        handled += 1

    consumer = Consumer(SMS_STEPS, handle, database=database, broker=broker)
    async with running(consumer, Relay(database, broker)):
        await until(lambda: consumer.ready, "the consumer")
        for _ in range(2):  # as after a crash between the confirm and the move
            async with database.transaction() as connection:
                await append(connection, event)
            await until(lambda: _none_waits(database), "the relay")
        other = accepted(case, 2)
        async with database.transaction() as connection:
            await append(connection, other)
        await until(lambda: handled == 2, "the event behind both")
    assert handled == 2


async def test_nothing_leaves_of_a_transaction_that_was_rolled_back(service: Chassis) -> None:
    database, _broker = service

    async def fail() -> None:
        async with database.transaction() as connection:
            await append(connection, accepted(some_ids(1)[0], 1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await value(database, "SELECT count(*) FROM outbox") == 0


async def test_a_relay_that_waits_takes_over_the_lanes_of_one_that_ended(service: Chassis) -> None:
    database, broker = service
    first, second = Relay(database, broker), Relay(database, broker)
    task = asyncio.create_task(first.run())
    async with running(second):
        async with database.transaction() as connection:
            await append(connection, *(accepted(case, 1) for case in some_ids(40)))
        await until(lambda: _none_waits(database), "the first relay")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with database.transaction() as connection:
            await append(connection, *(accepted(case, 1) for case in some_ids(40)))
        await until(lambda: _none_waits(database), "the second relay")
    assert await value(database, "SELECT count(*) FROM event_archive") == 80


async def _none_waits(database: Database) -> bool:
    return bool(await value(database, "SELECT count(*) FROM outbox") == 0)
