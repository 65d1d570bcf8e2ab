"""Moving a case: its new state, the step kept for the desk, and the event that tells the others, in one transaction.

Whoever calls holds the case's row lock, so the events of a case are numbered and sent in the order they happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.clocks.domain import Term, next_strike
from services.routing.desk import repository
from services.routing.desk.repository import CaseRow
from shared.contracts.envelope import Actor, CaseStatus, CategoryRef, DepartmentRef, Event
from shared.contracts.routing import CaseState
from shared.kit.ids import uuid7
from shared.kit.outbox import append, new_event

TEHRAN = ZoneInfo("Asia/Tehran")

DEFAULT_SLA_DAYS = 15
"""Working days to an answer where no category says otherwise."""


@dataclass(frozen=True)
class Move:
    """A step to be taken: ``changes`` are the case's columns after it, ``event`` is None for an internal one."""

    step: str
    changes: dict[str, Any]
    event: type[Event] | None = None
    data: type[CaseState] = CaseState
    more: dict[str, Any] | None = None
    note: str | None = None
    kept: dict[str, Any] | None = None
    department: DepartmentRef | None = None
    category: CategoryRef | None = None


async def take(connection: AsyncConnection, case: CaseRow, move: Move, *, actor: Actor, at: datetime) -> None:
    """Applies the move to the case and tells it."""
    changes = dict(move.changes)
    event = None
    if move.event is not None:
        event = new_event(
            move.event,
            subject=str(case.id),
            sequence=case.sequence + 1,
            actor=actor,
            case_id=case.id,
            causation_id=case.last_event_id,
            data=move.data(**_state(case, move), **(move.more or {})),
        )
        changes |= {"sequence": event.sequence, "last_event_id": event.id}
    if changes.get("status", case.status) != "registered":  # in triage the clock stands where registration set it
        if case.status == "registered":
            changes["escalation"] = 0
        changes["next_clock_at"] = next_strike(term_of(case, changes))
    await repository.change_case(connection, case.id, **changes)
    await repository.add_step(
        connection,
        id=uuid7(),
        case_id=case.id,
        at=at,
        type=move.step,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_title=actor.title,
        note=move.note,
        data=move.kept,
        event_id=event.id if event else None,
        former_department_id=case.department_id,
    )
    if event is not None:
        await append(connection, event)


def term_of(case: CaseRow, changes: Mapping[str, Any] | None = None) -> Term:
    """The case's term, as it is once ``changes`` are made to its columns."""
    now = {**case._mapping, **(changes or {})}
    return Term(
        now["status"],
        now["reopened_at"] or now["registered_at"],
        now["due_at"],
        now["term_days"] or DEFAULT_SLA_DAYS,
        now["escalation"],
    )


def department_of(case: CaseRow) -> DepartmentRef | None:
    """The department that has the case."""
    if case.department_id is None:
        return None
    return DepartmentRef(id=case.department_id, name_fa=case.department_fa, name_en=case.department_en)


def category_of(case: CaseRow) -> CategoryRef | None:
    """The category that the case is in."""
    if case.category_id is None:
        return None
    return CategoryRef(id=case.category_id, name_fa=case.category_fa, name_en=case.category_en)


def due_on(due_at: datetime | None) -> date | None:
    """The day in Tehran on which a term ends."""
    return due_at.astimezone(TEHRAN).date() if due_at else None


def _state(case: CaseRow, move: Move) -> dict[str, Any]:
    status: CaseStatus = move.changes.get("status", case.status)
    due_at = move.changes.get("due_at", case.due_at)
    return {
        "status": status,
        "due_at": due_at,
        "due_on": due_on(due_at),
        "department": move.department or department_of(case),
        "category": move.category or category_of(case),
    }
