"""The supervisor's summary: where reports stand and how old they are, how long each part took, what was missed."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from services.integrity.inspection import repository, views
from services.integrity.inspection.api import InspectionOf
from services.integrity.inspection.clocks import Terms, running
from shared.kit.auth import Principal, allow
from shared.kit.db import Reading
from shared.kit.web.openapi import problem_responses

router = APIRouter(prefix="/v1/inspect", tags=["inspection"])

Supervisor = Annotated[Principal, Depends(allow("staff", roles=("supervisor",)))]

_DAY = 86400.0


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class AgesOut(_Out):
    """How old the open reports are, in days since they were filed (or reopened); null if there are none."""

    median_days: float | None
    p90_days: float | None
    oldest_days: float | None


class CountOut(_Out):
    """Reports of one state, body or province: all of them, those still open, and those with a missed clock running."""

    id: str | None
    total: int
    open: int
    missed: int


class TimesOut(_Out):
    """How long it took from filing, over the reports that got so far; null if none did."""

    count: int
    median_days: float | None
    p90_days: float | None


class ClockCountOut(_Out):
    """How many reports run under a clock now, how many of them missed it, by whom it was told to; and how often it was
    missed ever."""

    clock: str
    running: int
    missed: int
    told_to_inspector: int
    told_to_supervisor: int
    told_to_centre: int
    missed_ever: int


class SummaryOut(_Out):
    """All reports within the supervisor's reach."""

    total: int
    open: int
    unassigned: int
    missed: int
    ages: AgesOut
    by_state: list[CountOut]
    by_organisation: list[CountOut]
    by_province: list[CountOut]
    times: dict[str, TimesOut]
    clocks: list[ClockCountOut]


_TIMES = {
    "acknowledge": "acknowledged_at",
    "first_action": "first_action_at",
    "finding": "finding_at",
    "outcome": "outcome_told_at",
}


@router.get("/summary", responses=problem_responses(403))
async def summary(caller: Supervisor, connection: Reading, inspection: InspectionOf) -> SummaryOut:
    """Ages, clocks, counts by state, body and province, and times to acknowledge, first action, finding and outcome."""
    within = repository.reach(caller, await repository.organisations_of(connection, caller))
    rows = await repository.standings(connection, within)
    missed = await repository.missed_within(connection, within)
    return summarised(rows, missed, inspection.terms, datetime.now(UTC))


def summarised(rows: Sequence[Any], missed: Sequence[Any], terms: Terms, now: datetime) -> SummaryOut:
    """The summary of reports (``repository.standings``) and the clocks they missed, as of ``now``."""
    levels = views.levels_of(missed)
    running_now: Counter[str] = Counter()
    late_now: dict[str, Counter[int]] = defaultdict(Counter)
    late_reports = set()
    for row in rows:
        for clock in running(views.times_of(row), terms):
            running_now[clock.clock] += 1
            if level := levels.get(row.id, {}).get((clock.clock, clock.due_at.isoformat())):
                late_now[clock.clock][level] += 1
                late_reports.add(row.id)
    ever = Counter(clock for known in levels.values() for clock, _ in known)
    unsettled = [row for row in rows if row.state not in repository.SETTLED]
    ages = sorted((now - row.round_since).total_seconds() / _DAY for row in unsettled)
    return SummaryOut(
        total=len(rows),
        open=len(unsettled),
        unassigned=sum(row.assignee is None for row in unsettled),
        missed=len(late_reports),
        ages=AgesOut(median_days=_median(ages), p90_days=_p90(ages), oldest_days=_days(ages[-1]) if ages else None),
        by_state=_counts(rows, "state", late_reports),
        by_organisation=_counts(rows, "organisation_id", late_reports),
        by_province=_counts(rows, "province", late_reports),
        times={name: _times(rows, column) for name, column in _TIMES.items()},
        clocks=[
            ClockCountOut(
                clock=clock,
                running=running_now[clock],
                missed=late_now[clock].total(),
                told_to_inspector=late_now[clock][1],
                told_to_supervisor=late_now[clock][2],
                told_to_centre=late_now[clock][3],
                missed_ever=ever[clock],
            )
            for clock in sorted(running_now.keys() | ever.keys())
        ],
    )


def _counts(rows: Sequence[Any], column: str, late: set[Any]) -> list[CountOut]:
    groups: dict[str | None, list[Any]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, column)].append(row)
    return [
        CountOut(
            id=value,
            total=len(group),
            open=sum(row.state not in repository.SETTLED for row in group),
            missed=sum(row.id in late for row in group),
        )
        for value, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0] or ""))
    ]


def _times(rows: Sequence[Any], column: str) -> TimesOut:
    took = sorted(
        max(0.0, (reached - row.filed_at).total_seconds() / _DAY) for row in rows if (reached := getattr(row, column))
    )
    return TimesOut(count=len(took), median_days=_median(took), p90_days=_p90(took))


def _days(value: float) -> float:
    return round(value, 2)


def _median(values: Sequence[float]) -> float | None:
    return _days(median(values)) if values else None


def _p90(values: Sequence[float]) -> float | None:
    """The smallest of sorted values that at least nine tenths do not exceed (nearest rank)."""
    return _days(values[-(-len(values) * 9 // 10) - 1]) if values else None
