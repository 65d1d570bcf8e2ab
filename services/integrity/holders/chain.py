"""The chain of leaves of a holder: who they are, their keys, and that they were retired."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.log.chain import new_leaf, record


@dataclass(frozen=True)
class End:
    """The last leaf of a holder's chain: its number and hash; 0 and None before the first."""

    seq: int
    leaf: bytes | None


async def add_leaf(
    connection: AsyncConnection,
    end: End,
    username: str,
    type: str,
    covered: bytes,
    *,
    actor: str | None = None,
    at: datetime | None = None,
) -> End:
    """A leaf over ``covered`` after the ``end`` of the holder's chain, by ``actor`` (None: the holder), ``at`` an aware
    time (None: now); the new end."""
    recorded = new_leaf(
        chain=f"holder:{username}",
        seq=end.seq + 1,
        type=type,
        at=at or datetime.now(UTC),
        actor=actor or username,
        ciphertext=covered,
        previous=end.leaf,
    )
    await record(connection, recorded)
    return End(end.seq + 1, recorded.hash)
