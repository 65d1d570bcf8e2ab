"""What intake tells: the citizen's side of a case."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from shared.contracts.envelope import CaseKind, Channel, Event, Frozen, Language, Sealed


class AttachmentRef(Frozen):
    """A file of a case: ``n`` is its place among the case's files; ``name`` stays with intake."""

    n: int
    media_type: str
    size: int
    sha256: str


class CaseRegisteredData(Frozen):
    """``contact_sealed``: name, national code, mobile and postal address, for sms and letters only.
    ``text_sealed``: subject and body, for routing only. ``citizen_id`` is a keyed hash of the mobile, no number.
    """

    tracking_code: str
    kind: CaseKind
    channel: Channel
    language: Language
    registered_at: AwareDatetime
    citizen_id: UUID | None
    partner_id: str | None = None
    category_id: str | None = None
    province: str
    county: str | None = None
    organisation_id: str | None = None
    reachable: bool
    contact_sealed: Sealed
    text_sealed: Sealed
    attachments: tuple[AttachmentRef, ...] = ()


class CaseRegistered(Event):
    """A case was filed and is durable."""

    type: Literal["case.registered.v1"] = "case.registered.v1"
    source: Literal["intake"] = "intake"
    data: CaseRegisteredData


class CaseSupplementedData(Frozen):
    """``text_sealed``: what the citizen added, for routing only."""

    message_id: UUID
    supplemented_at: AwareDatetime
    text_sealed: Sealed
    attachments: tuple[AttachmentRef, ...] = ()


class CaseSupplemented(Event):
    """The citizen added something or answered a question."""

    type: Literal["case.supplemented.v1"] = "case.supplemented.v1"
    source: Literal["intake"] = "intake"
    data: CaseSupplementedData


class CaseRatedData(Frozen):
    """The comment stays with intake until a manager asks for it."""

    score: Annotated[int, Field(ge=1, le=5)]
    comment_sealed: Sealed | None = None


class CaseRated(Event):
    """The citizen rated how the case was handled."""

    type: Literal["case.rated.v1"] = "case.rated.v1"
    source: Literal["intake"] = "intake"
    data: CaseRatedData


class CaseHandedOverData(Frozen):
    """``content_sealed``: subject, narrative and contact of a moved case, and its citizen's claim, under the key of
    intake and integrity; longer than other sealed values, since it holds all that was ever written about it."""

    organisation_id: str
    province: str
    language: Language
    content_sealed: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}\.[A-Za-z0-9_-]+$")]


class CaseHandedOver(Event):
    """What a case held is integrity's now; intake has forgotten it."""

    type: Literal["case.handed_over.v1"] = "case.handed_over.v1"
    source: Literal["intake"] = "intake"
    data: CaseHandedOverData


class ContactShownData(Frozen):
    """``reason_sealed``: why, for routing only (as a message's text, its owner is ``shown_id``)."""

    shown_id: UUID
    shown_at: AwareDatetime
    reason_sealed: Sealed


class ContactShown(Event):
    """A member of the staff was shown the citizen's number."""

    type: Literal["contact.shown.v1"] = "contact.shown.v1"
    source: Literal["intake"] = "intake"
    data: ContactShownData


class ContactChangedData(Frozen):
    """The whole new contact, as in ``case.registered``."""

    reachable: bool
    contact_sealed: Sealed


class ContactChanged(Event):
    """The citizen of a case has another address or number."""

    type: Literal["contact.changed.v1"] = "contact.changed.v1"
    source: Literal["intake"] = "intake"
    data: ContactChangedData
