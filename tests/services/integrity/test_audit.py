"""The audit of a log that runs, with its witnesses; what it finds row by row is in auditing/test_tampering.py."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import asyncpg

from deploy.local.packages import ROOT
from services.integrity.audit import audit
from services.integrity.log.chain import wait_for_receipt
from services.integrity.log.keys import LogKeys
from services.integrity.log.ownership import SERVICE
from shared.kit.db import Database
from tests.services.integrity.logs import Chains, Place, as_role, running_log
from tests.shared.kit.chassis import until


async def test_a_log_that_grows_meanwhile_is_not_suspected(
    dsn: str,
    admin: asyncpg.Connection,
    database: Database,
    ledger: Database,
    keys: LogKeys,
    places: dict[str, Place],
) -> None:
    chains, urls = Chains(database), {name: place.url for name, place in places.items()}
    stopped = asyncio.Event()

    async def file() -> None:
        while not stopped.is_set():
            await chains.add(*(f"R-{n}" for n in range(5)))

    async with running_log(database, ledger, keys, places):
        filing = asyncio.create_task(file())
        seen = []
        for _ in range(4):
            await asyncio.sleep(0.3)
            seen.append(await audit(as_role(dsn, SERVICE), keys.policy, urls, settle_seconds=1))
        stopped.set()
        await filing
    assert [(one.findings, one.silent) for one in seen] == [([], [])] * 4
    sizes = [one.leaves for one in seen]
    assert sizes == sorted(set(sizes)), "the log did not grow"


async def test_a_cut_log_a_fork_and_a_silent_witness_are_told(
    dsn: str,
    admin: asyncpg.Connection,
    database: Database,
    ledger: Database,
    keys: LogKeys,
    places: dict[str, Place],
) -> None:
    chains, urls = Chains(database), {name: place.url for name, place in places.items()}
    honest, cheated = places.values()

    async def seen_by_both() -> bool:
        return bool(await admin.fetchval("SELECT count(*) FROM log_cosignatures WHERE size = 3") == 2)

    async with running_log(database, ledger, keys, places):
        for name in ("R-1", "R-2", "R-3"):
            (made,) = await chains.add(name)
            await wait_for_receipt(database, made.hash, seconds=10)
        await until(seen_by_both, "both witnesses")
    for table, size in (("log_leaves", "index >= 2"), ("log_entries", "index >= 2"), ("log_cosignatures", "size > 2")):
        await admin.execute(f"DELETE FROM {table} WHERE {size}")
    await admin.execute("DELETE FROM log_checkpoints WHERE size > 2")
    await admin.execute("UPDATE log_tiles SET hashes = substring(hashes FOR 64)")
    async with cheated.database.transaction() as connection:
        await connection.exec_driver_sql("UPDATE witness_seen SET size = 2, root = sha256('another')")
    async with honest.up(), cheated.up():
        seen = await audit(dsn, keys.policy, urls, settle_seconds=0)
    assert [finding.table for finding in seen.findings if finding.table != "log_cosignatures"] == ["witness"] * 2
    first, second = (finding.fault for finding in seen.findings if finding.table == "witness")
    assert first == "FORK: it saw a log of 3 leaves, ours has 2: leaves were removed, or a backup put back"
    assert second == "FORK: it saw another log of 2 leaves, which ours does not begin with"
    alone = await audit(dsn, keys.policy, urls, settle_seconds=0)
    assert alone.silent == list(places)


async def _command(dsn: str, folder: Path) -> tuple[int, str]:
    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "services.integrity.audit", "--dsn", dsn],
            cwd=ROOT,
            env={"SEDA_KEYS_DIR": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )

    done = await asyncio.to_thread(run)
    assert not done.stderr
    return done.returncode, done.stdout


async def test_the_command_says_what_is_wrong_by_its_exit_code(
    dsn: str,
    admin: asyncpg.Connection,
    database: Database,
    ledger: Database,
    keys: LogKeys,
    places: dict[str, Place],
    folder: Path,
    tmp_path: Path,
) -> None:
    chains = Chains(database)
    async with running_log(database, ledger, keys, places):
        (made,) = await chains.add("R-1")
        assert await wait_for_receipt(database, made.hash, seconds=10)
    code, text = await _command(dsn, folder)
    assert code == 0, text
    assert "1 leaves, 2 checkpoints" in text
    assert text.count("not asked: witness") == 2
    await admin.execute("UPDATE log_leaves SET nonce = sha256('another')")
    code, text = await _command(dsn, folder)
    assert code == 1
    assert "log_leaves, id 1 (chain R-1, seq 1): nonce or chain changed" in text
    assert (await _command(dsn.replace(":", ":", 1).rpartition("/")[0] + "/none", folder))[0] == 2
    assert (await _command(dsn, tmp_path))[0] == 2
    (tmp_path / "log-policy.json").write_text(json.dumps({"origin": "x"}))
    assert (await _command(dsn, tmp_path))[0] == 2
