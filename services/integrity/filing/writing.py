"""New reports into the database, those of many requests in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.filing.domain import Holder
from services.integrity.filing.parcel import FIRST_EPOCH, Parcel
from services.integrity.filing.schemas import ReportIn
from services.integrity.keys import IntegrityKeys
from services.integrity.reports import repository
from services.integrity.reports.once import OnceOnly, begin_all, keep_all
from services.integrity.reports.story import (
    FILED,
    REPORTER,
    SYSTEM,
    NewEpoch,
    NewFile,
    Step,
    Taken,
    prepare,
    whole_hour,
    write,
)
from shared.kit.web.problems import Problem
from shared.persian.identifiers import new_tracking_code


@dataclass(frozen=True)
class NewBox:
    """The reporter's box; ``code`` None where the client made its own."""

    locator: str
    auth_hash: bytes
    recipient: str
    code: str | None = field(repr=False)


@dataclass(frozen=True)
class NewReport:
    """A report that is sealed and not written yet: its first two steps (it was filed; it was acknowledged by
    machine)."""

    filed: Taken
    acknowledged: Taken
    answer: bytes = field(repr=False)
    """What is answered, but for the receipt, which is made anew from the leaf each time."""


def new_report(
    report: ReportIn,
    box: NewBox,
    parcel: Parcel,
    inspector: Holder | None,
    keys: IntegrityKeys,
    files: Sequence[NewFile] = (),
) -> NewReport:
    """The report with its leaves, filed now."""
    hour = whole_hour(datetime.now(UTC))
    number = _number(report)
    row = repository.new_report(
        id=parcel.report_id,
        report_no=new_tracking_code(),
        mode=report.mode,
        organisation_id=report.organisation_id,
        province=report.province,
        language=report.language,
        locator=box.locator,
        auth_hash=box.auth_hash,
        box_recipient=box.recipient,
        state="received",
        epoch=FIRST_EPOCH,
        recipient=parcel.recipient,
        filed_at=hour,
        round_since=hour,
        state_since=hour,
        unassigned_since=hour,
        identity_sealed=parcel.identity_sealed,
        identity_recipient=parcel.identity_recipient,
        notify_sealed=keys.keep_number(parcel.report_id, number) if number else None,
    )
    step = Step(
        FILED,
        REPORTER,
        hour,
        visible=True,
        data={"inspector": inspector.username if inspector else None, "sealed_by_client": report.is_sealed},
        sealed=parcel.content,
        changes={"assignee": inspector.username if inspector else None},
        epoch=NewEpoch(FIRST_EPOCH, parcel.recipient),
        grants=parcel.grants,
        recovery=parcel.recovery,
        identity=parcel.identity,
        files=files,
        excluded=parcel.excluded,
    )
    filed = prepare(row, step, keys)
    acknowledged = prepare(filed.report, Step("acknowledged_by_machine", SYSTEM, hour, visible=True), keys)
    answer = {"report_no": row.report_no, "receipt_code": box.code, "leaf": filed.recorded.hash.hex()}
    return NewReport(filed, acknowledged, orjson.dumps(answer))


async def write_reports(
    connection: AsyncConnection, sent: Sequence[tuple[OnceOnly, NewReport]]
) -> list[bytes | Problem]:
    """For each request its answer: of the report that was written, or of one that was filed by the same request before;
    or the problem to answer with. IntegrityError if a number, a locator or an id is another report's."""
    begun = await begin_all(connection, [once for once, _ in sent])
    new = [(once, report) for (once, report), kept in zip(sent, begun, strict=True) if kept is None]
    await add(connection, [report for _, report in new])
    await keep_all(connection, [(once, report.answer) for once, report in new])
    return [report.answer if kept is None else kept for (_, report), kept in zip(sent, begun, strict=True)]


async def add(connection: AsyncConnection, new: Sequence[NewReport]) -> None:
    """The reports, their steps, leaves and events."""
    if new:
        await repository.add_reports(connection, [one.acknowledged.report for one in new])
        await write(connection, [step for one in new for step in (one.filed, one.acknowledged)])


def _number(report: ReportIn) -> str | None:
    """The mobile (E.164) that is to be told of news, if its owner wants that."""
    if report.sealing is not None:
        return report.sealing.notify_mobile
    return report.contact.mobile if report.contact is not None and report.contact.notify else None
