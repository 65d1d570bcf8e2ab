"""What each step of an inspector or supervisor does to a report: a function per step, from what was sent to the story.

A step that takes somebody's access away is followed by ``key_renewed``: what comes later is sealed to a key that they
never had.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.inspection import repository, schemas
from services.integrity.inspection.domain import after_decision, state_after
from services.integrity.reports.content import age_file_of, seal_content
from services.integrity.reports.files import Files
from services.integrity.reports.repository import ReportRow
from services.integrity.reports.story import SYSTEM, NewEpoch, NewGrant, NewShare, Step
from services.integrity.reports.subjects import recovery_subject
from services.integrity.sealing.age import ReportKey, SecretKey
from services.integrity.sealing.shares import shares_of
from shared.kit.auth import Principal
from shared.kit.uploads import owner_of
from shared.kit.web.language import Text
from shared.kit.web.problems import CONFLICT, FieldFault, Problem, invalid_fields, unavailable

_HELD = Text("این کلیدها پیش‌تر به این فرد داده شده است.", "They hold these keys already.")


@dataclass(frozen=True)
class Bench:
    """What the moves need besides the step: the files, who acts, now (UTC), how many of how many custodians recover a
    key, and which reports the caller may name (``within``)."""

    connection: AsyncConnection
    files: Files
    caller: Principal
    now: datetime
    quorum: int
    custodians: int
    within: Any


async def acknowledge(report: ReportRow, _step: schemas.Acknowledge, bench: Bench) -> list[Step]:
    """A person has read it."""
    changes = {"state": state_after("acknowledge", report.state), "acknowledged_at": bench.now}
    return [_step_of(report, "acknowledge", bench, visible=True, changes=changes)]


async def triage(report: ReportRow, step: schemas.Triage, bench: Bench) -> list[Step]:
    """Admitted, with a priority, or the end of it here."""
    texts = step.texts()
    state = state_after("triage", report.state, disposition=step.declined)
    data: dict[str, Any] = {"priority": step.priority, "admissible": step.admissible}
    if step.merged_into is not None:
        if not await repository.exists_in_reach(bench.connection, bench.within, step.merged_into):
            raise _fault("merged_into", "unknown_report", "چنین گزارشی نیست.", "There is no such report.")
        data["merged_into"] = str(step.merged_into)
    changes = {"state": state, "priority": step.priority, "admissible": step.admissible}
    return [_step_of(report, "triage", bench, texts, visible=True, data=data, changes=changes)]


async def assign(report: ReportRow, step: schemas.Assign, bench: Bench) -> list[Step]:
    """To an inspector, who gets the report's keys; whoever had it before gets none of what comes."""
    inspector = await _holder(report, step.inspector, bench, "inspector", frozenset({"inspector"}))
    before = report.assignee
    assigned = _step_of(
        report,
        "assign",
        bench,
        data={"inspector": inspector.username, **({"from": before} if before else {})},
        changes={"state": state_after("assign", report.state), "assignee": inspector.username},
        grants=await _grants(report, step, inspector, bench),
        revoked=[before] if before else [],
    )
    return [assigned, await _renewed(report, bench, assignee=inspector)] if before else [assigned]


async def grant(report: ReportRow, step: schemas.Grant, bench: Bench) -> list[Step]:
    """The keys, to a supervisor or the inspector who has the report, who hold none that they can open."""
    roles = frozenset({"supervisor"} if step.holder != report.assignee else {"inspector"})
    holder = await _holder(report, step.holder, bench, "holder", roles)
    grants = await _grants(report, step, holder, bench)
    if not grants:
        raise Problem(CONFLICT, detail=_HELD, code="granted_before")
    return [_step_of(report, "grant", bench, data={"holder": holder.username}, grants=grants)]


async def recuse(report: ReportRow, step: schemas.Recuse, bench: Bench) -> list[Step]:
    """The inspector is out of it; a supervisor is to give it to somebody else."""
    recused = _step_of(
        report, "recuse", bench, step.texts(), changes={"assignee": None}, revoked=[bench.caller.subject]
    )
    return [recused, await _renewed(report, bench, assignee=None)]


async def investigate(report: ReportRow, step: schemas.Investigate, bench: Bench) -> list[Step]:
    """The work begins, or goes on."""
    changes: dict[str, Any] = {"state": state_after("investigate", report.state)}
    if report.first_action_at is None:
        changes["first_action_at"] = bench.now
    return [_step_of(report, "investigate", bench, step.texts(), visible=True, changes=changes)]


async def evidence(report: ReportRow, step: schemas.Evidence, bench: Bench) -> list[Step]:
    """Something for the file."""
    files = await bench.files.take(
        bench.connection,
        step.attachments,
        owner_of(bench.caller),
        report.recipient,
        report.epoch,
        report_id=report.id,
    )
    return [_step_of(report, "evidence", bench, step.texts(), files=files)]


async def message(report: ReportRow, step: schemas.Message, bench: Bench) -> list[Step]:
    """Into the reporter's box, and for the file."""
    texts = step.texts()
    boxed = seal_content(texts, [report.box_recipient])
    changes = {"state": state_after("message", report.state)}
    return [_step_of(report, "message", bench, texts, visible=True, boxed=boxed, changes=changes)]


