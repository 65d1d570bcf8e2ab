import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.integrity.log.tiles import (
    FULL,
    Tile,
    TileId,
    TileMissing,
    edge_tiles,
    grown,
    has_tile,
    nodes_in_tiles,
    tiles_for,
    tiles_of,
)
from shared.kit.tlog.merkle import (
    consistency_proof,
    consistency_ranges,
    inclusion_proof,
    inclusion_ranges,
    leaf_hash,
    nodes_in_memory,
    root,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from shared.kit.tlog.notes import Malformed

LEAVES = [leaf_hash(str(n).encode()) for n in range(70_000)]


def _store(sizes: list[int]) -> dict[TileId, bytes]:
    """The tiles of a tree that grew by these steps."""
    store: dict[TileId, bytes] = {}
    for old, new in zip([0, *sizes], sizes, strict=False):
        edge = {tile: store[tile] for tile in edge_tiles(old)}
        for tile, hashes in grown(old, edge, LEAVES[old:new]).items():
            assert hashes.startswith(store.get(tile, b""))
            store[tile] = hashes
    return store


# paths as https://c2sp.org/tlog-tiles gives or describes them
@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 1234067), "0/x001/x234/067"),
        (Tile(0, 0), "0/000"),
        (Tile(1, 999), "1/999"),
        (Tile(1, 1000), "1/x001/000"),
        (Tile(2, 0, 1), "2/000.p/1"),
        (Tile(63, 273, 255), "63/273.p/255"),
    ],
)
def test_paths(tile: Tile, path: str) -> None:
    assert tile.path() == path
    assert Tile.parse(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0/0",
        "0/67",
        "00/067",
        "64/067",
        "0/x000/067",
        "0/001/067",
        "0/x001/x067",
        "0/1234",
        "0/067.p/0",
        "0/067.p/256",
        "0/067.p/01",
        "0/067/",
        "0/067\n",
        "0/۰۶۷",
        "-1/067",
        "entries/067",
        "0/x001/x001/x001/x001/x001/x001/x001/001",
    ],
)
def test_paths_that_are_not_canonical_are_refused(path: str) -> None:
    with pytest.raises(Malformed):
        Tile.parse(path)


@given(st.integers(0, 63), st.integers(0, 10**20), st.integers(1, FULL))
def test_a_path_is_read_back(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert Tile.parse(tile.path()) == tile


def test_the_tiles_of_the_specifications_examples() -> None:
    # "a tree of size 70,000 …" and "a tree of size 256 …", https://c2sp.org/tlog-tiles, "Partial Tiles"
    tiles = list(tiles_of(70_000))
    assert [tile for tile in tiles if tile.level == 0] == [*(Tile(0, n) for n in range(273)), Tile(0, 273, 112)]
    assert [tile for tile in tiles if tile.level == 1] == [Tile(1, 0), Tile(1, 1, 17)]
    assert [tile for tile in tiles if tile.level == 2] == [Tile(2, 0, 1)]
    assert len(tiles) == 277
    assert list(tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []


def test_which_tiles_a_tree_has() -> None:
    assert all(has_tile(tile, 70_000) for tile in tiles_of(70_000))
    assert has_tile(Tile(0, 273, 5), 70_000)
    assert not has_tile(Tile(0, 273, 113), 70_000)
    assert not has_tile(Tile(1, 1), 70_000)
    assert not has_tile(Tile(3, 0, 1), 70_000)


def test_a_large_tree_grown_in_steps() -> None:
    size = 70_000
    store = _store([1, 255, 256, 257, 600, 65_535, 65_536, 66_000, size])
    assert {(tile.level, tile.index): tile.width * 32 for tile in tiles_of(size)} == {
        tile: len(hashes) for tile, hashes in store.items()
    }
    assert store[0, 273] == b"".join(LEAVES[273 * 256 :])
    assert store[1, 1][:32] == root_of(LEAVES[65_536 : 65_536 + 256])
    assert store[2, 0] == root_of(LEAVES[:65_536])
    assert root(size, nodes_in_tiles(store)) == root_of(LEAVES)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=5), st.data())
def test_proofs_are_made_from_the_tiles_that_they_name(steps: list[int], draw: st.DataObject) -> None:
    sizes = [sum(steps[: n + 1]) for n in range(len(steps))]
    store = _store(sizes)
    new = draw.draw(st.integers(1, sizes[-1]))
    index = draw.draw(st.integers(0, new - 1))
    old = draw.draw(st.integers(0, new))
    memory = nodes_in_memory(LEAVES[: sizes[-1]])

    needed = {tile: store[tile] for tile in tiles_for(inclusion_ranges(index, new))}
    proof = inclusion_proof(index, new, nodes_in_tiles(needed))
    assert proof == inclusion_proof(index, new, memory)
    verify_inclusion(LEAVES[index], index, new, proof, root_of(LEAVES[:new]))

    needed = {tile: store[tile] for tile in tiles_for(consistency_ranges(old, new))}
    proof = consistency_proof(old, new, nodes_in_tiles(needed))
    assert proof == consistency_proof(old, new, memory)
    verify_consistency(old, root_of(LEAVES[:old]), new, root_of(LEAVES[:new]), proof)


def test_a_missing_or_short_tile_is_said() -> None:
    store = _store([300])
    with pytest.raises(TileMissing, match="0/1"):
        root(300, nodes_in_tiles({**store, (0, 1): store[0, 1][:-32]}))
    with pytest.raises(TileMissing, match="1/0"):
        root(300, nodes_in_tiles({(0, 1): store[0, 1]}))
    with pytest.raises(TileMissing, match="0/1"):
        grown(300, {(1, 0): store[1, 0]}, LEAVES[300:301])


def test_a_tile_kept_longer_than_the_tree_is_cut_before_it_grows() -> None:
    # a tile that was written, and the size with it was not
    longer = _store([300])
    assert grown(270, longer, LEAVES[270:300]) == {(0, 1): longer[0, 1]}
