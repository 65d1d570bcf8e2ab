"""Uploading files, and having those of a case."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from services.intake.attachments.service import Attachments
from services.intake.cases import repository as cases
from shared.kit.auth import Principal, allow
from shared.kit.db import Reading
from shared.kit.uploads import EXTENSIONS, uploads_router
from shared.kit.web.openapi import problem_responses
from shared.kit.web.problems import NOT_FOUND, Problem

uploads = uploads_router(allow("citizen", "staff", "partner"))
router = APIRouter(tags=["cases"])

Owner = Annotated[Principal, Depends(allow("citizen", "partner", scopes=("cases:write",)))]
Place = Annotated[int, Path(ge=1, le=100_000)]


def _attachments(request: Request) -> Attachments:
    attachments: Attachments = request.app.state.resources.attachments
    return attachments


Kept = Annotated[Attachments, Depends(_attachments)]


@router.get(
    "/v1/cases/{case_id}/attachments/{n}",
    response_class=Response,
    responses={200: {"content": {kind: {} for kind in EXTENSIONS}}, **problem_responses(403, 404, 410)},
)
async def attachment(case_id: UUID, n: Place, caller: Owner, connection: Reading, attachments: Kept) -> Response:
    """A file of the caller's own case, to be saved."""
    if await cases.own_case(connection, caller, case_id) is None:
        raise Problem(NOT_FOUND)
    return await attachments.download(connection, case_id, n)
