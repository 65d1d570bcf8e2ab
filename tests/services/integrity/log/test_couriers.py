"""The log with both witnesses, over HTTP, each with a database of its own."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import httpx
import pytest

from services.integrity.log.api import router
from services.integrity.log.chain import receipt_of, wait_for_receipt
from services.integrity.log.keys import LogKeys
from services.integrity.log.sequencer import Halted, Sequencer
from services.integrity.log.tiles import tiles_of
from services.integrity.verify import Verdict, judge
from shared.kit.auth import Mint, Principal, Verifier
from shared.kit.db import Database
from shared.kit.tlog.checkpoint import Checkpoint
from shared.kit.tlog.merkle import root_of
from shared.kit.tlog.notes import Malformed, Note
from shared.kit.web.app import create_api
from tests.services.integrity.logs import Chains, Place, check_log, running_log, sequencer_of
from tests.shared.kit.chassis import running, until


def _verdict(receipt: dict[str, object] | None, keys: LogKeys, report: str) -> Verdict:
    return judge(receipt, keys.policy, report).verdict


async def test_receipts_of_many_filing_at_once_are_proven_within_seconds(
    admin: asyncpg.Connection, database: Database, ledger: Database, keys: LogKeys, places: dict[str, Place]
) -> None:
    chains = Chains(database)

    async def file(n: int) -> Verdict:
        (made,) = await chains.add(f"R-{n}")
        return _verdict(await wait_for_receipt(database, made.hash, seconds=10), keys, f"R-{n}")

    async with running_log(database, ledger, keys, places):
        verdicts = await asyncio.gather(*(file(n) for n in range(40)))
    assert verdicts == [Verdict.PROVEN] * 40
    assert await check_log(admin, keys) == 40
    # the same later, from what is kept
    for row in await admin.fetch("SELECT chain, hash FROM log_leaves"):
        assert _verdict(await receipt_of(database, row["hash"]), keys, row["chain"]) is Verdict.PROVEN


async def test_a_receipt_comes_without_a_witness_that_is_down_and_is_whole_once_it_is_back(
    admin: asyncpg.Connection, database: Database, ledger: Database, keys: LogKeys, places: dict[str, Place]
) -> None:
    chains = Chains(database)
    up, down = places.values()
    async with up.up(), running(sequencer_of(database, ledger, keys, places)):
        (made,) = await chains.add("R-1")
        receipt = await wait_for_receipt(database, made.hash, seconds=10)
        assert _verdict(receipt, keys, "R-1") is Verdict.NOT_YET
        await chains.add("R-2")
        async with down.up():

            async def proven() -> bool:
                return _verdict(await receipt_of(database, made.hash), keys, "R-1") is Verdict.PROVEN

            await until(proven, "the second countersignature")


async def test_a_database_put_back_is_noticed_before_anything_is_signed_over_it(
    admin: asyncpg.Connection,
    database: Database,
    ledger: Database,
    keys: LogKeys,
    places: dict[str, Place],
) -> None:
    chains = Chains(database)

    async def witnessed() -> bool:
        return bool(await admin.fetchval("SELECT count(*) FROM log_cosignatures WHERE size = 2") == 2)

    async with running_log(database, ledger, keys, places):
        await chains.add("R-1", "R-2")
        await until(witnessed, "both witnesses")
    # as from a backup made before the second leaf, and then other leaves
    await admin.execute("TRUNCATE log_entries, log_tiles, log_checkpoints, log_cosignatures, log_leaves CASCADE")
    other = Chains(database)
    await other.add("R-1")
    alone = await ledger.direct()
    sequencer = sequencer_of(database, ledger, keys, {})
    await sequencer.begin(alone)
    await sequencer.append(alone)
    await other.add("R-3")
    signed = await admin.fetchval("SELECT array_agg(size) FROM log_checkpoints")
    async with AsyncExitStack() as stack:
        for place in places.values():
            await stack.enter_async_context(place.up())
        with pytest.raises(Halted, match="witnesses"):
            await sequencer_of(database, ledger, keys, places)._serve(alone)
    await alone.close()
    assert await admin.fetchval("SELECT array_agg(size) FROM log_checkpoints") == signed


async def test_one_witness_of_three_cannot_stop_the_log(
    admin: asyncpg.Connection, database: Database, ledger: Database, keys: LogKeys, places: dict[str, Place]
) -> None:
    """With a quorum of one, that one says it saw more is not enough."""
    policy = type(keys.policy)(keys.policy.origin, keys.policy.logs, keys.policy.witnesses, 1)
    first, _ = places.values()
    async with first.database.transaction() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO witness_seen (origin, size, root) VALUES ($1, 99, $2)", (keys.policy.origin, bytes(32))
        )
    async with running_log(database, ledger, LogKeys(keys.signer, policy), places):
        (made,) = await Chains(database).add("R-1")
        receipt = await wait_for_receipt(database, made.hash, seconds=10, quorum=1)
    assert judge(receipt, policy, "R-1").verdict is Verdict.PROVEN


def test_a_witness_that_the_policy_does_not_know_is_refused(keys: LogKeys, database: Database) -> None:
    with pytest.raises(Malformed):
        Sequencer(service=database, ledger=database, keys=keys, witnesses={"strange": "http://127.0.0.1:1"})


async def test_the_public_routes(
    admin: asyncpg.Connection,
    database: Database,
    ledger: Database,
    keys: LogKeys,
    places: dict[str, Place],
    folder: Path,
) -> None:
    api = create_api("integrity", routers=[router])
    api.state.database = database
    api.state.verifier = Verifier.load(folder / "gateway-internal.pub.jwk", "integrity")
    api.state.resources = keys  # has the policy
    token = Mint.load(folder / "gateway-internal.jwk").token(Principal("public", "public"), "integrity")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=api), base_url="http://log", headers={"Authorization": f"Bearer {token}"}
    ) as http:
        assert (await http.get("/v1/log/checkpoint")).status_code == 404
        chains = Chains(database)
        async with running_log(database, ledger, keys, places):
            await chains.add(*(f"R-{n}" for n in range(300)))
            receipt = await wait_for_receipt(database, chains.made[-1].hash, seconds=10)
        assert receipt is not None
        answer = await http.get("/v1/log/checkpoint")
        assert answer.headers["content-type"].startswith("text/plain")
        note = Note.parse(answer.text)
        assert len(keys.policy.witnessed(note).witnesses) == 2
        checkpoint = Checkpoint.parse(note.text)
        assert checkpoint.size == 300
        assert (await http.get("/v1/log/key")).json() == keys.policy.document()
        tiles = {tile.path(): await http.get(f"/v1/log/tile/{tile.path()}") for tile in tiles_of(300)}
        assert {path: len(tile.content) // 32 for path, tile in tiles.items()} == {
            "0/000": 256,
            "0/001.p/44": 44,
            "1/000.p/1": 1,
        }
        for tile in tiles.values():
            assert "immutable" in tile.headers["cache-control"]
        hashes = tiles["0/000"].content + tiles["0/001.p/44"].content
        leaves = [hashes[at : at + 32] for at in range(0, len(hashes), 32)]
        assert root_of(leaves) == checkpoint.root
        assert (await http.get("/v1/log/tile/0/001.p/7")).content == tiles["0/001.p/44"].content[: 7 * 32]
        for path in ("0/001", "0/001.p/45", "2/000", "0/000.p/256", "entries/000", "0/x000/000", "0", "0/000/", "%2e"):
            assert (await http.get(f"/v1/log/tile/{path}")).status_code == 404, path
        leaf = chains.made[7].hash
        proof = (await http.get(f"/v1/log/proof?leaf={leaf.hex()}")).json()
        assert (proof["leaf"], proof["index"]) == (leaf.hex(), leaves.index(leaf))
        assert proof["proof"].endswith(proof["checkpoint"])
        assert (await http.get(f"/v1/log/proof?leaf={'0' * 64}")).status_code == 404
        for wrong in ("", "?leaf=", "?leaf=xyz", f"?leaf={leaf.hex().upper()}"):
            assert (await http.get(f"/v1/log/proof{wrong}")).status_code == 422
