"""The audit of the machine's decisions: a random few, which the centre says were right or wrong."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from services.routing.classify import repository
from shared.kit.auth import Principal, allow
from shared.kit.db import Reading, Transaction
from shared.kit.web.language import Text
from shared.kit.web.openapi import problem_responses
from shared.kit.web.paging import Cursor, Paging, link_next, page_of
from shared.kit.web.problems import NOT_FOUND, FieldFault, Problem, invalid_fields

router = APIRouter(prefix="/v1/desk/audit", tags=["desk"])

Centre = Annotated[Principal, Depends(allow("staff", roles=("centre",)))]
_AFTER: Cursor[UUID] = Cursor("audit", UUID)


class AuditIn(BaseModel):
    """The category that was right; the one the machine chose if it was."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    category_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]


class AuditOut(BaseModel):
    """A case that a machine decided and chance drew: what it chose then, and what the case is in now."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    case_id: UUID
    tracking_code: str
    subject: str
    at: datetime
    method: str
    department_id: str
    category_id: str | None
    confidence: float
    model: str
    department_now: str | None
    category_now: str | None
    right_category_id: str | None
    checked_at: datetime | None


class AuditPage(BaseModel):
    """Cases to check, the oldest first."""

    items: list[AuditOut]
    next: str | None = None


@router.get("", responses=problem_responses(403))
async def to_check(
    request: Request, response: Response, _caller: Centre, connection: Reading, paging: Paging, checked: bool = False
) -> AuditPage:
    """The drawn cases that nobody has checked yet, or those that were; none of them waited for it."""
    rows = await repository.samples(connection, checked=checked, after=_AFTER.decode(paging.cursor), limit=paging.limit)
    shown, following = page_of(rows, paging, _AFTER, lambda row: row.case_id)
    link_next(request, response, following)
    return AuditPage(items=[AuditOut.model_validate(row) for row in shown], next=following)


@router.post("/{case_id}", responses=problem_responses(403, 404))
async def check(case_id: UUID, verdict: AuditIn, caller: Centre, connection: Transaction) -> AuditOut:
    """Says which category was right. The case itself is moved at the desk, if it must be; the classifier learns from
    the verdict in its next refit. Raises 404 for a case that was not drawn, 422 for a category not in use."""
    if verdict.category_id not in {row.id for row in await repository.active_categories(connection)}:
        text = Text("این موضوع در فهرست نیست.", "There is no such category.")
        raise invalid_fields(FieldFault("/category_id", "unknown_category", text))
    if not await repository.check_sample(connection, case_id, verdict.category_id, caller.subject):
        raise Problem(NOT_FOUND)
    return AuditOut.model_validate(await repository.sampled(connection, case_id))
