"""Makes an account that nobody in the system could make: ``python -m gateway.staff.first {admin,supervisor} USERNAME``.

For the first admin and the first supervisor of an installation, who make all others over the API, and for the day when
the only one has lost their password. Whoever may run it has the gateway's environment, and with it its database. The
initial password and the second factor are shown once, on the terminal.
"""

import argparse
import asyncio
import re
import sys

from gateway.audit.repository import record
from gateway.identity.passwords import Passwords
from gateway.settings import GatewaySettings
from gateway.staff import repository
from gateway.staff.handed import initial_password, second_factor
from gateway.staff.schemas import USERNAME
from gateway.staff.telling import tell
from shared.kit.db import Database

ACTOR = "command"


async def _main(role: str, username: str) -> None:
    settings = GatewaySettings()
    passwords = Passwords(1)
    password = await initial_password(passwords, settings.initial_password_days)
    totp = second_factor(settings.ring("identity"), username)
    names = {"name": username, "title": role, "roles": [role]}
    database = Database.connect(settings.postgres_dsn("gateway"), pool_size=1)
    try:
        async with database.transaction() as connection:
            columns = {**password.columns, **totp.columns, **names}
            if not await repository.add(connection, username=username, version=1, **columns):
                sys.exit("there is such an account already")
            await tell(connection, await repository.account(connection, username))
            await record(connection, ACTOR, "staff.created", username, {"roles": [role]})
    finally:
        await database.close()
    sys.stdout.write("\n".join(f"{name}: {value}" for name, value in {**password.shown, **totp.shown}.items()) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m gateway.staff.first")
    parser.add_argument("role", choices=("admin", "supervisor"))
    parser.add_argument("username")
    given = parser.parse_args()
    if not re.fullmatch(USERNAME, given.username):
        parser.error("a username is of lowercase Latin letters, digits, dots and hyphens")
    asyncio.run(_main(given.role, given.username))
