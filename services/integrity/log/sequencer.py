"""The sequencer: appends what was recorded to the log, signs the new head, and has the witnesses countersign it.

One at a time in the whole system, by a session lock on the very connection that writes: who loses the connection loses
the lock with it and writes no more. Entries, tiles, the leaves' places and the signed checkpoint are one transaction,
and a checkpoint is published by reading it from the database: so a crash at any point leaves either all of a batch or
none of it, and no checkpoint is seen that the log could contradict afterwards.

Before anything is signed, what is there is checked against the last checkpoint. A log that was changed, cut or put
back to an earlier state is not continued (``Halted``): each signature over it would be evidence of a fork.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import asyncpg
import httpx

from services.integrity.log import metrics
from services.integrity.log.couriers import Courier
from services.integrity.log.keys import LogKeys
from services.integrity.log.tiles import TileId, TileMissing, edge_tiles, grown, nodes_in_tiles
from shared.kit.db import Database
from shared.kit.telemetry import log
from shared.kit.tlog.checkpoint import Checkpoint
from shared.kit.tlog.merkle import EMPTY_ROOT, leaf_hash, root
from shared.kit.tlog.notes import Malformed, Note, SignatureInvalid, open_note

BATCH = 1000
POLL_SECONDS = 0.1
LOCK = 5312
"""The advisory lock's key, beside those of the kit."""

_HALTED_SECONDS = 30.0
_FIRST_WORD_SECONDS = 3.0
_HEAD = "SELECT note FROM log_checkpoints ORDER BY size DESC LIMIT 1"
_COUNT = "SELECT coalesce(max(index) + 1, 0) FROM log_entries"
_TILES = """
SELECT t.level, t.index, t.hashes
FROM log_tiles t JOIN unnest($1::smallint[], $2::bigint[]) AS w (level, index) USING (level, index)
"""
_OPEN = "SELECT id, chain, hash, leaf FROM log_leaves WHERE index IS NULL ORDER BY id LIMIT $1"
_ADD_ENTRIES = """
INSERT INTO log_entries (index, hash, leaf) SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[])
"""
_GROW_TILES = """
INSERT INTO log_tiles (level, index, hashes) SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])
ON CONFLICT (level, index) DO UPDATE SET hashes = excluded.hashes
"""
_PLACE_LEAVES = """
UPDATE log_leaves SET index = placed.index
FROM unnest($1::bigint[], $2::bigint[]) AS placed (id, index) WHERE log_leaves.id = placed.id
"""
_ADD_CHECKPOINT = "INSERT INTO log_checkpoints (size, previous, note) VALUES ($1, $2, $3)"


class Halted(Exception):
    """The log must not be continued as it stands; says why. ``docs/runbooks/log-fork.md`` says what to do."""


@dataclass(frozen=True, slots=True)
class Head:
    """The log as a checkpoint says it: how many leaves, and the root over them."""

    size: int
    root: bytes


Tell = Callable[[asyncpg.Connection, Sequence[bytes], Head], Awaitable[None]]
"""Tells of leaves (by their hashes) that stand in the log now, in the transaction that signed this head over them."""


