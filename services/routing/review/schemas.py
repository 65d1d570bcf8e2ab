"""What the monthly review shows, and what a manager adds to it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.routing.desk.schemas import Note, Slug
from shared.contracts.envelope import CaseKind, CategoryRef, Channel, DepartmentRef


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class MeasuresOut(_Out):
    """What is counted. ``filed``, ``reopened`` and ``decided`` by the month in which it happened; the others are of
    those decisions: in time, their median length in days, and what their citizens gave them (1 to 5)."""

    filed: int
    decided: int
    decided_in_time: int
    share_in_time: float | None
    median_days: float | None
    rated: int
    mean_rating: float | None
    reopened: int
    share_reopened: float | None


class CountOut(_Out):
    """A month's counts of one department × category × province × kind; the first two are null in triage."""

    department_id: str | None
    category_id: str | None
    province: str
    kind: CaseKind
    filed: int
    decided: int
    decided_in_time: int
    rated: int
    mean_rating: float | None
    reopened: int


class DepartmentLineOut(MeasuresOut):
    """A department's month; null is what waits in triage."""

    department: DepartmentRef | None


class CategoryLineOut(MeasuresOut):
    """A category's month; null is what has none yet."""

    category: CategoryRef | None


class ProvinceLineOut(MeasuresOut):
    """A province's month."""

    province: str
    name_fa: str
    name_en: str


class KindLineOut(MeasuresOut):
    """The month of complaints, requests or suggestions."""

    kind: CaseKind


class ChannelLineOut(_Out):
    """How many cases came by a channel, and their share of all."""

    channel: Channel
    filed: int
    share: float


class InPersonOut(_Out):
    """Visits against the rest. ``fall`` is by what share they fell since the base month: 0.9 is nine of ten fewer."""

    filed: int
    share: float | None
    base_month: str
    base_filed: int
    base_share: float | None
    fall: float | None


class ChannelsOut(_Out):
    """By which doors cases came."""

    items: list[ChannelLineOut]
    in_person: InPersonOut


class ExcessOut(_Out):
    """A count beyond its bound. Without ``province`` it is the whole country's; ``score`` is how far the count is on
    the way from what was expected to the bound, above 1 beyond it."""

    category: str
    category_name_fa: str
    category_name_en: str
    province: str | None
    observed: int
    expected: float
    upper: int
    p: float
    score: float


class DetectorOut(_Out):
    """How the excess was looked for; no method: not enough history."""

    history_months: int
    method: Literal["rolling", "harmonic"] | None


class NoteOut(_Out):
    """A manager's review of their part."""

    id: UUID
    department_id: str
    note: str
    author_title: str | None
    at: datetime
    on: str


class MonthOut(_Out):
    """A month in the list."""

    month: str
    title: str
    closed: bool
    published_at: datetime | None
    published_on: str | None
    filed: int
    decided: int
    share_in_time: float | None
    reopened: int
    excess: int | None = Field(description="findings; null for a month that is not closed, and for managers")


class MonthPage(_Out):
    """Months, the newest first."""

    items: list[MonthOut]
    next: str | None = None


class TrendOut(_Out):
    """A month of the year before."""

    month: str
    filed: int
    decided: int


class ReviewOut(_Out):
    """A month's review: of the whole ministry, or of ``department_id``. ``closed``: the month is over and its findings
    are final; before, they are of what was filed until ``excess_as_of``."""

    month: str
    title: str
    department_id: str | None
    closed: bool
    published_at: datetime | None
    published_on: str | None
    totals: MeasuresOut
    counts: list[CountOut]
    departments: list[DepartmentLineOut]
    categories: list[CategoryLineOut]
    provinces: list[ProvinceLineOut]
    kinds: list[KindLineOut]
    channels: ChannelsOut
    trend: list[TrendOut]
    detector: DetectorOut
    excess: list[ExcessOut]
    excess_as_of: datetime
    notes: list[NoteOut]


class NoteIn(BaseModel):
    """A manager's review of their department's month."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    department_id: Slug
    note: Annotated[Note, "to be read with the review"]
