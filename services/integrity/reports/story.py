"""Taking a step on a report: its row, everything it brought, its leaf in the log, and the event, in one transaction.

The one way by which anything is written to a report. Whoever calls holds the report's row lock, so that the steps of a
report are numbered, logged and told in one order.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.keys import IntegrityKeys
from services.integrity.log.chain import Recorded, new_leaf, record
from services.integrity.reports import repository
from services.integrity.reports.manifest import MOVING, manifest, moving
from services.integrity.reports.repository import ReportRow
from shared.contracts.envelope import Event
from shared.contracts.integrity import (
    NoticeRequested,
    NoticeRequestedData,
    ReportAdvanced,
    ReportData,
    ReportRegistered,
)
from shared.kit.outbox import append

REPORTER = "reporter"
SYSTEM = "system"
"""Actors who are no holder."""

FILED = "filed"
NOTIFIED = frozenset({"acknowledged_by_machine", "message", "outcome_told"})
"""Steps of which a reporter who asked for it is told by SMS."""


@dataclass(frozen=True)
class NewGrant:
    """The key of an epoch, sealed to a holder's key."""

    epoch: int
    holder: str
    key_id: UUID
    sealed: bytes = field(repr=False)


@dataclass(frozen=True)
class NewShare:
    """A share of a key, sealed to one of the custodians ``among`` whom it was split; ``epoch`` None: of the
    identity's key."""

    among: tuple[str, ...]
    holder: str
    key_id: UUID
    sealed: bytes = field(repr=False)
    epoch: int | None = None


@dataclass(frozen=True)
class NewFile:
    """A file in the store: its sealed original, and the sealed cleaned copy if one could be made, by the hashes and the
    sizes of their ciphertexts. ``n`` counts the report's files from 1."""

    n: int
    epoch: int
    media_type: str
    size: int
    cleaned_size: int | None
    original_sha256: bytes
    cleaned_sha256: bytes | None


@dataclass(frozen=True)
class NewEpoch:
    """A new key of the report, for what comes from this step on."""

    epoch: int
    recipient: str


@dataclass(frozen=True)
class NewExclusion:
    """A holder who never gets a grant of the report, being named in it."""

    holder: str


@dataclass(frozen=True)
class Step:
    """A step to be taken.

    ``data`` says nothing of the content. ``changes`` are the report's columns after it. ``visible``: whether the
    reporter is shown that it happened. ``revoked``: holders whose grants end. ``counts``: False for a reading, which
    leaves the ETag as it is.
    """

    type: str
    actor: str
    at: datetime
    visible: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)
    sealed: bytes | None = field(default=None, repr=False)
    boxed: bytes | None = field(default=None, repr=False)
    changes: Mapping[str, Any] = field(default_factory=dict)
    epoch: NewEpoch | None = None
    grants: Sequence[NewGrant] = ()
    revoked: Sequence[str] = ()
    recovery: Sequence[NewShare] = ()
    identity: Sequence[NewShare] = ()
    files: Sequence[NewFile] = ()
    excluded: Sequence[NewExclusion] = ()
    counts: bool = True


@dataclass(frozen=True)
class StepRow:
    """A row of ``report_steps`` before it has its leaf."""

    report_id: UUID
    seq: int
    type: str
    at: datetime
    actor: str
    visible: bool
    state: str
    epoch: int
    data: dict[str, Any]
    sealed: bytes | None
    boxed: bytes | None