async def finding(report: ReportRow, step: schemas.Finding, bench: Bench) -> list[Step]:
    """What was found; the reporter is told with the decision."""
    data = {"substantiated": step.substantiated}
    changes = {"state": state_after("finding", report.state), "finding_at": bench.now}
    return [_step_of(report, "finding", bench, step.texts(), data=data, changes=changes)]


async def decide(report: ReportRow, step: schemas.Decide, bench: Bench) -> list[Step]:
    """Where it goes, and, in the same transaction, the outcome into the reporter's box."""
    texts = step.texts()
    state = state_after("decide", report.state)
    told = {name: value for name, value in texts.items() if not name.endswith("prevention")}
    return [
        _step_of(report, "decide", bench, texts, data={"to": step.to}, changes={"state": state}),
        Step(
            "outcome_told",
            SYSTEM,
            bench.now,
            visible=True,
            data={"to": step.to},
            boxed=seal_content({"to": step.to, **told}, [report.box_recipient]),
            changes={"state": after_decision(state), "outcome_told_at": bench.now},
        ),
    ]


async def close(report: ReportRow, step: schemas.Close, bench: Bench) -> list[Step]:
    """The end."""
    changes = {"state": state_after("close", report.state)}
    return [_step_of(report, "close", bench, step.texts(), visible=True, changes=changes)]


async def reopen(report: ReportRow, step: schemas.Reopen, bench: Bench) -> list[Step]:
    """A new round, with clocks of its own."""
    changes = {"state": state_after("reopen", report.state), "round_since": bench.now}
    return [_step_of(report, "reopen", bench, step.texts(), visible=True, changes=changes)]


MOVES: dict[type[Any], Callable[[ReportRow, Any, Bench], Awaitable[list[Step]]]] = {
    schemas.Acknowledge: acknowledge,
    schemas.Triage: triage,
    schemas.Assign: assign,
    schemas.Grant: grant,
    schemas.Recuse: recuse,
    schemas.Investigate: investigate,
    schemas.Evidence: evidence,
    schemas.Message: message,
    schemas.Finding: finding,
    schemas.Decide: decide,
    schemas.Close: close,
    schemas.Reopen: reopen,
}


def _step_of(report: ReportRow, type: str, bench: Bench, texts: Mapping[str, Any] | None = None, **more: Any) -> Step:
    """A step of the caller's, its texts sealed to the report's present key."""
    sealed = seal_content(texts, [report.recipient]) if texts else None
    return Step(type, bench.caller.subject, bench.now, sealed=sealed, **more)


async def _holder(report: ReportRow, username: str, bench: Bench, field: str, roles: frozenset[str]) -> Any:
    """Somebody who may get the report's keys; else a 422 problem."""
    row = await repository.holder(bench.connection, username)
    if row is None or row.role not in roles or await repository.has_conflict(bench.connection, report, row):
        raise _fault(
            field,
            "not_assignable",
            "این فرد کلیدی ندارد، نقش دیگری دارد یا با این گزارش تعارض منافع دارد.",
            "They have no key, another role, or a conflict of interest.",
        )
    return row


async def _grants(report: ReportRow, step: schemas.Assign | schemas.Grant, holder: Any, bench: Bench) -> list[NewGrant]:
    """The grants sent, one for each epoch, else a 422 problem; without those that their holder's key has already. What
    is in them only their holder can read."""
    given = {report.epoch: step.grant, **step.earlier}
    if given.keys() != set(range(1, report.epoch + 1)) or report.epoch in step.earlier:
        raise _fault(
            "earlier",
            "epochs_missing",
            "برای هر دورهٔ کلید یک مجوز لازم است.",
            "A grant is needed for each epoch of the report's key.",
        )
    rows = await repository.grants_of(bench.connection, report.id, holder.username)
    held = {row.epoch for row in rows if row.key_id == holder.key_id}
    return [
        NewGrant(epoch, holder.username, holder.key_id, age_file_of(file))
        for epoch, file in sorted(given.items())
        if epoch not in held
    ]


async def _renewed(report: ReportRow, bench: Bench, *, assignee: Any) -> Step:
    """A new key of the report, made in memory, granted to the supervisors who hold the old one and to whoever has the
    report now, and split among the custodians. 503 if those are too few: then nobody's access ends either."""
    granted = [*await repository.supervisors_of(bench.connection, report)]
    granted += [assignee] if assignee is not None else []
    custodians = (await repository.custodians_for(bench.connection, report))[: bench.custodians]
    if len(custodians) < bench.quorum:
        raise unavailable(60)
    new = ReportKey(str(report.id), report.epoch + 1, SecretKey.generate())
    return Step(
        "key_renewed",
        SYSTEM,
        bench.now,
        epoch=NewEpoch(new.epoch, new.key.recipient),
        grants=[NewGrant(new.epoch, row.username, row.key_id, new.grant(row.recipient)) for row in granted],
        recovery=_shares(report, new, custodians, bench.quorum),
    )


def _shares(report: ReportRow, new: ReportKey, custodians: Sequence[Any], quorum: int) -> list[NewShare]:
    keys = {row.username: row.key_id for row in custodians}
    recipients = {row.username: row.recipient for row in custodians}
    shares = shares_of(new.key, recovery_subject(report.id, new.epoch), recipients, quorum)
    return [NewShare(share.among, share.holder, keys[share.holder], share.sealed, new.epoch) for share in shares]


def _fault(field: str, code: str, fa: str, en: str) -> Problem:
    return invalid_fields(FieldFault(f"/{field}", code, Text(fa, en)))
