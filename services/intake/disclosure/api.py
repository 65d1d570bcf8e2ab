"""Showing a citizen's number to the officer who must call them: with a reason, on record, seen by the manager.

It is intake's, not routing's, because only intake holds the contact's key. What routing last told of the case says
whose reach it is in.
"""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.cases import repository
from services.intake.cases.api import Keys
from services.intake.filing.schemas import Words
from services.intake.keys import IntakeKeys
from shared.contracts.envelope import Actor
from shared.contracts.intake import ContactShown, ContactShownData
from shared.kit.auth import Principal, allow
from shared.kit.db import Transaction
from shared.kit.ids import uuid7
from shared.kit.outbox import append, new_event
from shared.kit.sealing import open_sealed, seal
from shared.kit.web.openapi import problem_responses
from shared.kit.web.problems import NOT_FOUND, Problem
from shared.kit.web.validation import Within

router = APIRouter(prefix="/v1/desk/cases", tags=["desk"])

Staff = Annotated[Principal, Depends(allow("staff", roles=("officer", "manager", "centre")))]


class ContactIn(BaseModel):
    """Why the number is needed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Annotated[Words, Within(5, 600)]


class ContactOut(BaseModel):
    """The number (E.164); null if the case has none."""

    mobile: str | None


@router.post("/{case_id}/contact", responses=problem_responses(403, 404))
async def show_contact(
    case_id: UUID, body: ContactIn, response: Response, caller: Staff, connection: Transaction, keys: Keys
) -> ContactOut:
    """Shows the citizen's number. Who saw it, when and why becomes a step of the case at the desk."""
    case = await repository.case_by_id(connection, case_id, lock=True)
    if case is None or not in_reach(caller, case.department, case.province):
        raise Problem(NOT_FOUND)
    await _record(connection, case, caller, body.reason, keys)
    contact = orjson.loads(open_sealed(keys.contact, case.contact_sealed, b"contact:" + str(case.id).encode()))
    response.headers["Cache-Control"] = "no-store"
    return ContactOut(mobile=contact["mobile"])


def in_reach(caller: Principal, department: dict[str, Any] | None, province: str) -> bool:
    """The desk's rule: the centre sees all, a manager the department's, an officer those of their province."""
    if "centre" in caller.roles:
        return True
    if department is None or department["id"] != caller.department_id:
        return False
    return "manager" in caller.roles or ("officer" in caller.roles and caller.province in (None, province))


async def _record(connection: AsyncConnection, case: Any, caller: Principal, reason: str, keys: IntakeKeys) -> None:
    shown_id = uuid7()
    event = new_event(
        ContactShown,
        subject=str(case.id),
        sequence=case.sequence + 1,
        actor=Actor(kind="staff", id=caller.subject, title=caller.title),
        case_id=case.id,
        causation_id=case.last_event_id,
        data=ContactShownData(
            shown_id=shown_id,
            shown_at=datetime.now(UTC),
            reason_sealed=seal(keys.text, orjson.dumps({"body": reason}), b"text:" + str(shown_id).encode()),
        ),
    )
    await repository.change_case(connection, case.id, sequence=event.sequence)
    await append(connection, event)
