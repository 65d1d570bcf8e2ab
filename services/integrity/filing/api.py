"""``GET /v1/reports/keys`` and ``POST /v1/reports``."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from services.integrity.filing.schemas import FiledOut, KeysOut, ReportIn
from services.integrity.filing.service import Filing
from services.integrity.keys import IntegrityKeys
from services.integrity.reports.once import Once
from shared.kit.auth import Anybody, Principal, allow
from shared.kit.uploads import owner_of
from shared.kit.web.openapi import problem_responses

router = APIRouter(prefix="/v1/reports", tags=["reports"])

Reporting = Annotated[Principal, Depends(allow("public", "citizen"))]

OWNER = "filing"
"""In whose name Idempotency-Keys of filings are kept: nobody's, whether or not somebody is logged in."""


def _filing(request: Request) -> Filing:
    filing: Filing = request.app.state.resources.filing
    return filing


def _keys(request: Request) -> IntegrityKeys:
    keys: IntegrityKeys = request.app.state.resources.keys
    return keys


UseFiling = Annotated[Filing, Depends(_filing)]
Keys = Annotated[IntegrityKeys, Depends(_keys)]
Slug = Annotated[str | None, Query(max_length=64)]


@router.get("/keys")
async def seal_to(filing: UseFiling, _caller: Anybody, organisation_id: Slug = None, province: Slug = None) -> KeysOut:
    """What a client needs to seal a report by itself. Given the body and the province that the report is about, nobody
    of that body is among the keys."""
    return await filing.seal_to(organisation_id, province)


@router.post("", status_code=201, responses=problem_responses(409))
async def file_report(report: ReportIn, once: Once, filing: UseFiling, keys: Keys, caller: Reporting) -> FiledOut:
    """Files a corruption report; a login, if there is one, only finds the files that were uploaded with it. 201 only
    after the commit that holds the report, its grants and its leaf; ``receipt`` says ``pending`` where the proof takes
    longer than three seconds."""
    owner = None if caller.kind == "public" else owner_of(caller)
    return await filing.file(report, once.of(OWNER, keys), owner)
