"""What each correspondence step does to a case: a function per step, from what was sent to the move."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.clocks.domain import due_in_new_term
from services.routing.desk import repository, schemas
from services.routing.desk.repository import CaseRow
from services.routing.desk.story import DEFAULT_SLA_DAYS, Move, department_of, term_of
from services.routing.directory import repository as directory
from services.routing.keys import RoutingKeys
from services.routing.staff.service import check_officer
from shared.contracts import routing as events
from shared.contracts.envelope import Actor, CategoryRef, DepartmentRef
from shared.kit.web.language import Text
from shared.kit.web.problems import FieldFault, invalid_fields
from shared.persian.calendar import CALENDAR

MOVED = "—"
"""What stands in the place of a moved case's text."""


@dataclass(frozen=True)
class Desk:
    """What the moves need besides the step: the keys, who acts, and now (UTC)."""

    connection: AsyncConnection
    keys: RoutingKeys
    actor: Actor
    now: datetime


async def assign(case: CaseRow, step: schemas.Assign, desk: Desk) -> Move:
    """Department, category and officer; the term begins when a department first has the case."""
    department = await _department(desk, step.department_id)
    category = await _category(desk, step.category_id, step.department_id)
    await check_officer(desk.connection, step.officer, department.id, case.province)
    category_id = category.id if category else case.category_id
    sla_days = category.sla_days if category else case.sla_days or DEFAULT_SLA_DAYS
    term = term_of(case)
    term_days, due_at = term.days, case.due_at
    if case.due_at is None or sla_days != case.sla_days:
        term_days = sla_days + (term.days - case.sla_days if case.extended else 0)
        due_at = due_in_new_term(term, term_days)
    return Move(
        "assign",
        {
            "status": "assigned",
            "department_id": department.id,
            "category_id": category_id,
            "assignee": step.officer,
            "sla_days": sla_days,
            "term_days": term_days,
            "due_at": due_at,
            "referred_from": None,
            "restricted": False,
        },
        events.CaseAssigned,
        events.CaseAssignedData,
        {"method": "triage" if case.department_id is None else "officer"},
        note=step.note,
        kept={"department_id": department.id, "officer": step.officer},
        department=department,
        category=CategoryRef(id=category.id, name_fa=category.name_fa, name_en=category.name_en) if category else None,
    )


async def refer(case: CaseRow, step: schemas.Refer, desk: Desk) -> Move:
    """To another department, or back from it; the citizen's date stays."""
    department = await _department(desk, step.department_id)
    back = case.referred_from == department.id
    return Move(
        "refer",
        {
            "status": "assigned",
            "department_id": department.id,
            "assignee": None,
            "referred_from": None if back else case.department_id,
        },
        events.CaseReferred,
        events.CaseReferredData,
        {"from_department": department_of(case)},
        note=step.note,
        kept={"from": case.department_id, "to": department.id, "back": back},
        department=department,
    )


async def accept(case: CaseRow, _step: schemas.Accept, desk: Desk) -> Move:
    """The officer has it now; a referral is accepted with it."""
    changes: dict[str, Any] = {"status": "in_progress", "assignee": desk.actor.id}
    if case.referred_from is not None:
        changes |= {"referred_from": None, "referral_accepted": True}
    return Move("accept", changes, events.CaseAccepted)


async def note(_case: CaseRow, step: schemas.InternalNote, _desk: Desk) -> Move:
    """For the desk alone."""
    return Move("note", {}, note=step.note)


async def request_information(case: CaseRow, step: schemas.RequestInformation, desk: Desk) -> Move:
    """The clock stops until the citizen answers."""
    return Move(
        "request_information",
        {"status": "awaiting_citizen", "paused_at": desk.now},
        events.CaseInformationRequested,
        events.CaseToldData,
        {"note_sealed": desk.keys.seal_note(case.id, step.question)},
        note=step.question,
    )


async def progress(case: CaseRow, step: schemas.Progress, desk: Desk) -> Move:
    """News for the citizen."""
    return Move(
        "progress",
        {},
        events.CaseProgressed,
        events.CaseToldData,
        {"note_sealed": desk.keys.seal_note(case.id, step.note)},
        note=step.note,
    )


async def extend(case: CaseRow, step: schemas.Extend, desk: Desk) -> Move:
    """A later date, with its reason."""
    due_at = CALENDAR.add_working_days(case.due_at, step.days)
    return Move(
        "extend",
        {"due_at": due_at, "extended": True, "term_days": term_of(case).days + step.days},
        events.CaseExtended,
        events.CaseExtendedData,
        {"note_sealed": desk.keys.seal_note(case.id, step.reason), "days": step.days},
        note=step.reason,
        kept={"days": step.days},
    )


