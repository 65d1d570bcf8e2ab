"""What a month's counts say: shares, means and exact medians. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Tally:
    """What is counted of one value of one dimension; ``days`` is the decisions' histogram by their length."""

    filed: int = 0
    reopened: int = 0
    decided: int = 0
    in_time: int = 0
    rated: int = 0
    rating_sum: int = 0
    days: dict[int, int] = field(default_factory=dict)

    def add(self, row: Any) -> None:
        """Adds a row of the counts, which says how many decisions took ``row.days``."""
        self.filed += int(row.filed)
        self.reopened += int(row.reopened)
        self.decided += int(row.decided)
        self.in_time += int(row.in_time)
        self.rated += int(row.rated)
        self.rating_sum += int(row.rating_sum)
        if row.days >= 0 and row.decided:
            self.days[row.days] = self.days.get(row.days, 0) + int(row.decided)

    def out(self) -> dict[str, Any]:
        """The fields of ``MeasuresOut``."""
        return {
            "filed": self.filed,
            "decided": self.decided,
            "decided_in_time": self.in_time,
            "share_in_time": share(self.in_time, self.decided),
            "median_days": median(self.days),
            "rated": self.rated,
            "mean_rating": mean(self.rating_sum, self.rated),
            "reopened": self.reopened,
            "share_reopened": share(self.reopened, self.decided),
        }


def median(histogram: Mapping[int, int]) -> float | None:
    """The median of a histogram (value → how many); the middle of the two middle ones for an even number."""
    total = sum(histogram.values())
    if total <= 0:
        return None
    return (_nth(histogram, (total + 1) // 2) + _nth(histogram, total // 2 + 1)) / 2


def _nth(histogram: Mapping[int, int], n: int) -> int:
    seen = 0
    for value in sorted(histogram):
        seen += histogram[value]
        if seen >= n:
            return value
    raise ValueError("the histogram holds fewer")


def share(part: int, whole: int) -> float | None:
    """``part`` of ``whole``, to four places; None of nothing."""
    return round(part / whole, 4) if whole else None


def mean(total: int, count: int) -> float | None:
    """The mean rating, to two places; None if nobody gave one."""
    return round(total / count, 2) if count else None
