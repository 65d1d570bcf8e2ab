"""Filling the directory from the taxonomy and telling the others what it holds."""

import hashlib
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.directory import repository
from shared.contracts.envelope import DepartmentRef
from shared.contracts.routing import CategoryEntry, DepartmentEntry, DirectoryChanged, DirectoryChangedData
from shared.kit.outbox import append, new_event


async def load_taxonomy(connection: AsyncConnection, taxonomy: dict[str, Any]) -> bool:
    """Takes over a taxonomy document and publishes ``directory.changed``; False, and nothing done, if it is the one
    already held."""
    fingerprint = hashlib.sha256(orjson.dumps(taxonomy, option=orjson.OPT_SORT_KEYS)).hexdigest()
    version = await repository.new_version(connection, fingerprint)
    if version is None:
        return False
    entries = taxonomy["departments"]
    bodies = {entry["body_id"]: entry for entry in reversed(entries)}
    await repository.put(
        connection,
        "organisations",
        [
            {"id": id, "name_fa": entry["body_fa"], "name_en": entry["body_en"], "position": position}
            for position, (id, entry) in enumerate(reversed(bodies.items()))
        ],
    )
    await repository.put(
        connection,
        "departments",
        [
            {
                "id": entry["id"],
                "name_fa": entry["name_fa"],
                "name_en": entry["name_en"],
                "organisation_id": entry["body_id"],
                "pipeline": entry["pipeline"],
                "position": position,
            }
            for position, entry in enumerate(entries)
        ],
    )
    all_categories = [(entry["id"], category) for entry in entries for category in entry["categories"]]
    await repository.put(
        connection,
        "categories",
        [
            {
                "id": category["id"],
                "department_id": department_id,
                "name_fa": category["name_fa"],
                "name_en": category["name_en"],
                "sla_days": category["sla_days"],
                "priority": category["priority"],
                "vulnerable": category["vulnerable"],
                "keywords": category["keywords_fa"],
                "position": position,
            }
            for position, (department_id, category) in enumerate(all_categories)
        ],
    )
    await publish(connection, version, actor_id=None, change={"taxonomy": fingerprint})
    return True


async def publish(connection: AsyncConnection, version: int, *, actor_id: str | None, change: dict[str, Any]) -> None:
    """Keeps the directory as it is now as that version, and tells the others what can be chosen."""
    await repository.keep_history(connection, version, actor_id, change, await document(connection))
    await append(connection, await _changed(connection, version))


async def document(connection: AsyncConnection) -> dict[str, Any]:
    """The whole directory and the rules, as JSON."""
    kinds = ("organisations", "departments", "categories", "rules")
    rows = {kind: await repository.all_of(connection, kind) for kind in kinds}
    return {kind: [_plain(row) for row in found] for kind, found in rows.items()}


def _plain(row: Any) -> dict[str, Any]:
    values = {str(name): value for name, value in row._mapping.items()}
    plain: dict[str, Any] = orjson.loads(orjson.dumps(values))
    return plain


async def _changed(connection: AsyncConnection, version: int) -> DirectoryChanged:
    departments = await repository.all_of(connection, "departments")
    organisations = await repository.all_of(connection, "organisations")
    pipelines = {row.id: row.pipeline for row in departments}
    return new_event(
        DirectoryChanged,
        subject="directory",
        sequence=version,
        data=DirectoryChangedData(
            version=version,
            departments=tuple(
                DepartmentEntry(
                    id=row.id, name_fa=row.name_fa, name_en=row.name_en, organisation_id=row.organisation_id
                )
                for row in departments
                if row.active
            ),
            categories=tuple(
                CategoryEntry(
                    id=row.id,
                    name_fa=row.name_fa,
                    name_en=row.name_en,
                    department_id=row.department_id,
                    pipeline=pipelines[row.department_id],
                )
                for row in await repository.all_of(connection, "categories")
                if row.active
            ),
            organisations=tuple(_ref(row) for row in organisations if row.active),
        ),
    )


def _ref(row: Any) -> DepartmentRef:
    return DepartmentRef(id=row.id, name_fa=row.name_fa, name_en=row.name_en)
