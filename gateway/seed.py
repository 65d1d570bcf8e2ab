"""Demo staff and a sandbox partner, for development: ``python -m gateway.seed`` reads the file ``SEDA_DEMO_LOGINS``.

The file is a list of ``{username, password, roles, department_id?, province?, name, title}``, and an entry with
``client_id`` and ``client_secret`` for the partner. Doing it again changes nothing but passwords that changed.
"""

import asyncio
import sys
from hashlib import sha256
from typing import Any

import orjson
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identity import repository
from gateway.settings import GatewaySettings
from shared.kit.db import Database


async def seed(connection: AsyncConnection, logins: list[dict[str, Any]]) -> None:
    """Creates or brings up to date everybody in ``logins``."""
    hasher = PasswordHasher()
    for login in logins:
        if "client_id" in login:
            await repository.put_partner(
                connection,
                client_id=login["client_id"],
                secret_hash=sha256(login["client_secret"].encode()).digest(),
                name=login["name"],
                scopes=login["scopes"],
            )
            continue
        held = await repository.staff(connection, login["username"])
        await repository.put_staff(
            connection,
            username=login["username"],
            password_hash=_hash(hasher, login["password"], held.password_hash if held else None),
            roles=login["roles"],
            department_id=login.get("department_id"),
            province=login.get("province"),
            name=login["name"],
            title=login["title"],
        )


def _hash(hasher: PasswordHasher, password: str, held: str | None) -> str:
    """The hash held if it is this password's, so that a second start costs no new hashes of everybody."""
    if held is not None:
        try:
            hasher.verify(held, password)
        except VerifyMismatchError:
            return hasher.hash(password)
        return held
    return hasher.hash(password)


async def _main() -> None:
    settings = GatewaySettings()
    if settings.environment != "development" or settings.demo_logins is None:
        sys.exit("demo people are for development only: SEDA_ENVIRONMENT=development, SEDA_DEMO_LOGINS=<file>")
    database = Database.connect(settings.postgres_dsn("gateway"), pool_size=1)
    try:
        async with database.transaction() as connection:
            await seed(connection, orjson.loads(settings.demo_logins.read_bytes()))
    finally:
        await database.close()
    sys.stdout.write("gateway: demo people are in\n")


if __name__ == "__main__":
    asyncio.run(_main())
