"""When a case's clock strikes: at 75, 100 and 150 % of its term it comes before the officer, the manager, the centre.

A case that no department has yet waits in triage, by a clock of its own, which ends at the centre.

Pure: a term goes in, an instant comes out. Shares are of the term in working days, an extension included; the days
on which the clock stood still do not count.
"""

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Literal

from shared.contracts.envelope import CaseStatus
from shared.persian.calendar import CALENDAR

Level = Literal["officer", "manager", "centre"]

LEVELS: tuple[tuple[Level, float], ...] = (("officer", 0.75), ("manager", 1.0), ("centre", 1.5))
"""Who is told, one after the other, and at which share of the term."""

OVERDUE: Level = "manager"
"""The level at which the promised date has passed, which the citizen is told of."""

ALL_TOLD = len(LEVELS)

RUNNING: frozenset[CaseStatus] = frozenset({"assigned", "in_progress", "reopened"})
"""States in which the clock of a case runs."""


@dataclass(frozen=True)
class TriageDays:
    """How many working days a case may wait in triage; 0: until the end of that day, if offices work on it.
    ``restricted`` is for what may be corruption."""

    usual: int = 1
    restricted: int = 0

    def strike(self, start: datetime, *, restricted: bool) -> datetime:
        """The instant (UTC) after which a case that waits since ``start`` comes before the centre."""
        return CALENDAR.add_working_days(start, self.restricted if restricted else self.usual)


TRIAGE = TriageDays()


@dataclass(frozen=True)
class Term:
    """A case's term: from ``start`` on ``days`` working days, extension included, ending at ``due_at`` (UTC), which is
    later than that by the working days of pauses. ``reached`` is how many of ``LEVELS`` were told so far."""

    status: CaseStatus
    start: datetime
    due_at: datetime | None
    days: int
    reached: int


def next_strike(term: Term) -> datetime | None:
    """The instant (UTC) after which the next level is to be told; None while the clock stands still or all are told."""
    if term.status not in RUNNING or term.due_at is None or term.reached >= len(LEVELS):
        return None
    _, share = LEVELS[term.reached]
    used = ceil(round(term.days * share, 6))
    if used >= term.days:
        return CALENDAR.add_working_days(term.due_at, used - term.days) if used > term.days else term.due_at
    whole = CALENDAR.working_days_between(term.start, term.due_at)
    return CALENDAR.add_working_days(term.start, max(0, whole - (term.days - used)))


def due_in_new_term(term: Term, days: int) -> datetime:
    """When a term of ``days`` working days ends that takes this one's place (another category): from the same start,
    later by the same pauses."""
    if term.due_at is None:
        return CALENDAR.add_working_days(term.start, days)
    stood = max(0, CALENDAR.working_days_between(term.start, term.due_at) - term.days)
    return CALENDAR.add_working_days(term.start, days + stood)
