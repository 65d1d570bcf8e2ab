import json
from datetime import UTC, date, datetime, timedelta, timezone
from importlib import resources
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.persian.calendar import (
    CALENDAR,
    OFFICIAL_HOLIDAYS,
    TEHRAN,
    DateError,
    WorkingCalendar,
    day_bounds,
    jalali,
    jalali_long,
    jalali_month,
    month_bounds,
    parse_jalali,
    tehran_day,
)


def times_of(day: date) -> st.SearchStrategy[datetime]:
    return st.times().map(lambda time: datetime.combine(day, time, UTC))


days = st.dates(date(1979, 1, 1), date(2100, 1, 1))
instants = st.dates(date(1980, 1, 1), date(2099, 1, 1)).flatmap(times_of)
near = st.dates(date(2024, 3, 20), date(2028, 1, 1)).flatmap(times_of)
terms = st.integers(0, 60)
listed = json.loads(resources.files("shared.persian").joinpath("data/holidays.json").read_text("utf-8"))["holidays"]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- the Jalali calendar ---


@pytest.mark.parametrize(
    ("gregorian", "date_jalali"),
    [
        ("1979-02-11", "1357-11-22"),
        ("2024-03-19", "1402-12-29"),
        ("2024-03-20", "1403-01-01"),
        ("2025-03-19", "1403-12-29"),
        ("2025-03-20", "1403-12-30"),  # 1403 is a leap year; the 2,820-year rule says 1404-01-01 here
        ("2025-03-21", "1404-01-01"),
        ("2025-12-09", "1404-09-18"),
        ("2026-03-20", "1404-12-29"),
        ("2026-03-21", "1405-01-01"),
        ("2026-11-24", "1405-09-03"),
        ("2027-03-20", "1405-12-29"),
        ("2027-03-21", "1406-01-01"),
        ("2030-03-20", "1408-12-30"),
    ],
)
def test_days_as_the_official_calendar_has_them(gregorian: str, date_jalali: str) -> None:
    assert jalali(date.fromisoformat(gregorian)) == date_jalali
    assert parse_jalali(date_jalali) == date.fromisoformat(gregorian)


@pytest.mark.parametrize(
    ("year", "nowruz"),
    [(1399, 20), (1400, 21), (1401, 21), (1402, 21), (1403, 20), (1404, 21), (1405, 21), (1406, 21), (1407, 20)],
)
def test_the_equinox_decides_the_new_year(year: int, nowruz: int) -> None:
    assert parse_jalali(f"{year}-01-01") == date(year + 621, 3, nowruz)


@pytest.mark.parametrize(
    ("moment", "date_jalali"),
    [
        ("2025-03-20T20:29:59", "1403-12-30"),
        ("2025-03-20T20:30:00", "1404-01-01"),
        ("2022-06-01T19:29:59", "1401-03-11"),  # the last summer time: +04:30
        ("2022-06-01T19:30:00", "1401-03-12"),
        ("2023-06-01T20:29:59", "1402-03-11"),  # none since
    ],
)
def test_the_day_is_that_of_tehran(moment: str, date_jalali: str) -> None:
    instant = utc(moment)
    assert jalali(instant) == date_jalali
    assert jalali(instant.astimezone(timezone(timedelta(hours=-8)))) == date_jalali
    assert jalali_month(instant) == date_jalali[:7]


def test_the_time_zone_data_know_that_summer_time_is_over() -> None:
    for month in range(1, 13):
        assert datetime(2030, month, 1, tzinfo=TEHRAN).utcoffset() == timedelta(hours=3, minutes=30)


def test_in_words() -> None:
    assert jalali_long(date(2026, 11, 24)) == "۳ آذر ۱۴۰۵"
    assert jalali_long(utc("2025-03-20T10:00:00")) == "۳۰ اسفند ۱۴۰۳"


@given(days)
def test_there_and_back(day: date) -> None:
    assert parse_jalali(jalali(day)) == day
    assert jalali(day) < jalali(day + timedelta(days=1))
    start, end = day_bounds(day)
    assert tehran_day(start) == tehran_day(end - timedelta(microseconds=1)) == day
    assert tehran_day(end) == day + timedelta(days=1)


@pytest.mark.parametrize("text", ["1404/9/18", " ۱۴۰۴/۰۹/۱۸ ", "١٤٠٤-٠٩-١٨", "1404-09-18"])
def test_dates_as_people_write_them(text: str) -> None:
    assert parse_jalali(text) == date(2025, 12, 9)


