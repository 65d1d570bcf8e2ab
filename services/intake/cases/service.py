"""A citizen's use of their cases: reading them, adding to them, rating them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.attachments.service import Attachments
from services.intake.cases import repository
from services.intake.cases.repository import CaseRow
from services.intake.cases.schemas import (
    CaseOut,
    CaseWithTimelineOut,
    MessageIn,
    MessageOut,
    PublicStepOut,
    RatingIn,
    RatingOut,
    StepOut,
    TrackOut,
)
from services.intake.cases.wording import STATUSES, STEPS
from services.intake.keys import IntakeKeys
from shared.contracts.envelope import Actor, Event
from shared.contracts.intake import CaseRated, CaseRatedData, CaseSupplemented, CaseSupplementedData
from shared.kit.auth import Principal
from shared.kit.ids import uuid7
from shared.kit.outbox import append, new_event
from shared.kit.sealing import seal
from shared.kit.uploads import owner_of
from shared.kit.web.language import Language, Text
from shared.kit.web.problems import CONFLICT, NOT_FOUND, Problem
from shared.persian.calendar import jalali

ENDED = ("closed", "withdrawn", "moved")


def case_out(row: CaseRow, subject: str) -> CaseOut:
    """A case as its citizen sees it."""
    return CaseOut(
        id=row.id,
        tracking_code=row.tracking_code,
        status=row.status,
        kind=row.kind,
        channel=row.channel,
        subject=subject,
        registered_at=row.registered_at,
        registered_on=jalali(row.registered_at),
        due_at=row.due_at,
        due_on=jalali(row.due_at) if row.due_at else None,
        category=row.category,
        department=row.department,
        province=row.province,
        outcome=row.outcome,
        letter_number=row.letter_number,
    )


async def case_with_timeline(
    connection: AsyncConnection,
    principal: Principal,
    case_id: UUID,
    keys: IntakeKeys,
    attachments: Attachments,
    language: Language,
) -> CaseWithTimelineOut:
    """A case of the caller with its text, files and steps. Raises a 404 problem for a foreign or unknown one."""
    row = await _own(connection, principal, case_id)
    text = keys.text_of(row.id, row.text_sealed)
    steps = await timeline_of(connection, row, keys, language)
    return CaseWithTimelineOut(
        **case_out(row, text["subject"]).model_dump(),
        body=text["body"],
        attachments=await attachments.of_case(connection, row.id),
        timeline=steps,
    )


async def timeline(
    connection: AsyncConnection, principal: Principal, case_id: UUID, keys: IntakeKeys, language: Language
) -> list[StepOut]:
    """The steps of a case of the caller. Raises a 404 problem for a foreign or unknown one."""
    return await timeline_of(connection, await _own(connection, principal, case_id), keys, language)


async def timeline_of(connection: AsyncConnection, row: CaseRow, keys: IntakeKeys, language: Language) -> list[StepOut]:
    """The registration and every step after it, in order."""
    first = StepOut(
        at=row.registered_at,
        on=jalali(row.registered_at),
        step="registered",
        title=STEPS["registered"].to(language),
        sms_status=await repository.sms_status_of(connection, row.registered_event_id),
    )
    return [
        first,
        *(
            StepOut(
                at=step.at,
                on=jalali(step.at),
                step=step.step,
                title=STEPS[step.step].to(language),
                note=keys.note_of(row.id, step.note_sealed) if step.note_sealed else None,
                actor_title=step.actor_title,
                sms_status=step.sms_status,
            )
            for step in await repository.steps_of(connection, row.id)
        ),
    ]


async def track(connection: AsyncConnection, code: str, language: Language) -> TrackOut:
    """Where the case with that code stands; nothing that says whose it is. Raises a 404 problem if there is none."""
    row = await repository.case_by_code(connection, code)
    if row is None:
        raise Problem(NOT_FOUND)
    steps = [("registered", row.registered_at)]
    steps += [(step.step, step.at) for step in await repository.steps_of(connection, row.id)]
    return TrackOut(
        tracking_code=row.tracking_code,
        status=row.status,
        status_title=STATUSES[row.status].to(language),
        registered_at=row.registered_at,
        registered_on=jalali(row.registered_at),
        due_at=row.due_at,
        due_on=jalali(row.due_at) if row.due_at else None,
        steps=list(_public(steps, language)),
    )


def _public(steps: Iterable[tuple[str, datetime]], language: Language) -> Iterable[PublicStepOut]:
    for step, at in steps:
        yield PublicStepOut(at=at, on=jalali(at), step=step, title=STEPS[step].to(language))


async def add_message(
    connection: AsyncConnection,
    principal: Principal,
    case_id: UUID,
    message: MessageIn,
    keys: IntakeKeys,
    attachments: Attachments,
) -> MessageOut:
    """Adds a supplement or an answer. Raises 404 for a foreign case, 409 for an ended one, 422 for uploads that cannot
    be had."""
    row = await _own(connection, principal, case_id, lock=True)
    if row.status in ENDED:
        raise Problem(CONFLICT, detail=_ENDED_TEXT)
    message_id, now = uuid7(), datetime.now(UTC)
    files = await attachments.take(connection, row.id, message.attachments, owner_of(principal), message_id=message_id)
    sealed = seal(keys.text, orjson.dumps({"body": message.body}), b"text:" + str(message_id).encode())
    event = new_event(
        CaseSupplemented,
        **_next(row, principal),
        data=CaseSupplementedData(message_id=message_id, supplemented_at=now, text_sealed=sealed, attachments=files),
    )
    await repository.add_message(connection, id=message_id, case_id=row.id, text_sealed=sealed, at=now)
    await _tell(connection, row, event, step="supplemented")
    shown = await attachments.of_case(connection, row.id, message_id=message_id)
    return MessageOut(id=message_id, case_id=row.id, at=now, attachments=shown)


async def rate(
    connection: AsyncConnection, principal: Principal, case_id: UUID, rating: RatingIn, keys: IntakeKeys
) -> RatingOut:
    """Takes the one rating of a decided case. Raises 404 for a foreign case, 409 before the decision and the second
    time."""
    row = await _own(connection, principal, case_id, lock=True)
    if row.decided_at is None:
        raise Problem(CONFLICT, detail=_UNDECIDED_TEXT)
    now = datetime.now(UTC)
    comment = (
        seal(keys.text, orjson.dumps({"body": rating.comment}), b"text:" + str(row.id).encode())
        if rating.comment
        else None
    )
    if not await repository.add_rating(connection, case_id=row.id, score=rating.score, comment_sealed=comment, at=now):
        raise Problem(CONFLICT, detail=_RATED_TEXT)
    event = new_event(
        CaseRated, **_next(row, principal), data=CaseRatedData(score=rating.score, comment_sealed=comment)
    )
    await repository.change_case(connection, row.id, sequence=event.sequence)
    await append(connection, event)
    return RatingOut(case_id=row.id, score=rating.score, at=now)


async def _own(connection: AsyncConnection, principal: Principal, case_id: UUID, *, lock: bool = False) -> CaseRow:
    row = await repository.own_case(connection, principal, case_id, lock=lock)
    if row is None:
        raise Problem(NOT_FOUND)
    return row


def _next(row: CaseRow, principal: Principal) -> dict[str, Any]:
    """What intake's next event on the case carries; the caller holds the row's lock."""
    return {
        "subject": str(row.id),
        "sequence": row.sequence + 1,
        "actor": Actor(kind="partner" if principal.kind == "partner" else "citizen", id=principal.subject),
        "case_id": row.id,
        "causation_id": row.last_event_id,
    }


async def _tell(connection: AsyncConnection, row: CaseRow, event: Event, *, step: str) -> None:
    """Writes intake's own step into the timeline and its event into the outbox."""
    await repository.add_step(
        connection,
        case_id=row.id,
        producer=event.source,
        subject=event.subject,
        sequence=event.sequence,
        event_id=event.id,
        at=event.time,
        step=step,
    )
    await repository.change_case(connection, row.id, sequence=event.sequence, last_event_id=event.id)
    await append(connection, event)


_ENDED_TEXT = Text("رسیدگی به این پرونده پایان یافته است.", "This case has ended.")
_UNDECIDED_TEXT = Text("پس از تصمیم می‌توانید امتیاز بدهید.", "You can rate the case once it is decided.")
_RATED_TEXT = Text("پیش‌تر به این پرونده امتیاز داده‌اید.", "You have rated this case already.")
