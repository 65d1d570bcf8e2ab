"""A log on a real database: leaves to fill it with, and what must hold of it at every moment."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import asyncpg
from sqlalchemy.engine import make_url

from deploy.local.ports import free_port
from services.integrity.log.chain import Recorded, new_leaf, record
from services.integrity.log.keys import LogKeys
from services.integrity.log.sequencer import Sequencer
from services.integrity.log.tiles import tiles_of
from shared.kit.db import Database
from shared.kit.tlog.checkpoint import Checkpoint
from shared.kit.tlog.endpoint import PATH, WitnessServer, load_witness
from shared.kit.tlog.keeping import KeptCheckpoints
from shared.kit.tlog.merkle import leaf_hash, nodes_in_memory, root_of
from shared.kit.tlog.notes import Note, open_note
from tests.shared.kit.chassis import running

TABLES = ("zrm_roots", "zrm_events", "log_cosignatures", "log_checkpoints", "log_tiles", "log_entries", "log_leaves")
PASSWORD = "of-the-tests"
AT = datetime(2026, 11, 24, 3, 25, tzinfo=UTC)


def as_role(dsn: str, role: str) -> str:
    """The DSN of another role."""
    return make_url(dsn).set(username=role, password=PASSWORD).render_as_string(hide_password=False)


class Chains:
    """Leaves of many reports, each chain going on where it ended."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last: dict[str, Recorded] = {}
        self.made: list[Recorded] = []

    async def add(self, *names: str) -> list[Recorded]:
        """A leaf more for each of the chains named, in one transaction."""
        added = []
        async with self._database.transaction() as connection:
            for name in names:
                last = self._last.get(name)
                self._last[name] = new_leaf(
                    chain=name,
                    seq=last.leaf.seq + 1 if last else 1,
                    type="investigated" if last else "registered",
                    at=AT,
                    actor="system",
                    ciphertext=name.encode(),
                    previous=last.hash if last else None,
                )
                await record(connection, self._last[name])
                added.append(self._last[name])
        self.made += added
        return added


async def check_log(admin: asyncpg.Connection, keys: LogKeys) -> int:
    """Asserts that entries, tiles, places and every checkpoint are of one tree; its size. Plainly, from the leaves."""
    entries = await admin.fetch("SELECT index, hash, leaf FROM log_entries ORDER BY index")
    hashes = [entry["hash"] for entry in entries]
    assert [entry["index"] for entry in entries] == list(range(len(entries)))
    assert hashes == [leaf_hash(entry["leaf"]) for entry in entries]
    assert len(set(hashes)) == len(hashes)
    placed = await admin.fetch("SELECT hash FROM log_leaves WHERE index IS NOT NULL ORDER BY index")
    assert [leaf["hash"] for leaf in placed] == hashes
    checkpoints = [Note.parse(row[0]) for row in await admin.fetch("SELECT note FROM log_checkpoints ORDER BY size")]
    size = -1
    for note in checkpoints:
        open_note(note, keys.policy.logs)
        checkpoint = Checkpoint.parse(note.text)
        assert checkpoint.size > size
        size = checkpoint.size
        assert checkpoint.root == root_of(hashes[:size])
    assert size in (len(entries), -1)
    await _check_tiles(admin, hashes)
    return len(entries)


async def _check_tiles(admin: asyncpg.Connection, hashes: Sequence[bytes]) -> None:
    nodes = nodes_in_memory(hashes)
    kept = {
        (row["level"], row["index"]): row["hashes"]
        for row in await admin.fetch("SELECT level, index, hashes FROM log_tiles")
    }
    expected = {
        (tile.level, tile.index): b"".join(
            nodes(8 * tile.level, 256 * tile.index + place) for place in range(tile.width)
        )
        for tile in tiles_of(len(hashes))
    }
    assert kept == expected


class Place:
    """A witness: its database and its port; it may be down."""

    def __init__(self, service: str, database: Database, folder: Path) -> None:
        self.database = database
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}{PATH}"
        self._witness = load_witness(folder, service, KeptCheckpoints(database))

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        async with running(WitnessServer("witness", self._witness, host="127.0.0.1", port=self.port)):
            yield


class Witnessing(Protocol):
    """A witness at some place."""

    url: str

    def up(self) -> AbstractAsyncContextManager[None]: ...


def sequencer_of(database: Database, ledger: Database, keys: LogKeys, places: Mapping[str, Witnessing]) -> Sequencer:
    urls = {name: place.url for name, place in places.items()}
    return Sequencer(service=database, ledger=ledger, keys=keys, witnesses=urls, batch_seconds=0.02)


@asynccontextmanager
async def running_log(
    database: Database,
    ledger: Database,
    keys: LogKeys,
    places: Mapping[str, Witnessing],
    *,
    down: Collection[str] = (),
) -> AsyncIterator[None]:
    """The sequencer at work, and those of its witnesses that are not ``down``."""
    async with AsyncExitStack() as stack:
        for name in places.keys() - set(down):
            await stack.enter_async_context(places[name].up())
        await stack.enter_async_context(running(sequencer_of(database, ledger, keys, places)))
        yield
