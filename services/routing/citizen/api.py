"""A citizen's withdrawal and reopening over REST."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from services.routing.citizen import service
from services.routing.citizen.service import StandingOut
from services.routing.desk.schemas import Note
from shared.kit.auth import Citizen
from shared.kit.db import Transaction
from shared.kit.web.openapi import problem_responses

router = APIRouter(prefix="/v1/cases", tags=["cases"])


class ReopenIn(BaseModel):
    """Why the decision is not accepted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Annotated[Note, "to be read by the desk"]


@router.post("/{case_id}/withdraw", responses=problem_responses(403, 404, 409))
async def withdraw(case_id: UUID, caller: Citizen, connection: Transaction) -> StandingOut:
    """Takes a case back, until it is decided."""
    return await service.withdraw(connection, caller, case_id)


@router.post("/{case_id}/reopen", responses=problem_responses(403, 404, 409))
async def reopen(case_id: UUID, body: ReopenIn, caller: Citizen, connection: Transaction) -> StandingOut:
    """Opens a decided case again, within 30 days, once."""
    return await service.reopen(connection, caller, case_id, body.reason)
