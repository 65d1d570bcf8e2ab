"""The desk's use cases: list, show, take a step."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.attachments import repository as attachments
from services.routing.clocks.domain import LEVELS, RUNNING
from services.routing.desk import domain, repository, schemas
from services.routing.desk.moves import MOVES, Desk
from services.routing.desk.repository import CaseRow
from services.routing.desk.story import DEFAULT_SLA_DAYS, category_of, department_of, take
from services.routing.duplicates.repository import similar_to
from services.routing.keys import RoutingKeys
from shared.contracts.envelope import Actor
from shared.kit.auth import Principal
from shared.kit.web.etags import check_if_match, etag
from shared.kit.web.language import Text
from shared.kit.web.problems import CONFLICT, FORBIDDEN, NOT_FOUND, Problem
from shared.persian.calendar import jalali

REFUSALS: dict[domain.Refusal, Text] = {
    domain.Refusal.STATE: Text(
        "این گام در وضعیت کنونی پرونده ممکن نیست.", "The case's present state does not allow this step."
    ),
    domain.Refusal.PENDING: Text(
        "تصمیمی در انتظار تأیید است؛ نخست آن را تأیید کنید یا برگردانید.",
        "A decision awaits approval; approve or return it first.",
    ),
    domain.Refusal.NOTHING_PENDING: Text("تصمیمی در انتظار تأیید نیست.", "No decision awaits approval."),
    domain.Refusal.OWN_DECISION: Text(
        "تصمیم را باید کسی جز نویسندهٔ آن تأیید کند.", "A decision is approved by somebody other than its writer."
    ),
    domain.Refusal.EXTENDED: Text("مهلت این پرونده پیش‌تر تمدید شده است.", "The term was extended once already."),
    domain.Refusal.TOO_LONG: Text(
        "تمدید بیش از نیمی از مهلت موضوع ممکن نیست.", "An extension is at most half of the category's term."
    ),
    domain.Refusal.SAME_DEPARTMENT: Text("پرونده هم‌اکنون در همین واحد است.", "The case is in that department already."),
    domain.Refusal.REFERRAL_OPEN: Text(
        "این ارجاع هنوز پذیرفته نشده است؛ آن را بپذیرید یا به همان واحد برگردانید.",
        "This referral is not accepted yet; accept it or send it back to where it came from.",
    ),
    domain.Refusal.INDEPENDENT: Text(
        "پروندهٔ بازگشوده را باید کسی جز نویسنده و تأییدکنندهٔ تصمیم پیشین بررسی کند.",
        "A case that was opened again is reviewed by somebody who neither wrote nor approved its decision.",
    ),
    domain.Refusal.OUT_OF_REMIT: Text(
        "«خارج از صلاحیت» را مرکز تأیید می‌کند، مگر آن که واحد دیگری ارجاع پرونده را پذیرفته باشد.",
        '"Out of remit" is approved by the centre, unless another department accepted a referral of the case.',
    ),
}


async def show(
    connection: AsyncConnection, principal: Principal, case_id: UUID
) -> tuple[schemas.DeskCaseDetailOut, int]:
    """A case within reach, and its version. Raises a 404 problem for any other."""
    case = await repository.case_in_reach(connection, principal, case_id)
    if case is None:
        raise Problem(NOT_FOUND)
    return await detail(connection, principal, case), case.version


async def take_step(
    connection: AsyncConnection,
    principal: Principal,
    case_id: UUID,
    step: schemas.Step,
    *,
    if_match: str | None,
    keys: RoutingKeys,
) -> tuple[schemas.DeskCaseDetailOut, int]:
    """Takes a correspondence step; the case after it, and its version.

    Raises, in this order: 404 out of reach, 403 for a role that takes no such step, 428 and 412 about ``If-Match``,
    409 for a state that does not allow it, 422 for a department or category that does not exist, and for an officer who
    cannot have the case.
    """
    await _move(connection, principal, case_id, step, if_match=if_match, keys=keys)
    after = await repository.case_for_event(connection, case_id)
    if after is None:
        raise Problem(NOT_FOUND)
    return await detail(connection, principal, after), after.version


async def bulk_assign(
    connection: AsyncConnection, principal: Principal, order: schemas.BulkAssign, *, keys: RoutingKeys
) -> schemas.BulkOut:
    """Takes the step ``assign`` on each case; what one refuses does not undo the others."""
    step = schemas.Assign(type="assign", **order.model_dump(exclude={"items"}))
    results: dict[int, schemas.BulkResult] = {}
    # locked in one order, so that two of these never wait for each other
    for place, item in sorted(enumerate(order.items), key=lambda numbered: numbered[1].id):
        try:
            async with connection.begin_nested():
                version = await _move(connection, principal, item.id, step, if_match=item.etag, keys=keys)
            results[place] = schemas.BulkResult(id=item.id, status=200, etag=etag(version))
        except Problem as problem:
            code = problem.errors[0].code if problem.errors else problem.members.get("code", problem.kind.slug)
            results[place] = schemas.BulkResult(id=item.id, status=problem.kind.status, code=code)
    return schemas.BulkOut(items=[results[place] for place in sorted(results)])


async def _move(
    connection: AsyncConnection,
    principal: Principal,
    case_id: UUID,
    step: schemas.Step,
    *,
    if_match: str | None,
    keys: RoutingKeys,
) -> int:
    """Takes the step, with the checks of ``take_step``; the version after it."""
    case = await repository.case_in_reach(connection, principal, case_id, lock=True)
    if case is None:
        raise Problem(NOT_FOUND)
    if not domain.may(step.type, principal.roles):
        raise Problem(FORBIDDEN)
    check_if_match(if_match, case.version)
    refusal = domain.refusal(
        step.type,
        _standing(case),
        actor=principal.subject,
        roles=principal.roles,
        department_id=getattr(step, "department_id", None),
        officer=getattr(step, "officer", None),
        days=getattr(step, "days", 0),
    )
    if refusal is not None:
        raise Problem(CONFLICT, detail=REFUSALS[refusal], code=refusal.value)
    actor = Actor(kind="staff", id=principal.subject, title=principal.title)
    desk = Desk(connection, keys, actor, datetime.now(UTC))
    await take(connection, case, await MOVES[type(step)](case, step, desk), actor=actor, at=desk.now)
    version: int = case.version + 1
    return version


def _standing(case: CaseRow) -> domain.Standing:
    return domain.Standing(
        status=case.status,
        department_id=case.department_id,
        decided_by=case.decision["by"] if case.decision else None,
        extended=case.extended,
        sla_days=case.sla_days or DEFAULT_SLA_DAYS,
        outcome=case.decision["outcome"] if case.decision else None,
        referred_from=case.referred_from,
        referral_accepted=case.referral_accepted,
        earlier=frozenset(case.decided_by),
    )


def summary(case: CaseRow, now: datetime) -> dict[str, Any]:
    """The fields of a case in a list."""
    runs = case.status in RUNNING
    return {
        "id": case.id,
        "tracking_code": case.tracking_code,
        "status": case.status,
        "kind": case.kind,
        "channel": case.channel,
        "subject": case.subject,
        "province": case.province,
        "department": department_of(case),
        "category": category_of(case),
        "assignee": case.assignee,
        "registered_at": case.registered_at,
        "registered_on": jalali(case.registered_at),
        "due_at": case.due_at,
        "due_on": jalali(case.due_at) if case.due_at else None,
        "overdue": bool(runs and case.due_at and case.due_at < now),
        "escalated": LEVELS[case.escalation - 1][0] if case.escalation else None,
        "decision_pending": case.decision is not None,
    }


def listed(rows: Iterable[CaseRow]) -> list[schemas.DeskCaseOut]:
    """Cases for a list."""
    now = datetime.now(UTC)
    return [schemas.DeskCaseOut(**summary(row, now)) for row in rows]


def in_triage(rows: Iterable[CaseRow]) -> list[schemas.TriageCaseOut]:
    """Cases for the triage list, with the router's guesses."""
    now = datetime.now(UTC)
    return [
        schemas.TriageCaseOut(
            **{**summary(row, now), "overdue": _waited_too_long(row, now)},
            routing=row.routing,
            restricted=row.restricted,
            offer="move_to_irm" if row.restricted else None,
            waiting_since=row.registered_at,
        )
        for row in rows
    ]