async def decide(case: CaseRow, step: schemas.Decide, desk: Desk) -> Move:
    """Kept until somebody else approves it; nobody is told yet."""
    decision = {
        "outcome": step.outcome,
        "letter_body": step.letter_body,
        "sms_summary": step.sms_summary,
        "by": desk.actor.id,
        "by_title": desk.actor.title,
        "at": desk.now.isoformat(),
    }
    changes = {"decision": decision, **resumed(case, desk.now)}
    return Move("decide", changes, kept={"outcome": step.outcome})


async def approve(case: CaseRow, _step: schemas.Approve, desk: Desk) -> Move:
    """The decision counts: it is told, and the letter is made."""
    decision = case.decision
    decision_no = case.decision_no + 1
    letter = {"body": decision["letter_body"], "decided_by_title": decision["by_title"]}
    summary = decision["sms_summary"]
    return Move(
        "approve",
        {
            "status": "decided",
            "decision": None,
            "decision_no": decision_no,
            "decided_at": desk.now,
            "decided_by": [*case.decided_by, decision["by"], desk.actor.id],
        },
        events.CaseDecided,
        events.CaseDecidedData,
        {
            "outcome": decision["outcome"],
            "decision_no": decision_no,
            "decided_at": desk.now,
            "letter_sealed": desk.keys.seal_letter(case.id, letter),
            "note_sealed": desk.keys.seal_note(case.id, summary) if summary else None,
        },
        kept={"outcome": decision["outcome"], "written_by": decision["by"], "letter_body": decision["letter_body"]},
    )


async def give_back(_case: CaseRow, step: schemas.Return, _desk: Desk) -> Move:
    """The decision that waited is dropped; its text stays in the step before."""
    return Move("return", {"decision": None}, note=step.note)


async def close(_case: CaseRow, _step: schemas.Close, _desk: Desk) -> Move:
    """The end of the correspondence."""
    return Move("close", {"status": "closed"}, events.CaseClosed)


async def move(case: CaseRow, step: schemas.HandOver, desk: Desk) -> Move:
    """To the inspection of corruption: what was written here is forgotten, and with it whose matter it is."""
    if not await directory.knows_organisation(desk.connection, step.organisation_id):
        text = Text("این دستگاه در فهرست نیست.", "There is no such body.")
        raise invalid_fields(FieldFault("/organisation_id", "unknown_organisation", text))
    await repository.forget_steps(desk.connection, case.id)
    changes = {
        "status": "moved",
        "restricted": True,
        "subject": MOVED,
        "body": MOVED,
        "folded": "",
        "spaceless": "",
        "routing": {**case.routing, "top": []},
        "decision": None,
        "assignee": None,
        "paused_at": None,
    }
    return Move("move", changes, events.CaseMoved, events.CaseMovedData, {"organisation_id": step.organisation_id})


def resumed(case: CaseRow, now: datetime) -> dict[str, Any]:
    """The case's columns when its clock runs again: the term is longer by the working days that it stood still."""
    if case.paused_at is None:
        return {"status": "in_progress"}
    due_at = case.due_at and CALENDAR.due_after_pause(case.due_at, case.paused_at, now)
    return {"status": "in_progress", "paused_at": None, "due_at": due_at}


MOVES: dict[type[Any], Callable[[CaseRow, Any, Desk], Awaitable[Move]]] = {
    schemas.Assign: assign,
    schemas.Refer: refer,
    schemas.Accept: accept,
    schemas.InternalNote: note,
    schemas.RequestInformation: request_information,
    schemas.Progress: progress,
    schemas.Extend: extend,
    schemas.Decide: decide,
    schemas.Approve: approve,
    schemas.Return: give_back,
    schemas.Close: close,
    schemas.HandOver: move,
}


async def _department(desk: Desk, department_id: str) -> DepartmentRef:
    row = await directory.department(desk.connection, department_id)
    if row is None or row.pipeline != "zrm" or not row.active:
        text = Text("این واحد در فهرست نیست.", "There is no such department.")
        raise invalid_fields(FieldFault("/department_id", "unknown_department", text))
    return DepartmentRef(id=row.id, name_fa=row.name_fa, name_en=row.name_en)


async def _category(desk: Desk, category_id: str | None, department_id: str) -> Any:
    if category_id is None:
        return None
    row = await directory.category(desk.connection, category_id)
    if row is None or row.department_id != department_id or not row.active:
        text = Text("این موضوع در این واحد نیست.", "The department has no such category.")
        raise invalid_fields(FieldFault("/category_id", "unknown_category", text))
    return row
