"""Quiet hours: when texts that can wait do wait. A step is told at once, by day and night."""

from dataclasses import dataclass
from datetime import datetime

from shared.persian.calendar import TEHRAN


@dataclass(frozen=True)
class QuietHours:
    """From the hour ``begin`` to the hour ``end`` (0 to 23, Tehran's), over midnight if ``end`` is the smaller; none
    if they are the same."""

    begin: int
    end: int

    def hold(self, moment: datetime) -> bool:
        """Whether it is quiet at that instant (an aware datetime)."""
        hour = moment.astimezone(TEHRAN).hour
        if self.begin <= self.end:
            return self.begin <= hour < self.end
        return hour >= self.begin or hour < self.end
