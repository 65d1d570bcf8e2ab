"""The custodians' use cases: ask, give, finish. Every one of them is a step of the report, and so a leaf of the log."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.custody import repository, schemas
from services.integrity.custody.domain import Opening, Refusal
from services.integrity.custody.repository import Kind
from services.integrity.inspection import repository as inspection
from services.integrity.keys import IntegrityKeys
from services.integrity.reports.content import age_file_of, seal_content
from services.integrity.reports.repository import ReportRow
from services.integrity.reports.story import NewGrant, Step, take
from shared.kit.auth import Principal
from shared.kit.web.language import Text
from shared.kit.web.problems import CONFLICT, FORBIDDEN, NOT_FOUND, FieldFault, Problem, invalid_fields
from shared.persian.calendar import jalali

REFUSALS: dict[Refusal, Text] = {
    Refusal.OWN: Text("درخواست‌کننده سهم خود را در دستگاه خودش می‌گشاید.", "Whoever asks opens their own share."),
    Refusal.GIVEN: Text("شما سهم خود را پیش‌تر داده‌اید.", "You gave your share before."),
    Refusal.FINISHED: Text("این درخواست پایان یافته است.", "This request is finished."),
    Refusal.TOO_FEW: Text("هنوز سهم‌های لازم داده نشده است.", "Not enough shares have been given yet."),
}
_NO_KEY = Text("برای این کار باید کلید عمومی خود را ثبت کرده باشید.", "This needs a registered public key of yours.")
_NOT_HELD = Text("این سهم از آن شما نیست.", "This is no share of yours.")
_NO_READER = Text("این فرد کلیدی ندارد یا این گزارش نزد او نیست.", "They have no key, or do not have this report.")
_EPOCHS = Text("برای هر دورهٔ کلید یک مجوز لازم است.", "A grant is needed for each epoch of the report's key.")


async def openings(
    connection: AsyncConnection, caller: Principal, report_id: UUID, kind: Kind
) -> list[schemas.OpeningOut]:
    """The openings of a report of which the caller holds a share. Raises a 404 problem for any other report."""
    report = await _in_reach(connection, caller, report_id, kind)
    return [
        await _shown(connection, caller, report, kind, opening)
        for opening in (await _openings(connection, report, kind)).values()
    ]


async def waiting(connection: AsyncConnection, caller: Principal) -> schemas.WaitingOut:
    """What waits for the caller: openings that they were asked for and gave nothing to, and reports nobody can read."""
    organisations = await inspection.organisations_of(connection, caller)
    asked = []
    kinds: tuple[Kind, ...] = ("identity", "recovery")
    for kind in kinds:
        reports = await repository.asked_reports(connection, repository.reach(caller, organisations, kind), kind)
        for report in reports:
            for opening in (await _openings(connection, report, kind)).values():
                if opening.may_give(caller.subject) is None:
                    asked.append(
                        schemas.AskedOut(
                            report_id=report.id,
                            report_no=report.report_no,
                            kind=kind,
                            request=opening.id,
                            asked_by=opening.asked_by,
                            asked_at=opening.asked_at,
                        )
                    )
    unread = await repository.unread_reports(connection, repository.reach(caller, organisations, "recovery"))
    return schemas.WaitingOut(
        asked=asked,
        unread=[
            schemas.UnreadOut(report_id=row.id, report_no=row.report_no, filed_on=jalali(row.filed_at))
            for row in unread
        ],
    )


async def ask(
    connection: AsyncConnection,
    caller: Principal,
    report_id: UUID,
    kind: Kind,
    asked: schemas.AskIdentity,
    keys: IntegrityKeys,
) -> schemas.OpeningOut:
    """Asks for an opening; the reason is sealed to the report's readers and to all custodians.

    Raises a 404 problem out of reach, 409 without a key of one's own, 422 if nobody of that name may have the report.
    """
    report = await _in_reach(connection, caller, report_id, kind)
    me = await inspection.holder(connection, caller.subject)
    if me is None:
        raise Problem(CONFLICT, detail=_NO_KEY, code="no_key")
    data: dict[str, Any] = {"request": str(uuid4()), "key_id": str(me.key_id)}
    if isinstance(asked, schemas.AskRecovery):
        await _reader(connection, report, asked.holder)
        data["holder"] = asked.holder
    custodians = await inspection.holders_of(connection, "custodian")
    recipients = [report.recipient, *(row.recipient for row in custodians)]
    step = Step(
        f"{kind}_asked",
        caller.subject,
        datetime.now(UTC),
        data=data,
        sealed=seal_content({"reason": asked.reason}, recipients),
        counts=False,
    )
    report, _ = await take(connection, report, step, keys)
    return await _one(connection, caller, report, kind, UUID(data["request"]))


async def give(
    connection: AsyncConnection,
    caller: Principal,
    report_id: UUID,
    kind: Kind,
    given: schemas.Give,
    keys: IntegrityKeys,
) -> schemas.OpeningOut:
    """Gives the caller's shares, sealed to whoever asked.

    Raises a 404 problem out of reach or for no such request, 409 if it was given or finished before, 422 for a share
    that the caller does not hold. What is in a share only whoever asked can read.
    """
    report = await _in_reach(connection, caller, report_id, kind)
    opening = await _opening(connection, report, kind, given.request)
    _refuse(opening.may_give(caller.subject))
    held = {
        (getattr(row, "epoch", None), tuple(row.among))
        for row in await repository.shares_of(connection, report.id, kind)
        if row.holder == caller.subject
    }
    for n, share in enumerate(given.shares):
        if (share.epoch, tuple(share.among)) not in held:
            raise invalid_fields(FieldFault(f"/shares/{n}", "not_held", _NOT_HELD))
    shares = [share.model_dump() for share in given.shares]
    step = Step(
        f"{kind}_given",
        caller.subject,
        datetime.now(UTC),
        data={"request": str(opening.id), "shares": shares},
        counts=False,
    )
    report, _ = await take(connection, report, step, keys)
    return await _one(connection, caller, report, kind, opening.id)


async def finish(
    connection: AsyncConnection, caller: Principal, report_id: UUID, finished: schemas.Finish, keys: IntegrityKeys
) -> schemas.OpeningOut:
    """Gives the recovered keys, as grants, to the present key of whoever lost theirs. An inspector who gets a report
    that nobody could read has it from now on.

    Raises a 404 problem out of reach or for no such request, 403 for anybody but who asked, 409 if it is finished or
    too few gave, 422 unless there is a grant for each epoch.
    """
    report = await _in_reach(connection, caller, report_id, "recovery")
    opening = await _opening(connection, report, "recovery", finished.request)
    if opening.asked_by != caller.subject:
        raise Problem(FORBIDDEN)
    _refuse(opening.may_finish(_sets(await repository.shares_of(connection, report.id, "recovery"))))
    holder = await _reader(connection, report, opening.holder or "")
    if finished.grants.keys() != set(range(1, report.epoch + 1)):
        raise invalid_fields(FieldFault("/grants", "epochs_missing", _EPOCHS))
    takes_over = holder.role == "inspector" and not await repository.has_reader(connection, report.id)
    held = await inspection.grants_of(connection, report.id, holder.username)
    known = {row.epoch for row in held if row.key_id == holder.key_id}
    step = Step(
        "recovery_finished",
        caller.subject,
        datetime.now(UTC),
        data={"request": str(opening.id), "holder": holder.username},
        changes={"assignee": holder.username} if takes_over else {},
        grants=[
            NewGrant(epoch, holder.username, holder.key_id, age_file_of(file))
            for epoch, file in sorted(finished.grants.items())
            if epoch not in known
        ],
        counts=False,
    )
    report, _ = await take(connection, report, step, keys)
    return await _one(connection, caller, report, "recovery", opening.id)


async def _in_reach(connection: AsyncConnection, caller: Principal, report_id: UUID, kind: Kind) -> ReportRow:
    organisations = await inspection.organisations_of(connection, caller)
    within = repository.reach(caller, organisations, kind)
    report = await inspection.report_in_reach(connection, within, report_id, lock=True)
    if report is None:
        raise Problem(NOT_FOUND)
    return report


async def _reader(connection: AsyncConnection, report: ReportRow, username: str) -> Any:
    """The holder who has the report and lost their key: its inspector, or a supervisor who was granted it. Of a report
    that nobody may read, since all were in conflict when it was filed, any of them whom the custodians choose."""
    row = await inspection.holder(connection, username)
    may = row is not None and (
        await inspection.grants_of(connection, report.id, username)
        or (row.role != "custodian" and not await repository.has_reader(connection, report.id))
    )
    if row is None or not may or await inspection.has_conflict(connection, report, row):
        raise invalid_fields(FieldFault("/holder", "not_a_reader", _NO_READER))
    return row


async def _openings(connection: AsyncConnection, report: ReportRow, kind: Kind) -> dict[UUID, Opening]:
    return Opening.told_by(await repository.opening_steps(connection, report.id, kind))


async def _opening(connection: AsyncConnection, report: ReportRow, kind: Kind, request: UUID) -> Opening:
    opening = (await _openings(connection, report, kind)).get(request)
    if opening is None:
        raise Problem(NOT_FOUND)
    return opening


async def _one(
    connection: AsyncConnection, caller: Principal, report: ReportRow, kind: Kind, request: UUID
) -> schemas.OpeningOut:
    return await _shown(connection, caller, report, kind, await _opening(connection, report, kind, request))


async def _shown(
    connection: AsyncConnection, caller: Principal, report: ReportRow, kind: Kind, opening: Opening
) -> schemas.OpeningOut:
    shares = await repository.shares_of(connection, report.id, kind)
    complete = opening.complete(_sets(shares))
    for_me = complete and opening.asked_by == caller.subject
    holder = await inspection.holder(connection, opening.holder) if opening.holder else None
    sealed = report.identity_sealed if kind == "identity" and for_me else None
    return schemas.OpeningOut(
        request=opening.id,
        report_id=report.id,
        report_no=report.report_no,
        asked_by=opening.asked_by,
        asked_at=opening.asked_at,
        reason=_text(opening.reason),
        recipient=await repository.key_recipient(connection, opening.key_id) or "",
        holder=opening.holder,
        holder_recipient=holder.recipient if holder else None,
        given_by=sorted(given.by for given in opening.given),
        complete=complete,
        finished=opening.finished,
        keys=await _keys(connection, report, kind),
        my_shares=[_share(row, row.holder, _text(row.sealed)) for row in shares if row.holder == caller.subject],
        given_shares=_given(opening) if for_me else None,
        sealed=_text(sealed) if sealed is not None else None,
    )


async def _keys(connection: AsyncConnection, report: ReportRow, kind: Kind) -> list[schemas.EpochOut]:
    if kind == "identity":
        return [schemas.EpochOut(epoch=None, recipient=report.identity_recipient)]
    rows = await inspection.epochs_of(connection, report.id)
    return [schemas.EpochOut(epoch=row.epoch, recipient=row.recipient) for row in rows]


def _given(opening: Opening) -> list[schemas.ShareOut]:
    return [
        schemas.ShareOut(epoch=share["epoch"], among=share["among"], holder=given.by, share=share["share"])
        for given in opening.given
        for share in given.shares
    ]


def _share(row: Any, holder: str, sealed: str) -> schemas.ShareOut:
    return schemas.ShareOut(epoch=getattr(row, "epoch", None), among=list(row.among), holder=holder, share=sealed)


def _sets(shares: Sequence[Any]) -> set[tuple[int | None, tuple[str, ...]]]:
    return {(getattr(row, "epoch", None), tuple(row.among)) for row in shares}


def _refuse(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise Problem(CONFLICT, detail=REFUSALS[refusal], code=refusal.value)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
