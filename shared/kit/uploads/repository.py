"""The rows of uploads: how far each has come is told by its row alone, never by what lies in the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

UPLOADS_DDL: Final = """
-- ``owner`` is a keyed hash: nothing here says whose it is. ``stored`` bytes of the object count; what lies beyond them
-- was never committed. Without its key, which goes when it is claimed or expires, an object is noise.
CREATE TABLE uploads (
    id uuid PRIMARY KEY,
    owner bytea NOT NULL,
    length bigint NOT NULL CHECK (length > 0),
    received bigint NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND length),
    object text NOT NULL,
    stored bigint NOT NULL DEFAULT 0,
    key_sealed text,
    metadata_sealed text,
    media_type text,
    size bigint NOT NULL,
    ready boolean NOT NULL DEFAULT false,
    expires_at timestamptz NOT NULL,
    claimed_at timestamptz
);
CREATE INDEX uploads_owner ON uploads (owner, expires_at);
CREATE INDEX uploads_expiry ON uploads (expires_at);
CREATE INDEX uploads_over ON uploads (claimed_at) WHERE claimed_at IS NOT NULL AND stored > 0;
"""

KEPT_DAYS: Final = 7
"""So long after it expired an upload is answered by 410 instead of 404."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload. ``length`` bytes are sent; ``size`` is what is kept of them, once ``ready``."""

    id: UUID
    length: int
    received: int
    object: str
    stored: int
    key_sealed: str | None
    metadata_sealed: str | None
    media_type: str | None
    size: int
    ready: bool
    expires_at: datetime
    claimed_at: datetime | None
    expired: bool

    @property
    def complete(self) -> bool:
        """Whether all of it has come."""
        return self.received == self.length


_COLUMNS = (
    "id, length, received, object, stored, key_sealed, metadata_sealed, media_type, size, ready, expires_at,"
    " claimed_at, expires_at < now() AS expired"
)
_FIND = f"SELECT {_COLUMNS} FROM uploads WHERE id = ANY(:ids) AND owner = ANY(:owners) ORDER BY id"


async def find(
    connection: AsyncConnection, ids: Sequence[UUID], owners: Sequence[bytes], *, lock: bool = False
) -> dict[UUID, Upload]:
    """The owner's uploads of those ids, their rows locked, in the ids' order, if they are to be changed."""
    query = text(f"{_FIND} FOR UPDATE" if lock else _FIND)
    rows = (await connection.execute(query, {"ids": list(ids), "owners": list(owners)})).all()
    return {row.id: Upload(**row._mapping) for row in rows}


async def under_way(connection: AsyncConnection, owners: Sequence[bytes]) -> tuple[int, int, int]:
    """What the owner has under way or unused: how many, of how many bytes, and the seconds until the first expires.

    Locks the owner's name until the transaction ends, so that two requests at once cannot both be the last.
    """
    key = int.from_bytes(owners[0][:8], "big", signed=True)
    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
    row = (
        await connection.execute(
            text(
                "SELECT count(*) AS files, coalesce(sum(length), 0)::bigint AS bytes,"
                " coalesce(ceil(extract(epoch FROM min(expires_at) - now())), 0)::integer AS seconds"
                " FROM uploads WHERE owner = ANY(:owners) AND claimed_at IS NULL AND expires_at > now()"
            ),
            {"owners": list(owners)},
        )
    ).one()
    return row.files, row.bytes, row.seconds


async def add(connection: AsyncConnection, **values: Any) -> None:
    """A new upload of which nothing has come; ``hours`` until it expires."""
    await connection.execute(
        text(
            "INSERT INTO uploads (id, owner, length, size, object, key_sealed, metadata_sealed, expires_at) VALUES"
            " (:id, :owner, :length, :length, :object, :key_sealed, :metadata_sealed,"
            " now() + make_interval(hours => :hours))"
        ),
        values,
    )


async def advance(connection: AsyncConnection, id: UUID, **values: Any) -> Upload:
    """More of it has come and is in the store: ``received``, ``stored``, ``media_type``, ``ready``, ``hours``."""
    query = text(
        "UPDATE uploads SET received = :received, stored = :stored, media_type = :media_type, ready = :ready,"
        f" expires_at = now() + make_interval(hours => :hours) WHERE id = :id RETURNING {_COLUMNS}"
    )
    row = (await connection.execute(query, {"id": id, **values})).one()
    return Upload(**row._mapping)


async def settle(connection: AsyncConnection, id: UUID, *, object: str, stored: int, size: int) -> bool:
    """What is kept of a complete upload lies in ``object`` from now on; False if it was settled or used meanwhile."""
    query = text(
        "UPDATE uploads SET object = :object, stored = :stored, size = :size, ready = true"
        " WHERE id = :id AND NOT ready AND claimed_at IS NULL AND received = length"
    )
    values = {"id": id, "object": object, "stored": stored, "size": size}
    return (await connection.execute(query, values)).rowcount == 1


async def claim(connection: AsyncConnection, ids: Sequence[UUID]) -> None:
    """They are used; from the commit on nobody opens what lies in the store."""
    query = text(
        "UPDATE uploads SET claimed_at = now(), key_sealed = NULL, metadata_sealed = NULL WHERE id = ANY(:ids)"
    )
    await connection.execute(query, {"ids": list(ids)})


async def remove(connection: AsyncConnection, id: UUID) -> str | None:
    """Takes away an upload that nobody has used; the name of its object."""
    query = text("DELETE FROM uploads WHERE id = :id AND claimed_at IS NULL RETURNING object")
    name: str | None = await connection.scalar(query, {"id": id})
    return name


async def over(connection: AsyncConnection, limit: int) -> dict[UUID, str]:
    """Uploads that are used or expired and whose objects are still there, locked; their objects' names."""
    query = text(
        "SELECT id, object FROM uploads WHERE stored > 0 AND (claimed_at IS NOT NULL OR expires_at < now())"
        " LIMIT :limit FOR UPDATE SKIP LOCKED"
    )
    return {row.id: row.object for row in await connection.execute(query, {"limit": limit})}


async def forget(connection: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Their objects are gone. Rows that expired a week ago go, too."""
    query = text("UPDATE uploads SET stored = 0, key_sealed = NULL, metadata_sealed = NULL WHERE id = ANY(:ids)")
    await connection.execute(query, {"ids": list(ids)})
    await connection.execute(
        text("DELETE FROM uploads WHERE expires_at < now() - make_interval(days => :days)"), {"days": KEPT_DAYS}
    )
