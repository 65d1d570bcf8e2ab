"""The desk over REST."""

from typing import Annotated, get_args
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime

from services.routing.classify.store import Models
from services.routing.clocks.domain import Level
from services.routing.desk import repository, schemas, service
from services.routing.desk.list_repository import Filters, Place, Sort, list_cases, place_of
from services.routing.keys import RoutingKeys
from shared.contracts.envelope import CaseKind, CaseStatus
from shared.kit.auth import Principal, allow
from shared.kit.db import Reading, Transaction
from shared.kit.web.etags import IfMatch, etag
from shared.kit.web.openapi import problem_responses
from shared.kit.web.paging import Cursor, Paging, link_next, page_of

router = APIRouter(prefix="/v1/desk", tags=["desk"])

Staff = Annotated[Principal, Depends(allow("staff", roles=("officer", "manager", "centre")))]
Supervisor = Annotated[Principal, Depends(allow("staff", roles=("manager", "centre")))]
Centre = Annotated[Principal, Depends(allow("staff", roles=("centre",)))]

_AFTER: dict[Sort, Cursor[Place]] = {
    sort: Cursor(f"desk{sort}", tuple[AwareDatetime | None, UUID]) for sort in get_args(Sort)
}
_TRIAGE_AFTER: Cursor[UUID] = Cursor("triage", UUID)


def _keys(request: Request) -> RoutingKeys:
    keys: RoutingKeys = request.app.state.resources.keys
    return keys


def _models(request: Request) -> Models:
    models: Models = request.app.state.resources.models
    return models


Keys = Annotated[RoutingKeys, Depends(_keys)]
KnownModels = Annotated[Models, Depends(_models)]
Slug = Annotated[str | None, Query(max_length=64)]


def _filters(
    status: CaseStatus | None = None,
    department: Slug = None,
    category: Slug = None,
    province: Slug = None,
    kind: CaseKind | None = None,
    overdue: bool | None = None,
    escalated: Annotated[Level | None, Query(description="escalated to this level or higher")] = None,
    pending: Annotated[bool | None, Query(description="a decision awaits approval")] = None,
    assignee: Slug = None,
    unassigned: Annotated[bool | None, Query(description="no officer has it")] = None,
    q: Annotated[str | None, Query(max_length=200)] = None,
) -> Filters:
    return Filters(status, department, category, province, kind, overdue, escalated, pending, assignee, unassigned, q)


@router.get("/cases", responses=problem_responses(403))
async def list_all(
    request: Request,
    response: Response,
    caller: Staff,
    connection: Reading,
    filters: Annotated[Filters, Depends(_filters)],
    paging: Paging,
    sort: Annotated[
        Sort, Query(description="by due_at without a status: open cases only; - is downwards")
    ] = "-registered_at",
) -> schemas.DeskPage:
    """The cases within the caller's reach, newest first; ``q`` searches subject and text."""
    cursor = _AFTER[sort]
    after = cursor.decode(paging.cursor)
    rows = await list_cases(connection, caller, filters, sort=sort, after=after, limit=paging.limit)
    shown, following = page_of(rows, paging, cursor, lambda row: place_of(sort, row))
    link_next(request, response, following)
    return schemas.DeskPage(items=service.listed(shown), next=following)


@router.get("/cases/{case_id}", responses=problem_responses(403, 404))
async def show_case(case_id: UUID, response: Response, caller: Staff, connection: Reading) -> schemas.DeskCaseDetailOut:
    """Everything the desk may know of a case; ``ETag`` is for the next step's ``If-Match``."""
    case, version = await service.show(connection, caller, case_id)
    response.headers["ETag"] = etag(version)
    return case


@router.post("/cases/{case_id}/steps", responses=problem_responses(403, 404, 409, 412, 428))
async def take_step(
    case_id: UUID,
    step: schemas.StepIn,
    response: Response,
    caller: Staff,
    connection: Transaction,
    keys: Keys,
    if_match: IfMatch = None,
) -> schemas.DeskCaseDetailOut:
    """Takes one correspondence step; answers with the case after it and its new ``ETag``."""
    case, version = await service.take_step(connection, caller, case_id, step.root, if_match=if_match, keys=keys)
    response.headers["ETag"] = etag(version)
    return case


@router.post("/cases/bulk-assign", responses=problem_responses(403))
async def bulk_assign(
    order: schemas.BulkAssign, caller: Supervisor, connection: Transaction, keys: Keys
) -> schemas.BulkOut:
    """Assigns many cases; each is taken or refused by itself."""
    return await service.bulk_assign(connection, caller, order, keys=keys)


@router.get("/triage", responses=problem_responses(403))
async def triage(
    request: Request, response: Response, _caller: Centre, connection: Reading, paging: Paging
) -> schemas.TriagePage:
    """Cases that the router would not decide alone, the oldest first, with its best three guesses."""
    rows = await repository.triage(connection, after=_TRIAGE_AFTER.decode(paging.cursor), limit=paging.limit)
    shown, following = page_of(rows, paging, _TRIAGE_AFTER, lambda row: row.id)
    link_next(request, response, following)
    return schemas.TriagePage(items=service.in_triage(shown), next=following)
