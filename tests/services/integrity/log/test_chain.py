from datetime import UTC, datetime
from hashlib import sha256

import pytest
from sqlalchemy.exc import IntegrityError

from services.integrity.log.chain import Recorded, new_leaf, receipt_of, record, wait_for_receipt
from services.integrity.log.leaf import Leaf, commit_actor, commit_case
from shared.kit.db import Database
from shared.kit.ids import uuid7
from shared.kit.tlog.notes import Malformed

AT = datetime(2026, 11, 24, 3, 25, tzinfo=UTC)


async def _record(database: Database, chain: str, seq: int, previous: bytes | None) -> Recorded:
    async with database.transaction() as connection:
        made = new_leaf(
            chain=chain,
            seq=seq,
            type="registered",
            at=AT,
            actor="system",
            ciphertext=b"sealed",
            previous=previous,
        )
        await record(connection, made)
        return made


async def test_a_leaf_commits_to_case_and_actor_and_hides_both(database: Database) -> None:
    chain = str(uuid7())
    made = await _record(database, chain, 1, None)
    assert made.leaf.case_commit == commit_case(made.nonce, chain)
    assert made.leaf.actor_commit == commit_actor(made.nonce, "system")
    assert made.leaf.hour == "2026-11-24T03:00:00Z"
    assert made.leaf.ciphertext_sha256 == sha256(b"sealed").hexdigest()
    assert Leaf.decode(made.leaf.encode()) == made.leaf
    assert made.nonce.hex() not in repr(made)


@pytest.mark.parametrize("wrong", [b"", b"{}", b"[" * 100_000, b"\xff", b'{"v":1}'])
def test_what_is_no_leaf_is_refused(wrong: bytes) -> None:
    with pytest.raises(Malformed):
        Leaf.decode(wrong)


async def test_a_chain_has_no_gap_no_double_and_no_fork(database: Database) -> None:
    chain, other = str(uuid7()), str(uuid7())
    first = await _record(database, chain, 1, None)
    strange = await _record(database, other, 1, None)
    for seq, previous in ((1, None), (3, first.hash), (2, strange.hash), (2, bytes(32))):
        with pytest.raises(IntegrityError):
            await _record(database, chain, seq, previous)
    for seq, previous in ((0, None), (1, first.hash), (2, None)):
        with pytest.raises(Malformed):
            await _record(database, chain, seq, previous)
    second = await _record(database, chain, 2, first.hash)
    with pytest.raises(IntegrityError):
        await _record(database, chain, 2, first.hash)
    await _record(database, chain, 3, second.hash)


async def test_no_receipt_before_the_log_has_the_leaf(database: Database) -> None:
    made = await _record(database, str(uuid7()), 1, None)
    assert await receipt_of(database, made.hash) is None
    assert await wait_for_receipt(database, made.hash, seconds=0.1) is None
    assert await receipt_of(database, bytes(32)) is None
    assert await wait_for_receipt(database, bytes(32), seconds=10) is None
