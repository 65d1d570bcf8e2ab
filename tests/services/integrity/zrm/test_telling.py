from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import asyncpg
import pytest

from services.integrity.log.keys import LogKeys
from services.integrity.log.sequencer import Head, Sequencer
from services.integrity.zrm import repository
from services.integrity.zrm.roots import CHAIN, GRACE, root_next_day
from services.integrity.zrm.telling import tell_rooted
from shared.contracts.integrity import LogRooted
from shared.contracts.registry import parse
from shared.kit.db import Database
from shared.kit.ids import uuid7
from shared.kit.tlog.checkpoint import Checkpoint
from shared.kit.tlog.merkle import root_of
from shared.kit.tlog.notes import Note
from shared.persian.calendar import day_bounds
from tests.services.integrity.logs import Chains

DAY = date(2026, 11, 24)


async def rooted(database: Database, *days: date) -> None:
    """The days have an event each, and a root."""
    async with database.transaction() as connection:
        ids = [uuid7() for _ in days]
        await repository.add_events(connection, ids, days, [sha256(b"x").digest()] * len(days))
    for day in days:
        async with database.transaction() as connection:
            assert await root_next_day(connection, day_bounds(days[-1])[1] + GRACE) == day


async def test_a_day_is_told_with_the_checkpoint_that_is_first_over_it(
    admin: asyncpg.Connection, database: Database, ledger: Database, keys: LogKeys
) -> None:
    await admin.execute("DELETE FROM outbox")
    chains = Chains(database)
    sequencer = Sequencer(service=database, ledger=ledger, keys=keys, witnesses={}, tells={CHAIN: tell_rooted})
    connection = await ledger.direct()
    await sequencer.begin(connection)
    await chains.add("R-1", "R-2")
    await sequencer.append(connection)
    assert await admin.fetchval("SELECT count(*) FROM outbox") == 0, "a report's leaf is told by its own step"
    await rooted(database, DAY, DAY + timedelta(days=1))
    await chains.add("R-3")
    before = datetime.now(UTC)
    assert await sequencer.append(connection) == 3
    await chains.add("R-4")
    await sequencer.append(connection)
    await connection.close()
    events = [parse(row["body"]) for row in await admin.fetch("SELECT body FROM outbox ORDER BY id")]
    leaves = [row["leaf_hash"] for row in await admin.fetch("SELECT leaf_hash FROM zrm_roots ORDER BY day")]
    entries = [row["hash"] for row in await admin.fetch("SELECT hash FROM log_entries ORDER BY index")]
    note = Note.parse(await admin.fetchval("SELECT note FROM log_checkpoints WHERE size = 5"))
    for n, event in enumerate(events):
        assert isinstance(event, LogRooted)
        assert (event.subject, event.sequence, event.id.version) == ("zrm", n + 1, 4)
        assert before - timedelta(hours=1) <= event.time <= datetime.now(UTC)
        assert (event.time.minute, event.time.second, event.time.microsecond) == (0, 0, 0)
        assert event.data.day == DAY + timedelta(days=n)
        assert bytes.fromhex(event.data.leaf) == leaves[n] == entries[event.data.index]
        assert event.data.size == 5
        assert bytes.fromhex(event.data.root) == root_of(entries[:5]) == Checkpoint.parse(note.text).root
    assert len(events) == 2


async def test_a_day_stands_in_the_log_only_if_it_is_told(
    admin: asyncpg.Connection, database: Database, ledger: Database, keys: LogKeys
) -> None:
    async def cut_off(connection: asyncpg.Connection, leaves: Sequence[bytes], head: Head) -> None:
        await tell_rooted(connection, leaves, head)
        raise OSError("cut off")

    await admin.execute("DELETE FROM outbox")
    await rooted(database, DAY)
    sequencer = Sequencer(service=database, ledger=ledger, keys=keys, witnesses={}, tells={CHAIN: cut_off})
    connection = await ledger.direct()
    await sequencer.begin(connection)
    with pytest.raises(OSError, match="cut off"):
        await sequencer.append(connection)
    await connection.close()
    assert await admin.fetchval("SELECT count(*) FROM log_entries") == 0
    assert await admin.fetchval("SELECT count(*) FROM outbox") == 0


async def test_the_sequencer_adds_to_the_outbox_and_reads_nothing_of_it(ledger: Database) -> None:
    connection = await ledger.direct()
    for statement in ("SELECT * FROM outbox", "DELETE FROM outbox", "UPDATE outbox SET body = ''"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()
