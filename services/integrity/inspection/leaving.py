"""What becomes of the open reports of a holder who left the staff: their access ends, and what comes later is sealed to
a key that they never had. A supervisor then gives the reports to somebody else."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.inspection import repository
from services.integrity.inspection.moves import Bench, renewed
from services.integrity.inspection.service import Inspection
from services.integrity.reports.repository import report_by_id
from services.integrity.reports.story import SYSTEM, Step, take
from shared.kit.auth import Principal
from shared.kit.clock import exclusive
from shared.kit.db import Database
from shared.kit.telemetry import log
from shared.kit.web.problems import Problem

_AT_ONCE = 200


async def take_back(database: Database, inspection: Inspection) -> int:
    """Ends the access of who left to the reports that are open; how many those were.

    One worker at a time looks; each report is a transaction of its own. Where too few custodians hold keys nothing is
    done before they do: the rest is done the next time.
    """
    async with database.transaction(wakes=False) as guard:
        if not await exclusive(guard, "leaving"):
            return 0
        found = await repository.left_open(guard, _AT_ONCE)
        done = waiting = 0
        for report_id in found:
            try:
                async with database.transaction() as connection:
                    done += await _take_back(connection, report_id, inspection)
            except Problem:  # too few custodians: as when somebody recuses themselves
                waiting += 1
        if waiting:
            log.warning("access_not_ended_yet", count=waiting)
        return done


async def _take_back(connection: AsyncConnection, report_id: UUID, inspection: Inspection) -> int:
    report = await report_by_id(connection, report_id, lock=True)
    left = await repository.left_holders(connection, report_id)
    if report is None or not left:
        return 0
    now = datetime.now(UTC)
    system = Principal("staff", SYSTEM)
    within = repository.reach(system, ())
    bench = Bench(connection, inspection.files, system, now, inspection.quorum, inspection.custodians, within)
    gone = report.assignee in left
    ended = Step(
        "access_ended",
        SYSTEM,
        now,
        data={"holders": left},
        changes={"assignee": None} if gone else {},
        revoked=left,
    )
    report, _ = await take(connection, report, ended, inspection.keys)
    assignee = await repository.holder(connection, report.assignee) if report.assignee else None
    await take(connection, report, await renewed(report, bench, assignee=assignee), inspection.keys)
    return 1