def _waited_too_long(case: CaseRow, now: datetime) -> bool:
    return bool(case.escalation) or (case.next_clock_at is not None and case.next_clock_at < now)


async def detail(connection: AsyncConnection, principal: Principal, case: CaseRow) -> schemas.DeskCaseDetailOut:
    """Everything the desk may know of a case."""
    decision = case.decision
    return schemas.DeskCaseDetailOut(
        **summary(case, datetime.now(UTC)),
        body=case.body,
        language=case.language,
        county=case.county,
        organisation_id=case.organisation_id,
        reachable=case.reachable,
        restricted=case.restricted,
        extended=case.extended,
        routing=case.routing,
        second_category_id=case.second_category_id,
        pending_decision=decision
        and schemas.PendingDecisionOut(**{name: decision[name] for name in schemas.PendingDecisionOut.model_fields}),
        decided_at=case.decided_at,
        letter_number=case.letter_number,
        rating=case.rating,
        merged_into=case.merged_into,
        similar=[
            schemas.SimilarOut(
                id=row.id,
                tracking_code=row.tracking_code,
                subject=row.subject,
                status=row.status,
                registered_on=jalali(row.registered_at),
                same_person=row.same_person,
                score=round(row.score, 3),
            )
            for row in await similar_to(connection, principal, case)
        ],
        attachments=[
            schemas.DeskAttachmentOut(n=file.n, media_type=file.media_type, size=file.size, at=file.at)
            for file in await attachments.of_case(connection, case.id)
        ],
        timeline=[
            schemas.DeskStepOut(
                id=step.id,
                at=step.at,
                on=jalali(step.at),
                type=step.type,
                internal=step.event_id is None,
                actor_kind=step.actor_kind,
                actor_title=step.actor_title,
                note=step.note,
                data=step.data,
                sms_status=step.sms_status,
            )
            for step in await repository.steps_of(connection, case.id)
        ],
    )
