"""The service's queries on its log. It adds leaves and reads; what writes the log itself is the sequencer."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.log.tiles import TileId

_COSIGNATURES_LOOKED_AT = 500


async def add_leaves(connection: AsyncConnection, leaves: Sequence[Mapping[str, Any]]) -> None:
    """Queues leaves (``chain, seq, previous, hash, leaf, nonce``) in their order. IntegrityError if a chain has another
    leaf of that number, or not ``previous`` before it."""
    if leaves:
        await connection.execute(
            text(
                "INSERT INTO log_leaves (chain, seq, previous, hash, leaf, nonce)"
                " VALUES (:chain, :seq, :previous, :hash, :leaf, :nonce)"
            ),
            leaves,
        )


async def leaves_by_hash(connection: AsyncConnection, hashes: Collection[bytes]) -> Sequence[Any]:
    """Those of the leaves that there are, with their nonce and their ``place`` in the log (None until it stands
    there)."""
    rows = await connection.execute(
        text(
            "SELECT hash, chain, seq, leaf, nonce, index AS place FROM log_leaves"
            " WHERE hash = ANY(CAST(:hashes AS bytea[]))"
        ),
        {"hashes": list(hashes)},
    )
    return rows.all()


async def newest_checkpoint(connection: AsyncConnection) -> Any:
    """The checkpoint of the largest size (``size, note``); None while nothing was ever signed."""
    return (
        await connection.execute(text("SELECT size, note FROM log_checkpoints ORDER BY size DESC LIMIT 1"))
    ).one_or_none()


async def newest_witnessed(connection: AsyncConnection, quorum: int) -> Any:
    """As ``newest_checkpoint``, of those that at least ``quorum`` witnesses countersigned."""
    return (
        await connection.execute(
            text(
                "SELECT size, note FROM log_checkpoints WHERE size = (SELECT size FROM log_cosignatures"
                " GROUP BY size HAVING count(*) >= :quorum ORDER BY size DESC LIMIT 1)"
            ),
            {"quorum": quorum},
        )
    ).one_or_none()


async def best_witnessed(connection: AsyncConnection, indexes: Collection[int], quorum: int) -> dict[int, Any]:
    """For each leaf the checkpoint (``size, note``) over it that the most witnesses countersigned, of those with at
    least ``quorum`` the first one; none for those without one.

    Looked for among the next ones and the newest ones: a witness that was away misses those in between, and comes back
    with one that is over all of them.
    """
    rows = await connection.execute(
        text(
            "SELECT w.place, size, note FROM unnest(CAST(:indexes AS bigint[])) AS w (place) CROSS JOIN LATERAL"
            " (SELECT size FROM ("
            " (SELECT size, witness FROM log_cosignatures WHERE size > w.place ORDER BY size LIMIT :some)"
            " UNION"
            " (SELECT size, witness FROM log_cosignatures WHERE size > w.place ORDER BY size DESC LIMIT :some)"
            ") AS near GROUP BY size HAVING count(*) >= :quorum ORDER BY count(*) DESC, size LIMIT 1)"
            " AS over JOIN log_checkpoints USING (size)"
        ),
        {"indexes": list(indexes), "quorum": quorum, "some": _COSIGNATURES_LOOKED_AT},
    )
    return {row.place: row for row in rows}


async def cosignature_lines(connection: AsyncConnection, sizes: Collection[int]) -> dict[int, list[str]]:
    """The countersignatures of the checkpoints of these sizes, as lines of a note, in the witnesses' alphabetic
    order."""
    rows = await connection.execute(
        text(
            "SELECT size, line FROM log_cosignatures WHERE size = ANY(CAST(:sizes AS bigint[])) ORDER BY size, witness"
        ),
        {"sizes": list(sizes)},
    )
    lines: dict[int, list[str]] = {}
    for row in rows:
        lines.setdefault(row.size, []).append(row.line)
    return lines


async def tiles(connection: AsyncConnection, wanted: Iterable[TileId]) -> dict[TileId, bytes]:
    """The hashes of those tiles that there are, as far as they have grown."""
    places = list(wanted)
    rows = await connection.execute(
        text(
            "SELECT t.level, t.index AS place, t.hashes FROM log_tiles t JOIN unnest(CAST(:levels AS smallint[]),"
            " CAST(:indexes AS bigint[])) AS w (level, index) USING (level, index)"
        ),
        {"levels": [level for level, _ in places], "indexes": [index for _, index in places]},
    )
    return {(row.level, row.place): row.hashes for row in rows}


async def is_cosigned(connection: AsyncConnection, size: int, witness: str) -> bool:
    """Whether a witness countersigned the checkpoint of a size."""
    return bool(
        await connection.scalar(
            text("SELECT EXISTS (SELECT FROM log_cosignatures WHERE size = :size AND witness = :witness)"),
            {"size": size, "witness": witness},
        )
    )


async def last_cosigned(connection: AsyncConnection, witness: str) -> int:
    """The largest size that a witness countersigned; 0 if none."""
    size = await connection.scalar(
        text("SELECT max(size) FROM log_cosignatures WHERE witness = :witness"), {"witness": witness}
    )
    return int(size or 0)


async def add_cosignature(connection: AsyncConnection, size: int, witness: str, line: str) -> None:
    """Keeps a countersignature, verified; the first one for a checkpoint stays."""
    await connection.execute(
        text(
            "INSERT INTO log_cosignatures (size, witness, n, line) SELECT :size, :witness, coalesce(max(n), 0) + 1,"
            " :line FROM log_cosignatures WHERE witness = :witness ON CONFLICT (size, witness) DO NOTHING"
        ),
        {"size": size, "witness": witness, "line": line},
    )


class Standing(Enum):
    """How far a leaf has come: recorded, in a signed log, in one that enough witnesses countersigned."""

    RECORDED = 0
    SIGNED = 1
    WITNESSED = 2


async def standing(connection: AsyncConnection, leaves: Collection[bytes], quorum: int) -> dict[bytes, Standing]:
    """How far those of the leaves have come that there are, by their hashes."""
    rows = await connection.execute(
        text(
            "SELECT hash, CASE WHEN index IS NULL THEN 0 WHEN index < coalesce((SELECT size FROM log_cosignatures"
            " GROUP BY size HAVING count(*) >= :quorum ORDER BY size DESC LIMIT 1), 0) THEN 2 ELSE 1 END AS come"
            " FROM log_leaves WHERE hash = ANY(CAST(:leaves AS bytea[]))"
        ),
        {"quorum": quorum, "leaves": list(leaves)},
    )
    return {row.hash: Standing(row.come) for row in rows}
