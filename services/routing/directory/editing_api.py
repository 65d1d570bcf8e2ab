"""The directory at the desk: the centre reads it, changes it, and looks at what it was."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from services.routing.directory import editing, repository
from services.routing.directory.schemas import (
    CategoryIn,
    CategoryPatch,
    DepartmentIn,
    DepartmentPatch,
    DirectoryOut,
    OrganisationIn,
    OrganisationPatch,
    SnapshotOut,
    VersionOut,
    VersionPage,
)
from shared.kit.auth import Principal, allow
from shared.kit.db import Reading, Transaction
from shared.kit.web.etags import IfMatch, etag
from shared.kit.web.openapi import problem_responses
from shared.kit.web.paging import Cursor, Paging, link_next, page_of
from shared.kit.web.problems import NOT_FOUND, Problem
from shared.persian.calendar import jalali

router = APIRouter(prefix="/v1/desk/directory", tags=["directory"])

Staff = Annotated[Principal, Depends(allow("staff", roles=("officer", "manager", "centre")))]
Centre = Annotated[Principal, Depends(allow("staff", roles=("centre",)))]
Id = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$", max_length=64)]

_BEFORE: Cursor[int] = Cursor("directory-versions", int)
_CHANGES = problem_responses(403, 404, 409, 412, 428)


@router.get("", responses=problem_responses(403))
async def show(response: Response, _caller: Staff, connection: Reading) -> DirectoryOut:
    """Organisations, departments and categories, what is out of use included; the ``ETag`` is for changing them."""
    found = await editing.whole(connection)
    response.headers["ETag"] = etag(found.version)
    return found


async def _answer(connection: Transaction, response: Response, version: int) -> DirectoryOut:
    response.headers["ETag"] = etag(version)
    return await editing.whole(connection)


@router.put("/organisations/{id}", responses=_CHANGES)
async def put_organisation(
    id: Id, entry: OrganisationIn, response: Response, caller: Centre, connection: Transaction, if_match: IfMatch = None
) -> DirectoryOut:
    """Creates or replaces an organisation."""
    version = await editing.put(connection, caller, "organisations", id, entry, if_match)
    return await _answer(connection, response, version)


@router.put("/departments/{id}", responses=_CHANGES)
async def put_department(
    id: Id, entry: DepartmentIn, response: Response, caller: Centre, connection: Transaction, if_match: IfMatch = None
) -> DirectoryOut:
    """Creates or replaces a department."""
    version = await editing.put(connection, caller, "departments", id, entry, if_match)
    return await _answer(connection, response, version)


@router.put("/categories/{id}", responses=_CHANGES)
async def put_category(
    id: Id, entry: CategoryIn, response: Response, caller: Centre, connection: Transaction, if_match: IfMatch = None
) -> DirectoryOut:
    """Creates or replaces a category."""
    version = await editing.put(connection, caller, "categories", id, entry, if_match)
    return await _answer(connection, response, version)


@router.patch("/organisations/{id}", responses=_CHANGES)
async def patch_organisation(
    id: Id,
    parts: OrganisationPatch,
    response: Response,
    caller: Centre,
    connection: Transaction,
    if_match: IfMatch = None,
) -> DirectoryOut:
    """Changes an organisation; ``{"active": false}`` puts it out of use."""
    version = await editing.patch(connection, caller, "organisations", id, parts, if_match)
    return await _answer(connection, response, version)


@router.patch("/departments/{id}", responses=_CHANGES)
async def patch_department(
    id: Id,
    parts: DepartmentPatch,
    response: Response,
    caller: Centre,
    connection: Transaction,
    if_match: IfMatch = None,
) -> DirectoryOut:
    """Changes a department; ``{"active": false}`` puts it out of use."""
    version = await editing.patch(connection, caller, "departments", id, parts, if_match)
    return await _answer(connection, response, version)


@router.patch("/categories/{id}", responses=_CHANGES)
async def patch_category(
    id: Id, parts: CategoryPatch, response: Response, caller: Centre, connection: Transaction, if_match: IfMatch = None
) -> DirectoryOut:
    """Changes a category; ``{"active": false}`` puts it out of use."""
    version = await editing.patch(connection, caller, "categories", id, parts, if_match)
    return await _answer(connection, response, version)


@router.get("/versions", responses=problem_responses(403))
async def versions(
    request: Request, response: Response, _caller: Centre, connection: Reading, paging: Paging
) -> VersionPage:
    """Every version of directory and rules: when, by whom, what."""
    rows = await repository.history(connection, before=_BEFORE.decode(paging.cursor), limit=paging.limit)
    shown, following = page_of(rows, paging, _BEFORE, lambda row: row.version)
    link_next(request, response, following)
    items = [VersionOut(**row._mapping, on=jalali(row.at)) for row in shown]
    return VersionPage(items=items, next=following)


@router.get("/versions/{version}", responses=problem_responses(403, 404))
async def version(
    version: Annotated[int, Path(ge=1, le=2**31 - 1)], _caller: Centre, connection: Reading
) -> SnapshotOut:
    """Directory and rules as they were: what a case was filed under."""
    document = await repository.document_of(connection, version)
    if document is None:
        raise Problem(NOT_FOUND)
    return SnapshotOut(version=version, document=document)
