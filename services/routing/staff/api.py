"""Who works at the desk: whom a case can be given to."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from services.routing.staff import repository
from services.routing.staff.repository import Filters
from shared.kit.auth import Principal, allow
from shared.kit.db import Reading
from shared.kit.web.openapi import problem_responses
from shared.kit.web.paging import Cursor, Paging, link_next, page_of

router = APIRouter(prefix="/v1/desk/directory/staff", tags=["directory"])

Staff = Annotated[Principal, Depends(allow("staff", roles=("officer", "manager", "centre")))]
Word = Annotated[str | None, Query(max_length=64)]

_AFTER: Cursor[str] = Cursor("desk-staff", str)


class MemberOut(BaseModel):
    """Somebody at the desk; ``province`` is null for who works for all of them."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    username: str
    roles: list[str]
    department_id: str | None
    province: str | None
    active: bool


class MemberPage(BaseModel):
    """Who works at the desk, by username."""

    items: list[MemberOut]
    next: str | None = None


@router.get("", responses=problem_responses(403))
async def members(
    request: Request,
    response: Response,
    caller: Staff,
    connection: Reading,
    paging: Paging,
    department: Word = None,
    province: Word = None,
    role: Literal["officer", "manager", "centre"] | None = None,
    active: bool | None = True,
) -> MemberPage:
    """The staff of a department and province; the centre sees all departments, others their own alone. Accounts are
    changed at ``/v1/admin/staff``."""
    own = department if "centre" in caller.roles else caller.department_id or ""
    filters = Filters(own, province, role, active)
    rows = await repository.members(connection, filters, after=_AFTER.decode(paging.cursor), limit=paging.limit)
    shown, following = page_of(rows, paging, _AFTER, lambda row: row.username)
    link_next(request, response, following)
    return MemberPage(items=[MemberOut.model_validate(row) for row in shown], next=following)
