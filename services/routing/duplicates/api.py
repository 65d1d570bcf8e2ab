"""Two cases of one person on the same matter become one, once an officer has confirmed it."""

from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from services.routing.desk.api import Keys, Staff
from services.routing.desk.schemas import DeskCaseDetailOut
from services.routing.duplicates import service
from shared.kit.db import Transaction
from shared.kit.web.etags import IfMatch, etag
from shared.kit.web.openapi import problem_responses

router = APIRouter(prefix="/v1/desk/cases", tags=["desk"])


class MergeIn(BaseModel):
    """The case that goes on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    into: UUID


@router.post("/{case_id}/merge", responses=problem_responses(403, 404, 409, 412, 428))
async def merge(
    case_id: UUID,
    body: MergeIn,
    response: Response,
    caller: Staff,
    connection: Transaction,
    keys: Keys,
    if_match: IfMatch = None,
) -> DeskCaseDetailOut:
    """Ends a case as a duplicate of another of the same person, who is told once; answers with the ended case."""
    case, version = await service.merge(connection, caller, case_id, body.into, if_match=if_match, keys=keys)
    response.headers["ETag"] = etag(version)
    return case
