"""The queries of custodians: shares, and the openings that were asked for."""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, false, not_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.tables import grants, holder_keys, identity_shares, recovery_shares, report_steps, reports
from shared.kit.auth import Principal

Kind = Literal["identity", "recovery"]


def reach(caller: Principal, organisations: set[str], kind: Kind) -> ColumnElement[bool]:
    """The condition for the reports of which a custodian holds a share, but none about a body that they belong to."""
    if caller.kind != "staff" or "custodian" not in caller.roles:
        return false()
    shares: Any = identity_shares if kind == "identity" else recovery_shares
    held = exists().where(shares.c.report_id == reports.c.id, shares.c.holder == caller.subject)
    return and_(reports.c.organisation_id.not_in(sorted(organisations)), held)


async def shares_of(connection: AsyncConnection, report_id: UUID, kind: Kind) -> Sequence[Any]:
    """All shares of a key as they are sealed to their holders (``epoch`` None: of the identity's)."""
    if kind == "identity":
        query = select(identity_shares).where(identity_shares.c.report_id == report_id)
        return (await connection.execute(query.order_by(identity_shares.c.among, identity_shares.c.holder))).all()
    query = select(recovery_shares).where(recovery_shares.c.report_id == report_id)
    order = (recovery_shares.c.epoch, recovery_shares.c.among, recovery_shares.c.holder)
    return (await connection.execute(query.order_by(*order))).all()


async def opening_steps(connection: AsyncConnection, report_id: UUID, kind: Kind) -> Sequence[Any]:
    """The steps by which openings of a kind were asked for, given to and finished, in their order."""
    types = [f"{kind}_asked", f"{kind}_given", f"{kind}_finished"]
    query = select(report_steps).where(report_steps.c.report_id == report_id, report_steps.c.type.in_(types))
    return (await connection.execute(query.order_by(report_steps.c.seq))).all()


async def has_reader(connection: AsyncConnection, report_id: UUID) -> bool:
    """Whether anybody holds a grant of the report."""
    held = exists().where(grants.c.report_id == report_id, grants.c.revoked_seq.is_(None))
    return bool(await connection.scalar(select(held)))


async def asked_reports(connection: AsyncConnection, within: ColumnElement[bool], kind: Kind) -> Sequence[Any]:
    """The reports within reach about which something was asked."""
    asked = exists().where(report_steps.c.report_id == reports.c.id, report_steps.c.type == f"{kind}_asked")
    return (await connection.execute(select(reports).where(within, asked).order_by(reports.c.id))).all()


async def unread_reports(connection: AsyncConnection, within: ColumnElement[bool]) -> Sequence[Any]:
    """The reports within reach that nobody holds a grant of."""
    held = exists().where(grants.c.report_id == reports.c.id, grants.c.revoked_seq.is_(None))
    return (await connection.execute(select(reports).where(within, not_(held)).order_by(reports.c.filed_at))).all()


async def key_recipient(connection: AsyncConnection, key_id: UUID) -> str | None:
    """The public half of a key that a holder registered at some time."""
    recipient: str | None = await connection.scalar(select(holder_keys.c.recipient).where(holder_keys.c.id == key_id))
    return recipient
