"""The queries on staff accounts."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_COLUMNS = (
    "username, password_hash, roles, department_id, province, name, title, totp_sealed, disabled, version,"
    " password_until, confirmed, rest_sealed"
)


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to; None narrows nothing."""

    role: str | None = None
    department: str | None = None
    province: str | None = None
    active: bool | None = None
    confirmed: bool | None = None


async def lock_directory(connection: AsyncConnection) -> None:
    """Makes other changes of accounts wait until this transaction ends, so that of the last two admins no two disable
    each other."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(5321)"))


async def account(connection: AsyncConnection, username: str) -> Row[Any] | None:
    """An account, disabled or not."""
    query = text(f"SELECT {_COLUMNS} FROM staff WHERE username = :username")
    return (await connection.execute(query, {"username": username})).one_or_none()


async def accounts(
    connection: AsyncConnection, visible: Set[str], filters: Filters, *, after: str | None, limit: int
) -> Sequence[Row[Any]]:
    """The accounts that have no other role than ``visible``, by username; one more than ``limit`` if there are more."""
    given: dict[str, tuple[str, object]] = {
        "role": (":role = ANY(roles)", filters.role),
        "department": ("department_id = :department", filters.department),
        "province": ("province = :province", filters.province),
        "active": ("disabled <> :active", filters.active),
        "confirmed": ("confirmed = :confirmed", filters.confirmed),
        "after": ("username > :after", after),
    }
    used = {name: value for name, (_, value) in given.items() if value is not None}
    conditions = ["roles <@ CAST(:visible AS text[])", *(given[name][0] for name in used)]
    query = f"SELECT {_COLUMNS} FROM staff WHERE {' AND '.join(conditions)} ORDER BY username LIMIT :limit"
    values = {**used, "visible": sorted(visible), "limit": limit + 1}
    return (await connection.execute(text(query), values)).all()


async def add(connection: AsyncConnection, **values: Any) -> bool:
    """Makes an account; False if the name is taken."""
    names = ", ".join(values)
    query = f"INSERT INTO staff ({names}) VALUES (:{', :'.join(values)}) ON CONFLICT (username) DO NOTHING"
    return (await connection.execute(text(query), values)).rowcount == 1


async def change(connection: AsyncConnection, username: str, values: Mapping[str, Any]) -> int:
    """Sets columns of an account; its new version."""
    changes = ", ".join([*(f"{name} = :{name}" for name in values), "version = version + 1"])
    query = text(f"UPDATE staff SET {changes} WHERE username = :username RETURNING version")
    version: int = (await connection.execute(query, {**values, "username": username})).scalar_one()
    return version


async def holders_of(connection: AsyncConnection, role: str) -> frozenset[str]:
    """Who has a role and may log in."""
    query = text("SELECT username FROM staff WHERE :role = ANY(roles) AND NOT disabled AND confirmed")
    return frozenset((await connection.execute(query, {"role": role})).scalars())
