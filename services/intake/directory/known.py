"""What intake knows of the public directory: which categories and organisations may be chosen."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.envelope import Event
from shared.contracts.routing import DirectoryChanged
from shared.kit.db import Database


@dataclass
class Directory:
    """The choices as routing last told them, kept in memory and read again every few seconds."""

    version: int = 0
    categories: frozenset[str] = frozenset()
    organisations: frozenset[str] = frozenset()

    async def refresh(self, database: Database) -> None:
        """Reads the newest state."""
        async with database.reading() as connection:
            row = (
                await connection.execute(text("SELECT version, categories, organisations FROM directory"))
            ).one_or_none()
        if row is not None and row.version != self.version:
            self.version = row.version
            self.categories = frozenset(row.categories)
            self.organisations = frozenset(row.organisations)

    async def check(self) -> None:
        """For readiness: raises until the directory is known."""
        if not self.version:
            raise RuntimeError("routing has not told its directory yet")


async def keep_directory(connection: AsyncConnection, event: Event) -> None:
    """Handles ``directory.changed``: keeps the newest version."""
    if isinstance(event, DirectoryChanged):
        await connection.execute(
            text(
                "INSERT INTO directory (version, categories, organisations)"
                " VALUES (:version, :categories, :organisations) ON CONFLICT (singleton) DO UPDATE SET"
                " version = excluded.version, categories = excluded.categories,"
                " organisations = excluded.organisations WHERE directory.version < excluded.version"
            ),
            {
                "version": event.data.version,
                "categories": [category.id for category in event.data.categories],
                "organisations": [organisation.id for organisation in event.data.organisations],
            },
        )
