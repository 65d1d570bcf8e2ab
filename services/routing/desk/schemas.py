"""What the desk sends and is shown."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, StringConstraints

from services.routing.clocks.domain import Level
from shared.contracts.envelope import CaseKind, CaseStatus, CategoryRef, Channel, DepartmentRef, Outcome
from shared.kit.web.language import Text
from shared.kit.web.validation import Within, field_error
from shared.persian.text import TextError, canon


def clean(multiline: bool) -> Callable[[str], str]:
    """A validator: the text in one spelling, see ``persian.text.canon``."""

    def validate(value: str) -> str:
        try:
            return canon(value, multiline=multiline)
        except TextError as error:
            message = Text("نویسه‌های نادرستی در متن است.", "The text holds characters that are not valid.")
            raise field_error(error.code, message) from None

    return validate


_prose = AfterValidator(clean(multiline=True))
Note = Annotated[str, StringConstraints(max_length=20000), _prose, Within(1, 4000)]
Told = Annotated[str, StringConstraints(max_length=4000), _prose, Within(3, 600)]
LetterBody = Annotated[str, StringConstraints(max_length=80000), _prose, Within(10, 20000)]
Summary = Annotated[
    str,
    StringConstraints(max_length=2000),
    AfterValidator(clean(False)),
    Within(3, 300),
]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
Username = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class _Step(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Assign(_Step):
    """Gives the case to a department, and to an officer of it."""

    type: Literal["assign"]
    department_id: Slug
    category_id: Slug | None = None
    officer: Username | None = None
    note: Note | None = None


class Refer(_Step):
    """Sends the case on to another department; the note is for that department."""

    type: Literal["refer"]
    department_id: Slug
    note: Note


class Accept(_Step):
    """Takes the case in hand."""

    type: Literal["accept"]


class InternalNote(_Step):
    """A note for the desk alone."""

    type: Literal["note"]
    note: Note


class RequestInformation(_Step):
    """Asks the citizen a question."""

    type: Literal["request_information"]
    question: Told


class Progress(_Step):
    """Tells the citizen how far it has come."""

    type: Literal["progress"]
    note: Told


class Extend(_Step):
    """Moves the due date by working days, once."""

    type: Literal["extend"]
    days: Annotated[int, Field(ge=1, le=60, strict=True)]
    reason: Told


class Decide(_Step):
    """Writes a decision; it counts once somebody else approves it."""

    type: Literal["decide"]
    outcome: Outcome
    letter_body: LetterBody
    sms_summary: Summary | None = None


class Approve(_Step):
    """Approves the decision that waits."""

    type: Literal["approve"]


class Return(_Step):
    """Gives the decision that waits back to its writer."""

    type: Literal["return"]
    note: Note


class HandOver(_Step):
    """Hands the case over to the inspection of corruption; nothing of it stays at the desk."""

    type: Literal["move"]
    organisation_id: Slug


class Close(_Step):
    """Ends the correspondence."""

    type: Literal["close"]


Step = (
    Assign
    | Refer
    | Accept
    | InternalNote
    | RequestInformation
    | Progress
    | Extend
    | Decide
    | Approve
    | Return
    | Close
    | HandOver
)


class StepIn(RootModel[Annotated[Step, Field(discriminator="type")]]):
    """One correspondence step."""


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class GuessOut(_Out):
    """A category that the words speak for, and which words."""

    category_id: str
    department_id: str
    score: float
    reasons: list[str]


class RoutingOut(_Out):
    """Why the case came here, and the model that was asked: its version and the SHA-256 of its file."""

    method: str
    confidence: float
    top: list[GuessOut]
    rule: str | None = None
    model: str | None = None
    model_sha256: str | None = None


class DeskStepOut(_Out):
    """A step as the desk sees it; ``internal`` ones are neither on the citizen's timeline nor told by SMS."""

    id: UUID
    at: datetime
    on: str
    type: str
    internal: bool
    actor_kind: str
    actor_title: str | None
    note: str | None
    data: dict[str, Any]
    sms_status: str | None


class DeskAttachmentOut(_Out):
    """A file of the case; ``n`` is its place among them, ``size`` its bytes, ``at`` when it came."""

    n: int
    media_type: str
    size: int
    at: datetime


class PendingDecisionOut(_Out):
    """A decision that waits for approval."""

    outcome: Outcome
    letter_body: str
    sms_summary: str | None
    by_title: str | None
    at: datetime


class DeskCaseOut(_Out):
    """A case in a list. ``registered_on`` and ``due_on`` are Jalali dates; ``escalated`` names the highest level that
    the running clock has brought it before."""

    id: UUID
    tracking_code: str
    status: CaseStatus
    kind: CaseKind
    channel: Channel
    subject: str
    province: str
    department: DepartmentRef | None
    category: CategoryRef | None
    assignee: str | None
    registered_at: datetime
    registered_on: str
    due_at: datetime | None
    due_on: str | None
    overdue: bool
    escalated: Level | None = None
    decision_pending: bool


class SimilarOut(_Out):
    """A case that resembles the one shown: of the same citizen, or on the same matter at the same place within ninety
    days. ``score`` is the likeness of the texts, 0 to 1."""

    id: UUID
    tracking_code: str
    subject: str
    status: CaseStatus
    registered_on: str
    same_person: bool
    score: float


class DeskCaseDetailOut(DeskCaseOut):
    """Everything the desk knows of a case; name, number and address stay sealed elsewhere."""

    body: str
    language: str
    county: str | None
    organisation_id: str | None
    reachable: bool
    restricted: bool
    extended: bool
    routing: RoutingOut
    second_category_id: str | None
    pending_decision: PendingDecisionOut | None
    decided_at: datetime | None
    letter_number: str | None
    rating: int | None
    merged_into: UUID | None
    attachments: list[DeskAttachmentOut]
    timeline: list[DeskStepOut]
    similar: list[SimilarOut]


class BulkItem(_Step):
    """A case, and the ETag of the version that the caller has seen."""

    id: UUID
    etag: Annotated[str, StringConstraints(max_length=40)]


class BulkAssign(_Step):
    """Gives many cases to one department, each as a step ``assign`` would."""

    items: Annotated[tuple[BulkItem, ...], Field(min_length=1, max_length=100)]
    department_id: Slug
    category_id: Slug | None = None
    officer: Username | None = None
    note: Note | None = None


class BulkResult(_Out):
    """What became of one: the status a single step would have answered, with the new ETag, or the error's code."""

    id: UUID
    status: int
    etag: str | None = None
    code: str | None = None


class BulkOut(_Out):
    """What became of each, in the order asked."""

    items: list[BulkResult]


class DeskPage(_Out):
    """Cases of the desk."""

    items: list[DeskCaseOut]
    next: str | None = None


class TriageCaseOut(DeskCaseOut):
    """A case that the router would not decide alone, with its best guesses; ``offer``: what may be corruption can be
    moved to the corruption reports. ``overdue``: it has waited in triage longer than it may."""

    routing: RoutingOut
    restricted: bool
    offer: Literal["move_to_irm"] | None
    waiting_since: datetime


class TriagePage(_Out):
    """Cases that wait for a person to say where they belong, the oldest first."""

    items: list[TriageCaseOut]
    next: str | None = None
