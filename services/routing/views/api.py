"""Saved views: a member of staff keeps filters and order of the list under a name."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from services.routing.clocks.domain import Level
from services.routing.desk.api import Staff
from services.routing.desk.list_repository import Sort
from services.routing.desk.schemas import Slug, Username, clean
from services.routing.views import repository
from shared.contracts.envelope import CaseKind, CaseStatus
from shared.kit.db import Reading, Transaction
from shared.kit.ids import uuid7
from shared.kit.web.idempotency import Answer, Idempotency
from shared.kit.web.language import Text
from shared.kit.web.openapi import problem_responses
from shared.kit.web.problems import CONFLICT, NOT_FOUND, Problem
from shared.kit.web.validation import Within

router = APIRouter(prefix="/v1/desk/views", tags=["desk"])

Name = Annotated[str, StringConstraints(max_length=400), AfterValidator(clean(multiline=False)), Within(1, 80)]


class ViewQuery(BaseModel):
    """The parameters of ``GET /v1/desk/cases`` that the view stands for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: CaseStatus | None = None
    department: Slug | None = None
    category: Slug | None = None
    province: Annotated[str, StringConstraints(max_length=8)] | None = None
    kind: CaseKind | None = None
    overdue: bool | None = None
    escalated: Level | None = None
    pending: bool | None = None
    assignee: Username | None = None
    unassigned: bool | None = None
    q: Annotated[str, StringConstraints(max_length=200)] | None = None
    sort: Sort = "-registered_at"


class ViewIn(BaseModel):
    """A name, of the caller's own, and what it stands for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    query: ViewQuery


class ViewOut(BaseModel):
    """A saved view."""

    id: UUID
    name: str
    query: ViewQuery
    created_at: datetime


class ViewsOut(BaseModel):
    """The caller's views, by name."""

    items: list[ViewOut]


def _out(row: Any) -> ViewOut:
    return ViewOut(id=row.id, name=row.name, query=ViewQuery.model_validate(row.query), created_at=row.created_at)


@router.get("", responses=problem_responses(403))
async def list_views(caller: Staff, connection: Reading) -> ViewsOut:
    """The caller's own views."""
    rows: Sequence[Any] = await repository.views_of(connection, caller.subject)
    return ViewsOut(items=[_out(row) for row in rows])


@router.post("", status_code=201, response_model=ViewOut, responses=problem_responses(403, 409))
async def save(view: ViewIn, caller: Staff, connection: Transaction, idempotency: Idempotency) -> Response:
    """Saves a view; 409 for a name that the caller uses already, or when they have a hundred."""

    async def add() -> Answer:
        query = view.query.model_dump(mode="json", exclude_defaults=True)
        row = await repository.add_view(connection, uuid7(), caller.subject, view.name, query)
        if row is None:
            raise Problem(CONFLICT, detail=_TAKEN, code="view_exists")
        return Answer(201, _out(row).model_dump_json().encode(), {"Location": f"/v1/desk/views/{row.id}"})

    return await idempotency.once(connection, caller.subject, add)


@router.delete("/{id}", status_code=204, responses=problem_responses(403, 404))
async def forget(id: UUID, caller: Staff, connection: Transaction) -> Response:
    """Deletes one of the caller's views."""
    if not await repository.delete_view(connection, caller.subject, id):
        raise Problem(NOT_FOUND)
    return Response(status_code=204)


_TAKEN = Text("نمایی با این نام دارید، یا شمار نماهای شما به صد رسیده است.", "You have such a view, or a hundred.")
