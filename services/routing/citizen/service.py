"""What a citizen asks of the desk: to take the case back, or to open it again. Routing alone owns the status, so these
cannot race an approval."""

from datetime import UTC, datetime
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.citizen.domain import Obstacle, obstacle
from services.routing.desk import domain, repository
from services.routing.desk.repository import CaseRow
from services.routing.desk.story import DEFAULT_SLA_DAYS, Move, take
from shared.contracts.envelope import Actor, CaseStatus
from shared.contracts.routing import CaseReopened, CaseReopeningRefused, CaseReopeningRefusedData, CaseWithdrawn
from shared.contracts.sms import SmsNotSolved
from shared.kit.auth import Principal
from shared.kit.web.language import Text
from shared.kit.web.problems import CONFLICT, NOT_FOUND, Problem
from shared.persian.calendar import CALENDAR, jalali


class StandingOut(BaseModel):
    """Where the case stands now; the Jalali date beside the time."""

    id: UUID
    tracking_code: str
    status: CaseStatus
    due_at: datetime | None
    due_on: str | None


async def withdraw(connection: AsyncConnection, principal: Principal, case_id: UUID) -> StandingOut:
    """Takes the case back. Raises 404 for a foreign case, 409 once it is decided."""
    case = await _own(connection, principal, case_id)
    if not domain.may_withdraw(case.status):
        raise Problem(CONFLICT, detail=_DECIDED)
    move = Move("withdraw", {"status": "withdrawn", "decision": None, "paused_at": None}, CaseWithdrawn)
    return await _taken(connection, case, move, principal)


async def reopen(connection: AsyncConnection, principal: Principal, case_id: UUID, reason: str) -> StandingOut:
    """Opens a decided case again, with a new term, for an independent review. Raises 404 for a foreign case, 409
    before the decision, after 30 days and the second time."""
    case = await _own(connection, principal, case_id)
    now = datetime.now(UTC)
    why_not = obstacle(case.status, case.decided_at, case.reopened_at, now)
    if why_not is not None:
        raise Problem(CONFLICT, detail=_OBSTACLES[why_not])
    return await _taken(connection, case, _reopening(case, now, reason), principal)


async def reopen_by_text(connection: AsyncConnection, case: CaseRow, event: SmsNotSolved) -> None:
    """The same on an SMS "not solved"; what is not possible is told by SMS. ``case`` is locked. A text that comes
    again while the reopened case is dealt with says nothing new."""
    if case.reopened_at is not None and case.status in domain.OPEN:
        return
    now = datetime.now(UTC)
    why_not = obstacle(case.status, case.decided_at, case.reopened_at, event.data.at)
    if why_not is None:
        move = _reopening(case, now, _BY_TEXT)
    else:
        more = {"reason": why_not}
        move = Move("reopening_refused", {}, CaseReopeningRefused, CaseReopeningRefusedData, more, kept=more)
    await take(connection, case, move, actor=event.actor, at=now)


def _reopening(case: CaseRow, now: datetime, reason: str) -> Move:
    days = case.sla_days or DEFAULT_SLA_DAYS
    return Move(
        "reopen",
        {
            "status": "reopened",
            "reopened_at": now,
            "due_at": CALENDAR.add_working_days(now, days),
            "term_days": days,
            "extended": False,
            "escalation": 0,
            "assignee": None,
            "referral_accepted": False,
        },
        CaseReopened,
        note=reason,
    )


async def _own(connection: AsyncConnection, principal: Principal, case_id: UUID) -> CaseRow:
    case = await repository.case_of_citizen(connection, principal, case_id)
    if case is None:
        raise Problem(NOT_FOUND)
    return case


async def _taken(connection: AsyncConnection, case: CaseRow, move: Move, principal: Principal) -> StandingOut:
    actor = Actor(kind="citizen", id=principal.subject)
    await take(connection, case, move, actor=actor, at=datetime.now(UTC))
    due_at = move.changes.get("due_at", case.due_at)
    return StandingOut(
        id=case.id,
        tracking_code=case.tracking_code,
        status=move.changes["status"],
        due_at=due_at,
        due_on=jalali(due_at) if due_at else None,
    )


_DECIDED = Text(
    "دربارهٔ این پرونده تصمیم گرفته شده است و دیگر پس گرفته نمی‌شود.", "It is decided and cannot be withdrawn."
)
_OBSTACLES: dict[Obstacle, Text] = {
    "undecided": Text("تنها پس از تصمیم می‌توان پرونده را دوباره باز کرد.", "Only a decided case can be opened again."),
    "once": Text("پرونده یک بار دوباره باز شده است.", "The case was opened again once already."),
    "late": Text("بیش از سی روز از تصمیم گذشته است.", "More than thirty days have passed since the decision."),
}
_BY_TEXT = "شهروند با پیامک خبر داد که مشکل حل نشده است."
