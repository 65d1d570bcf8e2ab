"""The desk's figures of today, within the caller's reach."""

from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from services.routing.clocks.repository import in_triage
from services.routing.desk.api import Staff
from services.routing.summary import repository
from services.routing.summary.repository import LEVELS
from shared.kit.auth import Principal
from shared.kit.db import Reading
from shared.kit.web.openapi import problem_responses
from shared.persian.calendar import day_bounds, jalali, tehran_day

router = APIRouter(prefix="/v1/desk/summary", tags=["desk"])

MEDIAN_OVER = timedelta(days=30)


class Figures(BaseModel):
    """``open``: not decided yet; ``due_today``: of those, whose date is today in Tehran; ``overdue``: whose date has
    passed; ``unassigned``: which no officer has; ``median_days``: calendar days to the decision, of what was decided
    within thirty days."""

    open: int = 0
    due_today: int = 0
    overdue: int = 0
    unassigned: int = 0
    median_days: float | None = None


class Part(Figures):
    """The figures of one department, category or province; ``id`` is null where it is not known yet."""

    id: str | None


class TriageFigures(BaseModel):
    """``waiting``: cases that no department has yet; of those, ``restricted``: what may be corruption, and ``overdue``:
    what has waited longer than it may; ``oldest_at``: since when the oldest waits."""

    model_config = ConfigDict(from_attributes=True)

    waiting: int
    restricted: int
    overdue: int
    oldest_at: datetime | None


class SummaryOut(Figures):
    """Within the caller's reach, as of ``at``; ``triage`` is for the centre."""

    at: datetime
    on: str
    by_department: list[Part]
    by_category: list[Part]
    by_province: list[Part]
    triage: TriageFigures | None = None


@router.get("", responses=problem_responses(403))
async def summary(caller: Staff, connection: Reading) -> SummaryOut:
    """Open, due today, overdue and the median days, in all and by department, category and province."""
    now = datetime.now(UTC)
    found = await _figures(connection, caller, now)
    parts = {
        level: [Part(id=key[1], **values) for key, values in found if key[0] == level] for level in LEVELS.values()
    }
    whole: dict[str, Any] = next((values for key, values in found if key[0] == "whole"), {})
    return SummaryOut(
        **whole,
        at=now,
        on=jalali(now),
        by_department=parts["department"],
        by_category=parts["category"],
        by_province=parts["province"],
        triage=TriageFigures.model_validate(await in_triage(connection, now)) if "centre" in caller.roles else None,
    )


async def _figures(
    connection: Reading, caller: Principal, now: datetime
) -> list[tuple[tuple[str, str | None], dict[str, Any]]]:
    _, end_of_day = day_bounds(tehran_day(now))
    figures: dict[tuple[str, str | None], dict[str, Any]] = {}
    for row in await repository.open_figures(connection, caller, now=now, end_of_day=end_of_day):
        figures[_key(row)] = {"open": row.open, "due_today": row.due_today, "overdue": row.overdue}
        figures[_key(row)]["unassigned"] = row.unassigned
    for row in await repository.median_days(connection, caller, since=now - MEDIAN_OVER):
        days = None if row.median_days is None else round(float(row.median_days), 1)
        figures.setdefault(_key(row), {})["median_days"] = days
    return sorted(figures.items(), key=lambda item: (-item[1].get("open", 0), item[0][1] or ""))


def _key(row: Any) -> tuple[str, str | None]:
    level = LEVELS[row.level]
    ids = {"whole": None, "department": row.department_id, "category": row.category_id, "province": row.province}
    return level, ids[level]
