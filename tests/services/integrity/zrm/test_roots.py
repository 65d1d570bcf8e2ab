from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import asyncpg
import pytest

from services.integrity.auditing.zrm import audit_zrm
from services.integrity.log.leaf import Leaf
from services.integrity.zrm import repository
from services.integrity.zrm.roots import GRACE, event_leaf, root_next_day, statement
from services.integrity.zrm.tally import Heard
from shared.kit.db import Database
from shared.kit.ids import uuid7
from shared.kit.tlog.merkle import EMPTY_ROOT, root_of
from shared.persian.calendar import day_bounds
from tests.shared.kit.chassis import accepted

DAY = date(2026, 11, 24)
END = day_bounds(DAY)[1]


async def _hear(database: Database, day: date, *ids: UUID) -> None:
    async with database.transaction() as connection:
        hashes = [sha256(event.bytes).digest() for event in ids]
        await repository.add_events(connection, ids, [day] * len(ids), hashes)


async def _root(database: Database, now: datetime) -> date | None:
    async with database.transaction() as connection:
        return await root_next_day(connection, now)


def test_an_event_is_of_tehrans_day_and_hashed_as_it_was_published() -> None:
    event = accepted(uuid7(), 1).model_copy(update={"time": datetime(2026, 11, 24, 20, 30, tzinfo=UTC)})
    body = event.model_dump_json().encode()
    assert Heard.parse(body) == Heard(event.id, date(2026, 11, 25), sha256(body).digest())
    for wrong in (b"", b"[]", b"{}", b'{"id":1,"time":2}', b'{"id":"x","time":"2026-11-24T00:00:00Z"}'):
        with pytest.raises(ValueError, match=r"\w"):
            Heard.parse(wrong)


async def test_each_day_has_one_root_once_it_is_over_and_what_comes_late_counts_for_the_next(
    admin: asyncpg.Connection, database: Database
) -> None:
    assert await _root(database, END + GRACE) is None, "nothing ever happened"
    ids = sorted(uuid7() for _ in range(5))
    await _hear(database, DAY, *reversed(ids))
    await _hear(database, DAY, *ids[:2])
    assert await _root(database, END + GRACE - timedelta(seconds=1)) is None
    assert await _root(database, END + GRACE) == DAY
    assert await _root(database, END + GRACE) is None
    late = uuid7()
    await _hear(database, DAY, late)
    for days in (1, 2):
        assert await _root(database, END + GRACE + timedelta(days=2)) == DAY + timedelta(days=days)
    rows = await admin.fetch(
        "SELECT r.*, l.leaf, l.seq FROM zrm_roots r JOIN log_leaves l ON l.hash = leaf_hash ORDER BY day"
    )
    assert [(row["events"], row["seq"]) for row in rows] == [(5, 1), (1, 2), (0, 3)]
    hashes = [event_leaf(event, sha256(event.bytes).digest()) for event in ids]
    assert rows[0]["root"] == root_of(hashes)
    assert rows[2]["root"] == EMPTY_ROOT
    leaf = Leaf.decode(rows[0]["leaf"])
    assert leaf.type == "zrm.day_rooted"
    said = statement(DAY, hashes, root_of(hashes))
    assert said == f'{{"day":"2026-11-24","events":5,"root":"{root_of(hashes).hex()}","v":1}}'.encode()
    assert leaf.ciphertext_sha256 == sha256(said).hexdigest()
    assert await audit_zrm(admin) == []
