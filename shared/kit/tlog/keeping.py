"""Where a witness keeps what it saw last of each log: a table in the database of the service that is the witness."""

from sqlalchemy import text

from shared.kit.db import Database
from shared.kit.tlog.witness import NOTHING_SEEN, Seen

WITNESS_SEEN = """
-- as a witness of logs: the latest checkpoint of each that was countersigned; it only ever grows
CREATE TABLE witness_seen (
    origin text PRIMARY KEY,
    size bigint NOT NULL CHECK (size >= 0),
    root bytea NOT NULL CHECK (length(root) = 32),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
"""
"""The SQL that creates the table, for a migration."""


class KeptCheckpoints:
    """``SeenCheckpoints`` in the table ``witness_seen``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest(self, origin: str) -> Seen:
        """What was seen last, ``NOTHING_SEEN`` if nothing was."""
        async with self._database.reading() as connection:
            row = (
                await connection.execute(
                    text("SELECT size, root FROM witness_seen WHERE origin = :origin"), {"origin": origin}
                )
            ).one_or_none()
        return NOTHING_SEEN if row is None else Seen(row.size, row.root)

    async def replace(self, origin: str, expected: Seen, seen: Seen) -> bool:
        """Writes ``seen`` if what is there is still ``expected``; whether it did. Committed when it returns."""
        values = {"origin": origin, "size": seen.size, "root": seen.root}
        async with self._database.transaction(wakes=False) as connection:
            if expected == NOTHING_SEEN:
                await connection.execute(
                    text(
                        "INSERT INTO witness_seen (origin, size, root) VALUES (:origin, 0, :root)"
                        " ON CONFLICT (origin) DO NOTHING"
                    ),
                    {"origin": origin, "root": expected.root},
                )
            changed = await connection.execute(
                text(
                    "UPDATE witness_seen SET size = :size, root = :root, seen_at = clock_timestamp()"
                    " WHERE origin = :origin AND size = :old AND root = :old_root"
                ),
                values | {"old": expected.size, "old_root": expected.root},
            )
        return changed.rowcount == 1
