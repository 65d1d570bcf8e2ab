"""What is sent to file a report: checked and normalised at the door."""

import re
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from services.integrity.filing.faults import MESSAGES, fault
from services.integrity.holders.api import Recipient
from services.integrity.reports.content import age_file_of
from shared.contracts.envelope import Language
from shared.kit.web.problems import FieldFault
from shared.kit.web.validation import Within, field_error
from shared.persian import identifiers
from shared.persian.digits import to_latin
from shared.persian.identifiers import IdentifierError
from shared.persian.places import PROVINCES
from shared.persian.text import TextError, canon

CONTENT = ("subject", "narrative", "occurred", "people", "amount_rial")
"""The fields of a report that are sealed to its key."""

_SEPARATORS = re.compile(r"[\s,٬،_]+")
_LARGEST_AMOUNT = 10**15


def _refusal(code: str) -> PydanticCustomError:
    return field_error(code, MESSAGES[code])


def _door(clean: Callable[[str], str]) -> Callable[[str], str]:
    """A cleaning function as a validator whose errors carry a code and never the value."""

    def validate(value: str) -> str:
        try:
            return clean(value)
        except (TextError, IdentifierError) as error:
            raise _refusal(error.code) from None

    return validate


def _known_province(code: str) -> str:
    if code not in PROVINCES:
        raise _refusal("unknown_province")
    return code


def _amount(value: Any) -> Any:
    """A number as people write it: any script of digits, with separators."""
    if not isinstance(value, str):
        return value
    digits = _SEPARATORS.sub("", to_latin(value))
    if not re.fullmatch(r"[0-9]{1,16}", digits):
        raise _refusal("amount_invalid")
    return int(digits)


def _age_file(text: str) -> str:
    try:
        age_file_of(text)
    except ValueError:
        raise _refusal("not_age") from None
    return text


_line = AfterValidator(_door(partial(canon, multiline=False)))
_prose = AfterValidator(_door(partial(canon, multiline=True)))

