"""When a report's clocks end: by Iran's working days and Jalali months."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.integrity.inspection.clocks import Terms, Times, level_of, months_later, running
from shared.persian.calendar import jalali

# Tuesday 3 Azar 1405, 11:30 in Tehran; Thursday and Friday are the weekend
TUESDAY = datetime(2026, 11, 24, 8, tzinfo=UTC)


def due(report: Times) -> dict[str, str]:
    return {clock.clock: jalali(clock.due_at) for clock in running(report, Terms())}


def test_a_person_acknowledges_within_three_working_days_and_the_outcome_is_told_within_three_months() -> None:
    assert due(Times("received", TUESDAY, TUESDAY)) == {"acknowledge": "1405-09-08", "feedback": "1405-12-03"}


def test_feedback_is_counted_from_the_filing_however_often_the_state_changes() -> None:
    later = TUESDAY + timedelta(days=40)
    assert due(Times("investigating", TUESDAY, later))["feedback"] == "1405-12-03"
    assert due(Times("awaiting_reporter", TUESDAY, later))["feedback"] == "1405-12-03"


def test_nobody_having_the_report_is_a_clock_of_its_own() -> None:
    assert set(due(Times("investigating", TUESDAY, TUESDAY, TUESDAY))) == {"investigate", "assign", "feedback"}


@pytest.mark.parametrize("state", ["out_of_scope", "transferred", "merged", "outcome_told", "closed"])
def test_what_is_settled_has_no_clock(state: str) -> None:
    assert due(Times(state, TUESDAY, TUESDAY, TUESDAY)) == {}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        (datetime(2026, 11, 24, 8, tzinfo=UTC), 3, "1405-12-03"),
        (datetime(2026, 3, 20, 8, tzinfo=UTC), 6, "1405-06-29"),  # 29 Esfand 1404
        (datetime(2026, 5, 21, 8, tzinfo=UTC), 6, "1405-08-30"),  # 31 Ordibehesht: Aban has 30
        (datetime(2025, 11, 21, 8, tzinfo=UTC), 4, "1404-12-29"),  # 30 Aban: Esfand has 29
    ],
)
def test_jalali_months(start: datetime, months: int, expected: str) -> None:
    assert jalali(months_later(start, months)) == expected


@given(st.integers(0, 10 * 365 * 24), st.integers(1, 12))
def test_a_month_later_is_later_and_no_more_than_its_days(hours: int, months: int) -> None:
    start = TUESDAY + timedelta(hours=hours)
    assert start + timedelta(days=29 * months - 1) <= months_later(start, months) <= start + timedelta(days=32 * months)


def test_a_missed_clock_goes_from_the_inspector_to_the_supervisor_to_the_centre() -> None:
    due_at = datetime(2026, 11, 24, 20, 29, 59, tzinfo=UTC)
    days = [due_at + timedelta(days=n) for n in range(8)]
    # Wednesday, weekend, Saturday: the second level begins on Sunday, the third on Tuesday
    assert [level_of(due_at, day, Terms()) for day in days] == [None, 1, 1, 1, 1, 2, 2, 3]
