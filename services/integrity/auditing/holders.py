"""Holders against their leaves: a grant is worth nothing if the key that it is sealed to was exchanged, nor a conflict
of interest if somebody was made another's colleague.

Who a holder is stands in the newest leaf over a statement (``holders/statement.py``); of those who registered before
there were such leaves, it is covered from the next time that they register.
"""

from hashlib import sha256

import asyncpg

from services.integrity.auditing.findings import Finding, document
from services.integrity.holders.statement import RETIRED, statement
from services.integrity.log.leaf import NONCE_BYTES, commit_actor, hour_of

_KEYS = """
SELECT k.*, l.chain, l.seq AS leaf_seq, l.leaf AS leaf_data, l.nonce
FROM holder_keys k LEFT JOIN log_leaves l ON l.hash = k.leaf ORDER BY k.username, k.seq
"""
_NO_KEY = """
SELECT chain, seq FROM log_leaves l WHERE chain LIKE 'holder:%'
    AND position('"type":"key_registered"'::bytea IN leaf) > 0
    AND NOT EXISTS (SELECT FROM holder_keys k WHERE k.leaf = l.hash) ORDER BY chain, seq
"""
_HOLDERS = """
SELECT h.*, l.seq AS end_seq, l.hash AS end_hash, s.leaf AS said,
    (k.username, k.recipient, k.registered_at) IS NOT DISTINCT FROM (h.username, h.recipient, h.registered_at)
    AND k.seq = (SELECT max(seq) FROM holder_keys n WHERE n.username = h.username) AS has_newest_key
FROM holders h LEFT JOIN holder_keys k ON k.id = h.key_id
LEFT JOIN LATERAL (
    SELECT seq, hash FROM log_leaves WHERE chain = 'holder:' || h.username ORDER BY seq DESC LIMIT 1
) AS l ON true
LEFT JOIN LATERAL (
    SELECT leaf FROM log_leaves WHERE chain = 'holder:' || h.username
        AND position('"type":"holder_'::bytea IN leaf) > 0 ORDER BY seq DESC LIMIT 1
) AS s ON true ORDER BY h.username
"""
_NO_HOLDER = """
SELECT username FROM (
    SELECT username FROM holder_keys UNION SELECT substring(chain FROM 8) FROM log_leaves WHERE chain LIKE 'holder:%'
) AS known (username) WHERE username NOT IN (SELECT username FROM holders) ORDER BY username
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
        name = f"holder {row['chain'].removeprefix('holder:')}, seq {row['seq']}"
        findings.append(Finding("holder_keys", name, "removed, or its leaf changed: the log has the key"))
    for row in await connection.fetch(_HOLDERS):
        if faults := _wrong_holder(row):
            findings.append(Finding("holders", f"holder {row['username']}", "; ".join(faults)))
    for (username,) in await connection.fetch(_NO_HOLDER):
        findings.append(Finding("holders", f"holder {username}", "removed: there are keys or leaves of them"))
    for row in await connection.fetch(_STRANGE_KEYS):
        what = f"id {row['key_id']} changed or removed: something is sealed to it"
        findings.append(Finding("holder_keys", f"holder {row['holder']}", what))
    return findings


def _wrong_holder(row: asyncpg.Record) -> list[str]:
    faults = []
    if not row["has_newest_key"]:
        faults.append("key_id, recipient or registered_at changed: not the holder's newest key")
    if (row["key_seq"], row["last_leaf"]) != (row["end_seq"], row["end_hash"]):
        faults.append("key_seq or last_leaf changed: not the end of the holder's chain")
    if row["said"] is not None and not _says(row["said"], row):
        faults.append("role, province, organisation_id, name, title or active changed: the leaf says otherwise")
    return faults


def _says(leaf: bytes, row: asyncpg.Record) -> bool:
    """Whether the leaf is over who the holder is; one over nothing, of before, only says that they were retired."""
    said = document(leaf)
    if said.get("type") == RETIRED and said.get("ciphertext_sha256") is None:
        return not row["active"]
    return said.get("ciphertext_sha256") == sha256(statement(dict(row))).hexdigest()


def _faults(row: asyncpg.Record) -> list[str]:
    if row["leaf_data"] is None:
        return ["leaf changed, or the key inserted: the log has no such leaf"]
    faults = []
    if (row["chain"], row["leaf_seq"]) != (f"holder:{row['username']}", row["seq"]):
        faults.append(f"moved: its leaf is that of {row['chain']}, seq {row['leaf_seq']}")
    leaf = document(row["leaf_data"])
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