ProvinceCode = Annotated[str, StringConstraints(max_length=10), AfterValidator(_known_province)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
Subject = Annotated[str, StringConstraints(max_length=1000), _line, Within(3, 200)]
Narrative = Annotated[str, StringConstraints(max_length=80000), _prose, Within(10, 20000)]
Words = Annotated[str, StringConstraints(max_length=40000), _prose, Within(1, 10000)]
Short = Annotated[str, StringConstraints(max_length=20000), _prose, Within(1, 5000)]
Name = Annotated[str, StringConstraints(max_length=1000), _line, Within(2, 120)]
Mobile = Annotated[str, StringConstraints(max_length=64), AfterValidator(_door(identifiers.mobile))]
Amount = Annotated[int, BeforeValidator(_amount), Field(ge=0, le=_LARGEST_AMOUNT)]
AgeFile = Annotated[
    str,
    StringConstraints(max_length=200_000),
    AfterValidator(_age_file),
    Field(description="an age file, base64", json_schema_extra={"contentEncoding": "base64"}),
]


class _Strict(BaseModel):
    """An unknown field is an error: a misspelt one must not be lost in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class ContactIn(_Strict):
    """Who files a confidential or named report; ``notify``: whether they want to be told of news by SMS."""

    name: Name
    mobile: Mobile
    notify: bool = False


class BoxIn(_Strict):
    """The reporter's box, of a receipt code that the client made and derived itself: the service never sees it.

    ``auth_hash`` is SHA-256 of the auth key, in hex; ``recipient`` the public half of the box's key."""

    locator: Annotated[str, StringConstraints(pattern=r"^[0-9]{8}$")]
    auth_hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    recipient: Recipient


class GrantIn(_Strict):
    """The report's key, sealed to the holder's key that ``GET /v1/reports/keys`` names by this id."""

    key_id: UUID
    sealed: AgeFile


class ShareIn(_Strict):
    """A share of a key, sealed to the custodian's key ``key_id``; ``among``: the keys among whose it was split."""

    among: Annotated[list[UUID], Field(min_length=2, max_length=9)]
    key_id: UUID
    sealed: AgeFile


class IdentityIn(_Strict):
    """The key that ``sealed_contact`` is sealed to, and its two shares."""

    recipient: Recipient
    shares: Annotated[list[ShareIn], Field(max_length=2)]


class SealingIn(_Strict):
    """What comes with a report that its client sealed (docs/integrity.md, "Sealing on the client").

    ``report_id``: the report's random reference (UUID version 4), which grants and shares name. ``named``: names of
    people whom the report is about, looked at in memory so that none of them gets a grant, and not kept: what the
    service cannot read it cannot compare. ``notify_mobile``: a number to be told of news, if the reporter wants that.
    """

    report_id: UUID
    recipient: Recipient
    grants: Annotated[list[GrantIn], Field(min_length=1, max_length=200)]
    recovery: Annotated[list[ShareIn], Field(max_length=700)]
    identity: IdentityIn | None = None
    named: Annotated[list[Name], Field(max_length=100)] = []
    notify_mobile: Mobile | None = None


class ReportIn(_Strict):
    """A corruption report. Its content comes plain (``subject``, ``narrative`` …; sealed in memory, then forgotten) or
    sealed by the client (``sealed_subject``, ``sealed_narrative`` … with ``sealing``), one or the other."""

    mode: Literal["anonymous", "confidential", "named"]
    organisation_id: Slug
    province: ProvinceCode | None = None
    language: Language = "fa"
    subject: Subject | None = None
    narrative: Narrative | None = None
    occurred: Short | None = None
    people: Short | None = None
    amount_rial: Amount | None = None
    contact: ContactIn | None = None
    sealed_subject: AgeFile | None = None
    sealed_narrative: AgeFile | None = None
    sealed_occurred: AgeFile | None = None
    sealed_people: AgeFile | None = None
    sealed_amount_rial: AgeFile | None = None
    sealed_contact: AgeFile | None = None
    sealing: SealingIn | None = None
    box: BoxIn | None = None
    attachments: Annotated[
        list[Annotated[str, StringConstraints(max_length=64)]], Field(max_length=20, description="upload ids")
    ] = []

    @model_validator(mode="after")
    def _reference_is_random(self) -> "ReportIn":
        if self.sealing is not None and self.sealing.report_id.version != 4:
            raise _refusal("report_id_not_random")
        return self

    @property
    def is_sealed(self) -> bool:
        """Whether the client sealed the content."""
        return self.sealing is not None

    def content(self) -> dict[str, Any]:
        """What is sealed to the report's key, under the names of the request."""
        prefix = "sealed_" if self.is_sealed else ""
        return {f"{prefix}{name}": getattr(self, f"{prefix}{name}") for name in CONTENT}

    def identity(self) -> dict[str, Any] | None:
        """Who filed it, as it is sealed apart from the content: name and number; None for an anonymous report."""
        return None if self.contact is None else self.contact.model_dump(exclude={"notify"})


def faults_of(report: ReportIn) -> list[FieldFault]:
    """What of a report does not fit together, field by field."""
    sealed = [name for name in (*CONTENT, "contact") if getattr(report, f"sealed_{name}") is not None]
    plain = [name for name in (*CONTENT, "contact") if getattr(report, name) is not None]
    if sealed and plain:
        return [fault(f"/{name}", "plain_or_sealed") for name in plain]
    if sealed and report.sealing is None:
        return [fault("/sealing", "sealing_needed")]
    prefix = "sealed_" if report.is_sealed else ""
    wrong = [
        fault(f"/{prefix}{name}", "required")
        for name in ("subject", "narrative")
        if getattr(report, f"{prefix}{name}") is None
    ]
    contact = getattr(report, f"{prefix}contact")
    if report.mode == "anonymous" and contact is not None:
        wrong.append(fault(f"/{prefix}contact", "contact_not_for_anonymous"))
    if report.mode != "anonymous" and contact is None:
        wrong.append(fault(f"/{prefix}contact", "required"))
    if report.sealing is not None:
        if report.mode == "anonymous" and report.sealing.notify_mobile is not None:
            wrong.append(fault("/sealing/notify_mobile", "contact_not_for_anonymous"))
        if (report.sealing.identity is None) != (report.mode == "anonymous"):
            wrong.append(fault("/sealing/identity", "required" if report.mode != "anonymous" else "plain_or_sealed"))
    return wrong


class ReceiptPending(BaseModel):
    """A receipt whose proof is not ready yet; ``fetch`` says where it will be."""

    status: Literal["pending"] = "pending"
    fetch: Literal["/v1/reports/mine"] = "/v1/reports/mine"
    proof: None = None


class ReceiptOut(BaseModel):
    """Proves offline that the step stands in the log: ``python -m services.integrity.verify``."""

    leaf: dict[str, Any]
    nonce: str
    proof: str
    checkpoint: str


class FiledOut(BaseModel):
    """The report is registered. ``receipt_code`` is shown this once (null where the client made its own)."""

    report_no: str
    receipt_code: str | None
    receipt: ReceiptOut | ReceiptPending


class SealTo(BaseModel):
    """A key to seal to; whose it is stays unsaid."""

    key_id: UUID
    role: Literal["inspector", "supervisor", "custodian"]
    recipient: str


class KeysOut(BaseModel):
    """What a client needs to seal by itself: a grant for each of ``holders``; shares for every ``quorum`` of
    ``custodians`` of the report's key; shares for two of them of the contact's. ``receipt_service`` salts the receipt
    code. How: docs/integrity.md, "Sealing on the client"."""

    receipt_service: str
    holders: list[SealTo]
    custodians: list[SealTo]
    quorum: int
