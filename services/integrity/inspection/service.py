"""The inspectors' use cases: list, read, take a step."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.inspection import domain, repository, schemas, views
from services.integrity.inspection.clocks import Terms
from services.integrity.inspection.moves import MOVES, Bench
from services.integrity.keys import IntegrityKeys
from services.integrity.reports.files import Files
from services.integrity.reports.repository import ReportRow
from services.integrity.reports.story import Step, take
from shared.kit.auth import Principal
from shared.kit.uploads import Damaged
from shared.kit.web.etags import check_if_match
from shared.kit.web.language import Text
from shared.kit.web.problems import CONFLICT, FORBIDDEN, NOT_FOUND, Problem, unavailable

REFUSALS: dict[domain.Refusal, Text] = {
    domain.Refusal.STATE: Text(
        "این گام در وضعیت کنونی گزارش ممکن نیست.", "The report's present state does not allow this step."
    ),
    domain.Refusal.NOBODY_ASSIGNED: Text(
        "این گزارش بازرسی ندارد؛ نخست آن را به بازرسی بسپارید.", "Nobody has the report; assign it first."
    ),
    domain.Refusal.SAME_INSPECTOR: Text("گزارش هم‌اکنون نزد همین بازرس است.", "The inspector has the report already."),
    domain.Refusal.OWN_REPORT: Text("گزارش را نمی‌توان در خودش ادغام کرد.", "A report is not merged into itself."),
}


@dataclass(frozen=True)
class Inspection:
    """What the use cases stand on: the keys, the files, the clocks' terms, and how many of how many custodians recover
    a key."""

    keys: IntegrityKeys
    files: Files
    terms: Terms
    quorum: int
    custodians: int


async def list_reports(
    connection: AsyncConnection,
    caller: Principal,
    filters: repository.Filters,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Any:
    """Reports within reach, newest first. A list shows no content, so looking at it is no reading."""
    within = await _reach(connection, caller)
    return await repository.list_reports(connection, within, filters, before=before, limit=limit)


async def read(
    connection: AsyncConnection, caller: Principal, report_id: UUID, inspection: Inspection
) -> tuple[views.ReportDetailOut, int]:
    """A report within reach and its version; that it was read is a step. Raises a 404 problem for any other."""
    report = await _in_reach(connection, caller, report_id)
    reading = Step(views.READ, caller.subject, datetime.now(UTC), counts=False)
    report, _ = await take(connection, report, reading, inspection.keys)
    return await views.detail(connection, report, caller.subject, inspection.terms), report.version


async def read_file(
    connection: AsyncConnection,
    caller: Principal,
    report_id: UUID,
    n: int,
    inspection: Inspection,
    *,
    original: bool,
) -> bytes:
    """A sealed file of a report within reach: the cleaned copy, or the original, which may harm whoever opens it. That
    it was read is a step.

    Raises a 404 problem for a report out of reach, and for a file or a cleaned copy that there is none of; 503 if the
    store does not give it.
    """
    report = await _in_reach(connection, caller, report_id)
    file = await repository.file_of(connection, report_id, n)
    hash, size = (None, None) if file is None else (file.original_sha256, file.size)
    if file is not None and not original:
        hash, size = file.cleaned_sha256, file.cleaned_size
    if hash is None or size is None:
        raise Problem(NOT_FOUND)
    data = {"file": n, "original": original}
    reading = Step(views.READ, caller.subject, datetime.now(UTC), data=data, counts=False)
    await take(connection, report, reading, inspection.keys)
    try:
        return await inspection.files.sealed(hash, size)
    except (Damaged, OSError):
        raise unavailable() from None


async def take_step(
    connection: AsyncConnection,
    caller: Principal,
    report_id: UUID,
    step: schemas.AnyStep,
    inspection: Inspection,
    *,
    if_match: str | None,
) -> tuple[views.ReportDetailOut, int]:
    """Takes a step; the report after it, and its version.

    Raises, in this order: 404 out of reach, 403 for somebody who takes no such step on it, 428 and 412 about
    ``If-Match``, 409 for a state that does not allow it, 422 for what is named and does not exist or may not be.
    """
    report = await _in_reach(connection, caller, report_id)
    position = _position(caller, report)
    if position is None or not domain.may(step.type, position):
        raise Problem(FORBIDDEN)
    check_if_match(if_match, report.version)
    refusal = domain.refusal(
        step.type,
        domain.Standing(str(report.id), report.state, report.assignee),
        inspector=getattr(step, "inspector", None),
        merged_into=str(getattr(step, "merged_into", None)),
    )
    if refusal is not None:
        raise Problem(CONFLICT, detail=REFUSALS[refusal], code=refusal.value)
    bench = Bench(
        connection,
        inspection.files,
        caller,
        datetime.now(UTC),
        inspection.quorum,
        inspection.custodians,
        await _reach(connection, caller),
    )
    for move in await MOVES[type(step)](report, step, bench):
        report, _ = await take(connection, report, move, inspection.keys)
    return await views.detail(connection, report, caller.subject, inspection.terms), report.version


def _position(caller: Principal, report: ReportRow) -> domain.Position | None:
    """What the caller is to the report: a supervisor, the inspector who has it, or neither."""
    if "supervisor" in caller.roles:
        return "supervisor"
    return "inspector" if report.assignee == caller.subject else None


async def _reach(connection: AsyncConnection, caller: Principal) -> Any:
    return repository.reach(caller, await repository.organisations_of(connection, caller))


async def _in_reach(connection: AsyncConnection, caller: Principal, report_id: UUID) -> ReportRow:
    report = await repository.report_in_reach(connection, await _reach(connection, caller), report_id, lock=True)
    if report is None:
        raise Problem(NOT_FOUND)
    return report
