"""Two of three: the log with our two witnesses and one from outside the ministry, a process with a key of its own."""

from pathlib import Path

import asyncpg
import pytest
from prometheus_client import REGISTRY

from services.integrity.audit import audit
from services.integrity.log.chain import receipt_of, wait_for_receipt
from services.integrity.log.keys import LogKeys
from services.integrity.log.policy import Policy
from services.integrity.log.receipt import Receipt
from services.integrity.verify import Verdict, judge
from shared.kit.db import Database
from tests.outside import NAME, Outside
from tests.services.integrity.logs import Chains, Place, Witnessing, running_log, sequencer_of
from tests.shared.kit.chassis import until

GATEWAY, LETTERS = "seda.localhost/witness/gateway", "seda.localhost/witness/letters"


@pytest.fixture
def outside(keys: LogKeys, tmp_path: Path) -> Outside:
    """It has seen nothing yet, and is down."""
    return Outside(tmp_path, keys.policy.document())


@pytest.fixture
def three(keys: LogKeys, outside: Outside) -> LogKeys:
    """The log's keys, by a policy of any two of the three."""
    return LogKeys(keys.signer, Policy.parse(outside.policy))


def _witnesses(receipt: dict[str, object] | None, keys: LogKeys) -> set[str]:
    return set(Receipt.parse(receipt).verify(keys.policy).witnesses)


async def _proven(database: Database, leaf: bytes, keys: LogKeys, report: str) -> dict[str, object] | None:
    """The receipt, once enough witnesses have countersigned."""

    async def proven() -> bool:
        return judge(await receipt_of(database, leaf), keys.policy, report).verdict is Verdict.PROVEN

    await until(proven, "enough countersignatures")
    return await receipt_of(database, leaf)


def _answers(outcome: str) -> float:
    labels = {"witness": NAME, "outcome": outcome}
    return REGISTRY.get_sample_value("seda_log_cosignatures_total", labels) or 0


async def test_it_stands_in_for_one_of_ours(
    admin: asyncpg.Connection,
    database: Database,
    ledger: Database,
    three: LogKeys,
    places: dict[str, Place],
    outside: Outside,
) -> None:
    """With the gateway's witness down: one is not enough, with the outside one it is."""
    given = _answers("given")
    async with running_log(database, ledger, three, {**places, NAME: outside}, down={GATEWAY, NAME}):
        (made,) = await Chains(database).add("R-1")
        receipt = await wait_for_receipt(database, made.hash, seconds=10)
        assert judge(receipt, three.policy, "R-1").verdict is Verdict.NOT_YET
        async with outside.up():
            receipt = await _proven(database, made.hash, three, "R-1")
    assert _witnesses(receipt, three) == {LETTERS, NAME}
    assert _answers("given") > given
    judgement = judge(receipt, three.policy, "R-1")
    assert f"Witness: {NAME}, at 20" in judgement.english
    assert f"شاهد: {NAME}، در" in judgement.persian
    # whoever pins the two of ours alone, or all three, is not convinced
    origin, logs, witnesses = three.policy.origin, three.policy.logs, three.policy.witnesses
    assert judge(receipt, Policy(origin, logs, witnesses[:2], 2), "R-1").verdict is Verdict.NOT_YET
    assert judge(receipt, Policy(origin, logs, witnesses, 3), "R-1").verdict is Verdict.NOT_YET


async def test_receipts_of_the_time_when_it_was_away_have_it_once_it_is_back(
    admin: asyncpg.Connection,
    database: Database,
    ledger: Database,
    three: LogKeys,
    places: dict[str, Place],
    outside: Outside,
) -> None:
    chains = Chains(database)
    async with running_log(database, ledger, three, {**places, NAME: outside}, down={NAME}):
        for n in range(5):
            (made,) = await chains.add(f"R-{n}")
            assert _witnesses(await _proven(database, made.hash, three, f"R-{n}"), three) == {GATEWAY, LETTERS}
        async with outside.up():
            for made in chains.made:

                async def whole(leaf: bytes = made.hash) -> bool:
                    return _witnesses(await receipt_of(database, leaf), three) == {GATEWAY, LETTERS, NAME}

                await until(whole, "a receipt with all three")


@pytest.mark.parametrize(
    ("leaves", "fault"),
    [
        (1, "FORK: it saw a log of 2 leaves, ours has 1: leaves were removed, or a backup put back"),
        (2, "FORK: it saw another log of 2 leaves, which ours does not begin with"),
        (4, "FORK: it saw another log of 2 leaves, which ours does not begin with"),
    ],
    ids=["shorter", "of the same size", "longer"],
)
async def test_when_both_of_ours_go_along_with_a_fork_it_does_not_and_this_shows(
    leaves: int,
    fault: str,
    dsn: str,
    admin: asyncpg.Connection,
    database: Database,
    ledger: Database,
    three: LogKeys,
    places: dict[str, Place],
    outside: Outside,
) -> None:
    """Whoever has all of the ministry's machines puts back database and witnesses, and lets another history grow."""
    disputed = _answers("disputed")
    everybody: dict[str, Witnessing] = {**places, NAME: outside}
    honest = Chains(database)

    async def seen_by_all() -> bool:
        return bool(await admin.fetchval("SELECT count(*) FROM log_cosignatures WHERE size = 2") == 3)

    async with running_log(database, ledger, three, everybody):
        await honest.add("R-1", "R-2")
        await until(seen_by_all, "all three witnesses")
    await admin.execute("TRUNCATE log_entries, log_tiles, log_checkpoints, log_cosignatures, log_leaves CASCADE")
    for place in places.values():
        async with place.database.transaction() as connection:
            await connection.exec_driver_sql("DELETE FROM witness_seen")
    other = Chains(database)
    await other.add(*(f"R-{n}" for n in range(leaves)))
    await _signed_alone(database, ledger, three)

    async with running_log(database, ledger, three, everybody):
        await until(lambda: REGISTRY.get_sample_value("seda_log_disputing_witnesses") == 1, "the dispute")
        assert _answers("disputed") > disputed
        seen = await audit(dsn, three.policy, {name: place.url for name, place in everybody.items()}, settle_seconds=0)
        assert [(one.row, one.fault) for one in seen.findings if one.table == "witness"] == [(NAME, fault)]
        # one of three cannot stop the log: what is filed is proven by ours, and lacks the one from outside
        (made,) = await other.add("R-new")
        receipt = await _proven(database, made.hash, three, "R-new")
    assert REGISTRY.get_sample_value("seda_log_halted") == 0
    assert _witnesses(receipt, three) == {GATEWAY, LETTERS}


async def _signed_alone(database: Database, ledger: Database, keys: LogKeys) -> None:
    """Appends and signs what waits, without a word to any witness."""
    connection = await ledger.direct()
    sequencer = sequencer_of(database, ledger, keys, {})
    await sequencer.begin(connection)
    await sequencer.append(connection)
    await connection.close()
