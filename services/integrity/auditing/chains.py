"""The leaves of each report in their order, and those that are not in the log."""

import asyncpg

from services.integrity.auditing.findings import Finding, leaf_row, opens
from services.integrity.log.leaf import Leaf
from shared.kit.tlog.merkle import leaf_hash
from shared.kit.tlog.notes import Malformed

_WRONG_LINKS = """
SELECT id, chain, seq, previous_seq, before_seq, before_id FROM (
    SELECT id, chain, seq, previous, previous_seq,
        lag(hash) OVER w AS before, lag(seq) OVER w AS before_seq, lag(id) OVER w AS before_id
    FROM log_leaves WINDOW w AS (PARTITION BY chain ORDER BY seq)
) AS linked
WHERE before IS DISTINCT FROM previous OR seq <> coalesce(before_seq, 0) + 1
    OR previous_seq IS DISTINCT FROM nullif(seq - 1, 0) OR id <= before_id
ORDER BY chain, seq
"""
_FORGOTTEN = """
SELECT id, chain, seq FROM log_leaves l WHERE nonce IS NULL AND NOT EXISTS (
    SELECT FROM log_leaves f
    WHERE f.chain = l.chain AND f.seq > l.seq AND position('"type":"forgotten"'::bytea IN f.leaf) > 0
) ORDER BY id
"""
_WAITING = "SELECT id, chain, seq, previous, hash, leaf, nonce FROM log_leaves WHERE index IS NULL ORDER BY id"


async def audit_chains(connection: asyncpg.Connection) -> list[Finding]:
    """Leaves whose chain has a gap, a double or another leaf before them, and nonces that are missing."""
    findings = []
    for row in await connection.fetch(_WRONG_LINKS):
        if row["seq"] != (row["before_seq"] or 0) + 1:
            what = f"its chain has a gap: after seq {row['before_seq'] or 0} a leaf was removed, inserted or renumbered"
        elif row["before_id"] is not None and row["id"] <= row["before_id"]:
            what = f"id changed, its own or that of the leaf before it ({row['before_id']}), or what names that one"
        else:
            what = "the leaf before it, or what it says of it, was changed"
        findings.append(Finding("log_leaves", leaf_row(row), what))
    for row in await connection.fetch(_FORGOTTEN):
        findings.append(Finding("log_leaves", leaf_row(row), "nonce removed, and no leaf says that it was forgotten"))
    return findings


async def waiting(connection: asyncpg.Connection) -> list[Finding]:
    """The leaves that are not in the log: just recorded, or inserted where nobody takes them up."""
    return [Finding("log_leaves", leaf_row(row), _why(row)) for row in await connection.fetch(_WAITING)]


def _why(row: asyncpg.Record) -> str:
    try:
        leaf = Leaf.decode(row["leaf"])
    except Malformed:
        return "changed or inserted: it is no leaf, and not in the log"
    if leaf_hash(row["leaf"]) != row["hash"]:
        return "changed before it came into the log: leaf and hash differ"
    previous = None if row["previous"] is None else row["previous"].hex()
    opened = row["nonce"] is not None and opens(leaf, row["nonce"], row["chain"])
    if (leaf.seq, leaf.prev_case_leaf) != (row["seq"], previous) or not opened:
        return "changed before it came into the log: the row is not what the leaf says"
    return "not in the log: its index was removed, it was inserted, or the sequencer does not run"
