"""The steps that inspectors and supervisors take on a report, as they are sent.

A text comes plain and is sealed in memory, or under its name with ``sealed_`` before it as an age file that the client
made: to the report's present key, and to the reporter's box as well what the reporter is to read (``body`` of
``message``, ``text`` and ``reference`` of ``decide``).
"""

from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, RootModel, StringConstraints, model_validator

from services.integrity.filing.schemas import AgeFile, Short, Words
from services.integrity.inspection.domain import Disposition
from services.integrity.reports.content import PREFIX
from shared.kit.web.language import Text
from shared.kit.web.problems import FieldFault, invalid_fields
from shared.kit.web.validation import field_error

Priority = Literal["low", "normal", "high", "urgent"]
DecidedTo = Literal["judiciary", "disciplinary", "audit_court", "prevention", "none"]

_NEEDED = Text("این مورد لازم است، ساده یا رمزشده.", "This is needed, plain or sealed.")
_TWICE = Text("این مورد را ساده یا رمزشده بفرستید، نه هر دو.", "Send this plain or sealed, not both.")

Username = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Uploads = Annotated[list[Annotated[str, StringConstraints(max_length=64)]], Field(max_length=20)]


class _Step(BaseModel):
    """``TEXTS`` are sealed and must be there, ``MAY`` may be; of each the plain or the sealed one."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    TEXTS: ClassVar[tuple[str, ...]] = ()
    MAY: ClassVar[tuple[str, ...]] = ()

    def texts(self) -> dict[str, Any]:
        """What is to be sealed, by the names that it came under. Raises a 422 problem for a text that is missing, or
        there twice."""
        found: dict[str, Any] = {}
        for name in (*self.TEXTS, *self.MAY):
            given = {key: value for key in (name, PREFIX + name) if (value := getattr(self, key)) is not None}
            if len(given) > 1:
                raise invalid_fields(FieldFault(f"/{name}", "plain_and_sealed", _TWICE))
            if not given and name in self.TEXTS:
                raise invalid_fields(FieldFault(f"/{name}", "required", _NEEDED))
            found |= given
        return found


class Acknowledge(_Step):
    """A person has read the report and tells the reporter so."""

    type: Literal["acknowledge"]


class Triage(_Step):
    """Whether it is a matter for inspection, and how urgent; ``disposition`` says what becomes of one that is not."""

    type: Literal["triage"]
    TEXTS = ("note",)
    priority: Priority
    admissible: Annotated[bool, Field(strict=True)]
    note: Words | None = None
    sealed_note: AgeFile | None = None
    disposition: Disposition | None = None
    merged_into: UUID | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.admissible and (self.disposition or self.merged_into):
            raise field_error(
                "disposition_of_admissible",
                Text("گزارشی که پذیرفته می‌شود سرانجام دیگری ندارد.", "A report that is admitted ends in no other way."),
            )
        if (self.disposition == "merged") != (self.merged_into is not None):
            raise field_error(
                "merged_into_missing",
                Text(
                    "برای ادغام، و تنها برای آن، گزارش مقصد را بنویسید.",
                    "A merger, and nothing else, names the report merged into.",
                ),
            )
        return self

    @property
    def declined(self) -> Disposition | None:
        """How a report ends that is not admitted: ``out_of_scope`` if nothing else is said."""
        return None if self.admissible else self.disposition or "out_of_scope"


class _Granting(_Step):
    """``grant`` is the key of the present epoch, re-wrapped by whoever holds it to the key of somebody who is to have
    it; ``earlier`` those of the epochs before, by their number."""

    grant: AgeFile
    earlier: Annotated[dict[Annotated[int, Field(ge=1)], AgeFile], Field(max_length=100)] = {}


class Assign(_Granting):
    """Gives the report to an inspector; whoever had it before loses access."""

    type: Literal["assign"]
    inspector: Username


class Grant(_Granting):
    """Gives the report's keys to the inspector who has it, or to a supervisor: they have a new key, or are new."""

    type: Literal["grant"]
    holder: Username


class Recuse(_Step):
    """The inspector gives the report back and loses access."""

    type: Literal["recuse"]
    TEXTS = ("reason",)
    reason: Words | None = None
    sealed_reason: AgeFile | None = None


class Investigate(_Step):
    """The investigation begins or goes on; the note is for the file."""

    type: Literal["investigate"]
    TEXTS = ("note",)
    note: Words | None = None
    sealed_note: AgeFile | None = None


class Evidence(_Step):
    """Something for the file: a note, and files from ``/v1/uploads``."""

    type: Literal["evidence"]
    TEXTS = ("note",)
    note: Words | None = None
    sealed_note: AgeFile | None = None
    attachments: Uploads = []


class Message(_Step):
    """A message to the reporter; while the investigation runs it is a question that is waited for."""

    type: Literal["message"]
    TEXTS = ("body",)
    body: Words | None = None
    sealed_body: AgeFile | None = None


class Finding(_Step):
    """What was found."""

    type: Literal["finding"]
    TEXTS = ("text",)
    substantiated: Annotated[bool, Field(strict=True)]
    text: Words | None = None
    sealed_text: AgeFile | None = None


class Decide(_Step):
    """Where the matter goes. ``text`` and ``reference`` are the outcome as the reporter is told it; ``prevention``
    recommends, for the file alone, what would keep it from happening again."""

    type: Literal["decide"]
    TEXTS = ("text",)
    MAY = ("reference", "prevention")
    to: DecidedTo
    text: Words | None = None
    sealed_text: AgeFile | None = None
    reference: Short | None = None
    sealed_reference: AgeFile | None = None
    prevention: Words | None = None
    sealed_prevention: AgeFile | None = None


class Close(_Step):
    """The end of the way."""

    type: Literal["close"]
    TEXTS = ("reason",)
    reason: Words | None = None
    sealed_reason: AgeFile | None = None


class Reopen(_Step):
    """A new round."""

    type: Literal["reopen"]
    TEXTS = ("reason",)
    reason: Words | None = None
    sealed_reason: AgeFile | None = None


AnyStep = (
    Acknowledge
    | Triage
    | Assign
    | Grant
    | Recuse
    | Investigate
    | Evidence
    | Message
    | Finding
    | Decide
    | Close
    | Reopen
)


class StepIn(RootModel[Annotated[AnyStep, Field(discriminator="type")]]):
    """One step."""