@pytest.mark.parametrize(
    "text", ["", "1404", "1404-13-01", "1404-00-10", "1404-12-30", "1404-07-31", "18/09/1404", "0000-01-01"]
)
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(DateError) as refused:
        parse_jalali(text)
    assert refused.value.code == str(refused.value) == "date_invalid"


def test_a_month_from_midnight_to_midnight() -> None:
    assert month_bounds("1404-09") == (utc("2025-11-21T20:30:00"), utc("2025-12-21T20:30:00"))
    assert month_bounds("1403-12") == (utc("2025-02-18T20:30:00"), utc("2025-03-20T20:30:00"))
    assert month_bounds("1401-03") == (utc("2022-05-21T19:30:00"), utc("2022-06-21T19:30:00"))


@given(instants)
def test_every_instant_lies_in_its_month(moment: datetime) -> None:
    start, end = month_bounds(jalali_month(moment))
    assert start <= moment < end
    assert start.tzinfo is UTC
    assert jalali_month(end) > jalali_month(start) == jalali_month(end - timedelta(microseconds=1))


@pytest.mark.parametrize(
    "text", ["", "1404-9", "1404-13", "1404-00", "1404/09", "۱۴۰۴-۰۹", "0000-01", "9999-01", "9377-12"]
)
def test_what_is_no_month(text: str) -> None:
    with pytest.raises(DateError) as refused:
        month_bounds(text)
    assert refused.value.code == "month_invalid"


def test_an_instant_needs_its_zone() -> None:
    naive = utc("2025-01-01").replace(tzinfo=None)
    for ask in (jalali, jalali_long, jalali_month, CALENDAR.is_working_day):
        with pytest.raises(ValueError, match="time zone"):
            ask(naive)
    with pytest.raises(ValueError, match="time zone"):
        CALENDAR.add_working_days(naive, 1)


# --- the list of holidays ---


def test_the_list_has_every_fixed_holiday_of_each_year() -> None:
    for year in range(1403, 1407):
        for fixed in ("01-01", "01-02", "01-03", "01-04", "01-12", "01-13", "03-14", "03-15", "11-22", "12-29"):
            assert parse_jalali(f"{year}-{fixed}") in OFFICIAL_HOLIDAYS
            assert [one for one in listed if one["on"] == f"{year}-{fixed}" and one["kind"] == "solar"]
    assert parse_jalali("1403-12-30") in OFFICIAL_HOLIDAYS


@pytest.mark.parametrize(
    "kind_of_day", ["عید سعید فطر", "عید سعید قربان", "عید سعید غدیر خم", "عاشورای حسینی", "اربعین حسینی"]
)
def test_a_lunar_holiday_comes_back_after_a_lunar_year(kind_of_day: str) -> None:
    found = [parse_jalali(one["on"]) for one in listed if one["title"] == kind_of_day and one["kind"] == "lunar"]
    assert len(found) >= 4
    assert all((later - earlier).days in (353, 354, 355, 356) for earlier, later in pairwise(found))


def test_the_list_is_in_order_and_marks_what_is_an_estimate() -> None:
    assert [one["on"] for one in listed] == sorted(one["on"] for one in listed)
    assert {one["kind"] for one in listed} == {"solar", "lunar", "declared"}
    for one in listed:
        assert set(one) - {"estimated"} == {"on", "kind", "title"}
        assert one.get("estimated", True) is True
        assert "estimated" not in one or one["kind"] == "lunar"
    assert all("estimated" in one for one in listed if one["kind"] == "lunar" and one["on"] > "1405-12")


@pytest.mark.parametrize(
    "on",
    ["1403-01-22", "1403-04-26", "1403-09-15", "1404-01-11", "1404-04-15", "1404-09-03", "1405-03-06", "1405-04-04"],
)
def test_lunar_holidays_as_the_printed_calendars_have_them(on: str) -> None:
    assert parse_jalali(on) in OFFICIAL_HOLIDAYS


# --- working days ---


