"""The bytes of reports' files against the hashes that the steps' manifests, and so the log, hold of them."""

import asyncio
from collections.abc import Iterator

import asyncpg

from services.integrity.auditing.findings import Finding
from shared.kit.uploads import Damaged, Store

_PIECE = 500
_FILES = """
SELECT coalesce(r.report_no, f.report_id::text) AS report, f.n, f.size, f.cleaned_size, f.original_sha256,
    f.cleaned_sha256
FROM report_files f LEFT JOIN reports r ON r.id = f.report_id ORDER BY 1, f.n
"""


async def audit_evidence(connection: asyncpg.Connection, store: Store) -> tuple[list[Finding], int]:
    """What is wrong with the files in the store, and how many there must be. Reads every byte of them.

    That the rows say what was signed is ``auditing/reports.py``; a file of no row is none of these, and swept.
    """
    findings: list[Finding] = []
    count = 0
    cursor = await connection.cursor(_FILES)
    while rows := await cursor.fetch(_PIECE):
        for row in rows:
            for which, hash, size in _kept(row):
                count += 1
                fault = await asyncio.to_thread(_fault, store, hash, size)
                if fault is not None:
                    findings.append(Finding("evidence", f"report {row['report']}, n {row['n']}, {which}", fault))
    return findings, count


def _kept(row: asyncpg.Record) -> Iterator[tuple[str, bytes, int]]:
    yield "original", row["original_sha256"], row["size"]
    if row["cleaned_sha256"] is not None:
        yield "cleaned copy", row["cleaned_sha256"], row["cleaned_size"]


def _fault(store: Store, hash: bytes, size: int) -> str | None:
    name = hash.hex()
    try:
        length, found = store.measure(name)
    except Damaged:
        return f"removed: there is no file {name}"
    except OSError as error:
        return f"file {name} cannot be read ({type(error).__name__})"
    if length != size:
        return f"{'cut' if length < size else 'longer than it was'}: file {name} has {length} bytes, not {size}"
    return None if found == hash else f"changed: file {name} has other bytes"
