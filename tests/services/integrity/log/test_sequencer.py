import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from services.integrity.log import sequencer as sequencing
from services.integrity.log.keys import LogKeys
from services.integrity.log.sequencer import Halted, Sequencer
from shared.kit.db import Database
from tests.services.integrity.logs import Chains, check_log
from tests.shared.kit.chassis import running, until


class Killed(Exception):
    """The process is gone."""


class Mortal:
    """A connection that is cut, unseen by whoever uses it, before its statement number ``life``."""

    def __init__(self, connection: asyncpg.Connection, life: int) -> None:
        self._connection = connection
        self._life = life
        self.said = 0

    def _live(self) -> None:
        if self.said == self._life:
            self._connection.terminate()
            raise Killed
        self.said += 1

    async def execute(self, *arguments: Any) -> Any:
        self._live()
        return await self._connection.execute(*arguments)

    async def fetch(self, *arguments: Any) -> Any:
        self._live()
        return await self._connection.fetch(*arguments)

    async def fetchval(self, *arguments: Any) -> Any:
        self._live()
        return await self._connection.fetchval(*arguments)

    @asynccontextmanager
    async def transaction(self, **options: Any) -> AsyncIterator[None]:
        self._live()
        transaction = self._connection.transaction(**options)
        await transaction.start()
        yield  # what is raised here is Killed: there is nothing left to roll back
        self._live()
        await transaction.commit()


def _sequencer(database: Database, ledger: Database, keys: LogKeys) -> Sequencer:
    return Sequencer(service=database, ledger=ledger, keys=keys, witnesses={}, batch_seconds=0.01)


async def _one_life(sequencer: Sequencer, ledger: Database, life: int) -> bool:
    """Begins and appends all there is on one connection; whether it lived to the end."""
    connection = await ledger.direct()
    mortal: Any = Mortal(connection, life)
    try:
        await sequencer.begin(mortal)
        while await sequencer.append(mortal):
            pass
    except Killed:
        return False
    finally:
        await connection.close()
    return True


@pytest.mark.parametrize("before", [0, 255, 256, 300])
async def test_killed_between_any_two_statements_it_goes_on_without_gap_double_or_fork(
    before: int,
    admin: asyncpg.Connection,
    database: Database,
    ledger: Database,
    keys: LogKeys,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sequencing, "BATCH", 7)
    chains = Chains(database)
    if before:
        await chains.add(*(f"R-{n}" for n in range(before)))
        with monkeypatch.context() as patch:
            patch.setattr(sequencing, "BATCH", 1000)
            await _one_life(_sequencer(database, ledger, keys), ledger, 10**9)
    life = 0
    while True:
        added = await chains.add("R-1", "R-2", "R-1", "R-new")
        size = await check_log(admin, keys)
        if await _one_life(_sequencer(database, ledger, keys), ledger, life):
            break
        assert size <= await check_log(admin, keys) <= size + 4 * (life + 1)
        life += 1
    assert life > 12, "the statements were not tried one by one"
    assert await check_log(admin, keys) == len(chains.made)
    last = await admin.fetchval("SELECT hash FROM log_entries ORDER BY index DESC LIMIT 1")
    assert last == added[-1].hash


@pytest.mark.parametrize("seed", range(4))
async def test_random_batches_and_deaths_make_one_tree(
    seed: int,
    admin: asyncpg.Connection,
    database: Database,
    ledger: Database,
    keys: LogKeys,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(sequencing, "BATCH", chance.choice([1, 3, 50, 1000]))
    chains = Chains(database)
    for _ in range(12):
        await chains.add(*(f"R-{chance.randrange(20)}" for _ in range(chance.choice([0, 1, 5, 40]))))
        await _one_life(_sequencer(database, ledger, keys), ledger, chance.randrange(60))
        await check_log(admin, keys)
    await _one_life(_sequencer(database, ledger, keys), ledger, 10**9)
    assert await check_log(admin, keys) == len(chains.made)
    # in each chain the leaves stand in their order
    for row in await admin.fetch("SELECT array_agg(index ORDER BY seq) AS places FROM log_leaves GROUP BY chain"):
        assert row["places"] == sorted(row["places"])


async def test_of_several_one_works_and_another_takes_over(
    admin: asyncpg.Connection, database: Database, ledger: Database, keys: LogKeys
) -> None:
    chains = Chains(database)

    async def all_in() -> bool:
        return bool(await admin.fetchval("SELECT count(*) FROM log_entries") == len(chains.made))

    async def holders() -> list[int]:
        rows = await admin.fetch(
            "SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database AND datname = current_database()"
            " WHERE locktype = 'advisory' AND classid = $1 AND granted",
            sequencing.LOCK,
        )
        return [row["pid"] for row in rows]

    async with running(*(_sequencer(database, ledger, keys) for _ in range(3))):
        await until(holders, "a sequencer")
        for round_ in range(4):
            for n in range(5):
                await chains.add(f"R-{round_}-{n}", "R-all")
            await until(all_in, "the log")
            held = await holders()
            assert len(held) == 1
            await admin.execute("SELECT pg_terminate_backend($1)", held[0])
    assert await check_log(admin, keys) == len(chains.made)


DAMAGES = {
    "an entry removed": "DELETE FROM log_entries WHERE index = 9",
    "an entry more": "INSERT INTO log_entries (index, hash, leaf) VALUES (10, sha256('x'), 'x')",
    "a tile's bit": "UPDATE log_tiles SET hashes = set_bit(hashes, 77, 1 - get_bit(hashes, 77))",
    "a tile cut": "UPDATE log_tiles SET hashes = substring(hashes FOR 9 * 32)",
    "a tile removed": "DELETE FROM log_tiles",
    "a checkpoint removed": "DELETE FROM log_checkpoints WHERE size = 10",
    "a checkpoint forged": "UPDATE log_checkpoints SET note = replace(note, E'\\n10\\n', E'\\n9\\n') WHERE size = 10",
    "a leaf changed on its way": "UPDATE log_leaves SET leaf = leaf || ' ' WHERE index IS NULL",
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_what_is_not_what_was_signed_is_not_continued(
    damage: str, admin: asyncpg.Connection, database: Database, ledger: Database, keys: LogKeys
) -> None:
    chains = Chains(database)
    await chains.add(*(f"R-{n}" for n in range(10)))
    await _one_life(_sequencer(database, ledger, keys), ledger, 10**9)
    await chains.add("R-late")
    await admin.execute(DAMAGES[damage])
    signed = await admin.fetch("SELECT size, note FROM log_checkpoints ORDER BY size")
    with pytest.raises(Halted):
        await _one_life(_sequencer(database, ledger, keys), ledger, 10**9)
    assert await admin.fetch("SELECT size, note FROM log_checkpoints ORDER BY size") == signed


async def test_a_log_put_back_while_it_runs_is_not_continued(
    admin: asyncpg.Connection, database: Database, ledger: Database, keys: LogKeys
) -> None:
    sequencer, chains = _sequencer(database, ledger, keys), Chains(database)
    await chains.add("R-1")
    await _one_life(sequencer, ledger, 10**9)
    await admin.execute("TRUNCATE log_entries, log_tiles, log_checkpoints, log_cosignatures")
    await admin.execute("UPDATE log_leaves SET index = NULL")
    with pytest.raises(Halted, match="put_back"):
        await _one_life(sequencer, ledger, 10**9)
    # another sequencer cannot know; that is what witnesses are for
