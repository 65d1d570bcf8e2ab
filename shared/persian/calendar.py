"""The Jalali calendar in Tehran's time, and working days.

Instants are aware datetimes, kept in UTC; a day is Tehran's (UTC+03:30 all year since 2022, with summer time before).
The conversion is that of ``persiantools``: it keeps the leap year at 1403, where the 2,820-year rule, which other
libraries follow, puts it at 1404 and is a day off from 2025-03-20 on.
"""

import json
import re
from collections.abc import Callable, Set
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib import resources
from math import ceil
from typing import Final
from zoneinfo import ZoneInfo

from persiantools.jdatetime import JalaliDate

from shared.persian.digits import to_latin, to_persian

TEHRAN: Final = ZoneInfo("Asia/Tehran")

MONTHS: Final = (
    "فروردین",
    "اردیبهشت",
    "خرداد",
    "تیر",
    "مرداد",
    "شهریور",
    "مهر",
    "آبان",
    "آذر",
    "دی",
    "بهمن",
    "اسفند",
)


# persiantools says that it is typed, but its constructor is not
_from_gregorian: Callable[[date], JalaliDate] = JalaliDate
_from_fields: Callable[[int, int, int], JalaliDate] = JalaliDate


class DateError(ValueError):
    """Not a Jalali date or month. ``code`` is ``date_invalid`` or ``month_invalid``; it is the whole message."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def tehran_day(moment: datetime | date) -> date:
    """The (Gregorian) day that it is in Tehran at that instant; a ``date`` is taken as it is.

    Raises ValueError for a datetime without a time zone.
    """
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is None:
        raise ValueError("an instant needs its time zone")
    return moment.astimezone(TEHRAN).date()


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """The first instant of a day in Tehran and that of the next day, in UTC."""
    return _midnight(day), _midnight(day + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, TEHRAN).astimezone(UTC)


@lru_cache(maxsize=4096)
def _fields(day: date) -> tuple[int, int, int]:
    converted = _from_gregorian(day)
    return converted.year, converted.month, converted.day


def jalali(moment: datetime | date) -> str:
    """The Jalali date in Tehran with Latin digits: ``1404-09-18``. Raises ValueError for a naive datetime."""
    return "{:04}-{:02}-{:02}".format(*_fields(tehran_day(moment)))


def jalali_long(moment: datetime | date) -> str:
    """The Jalali date in Tehran in words, with Persian digits: «۳ آذر ۱۴۰۵». Raises ValueError for a naive datetime."""
    year, month, day = _fields(tehran_day(moment))
    return to_persian(f"{day} {MONTHS[month - 1]} {year}")


def jalali_month(moment: datetime | date) -> str:
    """The Jalali month in Tehran with Latin digits: ``1404-09``. Raises ValueError for a naive datetime."""
    return jalali(moment)[:7]


_DATE = re.compile("([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})")
_MONTH = re.compile("([0-9]{4})-([0-9]{2})")


def parse_jalali(text: str) -> date:
    """The Gregorian day of a Jalali date: ``1404-09-18``, ``1404/9/18``, «۱۴۰۴/۰۹/۱۸». Raises DateError
    ``date_invalid``."""
    match = _DATE.fullmatch(to_latin(text.strip()))
    if match is None:
        raise DateError("date_invalid")
    return _gregorian(int(match[1]), int(match[2]), int(match[3]), "date_invalid")


def month_bounds(month: str) -> tuple[datetime, datetime]:
    """The first instant of a Jalali month (``1404-09``) in Tehran and that of the next month, in UTC.

    Raises DateError ``month_invalid``.
    """
    match = _MONTH.fullmatch(month)
    if match is None:
        raise DateError("month_invalid")
    year, number = int(match[1]), int(match[2])
    first = _gregorian(year, number, 1, "month_invalid")
    following = _gregorian(year + number // 12, number % 12 + 1, 1, "month_invalid")
    return _midnight(first), _midnight(following)


def _gregorian(year: int, month: int, day: int, code: str) -> date:
    try:
        return _from_fields(year, month, day).to_gregorian()
    except (ValueError, OverflowError):
        raise DateError(code) from None


# --- working days ---------------------------------------------------------------------------------------------------

_DAY: Final = timedelta(days=1)

THURSDAY_AND_FRIDAY: Final[Set[int]] = frozenset({3, 4})
"""The weekend of the state's offices, as ``date.weekday()``."""


class WorkingCalendar:
    """Terms in working days: from the day after the start to the last second of the last day."""

    def __init__(self, holidays: Set[date], weekend: Set[int] = THURSDAY_AND_FRIDAY) -> None:
        """``holidays``: Gregorian days in Tehran; ``weekend``: ``date.weekday()`` numbers, not all seven."""
        if weekend >= set(range(7)):
            raise ValueError("a week needs a working day")
        self._holidays = frozenset(holidays)
        self._weekend = frozenset(weekend)

    def is_working_day(self, moment: datetime | date) -> bool:
        """Whether offices work on that day in Tehran."""
        return self._works(tehran_day(moment))

    def _works(self, day: date) -> bool:
        return day.weekday() not in self._weekend and day not in self._holidays

    def add_working_days(self, start: datetime, days: int) -> datetime:
        """When a term of so many working days ends that begins at ``start``: the last second of its last day in
        Tehran (23:59:59, that is 20:29:59 UTC), in UTC. The day of the start does not count; a term of 0 days ends
        with the first working day from ``start`` on. Raises ValueError for a negative term or a naive start."""
        if days < 0:
            raise ValueError("a term is not negative")
        day = tehran_day(start)
        for _ in range(days):
            day = self._working_from(day + _DAY)
        return day_bounds(self._working_from(day))[1] - timedelta(seconds=1)

    def _working_from(self, day: date) -> date:
        while not self._works(day):
            day += _DAY
        return day

    def working_days_between(self, start: datetime, end: datetime) -> int:
        """How many working days lie after the day of ``start``, up to and with the day of ``end``; negative if ``end``
        is on an earlier day. So ``working_days_between(s, add_working_days(s, n)) == n`` for n > 0."""
        first, last = tehran_day(start), tehran_day(end)
        if last < first:
            return -self.working_days_between(end, start)
        return sum(self._works(first + timedelta(days=n)) for n in range(1, (last - first).days + 1))

    def due_after_pause(self, due_at: datetime, paused_at: datetime, resumed_at: datetime) -> datetime:
        """When a term ends whose clock stood still: later by the working days of the pause. A term that had ended
        before the pause stays as it was. Raises ValueError if it resumed before it paused."""
        if resumed_at < paused_at:
            raise ValueError("a clock resumes after its pause")
        stood = self.working_days_between(paused_at, resumed_at)
        return due_at if due_at < paused_at or stood == 0 else self.add_working_days(due_at, stood)

    def share_at(self, start: datetime, days: int, share: float) -> datetime:
        """When that share of a term (0.75, 1.0, 1.5) is used up, in whole working days, rounded up."""
        return self.add_working_days(start, ceil(round(days * share, 6)))


def _official_holidays() -> frozenset[date]:
    listed = json.loads(resources.files("shared.persian").joinpath("data/holidays.json").read_text("utf-8"))
    return frozenset(parse_jalali(entry["on"]) for entry in listed["holidays"])


OFFICIAL_HOLIDAYS: Final = _official_holidays()
"""Official holidays as Gregorian days, from ``data/holidays.json``, which says what is an estimate."""

CALENDAR: Final = WorkingCalendar(OFFICIAL_HOLIDAYS)
"""The working days of the state's offices. Beyond the last year of the list it knows the weekend only."""
