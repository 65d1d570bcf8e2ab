"""ZRM's days: each root against its leaf, each event against the hashes that the root is over."""

from collections.abc import Sequence
from hashlib import sha256

import asyncpg

from services.integrity.auditing.findings import Finding
from services.integrity.log.leaf import Leaf
from services.integrity.zrm.roots import CHAIN, TYPE, event_leaf, statement
from shared.kit.tlog.merkle import HASH_BYTES, root_of
from shared.kit.tlog.notes import Malformed

_ROOTS = """
SELECT r.day, r.events, r.root, r.hashes, r.leaf_hash, l.leaf, l.seq
FROM zrm_roots r LEFT JOIN log_leaves l ON l.hash = r.leaf_hash AND l.chain = $1 ORDER BY r.day
"""
_EVENTS = "SELECT event_id, body_sha256 FROM zrm_events WHERE day = $1 ORDER BY event_id"
_UNROOTED = """
SELECT seq FROM log_leaves l WHERE chain = $1 AND NOT EXISTS (SELECT FROM zrm_roots r WHERE r.leaf_hash = l.hash)
ORDER BY seq
"""
_TOO_EARLY = """
SELECT event_id, day FROM zrm_events e WHERE day < (SELECT max(day) FROM zrm_roots)
    AND NOT EXISTS (SELECT FROM zrm_roots r WHERE r.day = e.day) ORDER BY event_id
"""


async def audit_zrm(connection: asyncpg.Connection) -> list[Finding]:
    """What is wrong with the daily roots and the events they are over. Events of days to come have no root yet."""
    findings: list[Finding] = []
    for number, row in enumerate(await connection.fetch(_ROOTS, CHAIN), 1):
        findings += _wrong_root(row, number)
        hashes = [row["hashes"][at : at + HASH_BYTES] for at in range(0, len(row["hashes"]), HASH_BYTES)]
        findings += await _wrong_events(connection, row, hashes)
    for row in await connection.fetch(_UNROOTED, CHAIN):
        findings.append(Finding("zrm_roots", f"number {row['seq']}", "removed, or its leaf_hash changed"))
    for row in await connection.fetch(_TOO_EARLY):
        what = f"inserted or moved: its day, {row['day']}, has no root"
        findings.append(Finding("zrm_events", f"event {row['event_id']}", what))
    return findings


def _wrong_root(row: asyncpg.Record, number: int) -> list[Finding]:
    name = f"day {row['day']} (number {number})"
    if row["leaf"] is None:
        return [Finding("zrm_roots", name, "inserted, or its leaf_hash changed: there is no such leaf")]
    wrong = []
    hashes = [row["hashes"][at : at + HASH_BYTES] for at in range(0, len(row["hashes"]), HASH_BYTES)]
    if root_of(hashes) != row["root"] or len(hashes) != row["events"]:
        wrong.append("root, hashes or events changed: they do not fit each other")
    if row["seq"] != number:
        wrong.append(f"its day was changed, or a root before it removed or inserted: its leaf is number {row['seq']}")
    said = statement(row["day"], [b""] * row["events"], row["root"])
    if not _says(row["leaf"], said):
        wrong.append("day, events or root changed: the leaf says another one")
    return [Finding("zrm_roots", name, what) for what in wrong]


def _says(encoded: bytes, said: bytes) -> bool:
    try:
        leaf = Leaf.decode(encoded)
    except Malformed:
        return False
    return leaf.type == TYPE and leaf.ciphertext_sha256 == sha256(said).hexdigest()


async def _wrong_events(connection: asyncpg.Connection, row: asyncpg.Record, hashes: Sequence[bytes]) -> list[Finding]:
    kept = {
        event_leaf(event["event_id"], event["body_sha256"]): event["event_id"]
        for event in await connection.fetch(_EVENTS, row["day"])
    }
    rooted = set(hashes)
    found = [
        Finding("zrm_events", f"event {event_id}", f"changed or inserted: the root of {row['day']} is not over it")
        for leaf, event_id in kept.items()
        if leaf not in rooted
    ]
    found += [
        Finding("zrm_events", f"day {row['day']}, place {place}", "removed or changed: the root is over another event")
        for place, leaf in enumerate(hashes)
        if leaf not in kept
    ]
    return found
