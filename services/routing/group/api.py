"""The Voice of the Voiceless working group over REST."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from services.routing.group import schemas, service
from shared.kit.auth import Principal, allow
from shared.kit.db import Reading, Transaction
from shared.kit.web.idempotency import Answer, Idempotency
from shared.kit.web.openapi import problem_responses
from shared.kit.web.paging import Cursor, Paging, link_next, page_of

router = APIRouter(prefix="/v1/desk/working-group", tags=["working group"])

Member = Annotated[Principal, Depends(allow("staff", roles=("group", "centre")))]
Group = Annotated[Principal, Depends(allow("staff", roles=("group",)))]

_AFTER: Cursor[UUID] = Cursor("topics", UUID)


@router.get("/agenda", responses=problem_responses(403))
async def agenda(_caller: Member, connection: Reading) -> schemas.AgendaOut:
    """What the next meeting is about: topics that wait for a decision, and decisions past their date."""
    return await service.agenda(connection)


@router.get("/topics", responses=problem_responses(403))
async def list_topics(
    request: Request,
    response: Response,
    _caller: Member,
    connection: Reading,
    paging: Paging,
    state: schemas.State | None = None,
) -> schemas.TopicPage:
    """Topics, the newest first: those that the detector found, and those that were put there by hand."""
    rows = await service.list_topics(connection, state=state, before=_AFTER.decode(paging.cursor), limit=paging.limit)
    shown, following = page_of(rows, paging, _AFTER, lambda topic: topic.id)
    link_next(request, response, following)
    return schemas.TopicPage(items=list(shown), next=following)


@router.post("/topics", status_code=201, response_model=schemas.TopicOut, responses=problem_responses(403, 409))
async def add_topic(
    topic: schemas.TopicIn, caller: Member, connection: Transaction, idempotency: Idempotency
) -> Response:
    """Puts a topic on the agenda by hand."""

    async def add() -> Answer:
        added = await service.add_topic(connection, caller, topic)
        place = {"Location": f"/v1/desk/working-group/topics/{added.id}"}
        return Answer(201, added.model_dump_json().encode(), place)

    return await idempotency.once(connection, caller.subject, add)


@router.get("/topics/{topic_id}", responses=problem_responses(403, 404))
async def show_topic(topic_id: UUID, _caller: Member, connection: Reading) -> schemas.TopicDetailOut:
    """A topic: its evidence and cases, its decisions, and what happened to the count since."""
    return await service.show(connection, topic_id)


@router.post(
    "/topics/{topic_id}/decisions",
    status_code=201,
    response_model=schemas.DecisionOut,
    responses=problem_responses(403, 404, 409),
)
async def decide(
    topic_id: UUID, decision: schemas.DecisionIn, caller: Group, connection: Transaction, idempotency: Idempotency
) -> Response:
    """Decides on a topic; everyone whose case stands behind it is told by SMS, once."""

    async def add() -> Answer:
        taken = await service.decide(connection, caller, topic_id, decision)
        place = {"Location": f"/v1/desk/working-group/topics/{topic_id}"}
        return Answer(201, taken.model_dump_json().encode(), place)

    return await idempotency.once(connection, caller.subject, add)
