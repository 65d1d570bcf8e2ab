"""Telling the others who works where: ``staff.changed``, in the transaction of the change."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.envelope import SYSTEM, Actor
from shared.contracts.gateway import StaffChanged, StaffChangedData
from shared.kit.outbox import append, new_event


async def tell(connection: AsyncConnection, account: Any, *, actor: Actor = SYSTEM) -> None:
    """Tells of an account (a row of ``staff``) as it stands after a change, whose number is its ``version``."""
    data = StaffChangedData(
        username=account.username,
        roles=tuple(sorted(account.roles)),
        department_id=account.department_id,
        province=account.province,
        active=not account.disabled,
        version=account.version,
    )
    event = new_event(StaffChanged, subject=account.username, sequence=account.version, actor=actor, data=data)
    await append(connection, event)
