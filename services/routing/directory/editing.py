"""Changing the directory: each change of the centre's is a version, and is told to the others."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.directory import repository
from services.routing.directory.schemas import (
    CategoryIn,
    CategoryOut,
    DepartmentIn,
    DepartmentOut,
    DirectoryOut,
    OrganisationIn,
    OrganisationOut,
)
from services.routing.directory.service import publish
from services.routing.staff.service import fault_of
from shared.kit.auth import Principal
from shared.kit.web.etags import check_if_match
from shared.kit.web.language import Text
from shared.kit.web.problems import CONFLICT, NOT_FOUND, FieldFault, Problem, invalid_fields

Entry = OrganisationIn | DepartmentIn | CategoryIn
MODELS: dict[str, type[Entry]] = {
    "organisations": OrganisationIn,
    "departments": DepartmentIn,
    "categories": CategoryIn,
}


async def whole(connection: AsyncConnection) -> DirectoryOut:
    """The directory as it is now."""
    return DirectoryOut(
        version=await repository.version(connection),
        organisations=[
            OrganisationOut.model_validate(row) for row in await repository.all_of(connection, "organisations")
        ],
        departments=[DepartmentOut.model_validate(row) for row in await repository.all_of(connection, "departments")],
        categories=[CategoryOut.model_validate(row) for row in await repository.all_of(connection, "categories")],
    )


async def put(
    connection: AsyncConnection, principal: Principal, kind: str, id: str, entry: Entry, if_match: str | None
) -> int:
    """Creates or replaces an entry of ``organisations``, ``departments`` or ``categories``; the new version.

    Raises 428 and 412 about ``If-Match``, 422 for what it names that is not in use, 409 for putting out of use what
    others in use stand on. Officers are of the department and of the province that they are named for.
    """
    check_if_match(if_match, await repository.lock_version(connection))
    rows = {name: {row.id: row for row in await repository.all_of(connection, name)} for name in MODELS}
    _check_parent(entry, rows)
    if isinstance(entry, DepartmentIn):
        await _check_officers(connection, id, entry, rows[kind].get(id))
    if not entry.active:
        _check_unused(kind, id, rows, await repository.all_of(connection, "rules"))
    held = rows[kind].get(id)
    position = held.position if held else 1 + max((row.position for row in rows[kind].values()), default=-1)
    values = entry.model_dump(mode="json")
    await repository.put(connection, kind, [{"id": id, **values, "position": position}])
    return await changed(connection, principal, {"kind": kind, "id": id, "to": values})


async def patch(
    connection: AsyncConnection, principal: Principal, kind: str, id: str, parts: Any, if_match: str | None
) -> int:
    """Changes some fields of an entry; the new version. Raises 404 for an unknown one, and as ``put``."""
    held = next((row for row in await repository.all_of(connection, kind) if row.id == id), None)
    if held is None:
        raise Problem(NOT_FOUND)
    model = MODELS[kind]
    now = {name: getattr(held, name) for name in model.model_fields}
    entry = model.model_validate({**now, **parts.model_dump(exclude_none=True)})
    return await put(connection, principal, kind, id, entry, if_match)


async def changed(connection: AsyncConnection, principal: Principal, change: dict[str, Any]) -> int:
    """Makes a version of what was just changed, and tells it."""
    version = await repository.next_version(connection)
    await publish(connection, version, actor_id=principal.subject, change=change)
    return version


def _check_parent(entry: Entry, rows: dict[str, dict[str, Any]]) -> None:
    for field, kind in (("organisation_id", "organisations"), ("department_id", "departments")):
        parent = getattr(entry, field, None)
        if parent is not None and (parent not in rows[kind] or (entry.active and not rows[kind][parent].active)):
            text = Text("چنین موردی در فهرست نیست یا از کار افتاده است.", "There is no such entry in use.")
            raise invalid_fields(FieldFault(f"/{field}", "unknown_entry", text))


async def _check_officers(connection: AsyncConnection, id: str, entry: DepartmentIn, held: Any) -> None:
    """422 for who is named anew and cannot have the province's cases; who left since they were named is passed over."""
    before = held.officers if held else {}
    faults = [
        await fault_of(connection, officer, id, province, pointer=f"/officers/{province}")
        for province, officer in entry.officers.items()
        if before.get(province) != officer
    ]
    if found := [fault for fault in faults if fault is not None]:
        raise invalid_fields(*found)


def _check_unused(kind: str, id: str, rows: dict[str, dict[str, Any]], rules: Any) -> None:
    stands: dict[str, Callable[[], bool]] = {
        "organisations": lambda: (
            any(r.active and r.organisation_id == id for r in rows["departments"].values())
            or any(rule.organisation_id == id for rule in rules)
        ),
        "departments": lambda: (
            any(r.active and r.department_id == id for r in rows["categories"].values())
            or any(rule.to_department_id == id for rule in rules)
        ),
        "categories": lambda: any(id in (rule.category_id, rule.to_category_id) for rule in rules),
    }
    if stands[kind]():
        text = Text(
            "چیزهای دیگری که در کارند بر این تکیه دارند؛ نخست آن‌ها را تغییر دهید.",
            "Others that are in use stand on this; change them first.",
        )
        raise Problem(CONFLICT, detail=text, code="in_use")