@pytest.mark.parametrize(
    ("start", "term", "due"),
    [
        ("2025-12-06T08:00:00", 1, "2025-12-07T20:29:59"),  # Saturday → Sunday
        ("2025-12-09T08:00:00", 1, "2025-12-10T20:29:59"),  # Tuesday → Wednesday
        ("2025-12-10T08:00:00", 1, "2025-12-13T20:29:59"),  # Wednesday → Saturday
        ("2025-12-11T22:00:00", 1, "2025-12-13T20:29:59"),  # Friday in Tehran → Saturday
        ("2025-12-09T20:30:00", 1, "2025-12-13T20:29:59"),  # already Wednesday in Tehran
        ("2025-12-11T08:00:00", 0, "2025-12-13T20:29:59"),  # Thursday: a term of none ends on the first working day
        ("2025-12-13T08:00:00", 0, "2025-12-13T20:29:59"),
        ("2025-12-06T08:00:00", 15, "2025-12-27T20:29:59"),
        ("2025-03-18T08:00:00", 1, "2025-03-25T20:29:59"),  # over Nowruz 1404: 29, 30 Esfand and 1-4 Farvardin
    ],
)
def test_terms(start: str, term: int, due: str) -> None:
    assert CALENDAR.add_working_days(utc(start), term) == utc(due)


@given(near, terms)
def test_a_term_ends_with_a_working_day(start: datetime, term: int) -> None:
    due = CALENDAR.add_working_days(start, term)
    assert due.tzinfo is UTC
    assert (due.hour, due.minute, due.second, due.microsecond) == (20, 29, 59, 0)
    assert CALENDAR.is_working_day(due)
    assert due >= start.replace(microsecond=0)
    if term:
        assert CALENDAR.working_days_between(start, due) == term
        assert CALENDAR.add_working_days(start, term - 1) < due or not CALENDAR.is_working_day(start)


@given(near, near, near)
def test_working_days_add_up(first: datetime, second: datetime, third: datetime) -> None:
    between = CALENDAR.working_days_between
    assert between(first, second) == -between(second, first)
    assert between(first, second) + between(second, third) == between(first, third)
    assert abs(between(first, second)) <= abs((tehran_day(second) - tehran_day(first)).days)


@given(near, st.integers(1, 30), st.integers(1, 30))
def test_terms_in_a_row_are_one_term(start: datetime, first: int, second: int) -> None:
    in_a_row = CALENDAR.add_working_days(CALENDAR.add_working_days(start, first), second)
    assert in_a_row == CALENDAR.add_working_days(start, first + second)


@given(near, st.integers(1, 30), st.integers(0, 30), st.timedeltas(timedelta(0), timedelta(days=60)))
def test_a_pause_leaves_the_working_days_that_were_left(
    start: datetime, term: int, used: int, pause: timedelta
) -> None:
    due = CALENDAR.add_working_days(start, term)
    paused = CALENDAR.add_working_days(start, used)
    resumed = paused + pause
    moved = CALENDAR.due_after_pause(due, paused, resumed)
    if due < paused:
        assert moved == due
    else:
        left = CALENDAR.working_days_between(paused, due)
        assert moved == max(
            due, CALENDAR.add_working_days(paused, left + CALENDAR.working_days_between(paused, resumed))
        )
        assert CALENDAR.working_days_between(resumed, moved) == left


def test_a_clock_does_not_resume_before_its_pause() -> None:
    due = CALENDAR.add_working_days(utc("2025-12-06T08:00:00"), 5)
    with pytest.raises(ValueError, match="after its pause"):
        CALENDAR.due_after_pause(due, utc("2025-12-08T08:00:00"), utc("2025-12-07T08:00:00"))


@given(near, st.integers(1, 40))
def test_shares_of_a_term(start: datetime, term: int) -> None:
    due = CALENDAR.add_working_days(start, term)
    assert CALENDAR.share_at(start, term, 0.75) <= CALENDAR.share_at(start, term, 1.0) == due
    assert CALENDAR.share_at(start, term, 1.5) > due


def test_shares_are_rounded_up_to_whole_days() -> None:
    start = utc("2025-12-06T08:00:00")
    assert CALENDAR.share_at(start, 10, 0.75) == CALENDAR.add_working_days(start, 8)
    assert CALENDAR.share_at(start, 30, 0.1) == CALENDAR.add_working_days(start, 3)


def test_other_weekends_and_holidays() -> None:
    friday_only = WorkingCalendar({date(2025, 12, 10)}, weekend={4})
    assert not friday_only.is_working_day(date(2025, 12, 10))
    assert friday_only.is_working_day(date(2025, 12, 11))
    with pytest.raises(ValueError, match="working day"):
        WorkingCalendar(set(), weekend=set(range(7)))
    with pytest.raises(ValueError, match="negative"):
        CALENDAR.add_working_days(utc("2025-12-06T08:00:00"), -1)
