"""The transparency log of the running system: a leaf, its proof through the gateway, the receipt checked offline."""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from deploy.local.client import System, wait_for
from deploy.local.packages import ROOT
from deploy.local.system import Layout
from services.integrity.log.chain import new_leaf, receipt_of, record
from services.integrity.log.policy import Policy
from services.integrity.log.tiles import tiles_of
from shared.kit.db import Database
from shared.kit.ids import uuid7
from shared.kit.tlog.checkpoint import Checkpoint
from shared.kit.tlog.merkle import root_of
from shared.kit.tlog.notes import Note
from tests.outside import Outside

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def policy(system: System) -> Policy:
    """What ``make run`` pins."""
    return Policy.parse(json.loads((system.base / "keys/log-policy.json").read_text()))


async def _recorded(system: System, chain: str, count: int) -> list[bytes]:
    database = Database.connect(f"{system.run['postgres']}/seda_integrity", pool_size=1)
    hashes: list[bytes] = []
    async with database.transaction() as connection:
        for seq in range(1, count + 1):
            made = new_leaf(
                chain=chain,
                seq=seq,
                type="tried",
                at=datetime.now(UTC),
                actor="test",
                ciphertext=None,
                previous=hashes[-1] if hashes else None,
            )
            await record(connection, made)
            hashes.append(made.hash)
    await database.close()
    return hashes


async def _receipt(system: System, leaf: bytes) -> dict[str, object] | None:
    database = Database.connect(f"{system.run['postgres']}/seda_integrity", pool_size=1)
    try:
        return await receipt_of(database, leaf)
    finally:
        await database.close()


def test_a_leaf_is_proven_offline(system: System, policy: Policy, tmp_path: Path) -> None:
    chain = str(uuid7())
    leaves = asyncio.run(_recorded(system, chain, 3))

    def proven() -> httpx.Response | None:
        answer = system.http.get(f"/v1/log/proof?leaf={leaves[-1].hex()}")
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return answer if policy.met_by(policy.witnessed(Note.parse(answer.json()["checkpoint"]))) else None

    wait_for(proven, "the proof with two countersignatures", 10)
    receipt = asyncio.run(_receipt(system, leaves[-1]))
    (tmp_path / "receipt.json").write_text(json.dumps({"report_no": chain, "receipt": receipt}))
    done = subprocess.run(
        [sys.executable, "-m", "services.integrity.verify", str(tmp_path / "receipt.json"), "--language", "en"],
        cwd=ROOT,
        env={"SEDA_KEYS_DIR": str(system.base / "keys")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The receipt is about this report number." in done.stdout


def test_the_tiles_give_the_checkpoint_and_the_keys_are_those_that_were_pinned(system: System, policy: Policy) -> None:
    leaves = asyncio.run(_recorded(system, str(uuid7()), 2))
    wait_for(
        lambda: True if system.http.get(f"/v1/log/proof?leaf={leaves[-1].hex()}").is_success else None, "the leaf", 10
    )

    def witnessed() -> Note | None:
        note = Note.parse(system.http.get("/v1/log/checkpoint").raise_for_status().text)
        return note if policy.met_by(policy.witnessed(note)) else None

    checkpoint = Checkpoint.parse(wait_for(witnessed, "a checkpoint with two countersignatures", 15).text)
    hashes = b"".join(
        system.http.get(f"/v1/log/tile/{tile.path()}").raise_for_status().content
        for tile in tiles_of(checkpoint.size)
        if tile.level == 0
    )
    assert root_of([hashes[at : at + 32] for at in range(0, len(hashes), 32)]) == checkpoint.root
    assert system.http.get("/v1/log/key").json() == policy.document()


def test_make_audit_finds_nothing_wrong_and_all_witnesses_agree(
    system: System, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEDA_LOG_WITNESSES", outside.setting)
    layout = Layout(
        json.loads((system.base / "ports.json").read_text()),
        system.run["postgres"],
        system.run["rabbitmq"],
        system.run["management"],
        system.base,
        json.loads((system.base / "passwords.json").read_text()),
    )
    done = subprocess.run(
        [sys.executable, "-m", "services.integrity.audit"],
        cwd=ROOT,
        env=layout.environment("integrity"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing is wrong" in done.stdout
    assert "not asked" not in done.stdout


@pytest.mark.parametrize(
    "path",
    [
        "/v1/log/tile",
        "/v1/log/tile/entries/000",
        "/v1/log/tile/0/000/",
        "/v1/log/entries",
        "/internal/witness/add-checkpoint",
    ],
)
def test_there_are_no_entries_and_no_witness_at_the_door(system: System, path: str) -> None:
    assert system.http.get(path).status_code == 404
    assert system.http.post(path, content=b"old 0\n\n").status_code in (404, 405)
