"""Takes over the project's taxonomy and trains the cold start's model: ``python -m services.routing.seed``. Doing it
again changes nothing."""

import asyncio
import sys

import orjson

from services.routing.classify.examples import TAXONOMY
from services.routing.classify.store import Models
from services.routing.directory.service import load_taxonomy
from services.routing.settings import RoutingSettings
from shared.kit.db import Database


async def seed(database: Database) -> bool:
    """Fills the directory from ``data/taxonomy.json``; False if it holds that already."""
    async with database.transaction() as connection:
        return await load_taxonomy(connection, orjson.loads(TAXONOMY.read_bytes()))


async def _main() -> None:
    settings = RoutingSettings()
    await Models(settings.routing_dir).ensure_cold()
    database = Database.connect(settings.postgres_dsn("routing"), pool_size=1)
    try:
        changed = await seed(database)
    finally:
        await database.close()
    sys.stdout.write("routing: taxonomy taken over\n" if changed else "routing: taxonomy is up to date\n")


if __name__ == "__main__":
    asyncio.run(_main())
