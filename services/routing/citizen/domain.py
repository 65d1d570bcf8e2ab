"""Whether a decided case may be opened again."""

from datetime import datetime, timedelta
from typing import Literal

from shared.contracts.envelope import CaseStatus

REOPEN_WITHIN_DAYS = 30

Obstacle = Literal["undecided", "once", "late"]


def obstacle(
    status: CaseStatus, decided_at: datetime | None, reopened_at: datetime | None, now: datetime
) -> Obstacle | None:
    """Why the case cannot be opened again ``now``, or None if it can: only once, within 30 days of its decision."""
    if status not in ("decided", "closed") or decided_at is None:
        return "undecided"
    if reopened_at is not None:
        return "once"
    return "late" if now - decided_at > timedelta(days=REOPEN_WITHIN_DAYS) else None
