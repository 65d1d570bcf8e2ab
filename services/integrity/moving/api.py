"""``POST /v1/reports/claim``: the receipt code of a report that was made of a moved case (ADR 13)."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from services.integrity.moving.service import MovedReceipts
from shared.kit.auth import Anybody
from shared.kit.web.openapi import problem_responses

router = APIRouter(prefix="/v1/reports", tags=["reports"])


def _receipts(request: Request) -> MovedReceipts:
    receipts: MovedReceipts = request.app.state.resources.moved_receipts
    return receipts


UseReceipts = Annotated[MovedReceipts, Depends(_receipts)]


class ClaimIn(BaseModel):
    """``claim`` as ``POST /v1/cases/{case_id}/receipt`` gave it. Anything but a good one is answered alike, so that no
    shape is checked here."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    claim: Any = Field(default=None, json_schema_extra={"type": "string"})


class ClaimedOut(BaseModel):
    """The receipt code, for ``POST /v1/reports/session``: to be written down, as it can be fetched for a short while
    only."""

    receipt_code: str


@router.post("/claim", responses=problem_responses(404))
async def fetch_receipt(body: ClaimIn, receipts: UseReceipts, _caller: Anybody) -> ClaimedOut:
    """The receipt code that a claim opens, without a login: who asks stays unsaid. If the answer was lost, the same
    request gives it again for a day; then it is gone."""
    return ClaimedOut(receipt_code=(await receipts.fetch(body.claim)).shown())
