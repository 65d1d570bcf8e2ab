"""Reports against their leaves: each step, and every row that a step brought.

A step's leaf is over its manifest (``reports/manifest.py``), which the step keeps: the leaf says whether the manifest
is what was recorded, and the manifest says of each row what it must be; the last one says it of the report's own row.
After a step ``forgotten`` what told of the reporter must be gone, and nothing else may be (``forgetting/service.py``).
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from datetime import UTC
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.integrity.auditing.findings import Finding, document
from services.integrity.forgetting.domain import FORGOTTEN, Forgotten
from services.integrity.log.leaf import NONCE_BYTES, commit_actor, hour_of
from services.integrity.reports.manifest import (
    fixed,
    line_of_epoch,
    line_of_exclusion,
    line_of_file,
    line_of_grant,
    line_of_identity,
    line_of_recovery,
    moving,
)
from services.integrity.reports.story import REPORTER
from shared.persian.identifiers import IdentifierError, tracking_code

_PIECE = 500
_FORGETS = f'"type":"{FORGOTTEN}"'.encode()
"""Stands in a leaf of that type and in no other."""
_REPORTS = "SELECT * FROM reports ORDER BY id"
_STEPS = """
SELECT s.*, l.chain AS leaf_chain, l.seq AS leaf_seq, l.leaf AS leaf_data, l.nonce
FROM report_steps s LEFT JOIN log_leaves l ON l.hash = s.leaf WHERE s.report_id = ANY($1::uuid[])
ORDER BY s.report_id, s.seq
"""
_PARTS: Mapping[str, tuple[str, Callable[[Any], list[Any]]]] = {
    "grants": ("grants", line_of_grant),
    "recovery_shares": ("recovery", line_of_recovery),
    "identity_shares": ("identity", line_of_identity),
    "report_files": ("files", line_of_file),
    "report_epochs": ("epochs", line_of_epoch),
    "report_exclusions": ("excluded", line_of_exclusion),
}
"""Of each table with rows that steps bring: its part of the manifest, and how a row stands there."""
_KEYS = {
    "grants": ("epoch", "holder", "key_id"),
    "recovery_shares": ("epoch", "among", "holder"),
    "identity_shares": ("among", "holder"),
    "report_files": ("n",),
    "report_epochs": ("epoch",),
    "report_exclusions": ("holder",),
}
_NO_STEP = """
SELECT l.chain, l.seq FROM log_leaves l JOIN reports r ON r.report_no = l.chain
WHERE NOT EXISTS (SELECT FROM report_steps s WHERE s.leaf = l.hash) ORDER BY l.chain, l.seq
"""
_CHAINS_ALONE = """
SELECT chain FROM log_leaves l WHERE seq = 1 AND NOT EXISTS (SELECT FROM reports r WHERE r.report_no = l.chain)
ORDER BY chain
"""
_NO_REPORT = "SELECT DISTINCT report_id FROM {table} WHERE report_id NOT IN (SELECT id FROM reports)"


class _Row:
    """A record whose columns are attributes."""

    def __init__(self, record: asyncpg.Record) -> None:
        self.__dict__.update(record)


async def audit_reports(connection: asyncpg.Connection) -> list[Finding]:
    """What is wrong with reports and all that belongs to them."""
    findings: list[Finding] = []
    cursor = await connection.cursor(_REPORTS)
    while rows := await cursor.fetch(_PIECE):
        findings += await _some_reports(connection, [_Row(row) for row in rows])
    for row in await connection.fetch(_NO_STEP):
        name = f"report {row['chain']}, seq {row['seq']}"
        findings.append(Finding("report_steps", name, "removed, or its leaf changed: the log has the step"))
    for (chain,) in await connection.fetch(_CHAINS_ALONE):
        if _is_number(chain):
            findings.append(
                Finding("reports", f"report {chain}", "removed, or its number changed: the log has its steps")
            )
    for table in ("report_steps", *_PARTS):
        for (report,) in await connection.fetch(_NO_REPORT.format(table=table)):
            findings.append(Finding("reports", f"id {report}", f"removed: {table} has rows of it"))
    return findings


def _is_number(chain: str) -> bool:
    """Whether a chain is one of a report."""
    try:
        return tracking_code(chain) == chain
    except IdentifierError:
        return False


async def _some_reports(connection: asyncpg.Connection, reports: Sequence[Any]) -> list[Finding]:
    ids = [report.id for report in reports]
    steps: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in await connection.fetch(_STEPS, ids):
        steps[row["report_id"]].append(row)
    brought: dict[UUID, dict[str, list[Any]]] = defaultdict(lambda: {table: [] for table in _PARTS})
    for table in _PARTS:
        for row in await connection.fetch(f"SELECT * FROM {table} WHERE report_id = ANY($1::uuid[])", ids):
            brought[row["report_id"]][table].append(_Row(row))
    return [finding for report in reports for finding in _report(report, steps[report.id], brought[report.id])]


def _report(report: Any, steps: Sequence[asyncpg.Record], brought: Mapping[str, Sequence[Any]]) -> Iterator[Finding]:
    name = f"report {report.report_no}"
    covered = {step["seq"]: document(step["manifest"]) if _is_covered(step) else None for step in steps}
    promised = {seq: manifest for seq, manifest in covered.items() if manifest is not None}
    forgotten = _forgotten(steps, promised)
    for step in steps:
        row = f"{name}, seq {step['seq']}"
        faults = list(_wrong_step(report, step, covered[step["seq"]], forgotten))
        if faults:
            yield Finding("report_steps", row, "; ".join(faults))
    unknown = covered.keys() - promised.keys()
    known = {table: [row for row in rows if row.seq not in unknown] for table, rows in brought.items()}
    yield from _wrong_rows(report, name, promised, known, unknown, forgotten)
    yield from _wrong_end(report, name, steps, brought["report_epochs"], promised)


def _forgotten(steps: Sequence[asyncpg.Record], promised: Mapping[int, Mapping[str, Any]]) -> Forgotten:
    for step in steps:
        if step["seq"] in promised and _FORGETS in step["leaf_data"]:
            return Forgotten.told_by(step["seq"], promised[step["seq"]]["data"])
    return Forgotten()


def _is_covered(step: asyncpg.Record) -> bool:
    """Whether the step's manifest is what its leaf covers."""
    return document(step["leaf_data"]).get("ciphertext_sha256") == sha256(step["manifest"]).hexdigest()


