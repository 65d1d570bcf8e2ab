"""What a reporter sends by receipt code, and what they are shown of their report."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.integrity.filing.faults import MESSAGES
from services.integrity.filing.schemas import AgeFile, ReceiptOut, ReceiptPending, Words
from shared.contracts.integrity import ReportState
from shared.kit.web.validation import field_error


class SessionIn(BaseModel):
    """``receipt_code`` as it was written down, or, where the client derives its keys itself, ``locator`` and ``auth``
    (hex). Anything but a good one is answered alike, so that no shape is checked here."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    receipt_code: Any = Field(default=None, json_schema_extra={"type": "string"})
    locator: Any = Field(default=None, json_schema_extra={"type": "string"})
    auth: Any = Field(default=None, json_schema_extra={"type": "string"})


class SessionOpened(BaseModel):
    """For the gateway, which makes the token: whose it is, and the box's key, sealed to this service alone (null where
    the client has it)."""

    report_id: UUID
    box: str | None


class StepOut(BaseModel):
    """A step as its reporter is shown it; ``at`` is the hour for what they did themselves."""

    seq: int
    at: datetime
    on: str
    type: str
    title: str
    receipt: ReceiptOut | ReceiptPending


class MessageOut(BaseModel):
    """A message, or another step that has words for the reporter (``outcome_told``).

    ``body`` is None, and ``sealed`` (an age file, base64) is there instead, where the client has the box's key."""

    seq: int
    at: datetime
    on: str
    type: str
    by: Literal["reporter", "office"]
    body: str | None
    sealed: str | None


class MineOut(BaseModel):
    """A report as its reporter sees it. ``recipient`` and ``box_recipient`` are what a client seals a message to, of
    the present ``epoch``."""

    report_no: str
    mode: Literal["anonymous", "confidential", "named"]
    organisation_id: str
    province: str | None
    state: ReportState
    state_title: str
    filed_at: datetime
    filed_on: str
    steps: list[StepOut]
    messages: list[MessageOut]
    receipt: ReceiptOut | ReceiptPending
    epoch: int
    recipient: str
    box_recipient: str


class MessageIn(BaseModel):
    """A message to whoever works on the report; a client that seals itself sends ``sealed_body``, to the report's
    ``recipient`` and to its ``box_recipient``, and names the ``epoch`` of the former."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    body: Words | None = None
    sealed_body: AgeFile | None = None
    epoch: Annotated[int, Field(ge=1)] | None = None
    attachments: list[Annotated[str, StringConstraints(max_length=64)]] = []

    @model_validator(mode="after")
    def _one_body(self) -> "MessageIn":
        if (self.body is None) == (self.sealed_body is None):
            code = "required" if self.body is None else "plain_or_sealed"
            raise field_error(code, MESSAGES[code])
        return self


class SentOut(BaseModel):
    """A message that was taken."""

    seq: int
    at: datetime
    on: str
    receipt: ReceiptOut | ReceiptPending
