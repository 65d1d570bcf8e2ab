"""What a citizen is shown of a case, and what they may add to it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.intake.attachments.schemas import AttachmentOut
from services.intake.filing.schemas import UploadIds, Words
from shared.contracts.envelope import CaseKind, CaseStatus, CategoryRef, Channel, DepartmentRef, Outcome

SmsStatus = Literal["sent", "delivered", "undelivered"]


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class StepOut(_Out):
    """A correspondence step; ``note`` is what the officer wrote to the citizen."""

    at: datetime
    on: str
    step: str
    title: str
    note: str | None = None
    actor_title: str | None = None
    sms_status: SmsStatus | None = None


class CaseOut(_Out):
    """A case. ``registered_on`` and ``due_on`` are Jalali dates (``1404-09-18``) of ``registered_at``, ``due_at``."""

    id: UUID
    tracking_code: str
    status: CaseStatus
    kind: CaseKind
    channel: Channel
    subject: str
    registered_at: datetime
    registered_on: str
    due_at: datetime | None = None
    due_on: str | None = None
    category: CategoryRef | None = None
    department: DepartmentRef | None = None
    province: str
    outcome: Outcome | None = None
    letter_number: str | None = None


class CaseWithTimelineOut(CaseOut):
    """A case with its text, its files and every step so far."""

    body: str
    attachments: list[AttachmentOut]
    timeline: list[StepOut]


class CasePage(_Out):
    """Cases, newest first."""

    items: list[CaseOut]
    next: str | None = None


class TimelineOut(_Out):
    """Every correspondence step, in order."""

    items: list[StepOut]


class PublicStepOut(_Out):
    """A step as anyone who has the tracking code may see it: no words, no names."""

    at: datetime
    on: str
    step: str
    title: str


class TrackOut(_Out):
    """Where a case stands, for whoever has its tracking code."""

    tracking_code: str
    status: CaseStatus
    status_title: str
    registered_at: datetime
    registered_on: str
    due_at: datetime | None = None
    due_on: str | None = None
    steps: list[PublicStepOut]


class MessageIn(BaseModel):
    """A supplement, or the answer to a question."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    body: Words
    attachments: UploadIds = []


class MessageOut(_Out):
    """A message that was taken."""

    id: UUID
    case_id: UUID
    at: datetime
    attachments: list[AttachmentOut]


class RatingIn(BaseModel):
    """How content the citizen is, from 1 to 5."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    score: Annotated[int, Field(ge=1, le=5, strict=True)]
    comment: Words | None = None


class RatingOut(_Out):
    """A rating that was taken."""

    case_id: UUID
    score: int
    at: datetime
