"""``python -m services.integrity.audit``: recomputes the log from the database and names every row that is not what was
signed: changed, removed, inserted, moved or cut.

Reads the database that the environment names, by the service's role or an administrator's (``--dsn``), the files of
reports, the pinned policy, and asks the witnesses what they saw last. Exit code 0: nothing is wrong; 1: something is;
2: not checked.
"""

import argparse
import asyncio
import multiprocessing
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from services.integrity.auditing.chains import audit_chains, waiting
from services.integrity.auditing.checkpoints import audit_checkpoints, audit_cosignatures, behind
from services.integrity.auditing.evidence import audit_evidence
from services.integrity.auditing.findings import Finding
from services.integrity.auditing.holders import audit_holders
from services.integrity.auditing.reports import audit_reports
from services.integrity.auditing.tree import TreeAudit
from services.integrity.auditing.witnesses import audit_witnesses
from services.integrity.auditing.zrm import audit_zrm
from services.integrity.forgetting.domain import FORGOTTEN
from services.integrity.log.keys import load_policy
from services.integrity.log.policy import Policy
from services.integrity.settings import IntegritySettings
from shared.kit.tlog.notes import Malformed
from shared.kit.uploads import FolderStore

SHOWN = 1000
"""So many findings are written out; of more, the count."""


@dataclass
class Audit:
    """What an audit saw. ``files``: those of reports whose bytes were read, None if they were not to be; ``forgotten``:
    the reports whose reporter was forgotten; ``silent``: the witnesses that were not asked or did not answer."""

    leaves: int = 0
    checkpoints: int = 0
    files: int | None = None
    forgotten: int = 0
    findings: list[Finding] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)


async def audit(
    dsn: str,
    policy: Policy,
    witnesses: Mapping[str, str],
    *,
    evidence: Path | None = None,
    settle_seconds: float = 5.0,
) -> Audit:
    """Audits the database at ``dsn``, in one snapshot of it, so that the log may run meanwhile; and the files of
    reports in the folder ``evidence``, unless it is None.

    What is under way in that snapshot (leaves that wait, the newest countersignatures) is looked at once more after
    ``settle_seconds``. Raises what the database raises.
    """
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
                # half of the work, on another core
                reports = asyncio.get_running_loop().run_in_executor(other, _reports_alone, dsn, snapshot, evidence)
                seen = await examine_log(connection, policy)
                seen.forgotten = await forgotten(connection)
                found, seen.files = await reports
                seen.findings += found
            unsettled = await under_way(connection, policy, seen.leaves)
        if unsettled:
            await asyncio.sleep(settle_seconds)
            seen.findings += unsettled & await under_way(connection, policy, seen.leaves)
        faults, seen.silent = await audit_witnesses(connection, policy, witnesses)
        seen.findings += faults
        return seen
    finally:
        await connection.close(timeout=5)


def _reports_alone(dsn: str, snapshot: str, evidence: Path | None) -> tuple[list[Finding], int | None]:
    """In a process of its own: what is wrong with the reports in that snapshot, and with how many of their files."""

    async def run() -> tuple[list[Finding], int | None]:
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                await connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
                findings = await examine_reports(connection)
                if evidence is None:
                    return findings, None
                wrong, files = await audit_evidence(connection, FolderStore(evidence))
                return findings + wrong, files
        finally:
            await connection.close(timeout=5)

    return asyncio.run(run())


async def examine_log(connection: asyncpg.Connection, policy: Policy) -> Audit:
    """What is wrong with the log, in the snapshot that the connection's transaction sees."""
    heads, findings = await audit_checkpoints(connection, policy)
    tree = TreeAudit(connection, heads)
    await tree.run()
    findings += tree.findings
    findings += await audit_chains(connection)
    findings += await audit_cosignatures(connection, policy)
    return Audit(heads.size, len(heads.roots), findings=findings)


async def examine_reports(connection: asyncpg.Connection) -> list[Finding]:
    """What is wrong with that whose hashes the log holds, in the same way."""
    return [*await audit_zrm(connection), *await audit_holders(connection), *await audit_reports(connection)]


async def forgotten(connection: asyncpg.Connection) -> int:
    """Of how many reports the reporter was forgotten."""
    count: int = await connection.fetchval("SELECT count(*) FROM report_steps WHERE type = $1", FORGOTTEN)
    return count


async def under_way(connection: asyncpg.Connection, policy: Policy, size: int) -> set[Finding]:
    """What is wrong unless it is just under way: leaves that wait, countersignatures over ``size`` leaves to come."""
    return {*await waiting(connection), *await behind(connection, policy, size)}


def tell(seen: Audit, seconds: float, say: Callable[[str], object]) -> int:
    """Says what was found; the exit code."""
    for finding in seen.findings[:SHOWN]:
        say(str(finding))
    if len(seen.findings) > SHOWN:
        say(f"… and {len(seen.findings) - SHOWN:,} more")
    if seen.forgotten:
        say(f"forgotten: the reporters of {seen.forgotten:,} reports, as a step of each says; nothing else went")
    if seen.files is None:
        say("not read: the files of reports")
    for name in seen.silent:
        say(f"not asked: witness {name} does not answer, or its URL is not known")
    verdict = f"{len(seen.findings):,} FINDINGS" if seen.findings else "nothing is wrong"
    files = "" if seen.files is None else f", {seen.files:,} files"
    say(f"{seen.leaves:,} leaves, {seen.checkpoints:,} checkpoints{files} in {seconds:.1f} s: {verdict}")
    return 1 if seen.findings else 0


def main() -> int:
    """The command line; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m services.integrity.audit", description=__doc__)
    parser.add_argument("--dsn", help="instead of the service's own role and database")
    parser.add_argument("--no-files", action="store_true", help="do not read the bytes of reports' files")
    options = parser.parse_args()
    settings = IntegritySettings()
    dsn, evidence = options.dsn or settings.postgres_dsn("integrity"), settings.evidence_dir
    try:
        policy = load_policy(settings.keys_dir)
    except (OSError, Malformed):
        _say(f"NOT CHECKED: no policy of keys and witnesses in {settings.keys_dir}")
        return 2
    began = time.monotonic()
    try:
        seen = asyncio.run(audit(dsn, policy, settings.log_witnesses, evidence=None if options.no_files else evidence))
    except (OSError, asyncpg.PostgresError, BrokenExecutor) as error:
        _say(f"NOT CHECKED: the database does not let itself be read ({type(error).__name__})")
        return 2
    return tell(seen, time.monotonic() - began, _say)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
