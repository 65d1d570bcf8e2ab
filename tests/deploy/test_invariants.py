"""Each invariant holds on a case that went its whole way, and is found broken when one thing is taken away."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from deploy.invariants.__main__ import SERVICES
from deploy.invariants.checks import CHECKS, Window
from deploy.local.testservers import TestServers
from shared.kit.ids import uuid7
from shared.kit.migrate import upgrade

Databases = dict[str, asyncpg.Connection]

WHEN = datetime.now(UTC) - timedelta(hours=1)
CASE, LETTER = uuid7(), uuid7()


@pytest.fixture(scope="module")
def dsns(servers: TestServers) -> Iterator[dict[str, str]]:
    """Every service's database, migrated."""
    made = {service: servers.create_database() for service in SERVICES}
    for service, dsn in made.items():
        upgrade("gateway" if service == "gateway" else f"services.{service}", dsn)
    yield made
    for dsn in made.values():
        servers.drop_database(dsn)


@pytest.fixture
async def settled(dsns: dict[str, str]) -> AsyncIterator[Databases]:
    """One case, filed an hour ago, decided and answered in writing; all of it undone after the test."""
    async with AsyncExitStack() as stack:
        databases: Databases = {}
        for service, dsn in dsns.items():
            databases[service] = connection = await asyncpg.connect(dsn)
            stack.push_async_callback(connection.close)
            transaction = connection.transaction()
            await transaction.start()
            stack.push_async_callback(transaction.rollback)
        await _file(databases)
        yield databases


async def _file(databases: Databases) -> None:
    await databases["intake"].execute(
        "INSERT INTO cases (id, tracking_code, kind, channel, language, province, contact_sealed, text_sealed,"
        " registered_at, registered_event_id, last_event_id, status)"
        " VALUES ($1, 'C', 'complaint', 'app', 'fa', 'IR-23', 'k1.x', 'k1.x', $2, $1, $1, 'decided')",
        CASE,
        WHEN,
    )
    await databases["routing"].execute(
        "INSERT INTO organisations VALUES ('o', 'o', 'o', 1);"
        "INSERT INTO departments (id, name_fa, name_en, organisation_id, pipeline, position)"
        " VALUES ('d', 'd', 'd', 'o', 'zrm', 1)"
    )
    await databases["routing"].execute(
        "INSERT INTO cases (id, tracking_code, kind, channel, language, province, reachable, subject, body, folded,"
        " spaceless, registered_at, registered_event_id, status, department_id, routing, decision_no, decided_at,"
        " last_event_id) VALUES ($1, 'C', 'complaint', 'app', 'fa', 'IR-23', true, '', '', '', '', $2, $1, 'decided',"
        " 'd', '{}', 1, $2, $1)",
        CASE,
        WHEN,
    )
    await databases["sms"].execute(
        "INSERT INTO messages (id, event_id, template, urgency, case_id, recipient_index, state, created_at)"
        " VALUES ($1, $1, 'case.registered', 1, $1, '\\x00', 'suppressed', $2)",
        CASE,
        WHEN,
    )
    await databases["letters"].execute("INSERT INTO counters VALUES (1405, '110', 1)")
    await _issue(databases, LETTER, decision_no=1, n=1)


async def _issue(databases: Databases, id: UUID, *, decision_no: int, n: int) -> None:
    await databases["letters"].execute(
        "INSERT INTO letters (id, case_id, decision_no, cause_id, outcome, letter_sealed, department_fa, department_en,"
        " decided_at, state, year, office, n, created_at)"
        " VALUES ($1, $2, $3, $1, 'upheld', 'k1.x', 'd', 'd', $4, 'archived', 1405, '110', $5, $4)",
        id,
        CASE,
        decision_no,
        WHEN,
        n,
    )


async def broken(databases: Databases) -> dict[str, int]:
    """How often each invariant is broken, those that hold left out."""
    window = Window(datetime.now(UTC) - timedelta(hours=24))
    found = {name: (await check(databases, window)).count for name, check in CHECKS.items()}
    return {name: count for name, count in found.items() if count}


async def test_all_hold_on_a_settled_case(settled: Databases) -> None:
    assert await broken(settled) == {}


@pytest.mark.parametrize(
    ("service", "harm", "invariants"),
    [
        ("sms", "DELETE FROM messages", {"case_without_text"}),
        ("routing", "DELETE FROM cases", {"case_without_desk", "statuses_disagree"}),
        ("routing", "UPDATE cases SET department_id = NULL", {"case_without_desk"}),
        ("routing", "UPDATE cases SET status = 'closed'", {"statuses_disagree"}),
        ("routing", "UPDATE cases SET status = 'assigned'", {"clock_lost", "statuses_disagree"}),
        ("routing", "DELETE FROM review_deltas", {"review_miscounts"}),
        (
            "routing",
            "INSERT INTO review_deltas SELECT month, '', '', 'IR-23', 'complaint', 'app', -1, 0, 0, 0, 0, 0, 0"
            " FROM jalali_months WHERE until < now() - interval '2 hours' ORDER BY since DESC LIMIT 1",
            {"month_not_closed"},
        ),
        ("intake", "DELETE FROM cases", {"statuses_disagree"}),
        ("letters", "UPDATE letters SET state = 'numbered'", {"decision_without_letter"}),
        ("letters", "DELETE FROM letters", {"decision_without_letter", "gap_in_numbers"}),
        ("letters", "UPDATE counters SET n = 2", {"gap_in_numbers"}),
        (
            "gateway",
            "INSERT INTO outbox (lane, event_id, type, subject, body, created_at) VALUES"
            " (1, gen_random_uuid(), 't', 's', '\\x00', now() - interval '31 seconds')",
            {"stale_outbox"},
        ),
        (
            "integrity",
            "INSERT INTO parked (consumer, body, error, attempts) VALUES ('c', '\\x00', 'e', 1)",
            {"parked_without_owner"},
        ),
    ],
)
async def test_what_is_missing_is_found_and_named(
    settled: Databases, service: str, harm: str, invariants: set[str]
) -> None:
    await settled[service].execute(harm)
    assert await broken(settled) == dict.fromkeys(invariants, 1)


async def test_a_letter_put_aside_since_its_case_was_moved_is_no_fault(settled: Databases) -> None:
    for service in ("intake", "routing"):
        await settled[service].execute("UPDATE cases SET status = 'moved'")
    await settled["letters"].execute(
        "DELETE FROM counters; UPDATE letters SET state = 'moved', letter_sealed = '', year = NULL, n = NULL"
    )
    assert await broken(settled) == {}


async def test_what_waits_is_not_yet_broken_and_what_is_taken_on_no_longer(settled: Databases) -> None:
    await settled["gateway"].execute(
        "INSERT INTO outbox (lane, event_id, type, subject, body) VALUES (1, gen_random_uuid(), 't', 's', '\\x00')"
    )
    await settled["sms"].execute(
        "INSERT INTO parked (consumer, body, error, attempts, owner) VALUES ('c', '\\x00', 'e', 1, 'operator')"
    )
    await settled["intake"].execute("UPDATE cases SET registered_at = now()")
    await settled["routing"].execute("UPDATE cases SET registered_at = now()")
    await settled["sms"].execute("DELETE FROM messages")
    assert await broken(settled) == {}
