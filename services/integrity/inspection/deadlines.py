"""The worker's look at the clocks: a missed one becomes a step of the report, and again at each further level."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from services.integrity.inspection import repository
from services.integrity.inspection.clocks import LEVELS, Level, Running, Terms, level_of, running
from services.integrity.inspection.views import levels_of, times_of
from services.integrity.keys import IntegrityKeys
from services.integrity.reports.repository import ReportRow, report_by_id
from services.integrity.reports.story import SYSTEM, Step, take
from shared.kit.clock import exclusive
from shared.kit.db import Database

_BATCH = 500


async def look_at_clocks(database: Database, keys: IntegrityKeys, terms: Terms, *, now: datetime | None = None) -> int:
    """Tells of every clock that was missed by ``now`` and not told of yet; how many steps that was.

    One worker at a time looks; each report is a transaction of its own.
    """
    moment = now or datetime.now(UTC)
    told, last = 0, None
    async with database.transaction(wakes=False) as guard:
        if not await exclusive(guard, "report clocks"):
            return 0
        while rows := await repository.running_after(guard, last, _BATCH):
            levels = levels_of(await repository.missed_of(guard, [row.id for row in rows]))
            late = [row.id for row in rows if _new_levels(row, terms, levels.get(row.id, {}), moment)]
            for report_id in late:
                told += await _tell(database, keys, terms, report_id, moment)
            last = rows[-1].id
    return told


async def _tell(database: Database, keys: IntegrityKeys, terms: Terms, report_id: UUID, now: datetime) -> int:
    async with database.transaction() as connection:
        report = await report_by_id(connection, report_id, lock=True)
        if report is None:
            return 0
        levels = levels_of(await repository.missed_of(connection, [report_id]))
        missed = _new_levels(report, terms, levels.get(report_id, {}), now)
        for clock, level in missed:
            data = {
                "clock": clock.clock,
                "due_at": clock.due_at.isoformat(),
                "level": level,
                "escalated_to": LEVELS[level],
            }
            step = Step("clock_missed", SYSTEM, now, data=data, counts=False)
            report, _ = await take(connection, report, step, keys)
        return len(missed)


def _new_levels(
    report: ReportRow, terms: Terms, known: Mapping[tuple[str, str], int], now: datetime
) -> list[tuple[Running, Level]]:
    found = []
    for clock in running(times_of(report), terms):
        level = level_of(clock.due_at, now, terms)
        if level is not None and level > known.get((clock.clock, clock.due_at.isoformat()), 0):
            found.append((clock, level))
    return found
