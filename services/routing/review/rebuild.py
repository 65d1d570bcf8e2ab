"""Counts all cases anew for the monthly review: ``python -m services.routing.review.rebuild``.

Needed only where cases came in past the trigger, as in a restore of single tables; desks wait meanwhile.
"""

import asyncio
import sys

from services.routing.review import repository
from services.routing.settings import RoutingSettings
from shared.kit.db import Database


async def _main() -> None:
    database = Database.connect(RoutingSettings().postgres_dsn("routing"), pool_size=1)
    try:
        async with database.transaction() as connection:
            await repository.rebuild(connection)
    finally:
        await database.close()
    sys.stdout.write("routing: all cases are counted anew\n")


if __name__ == "__main__":
    asyncio.run(_main())
