"""Jalali months as the review counts with them: ``1404-09``, which sorts as it runs."""

from shared.persian.calendar import MONTHS
from shared.persian.digits import to_persian


def shifted(month: str, by: int) -> str:
    """The month ``by`` months later (earlier if negative)."""
    year, number = divmod(_ordinal(month) + by, 12)
    return f"{year:04}-{number + 1:02}"


def span(first: str, last: str) -> list[str]:
    """All months from ``first`` to ``last``; none if ``last`` is earlier."""
    return [shifted(first, by) for by in range(_ordinal(last) - _ordinal(first) + 1)]


def month_title(month: str) -> str:
    """«آذر ۱۴۰۴»."""
    return f"{MONTHS[int(month[5:]) - 1]} {to_persian(month[:4])}"


def _ordinal(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1