def _wrong_step(
    report: Any, step: asyncpg.Record, manifest: Mapping[str, Any] | None, forgotten: Forgotten
) -> Iterator[str]:
    """What of the step's own row is not what its leaf, or the manifest under it, says. ``manifest``: None if the leaf
    does not cover it."""
    if step["leaf_data"] is None:
        yield "leaf changed, or the step inserted: the log has no such leaf"
        return
    if (step["leaf_chain"], step["leaf_seq"]) != (report.report_no, step["seq"]):
        yield f"moved: its leaf is that of {step['leaf_chain']}, seq {step['leaf_seq']}"
    leaf = document(step["leaf_data"])
    for column, said, kept in (("type", leaf.get("type"), step["type"]), ("at", leaf.get("hour"), hour_of(step["at"]))):
        if said != kept:
            yield f"{column} changed: the leaf says {said}"
    nonce = step["nonce"]
    if (
        nonce is not None
        and len(nonce) == NONCE_BYTES
        and leaf.get("actor_commit") != commit_actor(nonce, step["actor"])
    ):
        yield "actor changed: the leaf's commitment does not open"
    if step["seq"] in forgotten.steps and step["actor"] != REPORTER:
        yield "actor changed: it was the reporter, who was forgotten"
    if forgotten.seq and (nonce is None) != (step["seq"] in forgotten.steps):
        yield f"the nonce of its leaf removed or put back: step {forgotten.seq} says whose were"
    if manifest is None:
        yield "manifest changed: it is not what the leaf covers, and what the step brought cannot be told"
    else:
        yield from _wrong_columns(step, manifest, forgotten)


