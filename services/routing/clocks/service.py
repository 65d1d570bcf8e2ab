"""Striking the clocks: a level of the escalation is a step of the case, and the missed date is told to the citizen."""

from datetime import UTC, datetime

from services.routing.clocks.domain import LEVELS, OVERDUE
from services.routing.clocks.repository import striking
from services.routing.desk.repository import CaseRow
from services.routing.desk.story import Move, take
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
            rows = await striking(connection, moment, limit=_AT_ONCE)
            for case in rows:
                await take(connection, case, _strike(case), actor=SYSTEM, at=moment)
        if not rows:
            return told
        told += len(rows)
        database.wake.set()


def _strike(case: CaseRow) -> Move:
    level, share = LEVELS[case.escalation]
    overdue = level == OVERDUE
    return Move(
        "overdue" if overdue else "escalate",
        {"escalation": case.escalation + 1},
        CaseOverdue if overdue else None,
        kept={"level": level, "share": share},
    )
