"""Inspection over REST: lists, reports, steps."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import AwareDatetime

from services.integrity.holders.api import Holder
from services.integrity.inspection import repository, schemas, service, views
from services.integrity.inspection.domain import State
from services.integrity.inspection.repository import Filters
from services.integrity.inspection.service import Inspection
from shared.kit.auth import Principal, allow
from shared.kit.db import Reading, Transaction
from shared.kit.web.etags import IfMatch, etag
from shared.kit.web.openapi import problem_responses
from shared.kit.web.paging import Cursor, Paging, link_next, page_of

router = APIRouter(prefix="/v1/inspect", tags=["inspection"])

Inspector = Annotated[Principal, Depends(allow("staff", roles=("inspector", "supervisor")))]

_AFTER: Cursor[tuple[datetime, UUID]] = Cursor("inspection", tuple[AwareDatetime, UUID])


def _inspection(request: Request) -> Inspection:
    inspection: Inspection = request.app.state.resources.inspection
    return inspection


InspectionOf = Annotated[Inspection, Depends(_inspection)]
Word = Annotated[str | None, Query(max_length=64)]


def _filters(
    state: State | None = None,
    organisation: Word = None,
    province: Word = None,
    priority: schemas.Priority | None = None,
    inspector: Word = None,
    unassigned: bool | None = None,
) -> Filters:
    return Filters(state, organisation, province, priority, inspector, unassigned)


@router.get("/keys", responses=problem_responses(403))
async def holders(_caller: Holder, connection: Reading) -> views.HoldersOut:
    """Everybody who holds a key now, with its public half: whom to re-wrap to, and whose key to compare."""
    rows = await repository.holders_of(connection)
    return views.HoldersOut(items=[views.HolderOut.of(row) for row in rows])


@router.get("/reports", responses=problem_responses(403))
async def list_reports(
    request: Request,
    response: Response,
    caller: Inspector,
    connection: Reading,
    inspection: InspectionOf,
    filters: Annotated[Filters, Depends(_filters)],
    paging: Paging,
) -> views.ReportPage:
    """The reports that the caller holds a grant of, newest first: states and times, no content."""
    rows = await service.list_reports(
        connection, caller, filters, before=_AFTER.decode(paging.cursor), limit=paging.fetch
    )
    shown, following = page_of(rows, paging, _AFTER, lambda row: (row.filed_at, row.id))
    link_next(request, response, following)
    return views.ReportPage(items=await views.listed(connection, shown, inspection.terms), next=following)


@router.get("/reports/{report_id}", responses=problem_responses(403, 404))
async def read_report(
    report_id: UUID, response: Response, caller: Inspector, connection: Transaction, inspection: InspectionOf
) -> views.ReportDetailOut:
    """The sealed content and the caller's grants. Reading is recorded; ``ETag`` is for the next step's ``If-Match``."""
    report, version = await service.read(connection, caller, report_id, inspection)
    response.headers["ETag"] = etag(version)
    return report


@router.get(
    "/reports/{report_id}/attachments/{n}",
    response_class=Response,
    responses={
        **problem_responses(403, 404, 503),
        200: {"description": "An age file", "content": {"application/octet-stream": {}}},
    },
)
async def read_file(
    report_id: UUID,
    n: Annotated[int, Path(ge=1, le=10_000)],
    caller: Inspector,
    connection: Transaction,
    inspection: InspectionOf,
    original: bool = False,
) -> Response:
    """A file of the report, sealed: the cleaned copy, or with ``original`` the evidence itself. Reading is recorded."""
    sealed = await service.read_file(connection, caller, report_id, n, inspection, original=original)
    return Response(sealed, media_type="application/octet-stream", headers={"Cache-Control": "no-store"})


@router.post("/reports/{report_id}/steps", responses=problem_responses(403, 404, 409, 412, 428, 503))
async def take_step(
    report_id: UUID,
    step: schemas.StepIn,
    response: Response,
    caller: Inspector,
    connection: Transaction,
    inspection: InspectionOf,
    if_match: IfMatch = None,
) -> views.ReportDetailOut:
    """Takes a step; answers with the report after it and its new ``ETag``."""
    report, version = await service.take_step(connection, caller, report_id, step.root, inspection, if_match=if_match)
    response.headers["ETag"] = etag(version)
    return report
