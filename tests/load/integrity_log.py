"""The transparency log at a million leaves: ``python -m tests.load.integrity_log [LEAVES]``.

Prints how long it takes to recompute the root from the leaves' fields (what an audit does besides reading them), to
build the tiles, to make and verify proofs; and the memory it took.
"""

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from time import perf_counter

from services.integrity.log.leaf import Leaf
from services.integrity.log.tiles import TileId, edge_tiles, grown, nodes_in_tiles
from services.integrity.sealing.age import SecretKey, seal
from services.integrity.sealing.receipt_code import ReceiptCode
from services.integrity.sealing.shares import shares_of
from shared.kit.tlog.merkle import (
    CompactRange,
    consistency_proof,
    inclusion_proof,
    root_of,
    verify_consistency,
    verify_inclusion,
)

AUDIT_LIMIT_SECONDS = 60
_BATCH = 1000
_PROOFS = 1000


@contextmanager
def _timed(what: str, count: int) -> Iterator[None]:
    begin = perf_counter()
    yield
    took = perf_counter() - begin
    print(f"{what:<58} {took:8.2f} s {took / count * 1e6:10.2f} µs each")


def _fields(count: int) -> Iterator[tuple[str, str, str | None]]:
    for n in range(count):
        digest = sha256(n.to_bytes(8)).hexdigest()
        yield digest, sha256(digest.encode()).hexdigest(), digest if n % 2 else None


def _leaf_hashes(count: int) -> Iterator[bytes]:
    for case, content, before in _fields(count):
        yield Leaf(
            case, 1 if before is None else 2, "investigated", "2026-11-24T03:00:00Z", case, content, before
        ).hash()


def run(count: int) -> bool:
    """Measures at ``count`` leaves; whether the audit's limit is kept."""
    tree = CompactRange()
    begin = perf_counter()
    with _timed("audit: leaves checked, encoded, hashed; root", count):
        tree.extend(_leaf_hashes(count))
    audit = perf_counter() - begin
    leaves = list(_leaf_hashes(count))
    with _timed("root alone, from leaf hashes", count):
        again = root_of(leaves)
    if again != tree.root():
        raise AssertionError("two ways to one root differ")
    store: dict[TileId, bytes] = {}
    with _timed(f"tiles, in batches of {_BATCH}", count):
        for first in range(0, count, _BATCH):
            edge = {tile: store[tile] for tile in edge_tiles(first)}
            store.update(grown(first, edge, leaves[first : first + _BATCH]))
    nodes = nodes_in_tiles(store)
    places = [n * (count - 1) // (_PROOFS - 1) for n in range(_PROOFS)]
    with _timed("inclusion proofs from tiles", _PROOFS):
        proofs = [inclusion_proof(place, count, nodes) for place in places]
    with _timed("inclusion proofs verified", _PROOFS):
        for place, proof in zip(places, proofs, strict=True):
            verify_inclusion(leaves[place], place, count, proof, again)
    old = count // 3
    old_root = root_of(leaves[:old])
    with _timed("a consistency proof from tiles, made and verified", 1):
        verify_consistency(old, old_root, count, again, consistency_proof(old, count, nodes))
    print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    verdict = "kept" if audit <= AUDIT_LIMIT_SECONDS else "MISSED"
    print(f"audit of {count:,} leaves: {audit:.1f} s, limit {AUDIT_LIMIT_SECONDS} s: {verdict}")
    return audit <= AUDIT_LIMIT_SECONDS


def run_sealing() -> None:
    """Measures what one filing costs besides the database."""
    key = SecretKey.generate()
    readers = [SecretKey.generate().recipient for _ in range(5)]
    with _timed("receipt code derived (argon2id, 64 MiB, t=3)", 5):
        for _ in range(5):
            ReceiptCode.generate().derive("seda.bench/integrity")
    with _timed("2 kB sealed to one key", 200):
        for _ in range(200):
            seal(bytes(2000), [key.recipient])
    custodians = {f"custodian.{n}": reader for n, reader in enumerate(readers)}
    with _timed("report key in shares, 3 of 5 custodians (30 wraps)", 20):
        for _ in range(20):
            shares_of(key, "report:r-1:1", custodians, 3)


if __name__ == "__main__":
    run_sealing()
    sys.exit(not run(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
