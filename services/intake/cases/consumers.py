"""Keeps the timeline: what routing, letters and sms tell of a case."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.cases import repository
from shared.contracts.envelope import Event
from shared.contracts.letters import LetterIssued
from shared.contracts.registry import LETTER_STEPS
from shared.contracts.routing import CaseDecided, CaseResumed, CaseState, CaseToldData
from shared.contracts.sms import SmsData, SmsDelivered, SmsSent, SmsUndelivered
from shared.kit.bus import Permanent

_SMS = {SmsSent: ("sent", 1), SmsUndelivered: ("undelivered", 2), SmsDelivered: ("delivered", 3)}


async def keep_timeline(connection: AsyncConnection, event: Event) -> None:
    """Handles every event of the queue ``intake.timeline``."""
    data: Any = getattr(event, "data", None)
    if event.case_id is None:
        raise Permanent("no case is named")
    if isinstance(data, SmsData):
        status, rank = _SMS[type(event)]
        await repository.raise_sms_status(
            connection, event_id=data.step_event_id, case_id=event.case_id, status=status, rank=rank
        )
        return
    case = await repository.case_by_id(connection, event.case_id, lock=True)
    if case is None:
        raise Permanent("no such case")
    if isinstance(data, CaseState):
        await repository.set_state(connection, event.case_id, event.sequence, _state(event, data))
    if isinstance(event, LetterIssued):
        await repository.change_case(connection, event.case_id, letter_number=event.data.number)
    if not isinstance(event, CaseResumed):
        await repository.add_step(
            connection,
            case_id=event.case_id,
            producer=event.source,
            subject=event.subject,
            sequence=event.sequence,
            event_id=event.id,
            at=event.time,
            step=step_name(event),
            actor_title=event.actor.title,
            note_sealed=data.note_sealed if isinstance(data, CaseToldData) else None,
        )
    await repository.change_case(connection, event.case_id, last_event_id=event.id)


def step_name(event: Event) -> str:
    """``case.assigned.v1`` → ``assigned``, ``letter.issued.v1`` → ``letter_issued``."""
    aggregate, name, _ = event.type.split(".")
    return f"letter_{name}" if isinstance(event, LETTER_STEPS) else name if aggregate == "case" else event.type


def _state(event: Event, data: CaseState) -> dict[str, Any]:
    state: dict[str, Any] = {
        "status": data.status,
        "due_at": data.due_at,
        "department": data.department and data.department.model_dump(),
        "category": data.category and data.category.model_dump(),
    }
    if isinstance(event, CaseDecided):
        state |= {"decided_at": event.data.decided_at, "outcome": event.data.outcome}
    return state
