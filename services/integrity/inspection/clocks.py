"""The clocks of a report: by when a person acknowledges it, each stage ends, and the reporter is told the outcome.

Due times follow from the report's state and times alone, so no clock can be lost or forgotten to be set. Terms in
working days of Iran's offices (``shared.persian.calendar``), the feedback's in Jalali months.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.integrity.inspection.domain import DECLINED, OPEN, State
from shared.persian.calendar import CALENDAR, DateError, day_bounds, jalali, parse_jalali

ClockName = Literal["acknowledge", "triage", "assign", "begin", "investigate", "answer", "decide", "feedback"]
Level = Literal[1, 2, 3]
"""Whom a missed clock is told to: 1 the inspector, 2 the supervisor, 3 the centre."""
LEVELS: Mapping[int, str] = {1: "inspector", 2: "supervisor", 3: "centre"}

STAGES: Mapping[State, ClockName] = {
    "received": "acknowledge",
    "acknowledged": "triage",
    "triaged": "begin",
    "assigned": "begin",
    "reopened": "begin",
    "investigating": "investigate",
    "awaiting_reporter": "answer",
    "findings": "decide",
}
"""Which clock runs in a state. Nobody being assigned, ``assign`` runs beside it."""


@dataclass(frozen=True)
class Terms:
    """How long each may take: working days, but for ``feedback_months``. ``escalate`` is the time between levels."""

    acknowledge: int = 3
    triage: int = 5
    assign: int = 2
    begin: int = 5
    investigate: int = 45
    answer: int = 10
    decide: int = 10
    escalate: int = 2
    feedback_months: int = 3


@dataclass(frozen=True)
class Times:
    """What the clocks need to know of a report, in UTC. ``registered_at`` is when its present round began: filing, or
    the reopening. ``state_since`` is when the state was entered, ``unassigned_since`` None while somebody has it."""

    state: State
    registered_at: datetime
    state_since: datetime
    unassigned_since: datetime | None = None


@dataclass(frozen=True)
class Running:
    """A clock that runs, and when its term ends (UTC)."""

    clock: ClockName
    due_at: datetime


def running(report: Times, terms: Terms) -> Iterator[Running]:
    """The clocks of a report: its stage's, that of an assignment if nobody has it, and the feedback's until it is told
    (a report that is declined or decided has been)."""
    stage = STAGES.get(report.state)
    if stage is not None:
        yield Running(stage, CALENDAR.add_working_days(report.state_since, getattr(terms, stage)))
    if report.unassigned_since is not None and report.state in OPEN:
        yield Running("assign", CALENDAR.add_working_days(report.unassigned_since, terms.assign))
    if report.state in OPEN or report.state == "decision":
        yield Running("feedback", months_later(report.registered_at, terms.feedback_months))


def level_of(due_at: datetime, now: datetime, terms: Terms) -> Level | None:
    """How far a clock that ended at ``due_at`` has escalated by ``now``; None while it is in time."""
    if now <= due_at:
        return None
    if now <= CALENDAR.add_working_days(due_at, terms.escalate):
        return 1
    return 2 if now <= CALENDAR.add_working_days(due_at, 2 * terms.escalate) else 3


def months_later(start: datetime, months: int) -> datetime:
    """The last second in Tehran (UTC) of the day that many Jalali months after ``start``'s; a day that the month does
    not have is its last one."""
    year, month, day = map(int, jalali(start).split("-"))
    years, month = divmod(month - 1 + months, 12)
    while True:
        try:
            found = parse_jalali(f"{year + years:04}-{month + 1:02}-{day:02}")
        except DateError:
            day -= 1
        else:
            return day_bounds(found)[1] - timedelta(seconds=1)


def is_settled(state: State) -> bool:
    """Whether no clock runs any more."""
    return state in DECLINED or state in ("outcome_told", "closed")
