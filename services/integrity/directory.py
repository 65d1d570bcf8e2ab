"""What integrity knows of the public directory: the bodies that reports may be about, and which staff are of which."""

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.envelope import Event
from shared.contracts.routing import DirectoryChanged
from shared.kit.db import Database


async def keep_directory(connection: AsyncConnection, event: Event) -> None:
    """Handles ``directory.changed``: keeps the newest version."""
    if not isinstance(event, DirectoryChanged):
        return
    departments = {entry.id: entry.organisation_id for entry in event.data.departments if entry.organisation_id}
    await connection.execute(
        text(
            "INSERT INTO directory (version, organisations, departments)"
            " VALUES (:version, :organisations, CAST(:departments AS jsonb)) ON CONFLICT (singleton) DO UPDATE SET"
            " version = excluded.version, organisations = excluded.organisations, departments = excluded.departments"
            " WHERE directory.version < excluded.version"
        ),
        {
            "version": event.data.version,
            "organisations": [organisation.id for organisation in event.data.organisations],
            "departments": orjson.dumps(departments).decode(),
        },
    )


async def organisations(connection: AsyncConnection) -> frozenset[str]:
    """The bodies under the ministry."""
    return frozenset(await connection.scalar(text("SELECT organisations FROM directory")) or ())


async def organisation_of(connection: AsyncConnection, department_id: str | None) -> str | None:
    """The body that a department is part of; None if it is not known."""
    organisation: str | None = await connection.scalar(
        text("SELECT departments ->> :id FROM directory"), {"id": department_id}
    )
    return organisation


async def check_directory(database: Database) -> None:
    """For readiness: raises until the directory is known."""
    async with database.reading() as connection:
        if not await connection.scalar(text("SELECT true FROM directory")):
            raise RuntimeError("routing has not told its directory yet")
