"""Entries, leaves and tiles against each other and against the signed roots.

What stands at an index is written in five places: twice in ``log_entries`` (the leaf, and its hash), twice in
``log_leaves``, and in a tile. Where they differ, what most of them say is taken for the truth and the others are
named; whether it is the truth, the next signed root says. So one changed row does not make all after it look changed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import asyncpg

from services.integrity.auditing.checkpoints import Heads
from services.integrity.auditing.findings import Finding, leaf_row, opens
from services.integrity.log.leaf import Leaf
from services.integrity.log.tiles import FULL
from shared.kit.tlog.merkle import EMPTY_ROOT, HASH_BYTES, CompactRange, leaf_hash, root_of
from shared.kit.tlog.notes import Malformed

_BLOCK = 16 * FULL
_ENTRIES = "SELECT index, before, hash, leaf FROM log_entries WHERE index >= $1 AND index < $2"
_LEAVES = """
SELECT id, chain, seq, previous, hash, leaf, nonce, index FROM log_leaves WHERE index >= $1 AND index < $2
"""
_TILES = "SELECT index, hashes FROM log_tiles WHERE level = 0 AND index >= $1 AND index < $2"
_UPPER_TILES = "SELECT level, index, hashes FROM log_tiles WHERE level <> 0 OR index < 0 OR index >= $1"
_BEYOND = """
SELECT 'log_entries' AS place, 'index ' || index AS name, index FROM log_entries WHERE index >= $1 OR index < 0
UNION ALL
SELECT 'log_leaves', format('id %s (chain %s, seq %s)', id, chain, seq), index FROM log_leaves
WHERE index >= $1 OR index < 0
ORDER BY 1, 3
"""


@dataclass(frozen=True, slots=True)
class _Says:
    """What one place says stands at an index."""

    table: str
    row: str
    column: str
    hash: bytes


class TreeAudit:
    """One pass over the whole log. The connection is in a transaction whose snapshot all parts share."""

    def __init__(self, connection: asyncpg.Connection, heads: Heads) -> None:
        self._connection = connection
        self._heads = heads
        self._tree = CompactRange()
        self._level: list[list[bytes]] = [[]]
        self._before: asyncpg.Record | None = None
        self._good = 0
        self._broken = False
        self.findings: list[Finding] = []

    async def run(self) -> None:
        """Looks at everything; ``findings`` then holds what was found."""
        self._check_root()
        for start in range(0, self._heads.size, _BLOCK):
            await self._block(start, min(start + _BLOCK, self._heads.size))
        await self._check_upper_tiles()
        await self._check_beyond()

    def _found(self, table: str, row: str, fault: str) -> None:
        self.findings.append(Finding(table, row, fault))

    async def _block(self, start: int, end: int) -> None:
        fetch = self._connection.fetch
        entries = {row["index"]: row for row in await fetch(_ENTRIES, start, end)}
        leaves = {row["index"]: row for row in await fetch(_LEAVES, start, end)}
        kept = {row["index"]: row["hashes"] for row in await fetch(_TILES, start // FULL, -(-end // FULL))}
        for first in range(start, end, FULL):
            width = min(FULL, end - first)
            tile = self._tile(first // FULL, width, kept.get(first // FULL))
            truths = []
            for index in range(first, first + width):
                entry, leaf, at = entries.get(index), leaves.get(index), (index - first) * HASH_BYTES
                in_tile = tile[at : at + HASH_BYTES]
                if (
                    entry is not None
                    and leaf is not None
                    and entry["leaf"] == leaf["leaf"]
                    and entry["hash"] == leaf["hash"] == in_tile == leaf_hash(leaf["leaf"])
                ):
                    truth: bytes = in_tile
                    self._check_opening(leaf)
                else:
                    truth = await self._vote(index, entry, leaf, in_tile)
                if entry is not None and entry["before"] != (index - 1 if index else None):
                    self._found("log_entries", f"index {index}", "changed: it does not name the index before it")
                self._check_order(leaf)
                truths.append(truth)
                self._tree.append(truth)
                if index + 1 in self._heads.roots:
                    self._check_root()
                    self._before = None
            self._grow(truths)

    def _tile(self, number: int, width: int, hashes: bytes | None) -> bytes:
        name = f"tile 0/{number}"
        if hashes is None:
            self._found("log_tiles", name, "removed")
            return b""
        if len(hashes) != width * HASH_BYTES:
            what = "cut" if len(hashes) < width * HASH_BYTES else "longer than it was"
            self._found("log_tiles", name, f"{what}: {len(hashes)} bytes, not {width * HASH_BYTES}")
        return hashes

    def _check_opening(self, row: asyncpg.Record) -> None:
        """That a leaf's row says what the leaf itself says."""
        try:
            leaf = Leaf.decode(row["leaf"])
        except Malformed:
            self._found("log_leaves", leaf_row(row), "no leaf of the log's format; it was recorded so")
            return
        previous = row["previous"]
        if leaf.seq != row["seq"]:
            self._found("log_leaves", leaf_row(row), f"seq changed: the leaf says {leaf.seq}")
        if leaf.prev_case_leaf != (None if previous is None else previous.hex()):
            self._found("log_leaves", leaf_row(row), "previous changed: the leaf names another one")
        if row["nonce"] is not None and not opens(leaf, row["nonce"], row["chain"]):
            self._found("log_leaves", leaf_row(row), "nonce or chain changed: the leaf's commitment does not open")

    def _check_order(self, leaf: asyncpg.Record | None) -> None:
        """That the leaves of a batch, that is between two checkpoints, were taken up in the order of their ids."""
        before = self._before
        if leaf is not None and before is not None and leaf["id"] <= before["id"]:
            for row in (before, leaf):
                self._found("log_leaves", leaf_row(row), "id or index changed, this or its neighbour's")
        if leaf is not None:
            self._before = leaf

    async def _vote(
        self, index: int, entry: asyncpg.Record | None, leaf: asyncpg.Record | None, in_tile: bytes
    ) -> bytes:
        """What stands at an index where the places differ; names those that say otherwise."""
        said = list(_said(index, entry, leaf, in_tile))
        for table, row in (("log_entries", entry), ("log_leaves", leaf)):
            if row is None:
                self._found(table, f"index {index}", "removed")
        if not said:
            return bytes(HASH_BYTES)
        truth, votes = Counter(says.hash for says in said).most_common(1)[0]
        if 2 * votes <= len(said):
            for table, name in dict.fromkeys((says.table, says.row) for says in said):
                self._found(table, name, f"changed, this or another place of index {index}: no two places agree enough")
            return truth
        for table, row_name in dict.fromkeys((says.table, says.row) for says in said):
            wrong = [says for says in said if (says.table, says.row) == (table, row_name) and says.hash != truth]
            if wrong:
                columns = " and ".join(says.column for says in wrong)
                self._found(table, row_name, f"{columns} changed{await self._whose(wrong, index)}")
        if leaf is not None and leaf["hash"] == truth == leaf_hash(leaf["leaf"]):
            self._check_opening(leaf)
        return truth

    async def _whose(self, wrong: Sequence[_Says], index: int) -> str:
        """Whether what stands there is that of another index."""
        for table in ("log_entries", "log_leaves"):
            place = await self._connection.fetchval(
                f"SELECT min(index) FROM {table} WHERE hash = $1 AND index <> $2", wrong[0].hash, index
            )
            if place is not None:
                return f", swapped or moved: it is that of index {place}"
        return ""

    def _check_root(self) -> None:
        expected = self._heads.roots.get(self._tree.size)
        found = self._tree.root() if self._tree.size else EMPTY_ROOT
        if expected is None or self._broken:
            return
        if expected != found:
            self._broken = True
            what = (
                f"not what was signed: a leaf from index {self._good} to {self._tree.size - 1} was changed, removed,"
                " inserted or moved in all its places at once"
            )
            self._found("log_entries", f"index {self._good} to {self._tree.size - 1}", what)
        else:
            self._good = self._tree.size

    def _grow(self, hashes: list[bytes]) -> None:
        """Takes up a tile's hashes at the lowest level: what the tiles above must be."""
        if len(hashes) < FULL:
            return
        level, node = 1, root_of(hashes)
        while True:
            if len(self._level) <= level:
                self._level.append([])
            above = self._level[level]
            above.append(node)
            if len(above) % FULL:
                return
            node = root_of(above[-FULL:])
            level += 1

    async def _check_upper_tiles(self) -> None:
        size = self._heads.size
        expected = {
            (level, first // FULL): b"".join(nodes[first : first + FULL])
            for level, nodes in enumerate(self._level)
            for first in range(0, len(nodes), FULL)
        }
        for row in await self._connection.fetch(_UPPER_TILES, -(-size // FULL)):
            name = f"tile {row['level']}/{row['index']}"
            hashes = expected.pop((row["level"], row["index"]), None)
            if hashes is None:
                self._found("log_tiles", name, "inserted: no checkpoint is over it")
            elif len(row["hashes"]) != len(hashes):
                what = "cut" if len(row["hashes"]) < len(hashes) else "longer than it was"
                self._found("log_tiles", name, f"{what}: {len(row['hashes'])} bytes, not {len(hashes)}")
            elif row["hashes"] != hashes:
                self._found("log_tiles", name, "changed: it is not over the tiles below")
        for level, index in expected:
            self._found("log_tiles", f"tile {level}/{index}", "removed")

    async def _check_beyond(self) -> None:
        """Whatever stands at an index over which there is no checkpoint."""
        rows = await self._connection.fetch(_BEYOND, self._heads.size)
        for row in rows:
            self._found(row["place"], row["name"], "inserted: no checkpoint is over it, or that checkpoint was removed")
        if places := [row["index"] for row in rows if row["place"] == "log_entries"]:
            size = max(places) + 1
            self._found("log_checkpoints", f"size {size}", "removed, unless the entries above are what was inserted")


def _said(index: int, entry: asyncpg.Record | None, leaf: asyncpg.Record | None, in_tile: bytes) -> Iterator[_Says]:
    if entry is not None:
        yield _Says("log_entries", f"index {index}", "hash", entry["hash"])
        yield _Says("log_entries", f"index {index}", "leaf", leaf_hash(entry["leaf"]))
    if leaf is not None:
        yield _Says("log_leaves", leaf_row(leaf), "hash", leaf["hash"])
        yield _Says("log_leaves", leaf_row(leaf), "leaf", leaf_hash(leaf["leaf"]))
    if len(in_tile) == HASH_BYTES:
        yield _Says("log_tiles", f"tile 0/{index // FULL}, hash {index % FULL}", "hash", in_tile)
