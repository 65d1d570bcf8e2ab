"""The queries on departments, categories and organisations."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.tables import categories, departments, directory_version, organisations, rules


async def knows_organisation(connection: AsyncConnection, organisation_id: str) -> bool:
    """Whether there is such a body under the ministry."""
    found = await connection.scalar(select(organisations.c.id).where(organisations.c.id == organisation_id))
    return found is not None


async def all_of(connection: AsyncConnection, kind: str) -> Sequence[Row[Any]]:
    """All ``departments``, ``categories``, ``organisations`` or ``rules``, in their order."""
    table = {"departments": departments, "categories": categories, "organisations": organisations, "rules": rules}[kind]
    return (await connection.execute(select(table).order_by(table.c.position))).all()


async def department(connection: AsyncConnection, department_id: str) -> Row[Any] | None:
    """A department, if there is such a one."""
    return (await connection.execute(select(departments).where(departments.c.id == department_id))).one_or_none()


async def category(connection: AsyncConnection, category_id: str) -> Row[Any] | None:
    """A category, if there is such a one."""
    return (await connection.execute(select(categories).where(categories.c.id == category_id))).one_or_none()


async def put(connection: AsyncConnection, kind: str, rows: Iterable[dict[str, Any]]) -> None:
    """Inserts or replaces rows of ``organisations``, ``departments`` or ``categories`` by their id."""
    table = {"organisations": organisations, "departments": departments, "categories": categories}[kind]
    for row in rows:
        statement = insert(table).values(**row)
        changed = {name: statement.excluded[name] for name in row if name != "id"}
        await connection.execute(statement.on_conflict_do_update(index_elements=[table.c.id], set_=changed))


async def new_version(connection: AsyncConnection, fingerprint: str) -> int | None:
    """The next version if ``fingerprint`` differs from what is held, else None."""
    await connection.execute(text("LOCK TABLE directory_version IN EXCLUSIVE MODE"))
    held = (await connection.execute(select(directory_version))).one_or_none()
    if held is not None and held.fingerprint == fingerprint:
        return None
    version = 1 if held is None else held.version + 1
    row = insert(directory_version).values(singleton=True, version=version, fingerprint=fingerprint)
    await connection.execute(
        row.on_conflict_do_update(
            index_elements=[directory_version.c.singleton], set_={"version": version, "fingerprint": fingerprint}
        )
    )
    return version


async def version(connection: AsyncConnection) -> int:
    """The directory's version, 0 before it was ever filled."""
    return await connection.scalar(select(func.coalesce(func.max(directory_version.c.version), 0))) or 0
