"""Striking the clocks: a level of the escalation is a step of the case, and the missed date is told to the citizen."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.clocks import metrics, repository
from services.routing.clocks.domain import ALL_TOLD, LEVELS, OVERDUE, Level
from services.routing.desk.repository import CaseRow
from services.routing.desk.story import Move, take
from services.routing.staff.repository import told_at
from shared.contracts.envelope import SYSTEM
from shared.contracts.routing import CaseOverdue
from shared.kit.db import Database

EVERY_SECONDS = 15
_AT_ONCE = 100


async def tick(database: Database, now: datetime | None = None) -> int:
    """Takes each case whose clock has struck by ``now`` (UTC) to its next level, and on until none is left; how many
    levels were told. A worker that was away for long tells every level of a case, in order. Any number may tick."""
    told = 0
    while True:
        async with database.transaction(wakes=False) as connection:
            moment = now or datetime.now(UTC)
            rows = await repository.striking(connection, moment, limit=_AT_ONCE)
            for case in rows:
                await take(connection, case, await _strike(connection, case), actor=SYSTEM, at=moment)
        if not rows:
            return told
        told += len(rows)
        database.wake.set()


async def measure(database: Database, now: datetime | None = None) -> None:
    """Shows how many cases wait in triage, and how many of them too long, as metrics."""
    async with database.reading() as connection:
        found = await repository.in_triage(connection, now or datetime.now(UTC))
    metrics.waiting.set(found.waiting)
    metrics.overdue.set(found.overdue)


async def _strike(connection: AsyncConnection, case: CaseRow) -> Move:
    """The next level of a case. Where a department has no manager, its missed date comes before the centre at once."""
    if case.department_id is None:
        kept = await _told(connection, "centre", case)
        changes = {"escalation": ALL_TOLD, "next_clock_at": None}
        return Move("escalate", changes, kept={**kept, "clock": "triage"})
    level, share = LEVELS[case.escalation]
    overdue, reached = level == OVERDUE, case.escalation + 1
    kept = await _told(connection, level, case)
    if level == "manager" and not kept["to"]:
        kept, reached = await _told(connection, "centre", case), ALL_TOLD
    return Move(
        "overdue" if overdue else "escalate",
        {"escalation": reached},
        CaseOverdue if overdue else None,
        kept={**kept, "share": share},
    )


async def _told(connection: AsyncConnection, level: Level, case: CaseRow) -> dict[str, object]:
    return {"level": level, "to": await told_at(connection, level, case)}
