"""The queries of inspectors, supervisors and custodians."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, exists, false, not_, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.inspection.domain import DECLINED
from services.integrity.tables import (
    grants,
    holder_keys,
    holders,
    recovery_shares,
    report_epochs,
    report_exclusions,
    report_files,
    report_steps,
    reports,
)
from shared.kit.auth import Principal

SETTLED = (*sorted(DECLINED), "outcome_told", "closed")


def reach(caller: Principal, organisations: Iterable[str]) -> ColumnElement[bool]:
    """The condition for the reports that a caller may see: those that they hold a grant of (all supervisors get one at
    filing, but who is named in the report), and none about a body that they belong to (``organisations``)."""
    if caller.kind != "staff" or not caller.roles & {"supervisor", "inspector"}:
        return false()
    held = exists().where(
        grants.c.report_id == reports.c.id, grants.c.holder == caller.subject, grants.c.revoked_seq.is_(None)
    )
    return and_(reports.c.organisation_id.not_in(sorted(organisations)), held)


_ORGANISATION = text("SELECT departments ->> :department FROM directory")


async def organisations_of(connection: AsyncConnection, caller: Principal) -> set[str]:
    """The bodies that a member of staff belongs to: as their token says now, and as it said when they registered."""
    known = await connection.scalar(select(holders.c.organisation_id).where(holders.c.username == caller.subject))
    told = None
    if caller.department_id is not None:
        told = await connection.scalar(_ORGANISATION, {"department": caller.department_id})
        told = told or caller.department_id
    return {body for body in (known, told) if body is not None}


@dataclass(frozen=True)
class Filters:
    """What a list is narrowed to; None narrows nothing."""

    state: str | None = None
    organisation: str | None = None
    province: str | None = None
    priority: str | None = None
    inspector: str | None = None
    unassigned: bool | None = None


async def list_reports(
    connection: AsyncConnection,
    within: ColumnElement[bool],
    filters: Filters,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Any]:
    """Reports within reach, newest first; ``limit`` of them at most."""
    query = select(reports).where(within).order_by(reports.c.filed_at.desc(), reports.c.id.desc()).limit(limit)
    columns = {
        reports.c.state: filters.state,
        reports.c.organisation_id: filters.organisation,
        reports.c.province: filters.province,
        reports.c.priority: filters.priority,
        reports.c.assignee: filters.inspector,
    }
    query = query.where(*(column == value for column, value in columns.items() if value is not None))
    if filters.unassigned is not None:
        query = query.where(reports.c.assignee.is_(None) if filters.unassigned else reports.c.assignee.is_not(None))
    if before is not None:
        query = query.where(tuple_(reports.c.filed_at, reports.c.id) < before)
    return (await connection.execute(query)).all()


async def report_in_reach(
    connection: AsyncConnection, within: ColumnElement[bool], report_id: UUID, *, lock: bool = False
) -> Row[Any] | None:
    """A report within reach, its row locked if a step is to be taken on it."""
    query = select(reports).where(reports.c.id == report_id, within)
    return (await connection.execute(query.with_for_update() if lock else query)).one_or_none()


async def exists_in_reach(connection: AsyncConnection, within: ColumnElement[bool], report_id: UUID) -> bool:
    """Whether there is such a report within reach."""
    return bool(await connection.scalar(select(exists().where(reports.c.id == report_id, within))))


async def grants_of(connection: AsyncConnection, report_id: UUID, holder: str) -> Sequence[Any]:
    """The grants in force of a holder, by epoch, each with the public half of the key that opens it."""
    query = (
        select(grants.c.epoch, grants.c.key_id, grants.c.sealed, holder_keys.c.recipient)
        .join(holder_keys, holder_keys.c.id == grants.c.key_id)
        .where(grants.c.report_id == report_id, grants.c.holder == holder, grants.c.revoked_seq.is_(None))
        .order_by(grants.c.epoch, holder_keys.c.seq)
    )
    return (await connection.execute(query)).all()


async def epochs_of(connection: AsyncConnection, report_id: UUID) -> Sequence[Any]:
    """The keys of a report, by epoch."""
    query = select(report_epochs).where(report_epochs.c.report_id == report_id).order_by(report_epochs.c.epoch)
    return (await connection.execute(query)).all()


async def files_of(connection: AsyncConnection, report_id: UUID) -> Sequence[Any]:
    """The files of a report, in their order."""
    query = select(report_files).where(report_files.c.report_id == report_id).order_by(report_files.c.n)
    return (await connection.execute(query)).all()


async def file_of(connection: AsyncConnection, report_id: UUID, n: int) -> Row[Any] | None:
    """A file of a report by its number."""
    query = select(report_files).where(report_files.c.report_id == report_id, report_files.c.n == n)
    return (await connection.execute(query)).one_or_none()


async def holder(connection: AsyncConnection, username: str) -> Row[Any] | None:
    """A holder of a key who is active."""
    query = select(holders).where(holders.c.username == username, holders.c.active)
    return (await connection.execute(query)).one_or_none()


def _excluded(report: Row[Any], holder: Any) -> ColumnElement[bool]:
    return exists().where(report_exclusions.c.report_id == report.id, report_exclusions.c.holder == holder)


async def has_conflict(connection: AsyncConnection, report: Row[Any], holder: Row[Any]) -> bool:
    """Whether a holder is of the accused body, or was named in the report when it was filed."""
    if holder.organisation_id == report.organisation_id:
        return True
    return bool(await connection.scalar(select(_excluded(report, holder.username))))


async def supervisors_of(connection: AsyncConnection, report: Row[Any]) -> Sequence[Any]:
    """The active supervisors who hold a grant of the report, by name."""
    held = exists().where(
        grants.c.report_id == report.id, grants.c.holder == holders.c.username, grants.c.revoked_seq.is_(None)
    )
    query = (
        select(holders)
        .where(
            holders.c.active,
            holders.c.role == "supervisor",
            holders.c.organisation_id.is_distinct_from(report.organisation_id),
            not_(_excluded(report, holders.c.username)),
            held,
        )
        .order_by(holders.c.username)
    )
    return (await connection.execute(query)).all()


async def custodians_for(connection: AsyncConnection, report: Row[Any]) -> Sequence[Any]:
    """The active custodians who may get shares of a report's next key: those who have some of the key before, and then
    those who came after the filing, which left out who is named in the report."""
    shared = exists().where(
        recovery_shares.c.report_id == report.id,
        recovery_shares.c.epoch == report.epoch,
        recovery_shares.c.holder == holders.c.username,
    )
    known_before = exists().where(
        holder_keys.c.username == holders.c.username, holder_keys.c.registered_at < report.filed_at
    )
    query = (
        select(holders)
        .where(
            holders.c.active,
            holders.c.role == "custodian",
            holders.c.organisation_id.is_distinct_from(report.organisation_id),
            not_(_excluded(report, holders.c.username)),
            or_(shared, not_(known_before)),
        )
        .order_by(shared.desc(), holders.c.username)
    )
    return (await connection.execute(query)).all()


async def holders_of(connection: AsyncConnection, *roles: str) -> Sequence[Any]:
    """The active holders of the roles (all of them, if none is named), by name."""
    query = select(holders).where(holders.c.active).order_by(holders.c.username)
    return (await connection.execute(query.where(holders.c.role.in_(roles)) if roles else query)).all()


async def missed_of(connection: AsyncConnection, report_ids: Iterable[UUID]) -> Sequence[Any]:
    """The clocks that reports have missed, as the steps that said so (``report_id``, ``data``)."""
    query = select(report_steps.c.report_id, report_steps.c.data).where(
        report_steps.c.type == "clock_missed", report_steps.c.report_id.in_(list(report_ids))
    )
    return (await connection.execute(query)).all()


async def running_after(connection: AsyncConnection, last: UUID | None, limit: int) -> Sequence[Any]:
    """Reports whose clocks run, by id, ``limit`` at most after ``last``; unlocked."""
    query = select(reports).where(reports.c.state.not_in(SETTLED)).order_by(reports.c.id).limit(limit)
    return (await connection.execute(query if last is None else query.where(reports.c.id > last))).all()


_STANDING = (
    reports.c.id,
    reports.c.state,
    reports.c.organisation_id,
    reports.c.province,
    reports.c.assignee,
    reports.c.filed_at,
    reports.c.round_since,
    reports.c.state_since,
    reports.c.unassigned_since,
    reports.c.acknowledged_at,
    reports.c.first_action_at,
    reports.c.finding_at,
    reports.c.outcome_told_at,
)


async def standings(connection: AsyncConnection, within: ColumnElement[bool]) -> Sequence[Any]:
    """Where all reports within reach stand, and when they got there."""
    return (await connection.execute(select(*_STANDING).where(within))).all()


async def missed_within(connection: AsyncConnection, within: ColumnElement[bool]) -> Sequence[Any]:
    """As ``missed_of``, of all reports within reach."""
    query = (
        select(report_steps.c.report_id, report_steps.c.data)
        .join(reports, reports.c.id == report_steps.c.report_id)
        .where(report_steps.c.type == "clock_missed", within)
    )
    return (await connection.execute(query)).all()