def _wrong_columns(step: asyncpg.Record, manifest: Mapping[str, Any], forgotten: Forgotten) -> Iterator[str]:
    """What of the step's own row is not what its manifest says."""
    for column in ("visible", "state", "epoch"):
        if manifest.get(column) != step[column]:
            yield f"{column} changed"
    if manifest.get("at") != step["at"].astimezone(UTC).isoformat():
        yield "at changed"
    if manifest.get("data") != orjson.loads(step["data"]):
        yield "data changed"
    for column in ("sealed", "boxed"):
        said = None if column == "boxed" and step["seq"] < forgotten.seq else manifest.get(column)
        if said != (None if step[column] is None else sha256(step[column]).hexdigest()):
            yield f"{column} changed"


def _wrong_rows(
    report: Any,
    name: str,
    promised: Mapping[int, Mapping[str, Any]],
    brought: Mapping[str, Sequence[Any]],
    unknown: Set[int],
    forgotten: Forgotten,
) -> Iterator[Finding]:
    """Rows that a step brought and that are not what its manifest says, and those that no step brought. ``unknown``:
    the steps whose manifest was changed."""
    for table, (part, line_of) in _PARTS.items():
        kept: dict[int, dict[bytes, str]] = defaultdict(dict)
        for row in brought[table]:
            key = ", ".join(f"{column} {_shown(getattr(row, column))}" for column in _KEYS[table])
            kept[row.seq][orjson.dumps(line_of(row))] = key
        for seq in kept.keys() | promised.keys():
            gone = table == "identity_shares" and seq < forgotten.seq
            lines = set() if gone else {orjson.dumps(line) for line in promised.get(seq, {}).get(part, [])}
            for line in kept[seq].keys() - lines:
                yield Finding(table, f"{name}, {kept[seq][line]}", f"changed or inserted: step {seq} did not bring it")
            for line in lines - kept[seq].keys():
                said = orjson.loads(line)
                yield Finding(table, f"{name}, {_key_of(table, said)}", f"removed or changed: step {seq} brought it")
    revoked = {(row.revoked_seq, row.holder) for row in brought["grants"] if row.revoked_seq is not None}
    told = {(seq, holder) for seq, manifest in promised.items() for holder in manifest.get("revoked", [])}
    for seq, holder in sorted(one for one in revoked - told if one[0] not in unknown):
        yield Finding("grants", f"{name}, holder {holder}", f"revoked_seq changed: step {seq} did not revoke it")
    for seq, holder in told - revoked:
        if any(row.holder == holder and row.seq < seq for row in brought["grants"]):
            yield Finding("grants", f"{name}, holder {holder}", f"revoked_seq changed: step {seq} revoked it")
    filed = promised.get(1, {}).get("report")
    if filed is not None:
        if forgotten.seq:
            filed = {**filed, **forgotten.columns}
        wrong = [column for column, value in fixed(report).items() if filed.get(column) != value]
        if wrong:
            yield Finding("reports", f"{name} (id {report.id})", f"{' and '.join(wrong)} changed")


def _shown(value: Any) -> str:
    return "+".join(value) if isinstance(value, list) else str(value)


def _key_of(table: str, line: Sequence[Any]) -> str:
    """How the row of a manifest's line is named: its first parts are the row's key."""
    return ", ".join(f"{column} {_shown(value)}" for column, value in zip(_KEYS[table], line, strict=False))


def _wrong_end(
    report: Any,
    name: str,
    steps: Sequence[asyncpg.Record],
    epochs: Sequence[Any],
    promised: Mapping[int, Mapping[str, Any]],
) -> Iterator[Finding]:
    """What the report's row says of where its steps stand."""
    if not steps:
        yield Finding("reports", f"{name} (id {report.id})", "inserted, or renumbered, or all its steps removed")
        return
    last = steps[-1]
    newest = max(epochs, key=lambda row: row.epoch, default=None)
    wrong = [
        column
        for column, kept, said in (
            ("seq", report.seq, last["seq"]),
            ("last_leaf", report.last_leaf, last["leaf"]),
            ("state", report.state, last["state"]),
            ("epoch", report.epoch, last["epoch"]),
            ("recipient", report.recipient, newest.recipient if newest else report.recipient),
        )
        if kept != said
    ]
    left = promised.get(last["seq"], {}).get("left")
    if left is not None:
        wrong += [column for column, value in moving(vars(report)).items() if column in left and left[column] != value]
    if wrong:
        yield Finding("reports", f"{name} (id {report.id})", f"{' and '.join(wrong)} not as its last step left it")
