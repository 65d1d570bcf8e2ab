"""Checkpoints and countersignatures: each signature, each number, and that none is missing between two."""

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

from services.integrity.auditing.findings import Finding
from services.integrity.log.policy import Policy
from shared.kit.tlog.checkpoint import Checkpoint
from shared.kit.tlog.cosignature import CosignatureVerifier
from shared.kit.tlog.notes import Malformed, Note, Signature, SignatureInvalid, open_note

_PIECE = 1000
_MOST_NAMED = 100
_CHECKPOINTS = "SELECT size, previous, note FROM log_checkpoints ORDER BY size"
_COSIGNATURES = """
SELECT c.size, c.witness, c.n, c.line, p.note FROM log_cosignatures c LEFT JOIN log_checkpoints p USING (size)
ORDER BY c.size, c.witness
"""
_MISCOUNTED = """
SELECT witness, n, size, before, size_before FROM (
    SELECT witness, n, size, lag(n) OVER w AS before, lag(size) OVER w AS size_before
    FROM log_cosignatures WINDOW w AS (PARTITION BY witness ORDER BY n)
) AS counted
WHERE n <> coalesce(before, 0) + 1 OR size <= size_before ORDER BY witness, n
"""
_MISSING_AT_HEAD = """
SELECT witness, max(size) AS size, max(n) AS n FROM log_cosignatures GROUP BY witness
"""


@dataclass(frozen=True, slots=True)
class Heads:
    """The roots that the log signed, by size."""

    roots: Mapping[int, bytes]

    @property
    def size(self) -> int:
        """The largest size that was signed; 0 if none was."""
        return max(self.roots, default=0)


async def audit_checkpoints(connection: asyncpg.Connection, policy: Policy) -> tuple[Heads, list[Finding]]:
    """The heads that are really signed, and what is wrong with the rows."""
    findings: list[Finding] = []
    roots: dict[int, bytes] = {}
    last: int | None = None
    cursor = await connection.cursor(_CHECKPOINTS)
    while rows := await cursor.fetch(_PIECE):
        for row in rows:
            name = f"size {row['size']}"
            checkpoint = _signed(row["note"], policy)
            if checkpoint is None:
                findings.append(Finding("log_checkpoints", name, "changed: it is not what the log signed"))
            else:
                if checkpoint.size != row["size"]:
                    what = f"changed or moved: the note is over {checkpoint.size} leaves"
                    findings.append(Finding("log_checkpoints", name, what))
                if roots.setdefault(checkpoint.size, checkpoint.root) != checkpoint.root:
                    findings.append(Finding("log_checkpoints", name, "FORK: the log signed two roots of this size"))
            if row["previous"] != last:
                findings.append(_wrong_link(row["size"], row["previous"], last))
            last = row["size"]
    if not roots:
        findings.append(Finding("log_checkpoints", "all", "removed, or the sequencer never ran: there is none"))
    return Heads(roots), findings


def _wrong_link(size: int, named: int | None, before: int | None) -> Finding:
    """``size`` names ``named`` as the checkpoint before it, and ``before`` is the one that there is."""
    if named is not None and (before is None or before < named < size):
        return Finding("log_checkpoints", f"size {named}", f"removed: the one of size {size} names it")
    what = f"changed, or others inserted before it: it names {named}, and before it is {before}"
    return Finding("log_checkpoints", f"size {size}", what)


def _signed(text: str, policy: Policy) -> Checkpoint | None:
    try:
        note = Note.parse(text)
        checkpoint = Checkpoint.parse(note.text)
        if len(open_note(note, policy.logs)) != len(note.signatures) or checkpoint.origin != policy.origin:
            return None
    except (Malformed, SignatureInvalid):
        return None
    return checkpoint


async def audit_cosignatures(connection: asyncpg.Connection, policy: Policy) -> list[Finding]:
    """What is wrong with the countersignatures."""
    witnesses = {witness.name: witness for witness in policy.witnesses}
    findings: list[Finding] = []
    cursor = await connection.cursor(_COSIGNATURES)
    while rows := await cursor.fetch(_PIECE):
        for row in rows:
            if not _verifies(row, witnesses):
                what = "changed or moved: it is not this witness's under this checkpoint"
                findings.append(Finding("log_cosignatures", _name(row), what))
    for row in await connection.fetch(_MISCOUNTED):
        findings += _miscounted(row)
    return findings


def _miscounted(row: asyncpg.Record) -> list[Finding]:
    first = (row["before"] or 0) + 1
    if row["n"] == first:
        what = f"moved: its number comes after that of size {row['size_before']}"
        return [Finding("log_cosignatures", _name(row), what)]
    missing = [
        Finding("log_cosignatures", f"witness {row['witness']}, n {n}", "removed, or its number was changed")
        for n in range(first, min(row["n"], first + _MOST_NAMED))
    ]
    what = f"its number was changed, or those from {first} on were removed"
    return [*missing, Finding("log_cosignatures", _name(row), what)]


async def behind(connection: asyncpg.Connection, policy: Policy, size: int) -> list[Finding]:
    """Witnesses whose countersignature of the newest checkpoint is not there: removed, or they do not answer."""
    last = {row["witness"]: row for row in await connection.fetch(_MISSING_AT_HEAD)}
    findings = []
    for witness in policy.witnesses:
        row = last.get(witness.name)
        if row is None or row["size"] < size:
            number = 1 if row is None else row["n"] + 1
            name = f"size {size}, witness {witness.name}, n {number}"
            findings.append(Finding("log_cosignatures", name, "removed, or this witness does not answer"))
    return findings


def _name(row: asyncpg.Record) -> str:
    return f"size {row['size']}, witness {row['witness']}, n {row['n']}"


def _verifies(row: asyncpg.Record, witnesses: Mapping[str, CosignatureVerifier]) -> bool:
    witness = witnesses.get(row["witness"])
    if witness is None or row["note"] is None:
        return False
    try:
        signature = Signature.parse(row["line"])
        text = Note.parse(row["note"]).text
    except Malformed:
        return False
    return (signature.name, signature.key_id) == (witness.name, witness.key_id) and witness.verify(
        text, signature.value
    )
