"""Tiles (https://c2sp.org/tlog-tiles v0.1.0): the tree as files of up to 256 hashes. Hash tiles only.

A tile only ever grows at its end, so one value per ``(level, index)`` is all there is to keep: a partial tile is its
first ``width`` hashes. Tiles of entries are not served, as they would show a reporter's rhythm.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from shared.kit.tlog.merkle import HASH_BYTES, Nodes, Range, node_hash, nodes_of
from shared.kit.tlog.notes import Malformed

HEIGHT = 8
FULL = 1 << HEIGHT
_HIGHEST_LEVEL = 63
_PATH = re.compile(r"(0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")

TileId = tuple[int, int]
"""``(level, index)``."""


class TileMissing(Exception):
    """A tile that a proof needs is not at hand, or holds too few hashes."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile as it is asked for: ``width`` of its hashes, 256 for the full one."""

    level: int
    index: int
    width: int = FULL

    @classmethod
    def parse(cls, path: str) -> Self:
        """Reads ``<L>/<N>[.p/<W>]`` (``0/x001/x234/067.p/8``); Malformed if it is not written as the format asks."""
        parts = _PATH.fullmatch(path)
        if parts is None:
            raise Malformed("not a tile's path")
        tile = cls(int(parts[1]), int(parts[2].replace("/", "").replace("x", "")), int(parts[3] or FULL))
        # leading x000, widths from 256 and levels from 64 match the pattern, but are not canonical
        if tile.level > _HIGHEST_LEVEL or tile.path() != path:
            raise Malformed("not a tile's path")
        return tile

    def path(self) -> str:
        """``<L>/<N>[.p/<W>]``, as it stands after ``/tile/``."""
        groups = [f"{self.index % 1000:03d}"]
        rest = self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        partial = "" if self.width == FULL else f".p/{self.width}"
        return f"{self.level}/{'/'.join(groups)}{partial}"


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a tree of ``size`` leaves, full ones and at each level's end the partial one."""
    level = 0
    while width := size >> (HEIGHT * level):
        yield from (Tile(level, index) for index in range(width // FULL))
        if width % FULL:
            yield Tile(level, width // FULL, width % FULL)
        level += 1


def has_tile(tile: Tile, size: int) -> bool:
    """Whether a tree of ``size`` leaves has grown to this tile (perhaps beyond it)."""
    return tile.index * FULL + tile.width <= size >> (HEIGHT * tile.level)


def tiles_for(ranges: Iterable[Range]) -> set[TileId]:
    """The tiles in which the nodes of these ranges are found, for a proof made of them."""
    return {_place(level, index)[0] for part in ranges for level, index in nodes_of(part)}


def _place(level: int, index: int) -> tuple[TileId, int, int]:
    """The tile in which a node is found, and which run of the tile's hashes ``[first, last)`` it is the root of."""
    tile_level, height = divmod(level, HEIGHT)
    first = index << height
    tile_index, offset = divmod(first, FULL)
    return (tile_level, tile_index), offset, offset + (1 << height)


def nodes_in_tiles(tiles: Mapping[TileId, bytes]) -> Nodes:
    """The tree's nodes from its tiles' hashes; the function raises TileMissing where they do not reach."""

    def node(level: int, index: int) -> bytes:
        tile, first, last = _place(level, index)
        hashes = tiles.get(tile, b"")
        if len(hashes) < last * HASH_BYTES:
            raise TileMissing(f"tile {tile[0]}/{tile[1]} has fewer than {last} hashes")
        return _root(_split(hashes[first * HASH_BYTES : last * HASH_BYTES]))

    return node


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[i : i + HASH_BYTES] for i in range(0, len(hashes), HASH_BYTES)]


def _root(hashes: list[bytes]) -> bytes:
    """The root over a complete run: 1, 2, 4 … 256 hashes."""
    while len(hashes) > 1:
        hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


def edge_tiles(size: int) -> list[TileId]:
    """The partial tiles of a tree, which :func:`grown` takes up."""
    found = []
    level = 0
    while width := size >> (HEIGHT * level):
        if width % FULL:
            found.append((level, width // FULL))
        level += 1
    return found


def grown(size: int, edge: Mapping[TileId, bytes], leaves: Sequence[bytes]) -> dict[TileId, bytes]:
    """The tiles that change when ``leaves`` (their hashes) come to a tree of ``size``: their hashes from the first on.

    ``edge`` holds the partial tiles before (:func:`edge_tiles`), else TileMissing. What is kept for a tile of the
    result is replaced by a longer value that begins with it.
    """
    changed: dict[TileId, bytes] = {}
    level, added = 0, list(leaves)
    while added:
        index, width = divmod(size >> (HEIGHT * level), FULL)
        before = edge.get((level, index), b"")[: width * HASH_BYTES]
        if len(before) != width * HASH_BYTES:
            raise TileMissing(f"tile {level}/{index} has fewer than {width} hashes")
        hashes = _split(before) + added
        added = []
        for first in range(0, len(hashes), FULL):
            tile = hashes[first : first + FULL]
            changed[level, index] = b"".join(tile)
            index += 1
            if len(tile) == FULL:
                added.append(_root(tile))
        level += 1
    return changed
