"""The citizen's side of a case over REST."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from services.intake.attachments.api import Kept
from services.intake.cases import repository, service
from services.intake.cases.schemas import (
    CasePage,
    CaseWithTimelineOut,
    MessageIn,
    MessageOut,
    RatingIn,
    RatingOut,
    TimelineOut,
    TrackOut,
)
from services.intake.keys import IntakeKeys
from shared.kit.auth import Anybody, Citizen, Principal, allow
from shared.kit.db import Reading, Transaction
from shared.kit.uploads import owner_of
from shared.kit.web.idempotency import Answer, Idempotency
from shared.kit.web.language import Language, preferred_language
from shared.kit.web.openapi import problem_responses
from shared.kit.web.paging import Cursor, Paging, link_next, page_of
from shared.kit.web.problems import NOT_FOUND, Problem
from shared.persian.identifiers import IdentifierError, tracking_code

router = APIRouter(tags=["cases"])

Owner = Annotated[Principal, Depends(allow("citizen", "partner", scopes=("cases:write",)))]

_AFTER: Cursor[UUID] = Cursor("cases", UUID)


def _keys(request: Request) -> IntakeKeys:
    keys: IntakeKeys = request.app.state.resources.keys
    return keys


def _language(request: Request) -> Language:
    return preferred_language(request.headers.get("accept-language"))


Keys = Annotated[IntakeKeys, Depends(_keys)]
Spoken = Annotated[Language, Depends(_language)]


@router.get("/v1/cases", responses=problem_responses(403))
async def list_cases(
    request: Request, response: Response, caller: Owner, connection: Reading, keys: Keys, paging: Paging
) -> CasePage:
    """The caller's own cases, newest first."""
    rows = await repository.own_cases(connection, caller, before=_AFTER.decode(paging.cursor), limit=paging.limit)
    shown, following = page_of(rows, paging, _AFTER, lambda row: row.id)
    link_next(request, response, following)
    items = [service.case_out(row, keys.text_of(row.id, row.text_sealed)["subject"]) for row in shown]
    return CasePage(items=items, next=following)


@router.get("/v1/cases/{case_id}", responses=problem_responses(403, 404))
async def show_case(
    case_id: UUID, caller: Owner, connection: Reading, keys: Keys, attachments: Kept, language: Spoken
) -> CaseWithTimelineOut:
    """A case of the caller, with its text, its files and every step."""
    return await service.case_with_timeline(connection, caller, case_id, keys, attachments, language)


@router.get("/v1/cases/{case_id}/timeline", responses=problem_responses(403, 404))
async def show_timeline(case_id: UUID, caller: Owner, connection: Reading, keys: Keys, language: Spoken) -> TimelineOut:
    """Every correspondence step, in order."""
    return TimelineOut(items=await service.timeline(connection, caller, case_id, keys, language))


@router.get("/v1/track/{code}", responses=problem_responses(404))
async def track(code: str, _caller: Anybody, connection: Reading, language: Spoken) -> TrackOut:
    """Where a case stands, for whoever has its tracking code: no name, number, address or text."""
    try:
        known = tracking_code(code)
    except IdentifierError:
        raise Problem(NOT_FOUND) from None
    return await service.track(connection, known, language)


@router.post(
    "/v1/cases/{case_id}/messages",
    status_code=201,
    response_model=MessageOut,
    responses=problem_responses(403, 404, 409),
)
async def add_message(
    case_id: UUID,
    message: MessageIn,
    caller: Citizen,
    connection: Transaction,
    keys: Keys,
    attachments: Kept,
    idempotency: Idempotency,
) -> Response:
    """A supplement, or the answer to a question."""
    await attachments.uploads.finish(message.attachments, owner_of(caller))

    async def add() -> Answer:
        added = await service.add_message(connection, caller, case_id, message, keys, attachments)
        return Answer(201, added.model_dump_json().encode(), {"Location": f"/v1/cases/{case_id}/messages/{added.id}"})

    return await idempotency.once(connection, caller.subject, add)


@router.post(
    "/v1/cases/{case_id}/rating",
    status_code=201,
    response_model=RatingOut,
    responses=problem_responses(403, 404, 409),
)
async def rate(
    case_id: UUID, rating: RatingIn, caller: Citizen, connection: Transaction, keys: Keys, idempotency: Idempotency
) -> Response:
    """How content the citizen is, once, after the decision."""

    async def add() -> Answer:
        rated = await service.rate(connection, caller, case_id, rating, keys)
        return Answer(201, rated.model_dump_json().encode(), {"Location": f"/v1/cases/{case_id}/rating"})

    return await idempotency.once(connection, caller.subject, add)
