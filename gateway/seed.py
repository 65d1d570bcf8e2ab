"""Demo staff and a sandbox partner, for development: ``python -m gateway.seed`` reads the file ``SEDA_DEMO_LOGINS``.

The file is a list of ``{username, password, roles, department_id?, province?, name, title}``, and an entry with
``client_id`` and ``client_secret`` for the partner. Doing it again changes, and tells, only what the file says
differently; who was disabled stays so.
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
from gateway.staff import repository as accounts
from gateway.staff.telling import tell
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
        await _put(connection, hasher, login)


async def _put(connection: AsyncConnection, hasher: PasswordHasher, login: dict[str, Any]) -> None:
    """Makes the account as the file has it, and tells it if the others do not know it so."""
    username = login["username"]
    held = await accounts.account(connection, username)
    values = {name: login.get(name) for name in ("department_id", "province", "name", "title")}
    values |= {"roles": sorted(login["roles"])}
    hash = _hash(hasher, login["password"], held.password_hash if held else None)
    if held is None:
        await accounts.add(connection, username=username, password_hash=hash, version=1, **values)
    elif held.version and all(getattr(held, name) == value for name, value in values.items()):
        if hash != held.password_hash:
            await repository.choose_password(connection, username, hash)
        return
    else:
        await accounts.change(connection, username, {**values, "password_hash": hash})
    await tell(connection, await accounts.account(connection, username))


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
