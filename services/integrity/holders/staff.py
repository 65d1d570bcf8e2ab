"""Holders who leave: whoever is disabled in the staff directory, or has another role there, is retired at once."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.holders import repository
from services.integrity.holders.chain import End, add_leaf
from services.integrity.holders.statement import RETIRED, statement
from services.integrity.reports.story import SYSTEM
from shared.contracts.envelope import Event
from shared.contracts.gateway import StaffChanged


async def keep_staff(connection: AsyncConnection, event: Event) -> None:
    """Handles ``staff.changed``: keeps the newest state of the account, and retires a holder who may be none any
    more."""
    if not isinstance(event, StaffChanged) or not await repository.keep_staff(connection, event.data):
        return
    username = event.data.username
    await repository.lock_holder(connection, username)
    held = await repository.holder(connection, username)
    if held is not None and held.active and not (event.data.active and held.role in event.data.roles):
        await retire(connection, held, actor=SYSTEM)


async def retire(connection: AsyncConnection, held: Any, *, actor: str) -> None:
    """Makes a holder (their row, whose lock the caller has) one no more, to whom nothing new is sealed from now on;
    itself a leaf."""
    said = statement({**held._mapping, "active": False})
    end = await add_leaf(connection, End(held.key_seq, held.last_leaf), held.username, RETIRED, said, actor=actor)
    await repository.retire(connection, held.username, key_seq=end.seq, last_leaf=end.leaf)
