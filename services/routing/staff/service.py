"""Who may be given a case, and what becomes of the cases of who left."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.desk.repository import CaseRow
from services.routing.desk.story import Move, take
from services.routing.staff import repository
from shared.contracts.envelope import SYSTEM, Event
from shared.contracts.gateway import StaffChanged
from shared.kit.db import Database
from shared.kit.web.language import Text
from shared.kit.web.problems import FieldFault, invalid_fields

_AT_ONCE = 100

_NOBODY = Text("چنین کارشناسی در کار نیست.", "There is no such officer at work.")
_ELSEWHERE = Text(
    "این کارشناس از این واحد یا این استان نیست.", "The officer is not of the department, or not of the province."
)
_LEFT = "کارشناس این پرونده دیگر عهده‌دار آن نیست؛ لطفاً کارشناس دیگری برای آن برگزینید."


async def keep_staff(connection: AsyncConnection, event: Event) -> None:
    """Handles ``staff.changed``: keeps the newest state of the account."""
    if isinstance(event, StaffChanged):
        await repository.keep(connection, event.data)


async def fault_of(
    connection: AsyncConnection, username: str, department_id: str, province: str, *, pointer: str
) -> FieldFault | None:
    """Why somebody cannot be given cases of a department and province, naming the field at ``pointer``; None if they
    can."""
    if await repository.may_have(connection, username, department_id, province):
        return None
    row = await repository.member(connection, username)
    if row is None or not row.active:
        return FieldFault(pointer, "unknown_officer", _NOBODY)
    return FieldFault(pointer, "officer_out_of_reach", _ELSEWHERE)


async def check_officer(connection: AsyncConnection, username: str | None, department_id: str, province: str) -> None:
    """Raises a 422 problem naming ``officer`` for somebody who cannot be given such a case."""
    fault = username and await fault_of(connection, username, department_id, province, pointer="/officer")
    if fault:
        raise invalid_fields(fault)


async def take_back(database: Database, now: datetime | None = None) -> int:
    """Takes open cases from who was disabled or works elsewhere now, with an internal note; how many. Any number of
    workers may do so."""
    taken = 0
    while True:
        async with database.transaction(wakes=False) as connection:
            rows = await repository.left_behind(connection, limit=_AT_ONCE)
            for case in rows:
                await take(connection, case, _left(case), actor=SYSTEM, at=now or datetime.now(UTC))
        taken += len(rows)
        if len(rows) < _AT_ONCE:
            return taken


def _left(case: CaseRow) -> Move:
    return Move("note", {"assignee": None}, note=_LEFT, kept={"officer": case.assignee})