def whole_hour(moment: datetime) -> datetime:
    """The UTC hour that an aware time falls into: all that is kept of when a reporter did something."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


@dataclass(frozen=True)
class Taken:
    """A step that is taken and not written yet: what it changes in the report's row and the row after it, its own row
    with what its leaf covers, its leaf, and what others are told."""

    step: Step
    changes: Mapping[str, Any]
    report: ReportRow
    row: StepRow
    manifest: bytes
    recorded: Recorded
    events: Sequence[Event]


def prepare(report: ReportRow, step: Step, keys: IntegrityKeys) -> Taken:
    """The step on a report as its row stands, for :func:`write`; the next one is prepared on ``Taken.report``."""
    seq = report.seq + 1
    changes = {**step.changes, "version": report.version + (1 if step.counts else 0)}
    state = changes.get("state", report.state)
    if step.epoch is not None:
        changes |= {"epoch": step.epoch.epoch, "recipient": step.epoch.recipient}
    if state != report.state:
        changes["state_since"] = step.at
    if "assignee" in changes:
        changes["unassigned_since"] = step.at if changes["assignee"] is None else None
    row = StepRow(
        report_id=report.id,
        seq=seq,
        type=step.type,
        at=step.at,
        actor=step.actor,
        visible=step.visible,
        state=state,
        epoch=changes.get("epoch", report.epoch),
        data=dict(step.data),
        sealed=step.sealed,
        boxed=step.boxed,
    )
    covered = manifest(
        row,
        grants=step.grants,
        revoked=step.revoked,
        recovery=step.recovery,
        identity=step.identity,
        files=step.files,
        epochs=[step.epoch] if step.epoch else [],
        excluded=step.excluded,
        report=report if seq == 1 else None,
        left=moving({name: changes.get(name, getattr(report, name)) for name in MOVING}),
    )
    recorded = new_leaf(
        chain=report.report_no,
        seq=seq,
        type=step.type,
        at=step.at,
        actor=step.actor,
        ciphertext=covered,
        previous=report.last_leaf,
    )
    changes |= {"seq": seq, "last_leaf": recorded.hash}
    after = repository.changed(report, changes)
    return Taken(step, changes, after, row, covered, recorded, _events(after, step, recorded, keys))


async def write(connection: AsyncConnection, taken: Sequence[Taken]) -> None:
    """Writes steps, of one report or of many, in their order; the reports' rows are the caller's."""
    await record(connection, *(one.recorded for one in taken))
    await repository.add_steps(connection, [(one.row, one.recorded.hash, one.manifest) for one in taken])
    await repository.add_epochs(connection, _brought(taken, lambda step: [step.epoch] if step.epoch else []))
    await repository.add_grants(connection, _brought(taken, lambda step: step.grants))
    await repository.add_shares(connection, _brought(taken, lambda step: [*step.recovery, *step.identity]))
    await repository.add_files(connection, _brought(taken, lambda step: step.files))
    await repository.add_exclusions(connection, _brought(taken, lambda step: step.excluded))
    await append(connection, *(event for one in taken for event in one.events))


async def take(
    connection: AsyncConnection, report: ReportRow, step: Step, keys: IntegrityKeys
) -> tuple[ReportRow, Recorded]:
    """Takes the step; the report's row after it (for the next step in the same transaction), and its leaf."""
    taken = prepare(report, step, keys)
    await repository.change_report(connection, report.id, **taken.changes)
    await repository.revoke_grants(connection, report.id, taken.row.seq, step.revoked)
    await write(connection, [taken])
    return taken.report, taken.recorded


def _brought(taken: Sequence[Taken], of: Callable[[Step], Iterable[Any]]) -> list[tuple[UUID, int, Any]]:
    return [(one.row.report_id, one.row.seq, item) for one in taken for item in of(one.step)]


def _events(report: ReportRow, step: Step, recorded: Recorded, keys: IntegrityKeys) -> list[Event]:
    """Made by hand: their id and time must not say when."""
    kind = ReportRegistered if step.type == FILED else ReportAdvanced
    data = ReportData(state=report.state, leaf=recorded.hash.hex())
    hour = whole_hour(step.at)
    events: list[Event] = [kind(id=uuid4(), subject=str(report.id), time=hour, sequence=report.seq, data=data)]
    if report.notify_sealed is not None and step.type in NOTIFIED:
        notice, sealed = keys.notice(report.id, report.notify_sealed)
        told = NoticeRequestedData(notify_sealed=sealed, language=report.language)
        events.append(NoticeRequested(id=uuid4(), subject=str(notice), time=hour, sequence=1, data=told))
    return events
