"""``GET /v1/admin/audit``: who changed or read what in the staff directory."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from gateway.audit import repository
from gateway.callers import Admin
from shared.kit.db import Transaction
from shared.kit.web.openapi import problem_responses
from shared.kit.web.paging import Cursor, Paging, link_next, page_of
from shared.persian.calendar import jalali

router = APIRouter(prefix="/v1/admin/audit", tags=["admin"])

_BEFORE: Cursor[UUID] = Cursor("audit", UUID)
Word = Annotated[str | None, Query(max_length=64, pattern=r"^[a-z0-9._-]+$")]


class AuditOut(BaseModel):
    """``actor`` did ``action`` to ``subject``; ``on`` is the Jalali day. ``changes``: the fields by name, with the new
    value where it is a role, a place or a state, else true."""

    id: UUID
    at: datetime
    on: str
    actor: str
    action: str
    subject: str | None
    changes: dict[str, Any]


class AuditPage(BaseModel):
    """The record, the newest first."""

    items: list[AuditOut]
    next: str | None = None


@router.get("", responses=problem_responses(401, 403))
async def show(
    request: Request,
    response: Response,
    caller: Admin,
    connection: Transaction,
    paging: Paging,
    actor: Word = None,
    action: Word = None,
    subject: Word = None,
) -> AuditPage:
    """Who changed or read what in the staff directory; to look at it is an entry, too."""
    filters = {"actor": actor, "action": action, "subject": subject}
    before = _BEFORE.decode(paging.cursor)
    rows = await repository.entries(connection, filters, before=before, limit=paging.limit)
    await repository.record(connection, caller.subject, "audit.read", subject)
    shown, following = page_of(rows, paging, _BEFORE, lambda row: row.id)
    link_next(request, response, following)
    items = [AuditOut(**row._mapping, on=jalali(row.at)) for row in shown]
    return AuditPage(items=items, next=following)
