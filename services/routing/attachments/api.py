"""Having the files of a case at the desk."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from services.routing.attachments import repository
from services.routing.desk import repository as desk
from shared.kit.auth import Principal, allow
from shared.kit.db import Reading
from shared.kit.files import SealedFiles
from shared.kit.sealing import SealError
from shared.kit.telemetry import log
from shared.kit.uploads import EXTENSIONS
from shared.kit.web.downloads import download, file_name
from shared.kit.web.openapi import problem_responses
from shared.kit.web.problems import GONE, NOT_FOUND, Problem

router = APIRouter(tags=["desk"])

Staff = Annotated[Principal, Depends(allow("staff", roles=("officer", "manager", "centre")))]
Place = Annotated[int, Path(ge=1, le=100_000)]


def _files(request: Request) -> SealedFiles:
    files: SealedFiles = request.app.state.resources.files
    return files


@router.get(
    "/v1/desk/cases/{case_id}/attachments/{n}",
    response_class=Response,
    responses={200: {"content": {kind: {} for kind in EXTENSIONS}}, **problem_responses(403, 404, 410)},
)
async def attachment(
    case_id: UUID, n: Place, caller: Staff, connection: Reading, files: Annotated[SealedFiles, Depends(_files)]
) -> Response:
    """A file of a case within the caller's reach, to be saved; 410 if the store lost it."""
    if await desk.case_in_reach(connection, caller, case_id) is None:
        raise Problem(NOT_FOUND)
    row = await repository.one(connection, case_id, n)
    if row is None:
        raise Problem(NOT_FOUND)
    try:
        content = await asyncio.to_thread(files.get, row.sha256)
    except (FileNotFoundError, SealError) as error:
        log.error("attachment_lost", error=type(error).__name__)
        raise Problem(GONE) from None
    return download(content, row.media_type, file_name(None, row.media_type, n))
