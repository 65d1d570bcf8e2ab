import asyncio

import asyncpg

from shared.kit.db import Database
from shared.kit.tlog.keeping import WITNESS_SEEN, KeptCheckpoints
from shared.kit.tlog.witness import NOTHING_SEEN, Seen


async def test_of_many_that_replace_at_once_one_does(postgres_database: str) -> None:
    connection = await asyncpg.connect(postgres_database)
    await connection.execute(WITNESS_SEEN)
    await connection.close()
    database = Database.connect(postgres_database, pool_size=8)
    kept = KeptCheckpoints(database)
    last = NOTHING_SEEN
    for size in (1, 5, 6):
        assert await kept.latest("a") == last
        offers = [Seen(size, bytes([n]) * 32) for n in range(8)]
        done = await asyncio.gather(*(kept.replace("a", last, offer) for offer in offers))
        assert done.count(True) == 1
        last = offers[done.index(True)]
    assert not await kept.replace("a", NOTHING_SEEN, Seen(9, bytes(32)))
    assert not await kept.replace("a", Seen(6, bytes([99]) * 32), Seen(9, bytes(32)))
    assert await kept.latest("a") == last
    assert await kept.latest("b") == NOTHING_SEEN
    await database.close()
