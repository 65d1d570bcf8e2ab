"""The queries on who holds keys."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import and_, any_, func, literal, not_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.filing.domain import Holder
from services.integrity.log.leaf import Leaf
from services.integrity.tables import holder_keys, holders, reports, staff
from shared.contracts.gateway import StaffChangedData


async def holder(connection: AsyncConnection, username: str) -> Any:
    """A holder; None if they never registered a key."""
    return (await connection.execute(select(holders).where(holders.c.username == username))).one_or_none()


async def lock_holder(connection: AsyncConnection, username: str) -> None:
    """Makes others who register a key in the same name wait until this transaction ends."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(5313, hashtext(:username))"), {"username": username})


async def put_holder(connection: AsyncConnection, **values: Any) -> None:
    """A holder as they are now."""
    row = insert(holders).values(**values)
    changed = {name: row.excluded[name] for name in values if name != "username"}
    await connection.execute(row.on_conflict_do_update(index_elements=[holders.c.username], set_=changed))


async def retire(connection: AsyncConnection, username: str, *, key_seq: int, last_leaf: bytes | None) -> None:
    """Makes somebody a holder no more."""
    changed = update(holders).where(holders.c.username == username)
    await connection.execute(changed.values(active=False, key_seq=key_seq, last_leaf=last_leaf))


async def keep_staff(connection: AsyncConnection, data: StaffChangedData) -> bool:
    """A staff account as it was told; False, and nothing kept, if a later state of it is known."""
    row = insert(staff).values(username=data.username, roles=list(data.roles), active=data.active, version=data.version)
    changed = {name: row.excluded[name] for name in ("roles", "active", "version")}
    newer = staff.c.version < row.excluded.version
    kept = row.on_conflict_do_update(index_elements=[staff.c.username], set_=changed, where=newer)
    return (await connection.execute(kept)).rowcount == 1


async def has_left(connection: AsyncConnection, username: str, role: str) -> bool:
    """Whether it was told that somebody is disabled or has not that role."""
    gone = not_(and_(staff.c.active, literal(role) == any_(staff.c.roles)))
    return await connection.scalar(select(staff.c.username).where(staff.c.username == username, gone)) is not None


async def add_key(connection: AsyncConnection, **values: Any) -> Any:
    """A key that a holder registered; its row."""
    return (await connection.execute(insert(holder_keys).values(**values).returning(holder_keys))).one()


async def key(connection: AsyncConnection, key_id: UUID) -> Any:
    """A key that a holder registered at some time."""
    return (await connection.execute(select(holder_keys).where(holder_keys.c.id == key_id))).one()


async def last_statement(connection: AsyncConnection, username: str) -> str | None:
    """What the newest leaf that says who a holder is covers (SHA-256, hex); None if no leaf says it yet."""
    leaf = await connection.scalar(
        text(
            "SELECT leaf FROM log_leaves WHERE chain = :chain AND position(CAST(:mark AS bytea) IN leaf) > 0"
            " ORDER BY seq DESC LIMIT 1"
        ),
        {"chain": f"holder:{username}", "mark": b'"type":"holder_'},
    )
    return None if leaf is None else Leaf.decode(leaf).ciphertext_sha256


async def registered_holders(connection: AsyncConnection) -> Sequence[Holder]:
    """Everybody who ever registered a key, each with the number of reports that they have in hand."""
    load = (
        select(reports.c.assignee, func.count().label("load"))
        .where(reports.c.assignee.is_not(None), reports.c.state.not_in(SETTLED))
        .group_by(reports.c.assignee)
        .subquery()
    )
    rows = await connection.execute(
        select(holders, func.coalesce(load.c.load, 0).label("load")).join(
            load, load.c.assignee == holders.c.username, isouter=True
        )
    )
    return [Holder(**{name: getattr(row, name) for name in Holder.__slots__}) for row in rows]


SETTLED = ("out_of_scope", "transferred", "merged", "outcome_told", "closed")
"""States in which a report is no work for its inspector any more."""
