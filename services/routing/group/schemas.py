"""What the working group sends and is shown."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from services.routing.desk.schemas import Note, Slug
from shared.contracts.envelope import CaseKind, CaseStatus, CategoryRef, DepartmentRef
from shared.kit.web.language import Text
from shared.kit.web.validation import Within, field_error
from shared.persian.calendar import DateError, month_bounds, parse_jalali
from shared.persian.digits import to_latin
from shared.persian.places import PROVINCES
from shared.persian.text import TextError, canon

_JALALI_BEFORE = 1700
"""A year below this is of the Jalali calendar."""

State = Literal["open", "decided", "closed"]


def _line(value: str) -> str:
    try:
        return canon(value, multiline=False)
    except TextError as error:
        message = Text("نویسه‌های نادرستی در متن است.", "The text holds characters that are not valid.")
        raise field_error(error.code, message) from None


def _day(value: object) -> object:
    """A day given in the Jalali calendar as the Gregorian one; all else as it is."""
    if not isinstance(value, str) or not to_latin(value[:4]).isdigit() or int(to_latin(value[:4])) >= _JALALI_BEFORE:
        return value
    try:
        return parse_jalali(value)
    except DateError as error:
        raise field_error(error.code, Text("این تاریخ درست نیست.", "This is not a date.")) from None


def _checked(known: Callable[[str], bool], code: str, message: Text) -> AfterValidator:
    def check(value: str) -> str:
        if not known(value):
            raise field_error(code, message)
        return value

    return AfterValidator(check)


def _is_month(value: str) -> bool:
    try:
        month_bounds(value)
    except DateError:
        return False
    return True


Title = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_line), Within(3, 200)]
Day = Annotated[date, BeforeValidator(_day), Field(description="Jalali (1405-12-29) or Gregorian (2027-03-20)")]
Province = Annotated[
    str,
    StringConstraints(max_length=8),
    _checked(PROVINCES.__contains__, "unknown_province", Text("این استان در فهرست نیست.", "No such province.")),
]
Month = Annotated[
    str,
    StringConstraints(max_length=7),
    _checked(_is_month, "month_invalid", Text("این ماه درست نیست.", "This is not a Jalali month.")),
]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TopicIn(_In):
    """A topic that the group puts on its own agenda: the cases of a category filed in a month (by default the running
    one), in the country or in a province."""

    title: Title
    category: Slug
    province: Province | None = None
    month: Month | None = None
    text: Annotated[Note | None, "why it is one"] = None


class MeasureIn(_In):
    """What shall become better: a category's monthly count, in the country or a province, is at most ``target``."""

    category: Slug
    province: Province | None = None
    target: Annotated[int, Field(ge=0, le=1_000_000, strict=True)]


class DecisionIn(_In):
    """What the group decides, who answers for it, until when, and how one will see it."""

    title: Title
    text: Note
    owner_department_id: Slug
    due_on: Day
    measure: MeasureIn


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class EvidenceOut(_Out):
    """A month that speaks for the topic; without figures where the group itself named it."""

    month: str
    observed: int | None
    expected: float | None
    upper: int | None
    score: float | None


class TopicOut(_Out):
    """A topic in the list. ``source``: found by the detector or put there by the group."""

    id: UUID
    title: str
    text: str | None
    state: State
    source: Literal["excess", "group"]
    category: CategoryRef
    province: str | None
    province_name_fa: str | None
    score: float | None
    opened_at: datetime
    opened_on: str
    closed_on: str | None
    evidence: list[EvidenceOut]
    decisions_count: int


class TopicPage(_Out):
    """Topics, the newest first."""

    items: list[TopicOut]
    next: str | None = None


class MeasureOut(_Out):
    """The count that a decision is measured by."""

    category: str
    province: str | None
    target: int


class FollowedOut(_Out):
    """A month's count against the target. ``after``: the month is the decision's or a later one; ``met`` is null
    before, and for a month that is not over."""

    month: str
    count: int
    target: int
    after: bool
    met: bool | None


class DecisionOut(_Out):
    """A decision; ``due_on`` and ``decided_on`` are Jalali. ``cases`` stood behind the topic when it was taken."""

    id: UUID
    topic_id: UUID
    title: str
    text: str
    owner: DepartmentRef
    due_on: str
    overdue: bool
    measure: MeasureOut
    decided_at: datetime
    decided_on: str
    decided_by_title: str | None
    cases: int
    followed: list[FollowedOut]


class SampleOut(_Out):
    """A case of the sample: what it is about, without a name; digits in the subject are hidden."""

    id: UUID
    tracking_code: str
    kind: CaseKind
    province: str
    registered_on: str
    subject: str


class CaseOut(_Out):
    """A case behind the topic."""

    id: UUID
    tracking_code: str
    status: CaseStatus
    province: str
    registered_on: str


class PlaceOut(_Out):
    """How many of the topic's cases a province has."""

    province: str
    name_fa: str
    count: int


class MonthCountOut(_Out):
    """How many cases the topic's category and province had in a month."""

    month: str
    count: int


class TopicDetailOut(TopicOut):
    """A topic with all that is known of it. ``cases`` are the newest, at most a thousand, of ``cases_count``."""

    trend: list[MonthCountOut]
    provinces: list[PlaceOut]
    sample: list[SampleOut]
    cases: list[CaseOut]
    cases_count: int
    decisions: list[DecisionOut]


class OverdueOut(_Out):
    """A decision whose date is past."""

    id: UUID
    topic_id: UUID
    topic_title: str
    title: str
    owner: DepartmentRef
    due_on: str
    days_late: int


class AgendaOut(_Out):
    """What the next meeting is about: topics that wait for a decision, by score, and decisions past their date."""

    topics: list[TopicOut]
    overdue: list[OverdueOut]