class Sequencer:
    """A job: runs until cancelled; any number may run, one of them works."""

    name = "sequencer"

    def __init__(
        self,
        *,
        service: Database,
        ledger: Database,
        keys: LogKeys,
        witnesses: dict[str, str],
        batch_seconds: float = 0.2,
        tells: Mapping[str, Tell] | None = None,
    ) -> None:
        """``service`` wakes it after each commit; ``ledger`` is the same database by the sequencer's role.
        ``witnesses``: the URL of each witness of the policy, by name; Malformed if it names another one. ``tells``:
        what is told of the leaves of a chain once they are signed for, by the chain's name."""
        if unknown := set(witnesses) - {witness.name for witness in keys.policy.witnesses}:
            raise Malformed(f"the policy does not know {len(unknown)} of the witnesses")
        self._wake = service.wake.another()
        self._ledger = ledger
        self._keys = keys
        self._witnesses = witnesses
        self._batch_seconds = batch_seconds
        self._tells = tells or {}
        self._signed: Head | None = None

    async def run(self) -> None:
        """Sequences as leaves come. After a failure of the database it starts anew, with a growing pause; halted, it
        looks again after half a minute whether the log was repaired."""
        pause = 0.2
        while True:
            try:
                connection = await self._ledger.direct()
                try:
                    await self._alone(connection)
                    pause = 0.2
                    await self._serve(connection)
                finally:
                    await connection.close(timeout=5)
            except Halted as reason:
                metrics.halted.set(1)
                log.error("log_halted", cause=str(reason))
                await asyncio.sleep(_HALTED_SECONDS)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                log.warning("sequencer_interrupted", error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    @staticmethod
    async def _alone(connection: asyncpg.Connection) -> None:
        """Returns when no other process sequences. PostgreSQL waits for us, as long as it takes."""
        await connection.execute("SELECT pg_advisory_lock($1, 0)", LOCK)

    async def _serve(self, connection: asyncpg.Connection) -> None:
        await self.begin(connection)
        async with httpx.AsyncClient(timeout=5, trust_env=False, follow_redirects=False) as client:
            couriers = [
                Courier(witness, self._witnesses[witness.name], self._ledger, client)
                for witness in self._keys.policy.witnesses
                if witness.name in self._witnesses
            ]
            tasks = [asyncio.create_task(courier.run(), name=f"courier to {courier.name}") for courier in couriers]
            try:
                # a witness may know that the database was put back; better asked before than after signing
                await asyncio.gather(*(courier.first_word(_FIRST_WORD_SECONDS) for courier in couriers))
                while True:
                    await self._turn(connection, couriers)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _turn(self, connection: asyncpg.Connection, couriers: Sequence[Courier]) -> None:
        self._check_witnesses(couriers)
        began = time.monotonic()
        if not await self.append(connection):
            await self._wake.wait(POLL_SECONDS)
            return
        for courier in couriers:
            courier.wake.set()
        await asyncio.sleep(max(0.0, began + self._batch_seconds - time.monotonic()))

    def _check_witnesses(self, couriers: Sequence[Courier]) -> None:
        """Halts when those witnesses that do not dispute the log are too few for its policy."""
        disputing = sum(courier.disputes for courier in couriers)
        metrics.disputing.set(disputing)
        if len(self._keys.policy.witnesses) - disputing < self._keys.policy.quorum:
            raise Halted("witnesses_saw_another_log")

    async def begin(self, connection: asyncpg.Connection) -> None:
        """Checks the log as it stands; an empty one gets its first checkpoint, over no leaves."""
        async with connection.transaction(isolation="repeatable_read"):
            if await connection.fetchval(_HEAD) is None and not await connection.fetchval(_COUNT):
                await self._sign(connection, Head(0, EMPTY_ROOT), previous=None)
            await self._head(connection)
        metrics.halted.set(0)

    async def append(self, connection: asyncpg.Connection) -> int:
        """Appends one batch of what is recorded and signs the new head; how many leaves, 0 if there were none.

        Halted if what is there is not what was signed last.
        """
        if not await connection.fetchval(f"SELECT EXISTS ({_OPEN})", 1):
            return 0
        async with connection.transaction():
            head, edge = await self._head(connection)
            rows = await connection.fetch(_OPEN, BATCH)
            hashes = [row["hash"] for row in rows]
            if any(leaf_hash(row["leaf"]) != row["hash"] for row in rows):
                raise Halted("a_leaf_was_changed_before_it_was_logged")
            tiles = grown(head.size, edge, hashes)
            size = head.size + len(rows)
            places = list(range(head.size, size))
            await connection.execute(_ADD_ENTRIES, places, hashes, [row["leaf"] for row in rows])
            await connection.execute(
                _GROW_TILES, [tile[0] for tile in tiles], [tile[1] for tile in tiles], list(tiles.values())
            )
            await connection.execute(_PLACE_LEAVES, [row["id"] for row in rows], places)
            # the new tree's edge: of the old edge and what has grown, the longer value wins
            signed = Head(size, root(size, nodes_in_tiles({**edge, **tiles})))
            await self._sign(connection, signed, previous=head.size)
            for chain, tell in self._tells.items():
                if leaves := [row["hash"] for row in rows if row["chain"] == chain]:
                    await tell(connection, leaves, signed)
        self._signed = signed
        metrics.size.set(size)
        return len(rows)

    async def _sign(self, connection: asyncpg.Connection, head: Head, *, previous: int | None) -> None:
        text = str(Checkpoint(self._keys.policy.origin, head.size, head.root))
        note = Note(text).signed(self._keys.signer.sign(text))
        await connection.execute(_ADD_CHECKPOINT, head.size, previous, str(note))

    async def _head(self, connection: asyncpg.Connection) -> tuple[Head, dict[TileId, bytes]]:
        """The last checkpoint and the tiles at its edge; Halted unless entries, tiles and signature agree with it."""
        try:
            note = Note.parse(await connection.fetchval(_HEAD) or "")
            open_note(note, self._keys.policy.logs)
            checkpoint = Checkpoint.parse(note.text)
        except (Malformed, SignatureInvalid):
            raise Halted("the_last_checkpoint_is_not_ours") from None
        head = Head(checkpoint.size, checkpoint.root)
        if checkpoint.origin != self._keys.policy.origin:
            raise Halted("the_last_checkpoint_is_not_ours")
        # another process may have gone on, but nobody goes back
        known = self._signed
        if known is not None and (head.size < known.size or (head.size == known.size and head.root != known.root)):
            raise Halted("the_log_was_put_back")
        if await connection.fetchval(_COUNT) != head.size:
            raise Halted("entries_and_checkpoint_differ")
        ids = edge_tiles(head.size)
        rows = await connection.fetch(_TILES, [tile[0] for tile in ids], [tile[1] for tile in ids])
        edge = {(row["level"], row["index"]): row["hashes"] for row in rows}
        try:
            if root(head.size, nodes_in_tiles(edge)) != head.root:
                raise Halted("tiles_and_checkpoint_differ")
        except TileMissing:
            raise Halted("tiles_and_checkpoint_differ") from None
        return head, edge
