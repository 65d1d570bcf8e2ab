"""The queries on departments, categories and organisations."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.tables import (
    categories,
    departments,
    directory_history,
    directory_version,
    organisations,
    rules,
)


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


async def lock_version(connection: AsyncConnection) -> int:
    """The directory's version, held until the transaction ends, so that changes come one after the other."""
    query = select(directory_version.c.version).with_for_update()
    return await connection.scalar(query) or 0


async def next_version(connection: AsyncConnection) -> int:
    """Raises the version by one for a change of the centre's; the taxonomy last taken over is still remembered."""
    query = update(directory_version).values(version=directory_version.c.version + 1)
    raised: int = (await connection.execute(query.returning(directory_version.c.version))).scalar_one()
    return raised


async def keep_history(
    connection: AsyncConnection, version: int, actor_id: str | None, change: dict[str, Any], document: dict[str, Any]
) -> None:
    """Keeps what was changed, by whom, and the whole directory and rules as they are then."""
    row = insert(directory_history).values(version=version, actor_id=actor_id, change=change, document=document)
    await connection.execute(row)


async def history(connection: AsyncConnection, *, before: int | None, limit: int) -> Sequence[Row[Any]]:
    """The versions, the newest first, without their documents; one more than ``limit`` if there are more."""
    columns = (column for column in directory_history.c if column.name != "document")
    query = select(*columns).order_by(directory_history.c.version.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(directory_history.c.version < before)
    return (await connection.execute(query)).all()


async def document_of(connection: AsyncConnection, version: int) -> dict[str, Any] | None:
    """The directory and rules as they were at a version."""
    query = select(directory_history.c.document).where(directory_history.c.version == version)
    document: dict[str, Any] | None = await connection.scalar(query)
    return document


async def replace_rules(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Puts these rules, in this order, in the place of all."""
    await connection.execute(delete(rules))
    if rows:
        await connection.execute(insert(rules), [{**row, "position": n} for n, row in enumerate(rows)])


async def version(connection: AsyncConnection) -> int:
    """The directory's version, 0 before it was ever filled."""
    return await connection.scalar(select(func.coalesce(func.max(directory_version.c.version), 0))) or 0
