"""The demo holders' public keys, for development: ``python -m services.integrity.seed`` reads the file
``SEDA_DEMO_INSPECTORS``.

The file is a list of ``{username, roles, name, title, department_id?, organisation_id?, province?, recipient}``.
Whoever has a key already keeps it.
"""

import asyncio
import sys
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.holders import repository
from services.integrity.holders.api import register
from services.integrity.settings import IntegritySettings
from shared.kit.auth import Principal
from shared.kit.db import Database


async def seed(connection: AsyncConnection, holders: list[dict[str, Any]]) -> int:
    """Registers the key of everybody who has none; of how many."""
    new = 0
    for entry in holders:
        if await repository.holder(connection, entry["username"]) is not None:
            continue
        principal = Principal(
            "staff",
            entry["username"],
            roles=frozenset(entry["roles"]),
            department_id=entry.get("department_id"),
            province=entry.get("province"),
            name=entry["name"],
            title=entry["title"],
        )
        await register(connection, principal, entry["recipient"], entry.get("organisation_id"))
        new += 1
    return new


async def _main() -> None:
    settings = IntegritySettings()
    if settings.environment != "development" or settings.demo_inspectors is None:
        sys.exit("demo keys are for development only: SEDA_ENVIRONMENT=development, SEDA_DEMO_INSPECTORS=<file>")
    database = Database.connect(settings.postgres_dsn("integrity"), pool_size=1)
    try:
        async with database.transaction() as connection:
            new = await seed(connection, orjson.loads(settings.demo_inspectors.read_bytes()))
    finally:
        await database.close()
    sys.stdout.write(f"integrity: {new} demo keys registered\n")


if __name__ == "__main__":
    asyncio.run(_main())
