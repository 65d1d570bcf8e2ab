"""``POST /v1/cases/{case_id}/receipt``: the way of a moved case's citizen to the box of the report that was made of it.

Intake has the claim, integrity what it opens (ADR 13): who asks here logs in, who asks there does not say who they are.
"""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from services.intake.cases.api import Keys
from services.intake.cases.repository import own_case
from services.intake.moving import repository
from shared.kit.auth import Citizen
from shared.kit.db import Reading
from shared.kit.web.openapi import problem_responses
from shared.kit.web.problems import NOT_FOUND, Problem
from shared.persian.calendar import jalali

router = APIRouter(tags=["cases"])


class ClaimOut(BaseModel):
    """``claim`` is for ``POST /v1/reports/claim``, until ``expires_at`` (``expires_on`` is its Jalali date)."""

    model_config = ConfigDict(frozen=True)

    claim: str
    expires_at: datetime
    expires_on: str


@router.post("/v1/cases/{case_id}/receipt", responses=problem_responses(403, 404))
async def claim_receipt(case_id: UUID, caller: Citizen, connection: Reading, keys: Keys) -> ClaimOut:
    """With what the citizen of a case with status ``moved`` fetches their receipt code, without saying who they are.
    It may be asked for again; whether it was used is not known here. Another's case, one that was not moved, and one
    whose time is over are 404."""
    case = await own_case(connection, caller, case_id)
    kept = await repository.claim_of(connection, case_id) if case is not None else None
    if kept is None:
        raise Problem(NOT_FOUND)
    return ClaimOut(
        claim=keys.claim_of(case_id, kept.claim_sealed),
        expires_at=kept.expires_at,
        expires_on=jalali(kept.expires_at),
    )
