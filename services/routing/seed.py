"""Takes over the project's taxonomy: ``python -m services.routing.seed``. Doing it again changes nothing."""

import asyncio
import sys
from pathlib import Path

import orjson

from services.routing.directory.service import load_taxonomy
from shared.kit.db import Database
from shared.kit.settings import ServiceSettings

TAXONOMY = Path(__file__).with_name("data") / "taxonomy.json"


async def seed(database: Database) -> bool:
    """Fills the directory from ``data/taxonomy.json``; False if it holds that already."""
    async with database.transaction() as connection:
        return await load_taxonomy(connection, orjson.loads(TAXONOMY.read_bytes()))


async def _main() -> None:
    database = Database.connect(ServiceSettings().postgres_dsn("routing"), pool_size=1)
    try:
        changed = await seed(database)
    finally:
        await database.close()
    sys.stdout.write("routing: taxonomy taken over\n" if changed else "routing: taxonomy is up to date\n")


if __name__ == "__main__":
    asyncio.run(_main())
