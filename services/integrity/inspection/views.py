"""What inspectors and supervisors are shown of reports: states and times in the clear, content sealed."""

import base64
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.inspection import repository
from services.integrity.inspection.clocks import Terms, Times, running
from services.integrity.inspection.domain import State
from services.integrity.reports.repository import ReportRow, steps_of
from shared.persian.calendar import jalali

READ = "read"
_SHARES = "shares"
"""Not shown with the steps: shares are for the custodian whom they are sealed to."""


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class ClockOut(_Out):
    """A clock that runs; ``level`` says whom it was told to once it was missed (1 inspector, 2 supervisor, 3 centre).
    ``due_on`` is the Jalali date of ``due_at``."""

    clock: str
    due_at: datetime
    due_on: str
    level: int | None


class ReportOut(_Out):
    """A report as a list shows it: nothing of its content. ``filed_at`` is the hour; ``filed_on`` its Jalali date."""

    id: UUID
    report_no: str
    state: State
    mode: str
    organisation_id: str
    province: str | None
    language: str
    priority: str | None
    admissible: bool | None
    inspector: str | None
    filed_at: datetime
    filed_on: str
    state_since: datetime
    clocks: list[ClockOut]


class HolderOut(_Out):
    """Somebody who holds a key; ``leaf`` is the hash of the leaf that says so in the log. ``name``: to be compared, by
    whoever gives keys, with those whom a report names."""

    username: str
    role: Literal["inspector", "supervisor", "custodian"]
    name: str
    title: str | None
    province: str | None
    organisation_id: str | None
    recipient: str
    registered_at: datetime
    leaf: str

    @classmethod
    def of(cls, row: Any) -> Self:
        """From a row of ``holders``."""
        names = ("username", "role", "name", "title", "province", "organisation_id", "recipient", "registered_at")
        return cls(**{name: getattr(row, name) for name in names}, leaf=row.last_leaf.hex())


class HoldersOut(_Out):
    """The holders, by name."""

    items: list[HolderOut]


class ReportPage(_Out):
    """Reports within reach, newest first."""

    items: list[ReportOut]
    next: str | None = None


class GrantOut(_Out):
    """The private key of an epoch as an age file (base64) to ``recipient``, a key of the caller's."""

    epoch: int
    recipient: str
    grant: str


class EpochOut(_Out):
    """The public half of an epoch's key."""

    epoch: int
    recipient: str


class StepOut(_Out):
    """A step. ``sealed`` (base64) opens with the key of the step's ``epoch``; ``data`` says nothing of the content."""

    seq: int
    type: str
    at: datetime
    on: str
    actor: str
    state: State
    epoch: int
    data: dict[str, Any]
    sealed: str | None


class ReadingOut(_Out):
    """Who read the report (``file``: one of its files), and when."""

    at: datetime
    by: str
    file: int | None


class FileOut(_Out):
    """A file of the report. Its bytes come sealed from ``…/attachments/{n}``: a cleaned copy, if one could be made, and
    with ``?original=true`` the evidence as it was sent. Sizes and hashes are those of the sealed files."""

    n: int
    seq: int
    epoch: int
    media_type: str
    size: int
    cleaned_size: int | None
    original_sha256: str
    cleaned_sha256: str | None


class ReportDetailOut(ReportOut):
    """A report with its sealed content and the caller's grants. ``grant`` is the one that opens the present ``epoch``
    with the caller's present key, null if there is none. New content is sealed to ``recipient``, and what the reporter
    is to read to ``box_recipient``, too. ``version`` is what the ``ETag`` says."""

    version: int
    epoch: int
    recipient: str
    box_recipient: str
    grant: str | None
    grants: list[GrantOut]
    epochs: list[EpochOut]
    steps: list[StepOut]
    readings: list[ReadingOut]
    attachments: list[FileOut]


def times_of(report: ReportRow) -> Times:
    """What the clocks need to know of a report."""
    return Times(report.state, report.round_since, report.state_since, report.unassigned_since)


def levels_of(missed: Iterable[Any]) -> dict[UUID, dict[tuple[str, str], int]]:
    """How far the missed clocks of each report have escalated, by clock and due time (RFC 3339)."""
    levels: dict[UUID, dict[tuple[str, str], int]] = defaultdict(dict)
    for row in missed:
        key = (row.data["clock"], row.data["due_at"])
        levels[row.report_id][key] = max(row.data["level"], levels[row.report_id].get(key, 0))
    return levels


def _fields(report: ReportRow, terms: Terms, levels: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    return {
        "id": report.id,
        "report_no": report.report_no,
        "state": report.state,
        "mode": report.mode,
        "organisation_id": report.organisation_id,
        "province": report.province,
        "language": report.language,
        "priority": report.priority,
        "admissible": report.admissible,
        "inspector": report.assignee,
        "filed_at": report.filed_at,
        "filed_on": jalali(report.filed_at),
        "state_since": report.state_since,
        "clocks": [
            ClockOut(
                clock=clock.clock,
                due_at=clock.due_at,
                due_on=jalali(clock.due_at),
                level=levels.get((clock.clock, clock.due_at.isoformat())),
            )
            for clock in running(times_of(report), terms)
        ],
    }


async def listed(connection: AsyncConnection, rows: Sequence[ReportRow], terms: Terms) -> list[ReportOut]:
    """Reports for a list."""
    levels = levels_of(await repository.missed_of(connection, [row.id for row in rows]))
    return [ReportOut(**_fields(row, terms, levels.get(row.id, {}))) for row in rows]


async def detail(connection: AsyncConnection, report: ReportRow, caller: str, terms: Terms) -> ReportDetailOut:
    """All of a report, for somebody who holds grants of it."""
    levels = levels_of(await repository.missed_of(connection, [report.id]))
    held = await repository.grants_of(connection, report.id, caller)
    me = await repository.holder(connection, caller)
    steps = await steps_of(connection, report.id)
    return ReportDetailOut(
        **_fields(report, terms, levels.get(report.id, {})),
        version=report.version,
        epoch=report.epoch,
        recipient=report.recipient,
        box_recipient=report.box_recipient,
        grant=next(
            (_text(row.sealed) for row in held if me and row.key_id == me.key_id and row.epoch == report.epoch), None
        ),
        grants=[GrantOut(epoch=row.epoch, recipient=row.recipient, grant=_text(row.sealed)) for row in held],
        epochs=[
            EpochOut(epoch=row.epoch, recipient=row.recipient)
            for row in await repository.epochs_of(connection, report.id)
        ],
        steps=[_step(row) for row in steps if row.type != READ],
        readings=[ReadingOut(at=row.at, by=row.actor, file=row.data.get("file")) for row in steps if row.type == READ],
        attachments=[
            FileOut(
                n=row.n,
                seq=row.seq,
                epoch=row.epoch,
                media_type=row.media_type,
                size=row.size,
                cleaned_size=row.cleaned_size,
                original_sha256=row.original_sha256.hex(),
                cleaned_sha256=row.cleaned_sha256.hex() if row.cleaned_sha256 else None,
            )
            for row in await repository.files_of(connection, report.id)
        ],
    )


def _step(row: Any) -> StepOut:
    return StepOut(
        seq=row.seq,
        type=row.type,
        at=row.at,
        on=jalali(row.at),
        actor=row.actor,
        state=row.state,
        epoch=row.epoch,
        data={name: value for name, value in row.data.items() if name != _SHARES},
        sealed=_text(row.sealed) if row.sealed is not None else None,
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
