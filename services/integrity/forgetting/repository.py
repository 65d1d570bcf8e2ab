"""The queries of forgetting."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, not_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.forgetting.domain import ENDED, FORGOTTEN
from services.integrity.reports.story import REPORTER
from services.integrity.tables import identity_shares, report_steps, reports


def _was_forgotten(report_id: Any) -> Any:
    return exists().where(report_steps.c.report_id == report_id, report_steps.c.type == FORGOTTEN)


async def report_by_number(connection: AsyncConnection, report_no: str) -> Any:
    """A report, its row the caller's until the transaction ends; None if there is none."""
    query = select(reports).where(reports.c.report_no == report_no)
    return (await connection.execute(query.with_for_update())).one_or_none()


async def was_forgotten(connection: AsyncConnection, report_id: UUID) -> bool:
    """Whether the report's reporter was forgotten."""
    return bool(await connection.scalar(select(_was_forgotten(report_id))))


async def ended_before(connection: AsyncConnection, moment: datetime, limit: int) -> Sequence[str]:
    """The numbers of reports that ended before then and whose reporter is not forgotten, oldest first."""
    query = (
        select(reports.c.report_no)
        .where(reports.c.state.in_(sorted(ENDED)), reports.c.state_since < moment, not_(_was_forgotten(reports.c.id)))
        .order_by(reports.c.state_since)
        .limit(limit)
    )
    return (await connection.execute(query)).scalars().all()


async def reporters_steps(connection: AsyncConnection, report_id: UUID) -> Sequence[Any]:
    """What the reporter did: the numbers of the steps and the hashes of their leaves (``seq, leaf``)."""
    query = select(report_steps.c.seq, report_steps.c.leaf).order_by(report_steps.c.seq)
    query = query.where(report_steps.c.report_id == report_id, report_steps.c.actor == REPORTER)
    return (await connection.execute(query)).all()


async def forget(connection: AsyncConnection, report_id: UUID, report_no: str, leaves: Sequence[bytes]) -> None:
    """Deletes what steps brought of the reporter: the shares of the identity's key, the copies in the box, and the
    nonces of ``leaves``, of what they did themselves. The step that says so is taken."""
    await connection.execute(delete(identity_shares).where(identity_shares.c.report_id == report_id))
    boxed = update(report_steps).where(report_steps.c.report_id == report_id, report_steps.c.boxed.is_not(None))
    await connection.execute(boxed.values(boxed=None))
    await connection.execute(
        text("SELECT forget_nonces(:chain, CAST(:leaves AS bytea[]))"), {"chain": report_no, "leaves": list(leaves)}
    )
