"""Holders' keys against their leaves: a grant is worth nothing if the key that it is sealed to was exchanged."""

from hashlib import sha256

import asyncpg
import orjson

from services.integrity.auditing.findings import Finding
from services.integrity.log.leaf import NONCE_BYTES, commit_actor, hour_of

_KEYS = """
SELECT k.*, l.chain, l.seq AS leaf_seq, l.leaf AS leaf_data, l.nonce
FROM holder_keys k LEFT JOIN log_leaves l ON l.hash = k.leaf ORDER BY k.username, k.seq
"""
_NO_KEY = """
SELECT chain, seq, leaf FROM log_leaves l WHERE chain LIKE 'holder:%'
    AND NOT EXISTS (SELECT FROM holder_keys k WHERE k.leaf = l.hash) ORDER BY chain, seq
"""
_HOLDERS = """
SELECT h.username FROM holders h LEFT JOIN holder_keys k ON k.id = h.key_id
LEFT JOIN log_leaves l ON l.chain = 'holder:' || h.username AND l.seq = h.key_seq
WHERE (k.username, k.recipient, k.seq, l.hash, k.registered_at)
    IS DISTINCT FROM (h.username, h.recipient, h.key_seq - (NOT h.active)::int, h.last_leaf, h.registered_at)
    OR (k.leaf = l.hash) <> h.active
    OR h.key_seq <> (SELECT max(seq) FROM log_leaves n WHERE n.chain = l.chain)
    OR k.seq <> (SELECT max(seq) FROM holder_keys n WHERE n.username = h.username) ORDER BY h.username
"""
_NO_HOLDER = """
SELECT DISTINCT username FROM holder_keys WHERE username NOT IN (SELECT username FROM holders) ORDER BY username
"""
_STRANGE_KEYS = """
SELECT DISTINCT t.holder, t.key_id FROM (
    SELECT holder, key_id FROM grants UNION SELECT holder, key_id FROM recovery_shares
    UNION SELECT holder, key_id FROM identity_shares
) AS t LEFT JOIN holder_keys k ON k.id = t.key_id WHERE k.username IS DISTINCT FROM t.holder ORDER BY t.holder
"""


async def audit_holders(connection: asyncpg.Connection) -> list[Finding]:
    """What is wrong with the holders' keys."""
    findings = []
    for row in await connection.fetch(_KEYS):
        if faults := _faults(row):
            findings.append(Finding("holder_keys", f"holder {row['username']}, seq {row['seq']}", "; ".join(faults)))
    for row in await connection.fetch(_NO_KEY):
        if _is_retirement(row["leaf"]):
            continue  # it brought no key; what it did stands in the holder's row
        name = f"holder {row['chain'].removeprefix('holder:')}, seq {row['seq']}"
        findings.append(Finding("holder_keys", name, "removed, or its leaf changed: the log has the key"))
    for (username,) in await connection.fetch(_HOLDERS):
        findings.append(
            Finding(
                "holders", f"holder {username}", "changed: not the holder's newest key, or not whether they are retired"
            )
        )
    for (username,) in await connection.fetch(_NO_HOLDER):
        findings.append(Finding("holders", f"holder {username}", "removed: there are keys of them"))
    for row in await connection.fetch(_STRANGE_KEYS):
        what = f"id {row['key_id']} changed or removed: something is sealed to it"
        findings.append(Finding("holder_keys", f"holder {row['holder']}", what))
    return findings


def _is_retirement(leaf: bytes) -> bool:
    try:
        return bool(orjson.loads(leaf).get("type") == "holder_retired")
    except ValueError:
        return False


def _faults(row: asyncpg.Record) -> list[str]:
    if row["leaf_data"] is None:
        return ["leaf changed, or the key inserted: the log has no such leaf"]
    faults = []
    if (row["chain"], row["leaf_seq"]) != (f"holder:{row['username']}", row["seq"]):
        faults.append(f"moved: its leaf is that of {row['chain']}, seq {row['leaf_seq']}")
    try:
        leaf = orjson.loads(row["leaf_data"])
    except ValueError:
        return [*faults, "its leaf cannot be read"]
    if leaf.get("ciphertext_sha256") != sha256(row["recipient"].encode()).hexdigest():
        faults.append("recipient changed: the leaf is over another key")
    if leaf.get("hour") != hour_of(row["registered_at"]):
        faults.append(f"registered_at changed: the leaf says {leaf.get('hour')}")
    nonce = row["nonce"]
    if (
        nonce is not None
        and len(nonce) == NONCE_BYTES
        and leaf.get("actor_commit") != commit_actor(nonce, row["username"])
    ):
        faults.append("username changed: the leaf's commitment does not open")
    return faults
