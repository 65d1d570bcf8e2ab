"""The transparency log at a million leaves: ``python -m tests.load.integrity_log [LEAVES]``.

Makes a database of that many leaves (a tenth as many reports, each with ten steps), audits it as ``make audit`` does,
and prints how long that takes and the memory; then, in memory, how long the pure parts take (root, tiles, proofs).
"""

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import asyncpg

from deploy.local.keys import WITNESSES, make_keys
from deploy.local.testservers import TestServers
from services.integrity.log.keys import LogKeys
from services.integrity.log.leaf import Leaf, commit_actor, commit_case, hour_of, new_nonce
from services.integrity.log.tiles import TileId, edge_tiles, grown, nodes_in_tiles
from services.integrity.reports.manifest import manifest
from services.integrity.sealing.age import SecretKey, seal
from services.integrity.sealing.receipt_code import ReceiptCode
from services.integrity.sealing.shares import shares_of
from shared.kit.ids import uuid7
from shared.kit.migrate import upgrade
from shared.kit.tlog.checkpoint import Checkpoint
from shared.kit.tlog.cosignature import COSIGNATURE, Cosigner
from shared.kit.tlog.merkle import (
    CompactRange,
    consistency_proof,
    inclusion_proof,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from shared.kit.tlog.notes import Note, SigningKey

AUDIT_LIMIT_SECONDS = 60
STEPS = 10
_BATCH = 1000
_PROOFS = 1000


@contextmanager
def _timed(what: str, count: int) -> Iterator[None]:
    begin = perf_counter()
    yield
    took = perf_counter() - begin
    print(f"{what:<58} {took:8.2f} s {took / count * 1e6:10.2f} µs each")


def _leaf_hashes(count: int) -> Iterator[bytes]:
    for n in range(count):
        digest = sha256(n.to_bytes(8)).hexdigest()
        before = digest if n % 2 else None
        yield Leaf(
            digest, 1 if before is None else 2, "investigated", "2026-11-24T03:00:00Z", digest, digest, before
        ).hash()


class _Reports:
    """Rows of reports whose steps are the log's leaves, in the log's order: first all first steps."""

    def __init__(self, count: int) -> None:
        self.count = count // STEPS
        self.ids = [uuid7() for _ in range(self.count)]
        self.last: list[bytes | None] = [None] * self.count
        self.steps: list[tuple[Any, ...]] = []
        self.leaves: list[tuple[Any, ...]] = []
        self.hashes: list[bytes] = []

    def take(self, seq: int, number: int) -> None:
        """The step ``seq`` of a report, and its leaf."""
        at = datetime(2026, 11, 24, 3, tzinfo=UTC)
        row = SimpleNamespace(
            at=at, visible=False, state="investigating", epoch=1, data={}, sealed=b"sealed" * 40, boxed=None
        )
        covered, nonce, chain = manifest(row), new_nonce(), f"R-{number}"
        previous = self.last[number]
        leaf = Leaf(
            commit_case(nonce, chain),
            seq,
            "investigate",
            hour_of(at),
            commit_actor(nonce, "ann"),
            sha256(covered).hexdigest(),
            previous.hex() if previous else None,
        )
        data, digest = leaf.encode(), leaf.hash()
        index = len(self.hashes)
        self.hashes.append(digest)
        self.leaves.append((index + 1, chain, seq, previous, digest, data, nonce, index))
        self.steps.append(
            (
                self.ids[number],
                seq,
                "investigate",
                at,
                "ann",
                False,
                "investigating",
                1,
                "{}",
                row.sealed,
                digest,
                covered,
            )
        )
        self.last[number] = digest


async def _fill(dsn: str, count: int, keys: LogKeys, folder: Path) -> None:
    """A database of ``count`` leaves, a checkpoint after each thousand with both countersignatures."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("SET session_replication_role = replica")
    made = _Reports(count)
    at = datetime(2026, 11, 24, 3, tzinfo=UTC)
    for seq in range(1, STEPS + 1):
        for number in range(made.count):
            made.take(seq, number)
        await connection.copy_records_to_table(
            "log_leaves",
            records=made.leaves,
            columns=["id", "chain", "seq", "previous", "hash", "leaf", "nonce", "index"],
        )
        await connection.copy_records_to_table(
            "log_entries",
            records=[(row[7], row[4], row[5]) for row in made.leaves],
            columns=["index", "hash", "leaf"],
        )
        await connection.copy_records_to_table(
            "report_steps",
            records=made.steps,
            columns=[
                *("report_id", "seq", "type", "at", "actor", "visible", "state", "epoch", "data", "sealed"),
                *("leaf", "manifest"),
            ],
        )
        made.steps.clear()
        made.leaves.clear()
    await connection.copy_records_to_table(
        "reports",
        records=[
            (
                *(id, f"R-{n}", "anonymous", "sso", "fa", f"{n:08}", bytes(32), "age1"),
                *("investigating", STEPS, made.last[n], 1, "age1", at, at, at),
            )
            for n, id in enumerate(made.ids)
        ],
        columns=[
            *("id", "report_no", "mode", "organisation_id", "language", "locator", "auth_hash", "box_recipient"),
            *("state", "seq", "last_leaf", "epoch", "recipient", "filed_at", "round_since", "state_since"),
        ],
    )
    await _sign(connection, made.hashes, keys, folder)
    await connection.execute("ANALYZE")
    await connection.close()


async def _sign(connection: asyncpg.Connection, hashes: Sequence[bytes], keys: LogKeys, folder: Path) -> None:
    cosigners = {
        name: Cosigner(SigningKey.parse((folder / f"witness-{service}.skey").read_text(), COSIGNATURE))
        for service, name in WITNESSES.items()
    }
    tree, store = CompactRange(), dict[TileId, bytes]()
    checkpoints: list[tuple[int, int | None, str]] = []
    lines: list[tuple[int, str, int, str]] = []
    for first in range(0, len(hashes) + 1, _BATCH):
        text = str(Checkpoint(keys.policy.origin, tree.size, tree.root()))
        before = checkpoints[-1][0] if checkpoints else None
        checkpoints.append((tree.size, before, str(Note(text).signed(keys.signer.sign(text)))))
        for name, cosigner in cosigners.items():
            lines.append((tree.size, name, len(checkpoints), str(cosigner.sign(text, 1_764_000_000))))
        batch = hashes[first : first + _BATCH]
        store.update(grown(first, {tile: store[tile] for tile in edge_tiles(first)}, batch))
        tree.extend(batch)
    tables: dict[str, tuple[Any, list[str]]] = {
        "log_checkpoints": (checkpoints, ["size", "previous", "note"]),
        "log_cosignatures": (lines, ["size", "witness", "n", "line"]),
        "log_tiles": ([(*tile, kept) for tile, kept in store.items()], ["level", "index", "hashes"]),
    }
    for table, (records, columns) in tables.items():
        await connection.copy_records_to_table(table, records=records, columns=columns)


def run_audit(count: int) -> bool:
    """Fills a database with ``count`` leaves (a multiple of ten thousand) and audits it; whether the limit is kept."""
    servers = TestServers()
    dsn = servers.create_database()
    try:
        with tempfile.TemporaryDirectory() as path:
            folder = Path(path)
            make_keys(folder)
            upgrade("services.integrity", dsn)
            with _timed("(a database is made)", count):
                asyncio.run(_fill(dsn, count, LogKeys.load(folder), folder))
            began, load = perf_counter(), os.getloadavg()[0]
            auditing = subprocess.Popen(
                [sys.executable, "-m", "services.integrity.audit", "--dsn", dsn],
                env={**os.environ, "SEDA_KEYS_DIR": str(folder)},
                stdout=subprocess.PIPE,
                text=True,
            )
            said = auditing.communicate()[0]
            took = perf_counter() - began
    finally:
        servers.drop_database(dsn)
        servers.stop()
    if auditing.returncode or f"{count:,} leaves" not in said:
        raise AssertionError(said[:2000])
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"memory of the larger of the audit's two processes: {used.ru_maxrss / 1024:.0f} MiB")
    print(f"processor time of both: {used.ru_utime + used.ru_stime:.1f} s; load before: {load:.1f}")
    verdict = "kept" if took <= AUDIT_LIMIT_SECONDS else "MISSED"
    print(f"audit of {count:,} leaves and as many steps: {took:.1f} s, limit {AUDIT_LIMIT_SECONDS} s: {verdict}")
    return took <= AUDIT_LIMIT_SECONDS


def run(count: int) -> None:
    """Measures the pure parts at ``count`` leaves."""
    leaves = list(_leaf_hashes(count))
    with _timed("root alone, from leaf hashes", count):
        again = root_of(leaves)
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
    leaves = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    kept = run_audit(leaves)
    run(leaves)
    run_sealing()
    sys.exit(not kept)
