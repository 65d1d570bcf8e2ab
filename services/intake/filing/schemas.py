"""What is sent to file a case: checked and normalised at the door."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from services.intake.filing.faults import MESSAGES
from shared.contracts.envelope import CaseKind, Language
from shared.kit.web.validation import Within, field_error
from shared.persian import identifiers
from shared.persian.identifiers import IdentifierError
from shared.persian.places import PROVINCES
from shared.persian.text import TextError, canon


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


_line = AfterValidator(_door(partial(canon, multiline=False)))
_prose = AfterValidator(_door(partial(canon, multiline=True)))

# the outer bounds keep the work small before normalising, the inner ones count what is kept
ProvinceCode = Annotated[str, StringConstraints(max_length=10), AfterValidator(_known_province)]
Line = Annotated[str, StringConstraints(max_length=1000), _line, Within(1, 300)]
Subject = Annotated[str, StringConstraints(max_length=1000), _line, Within(3, 200)]
Body = Annotated[str, StringConstraints(max_length=40000), _prose, Within(10, 10000)]
Words = Annotated[str, StringConstraints(max_length=40000), _prose, Within(1, 10000)]
NationalId = Annotated[str, StringConstraints(max_length=64), AfterValidator(_door(identifiers.national_id))]
Mobile = Annotated[str, StringConstraints(max_length=64), AfterValidator(_door(identifiers.mobile))]
PostalCode = Annotated[
    str, StringConstraints(max_length=64), AfterValidator(_door(lambda text: identifiers.postal_code(text)[0]))
]
UploadIds = Annotated[list[Annotated[str, StringConstraints(max_length=64)]], Field(max_length=10)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]


class _Strict(BaseModel):
    """An unknown field is an error: a misspelt one must not be lost in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class PostalAddress(_Strict):
    """Where the written outcome is sent."""

    province: ProvinceCode
    city: Line
    line: Line
    postal_code: PostalCode


class CitizenIn(_Strict):
    """Who files. ``mobile`` may be given by an operator or a partner only: a citizen's is that of the login."""

    full_name: Annotated[Line, Within(2, 120)]
    national_id: NationalId | None = None
    mobile: Mobile | None = None
    postal_address: PostalAddress


class CaseIn(_Strict):
    """A complaint, request or suggestion as it is filed."""

    kind: CaseKind
    subject: Subject
    body: Body
    category_id: Slug | None = None
    province: ProvinceCode
    county: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")] | None = None
    organisation_id: Slug | None = None
    citizen: CitizenIn
    attachments: UploadIds = []
    language: Language = "fa"
    channel: Literal["app", "web", "phone", "in_person", "letter"] | None = None

    @model_validator(mode="after")
    def _county_of_province(self) -> "CaseIn":
        if self.county is not None and self.county not in PROVINCES[self.province].counties:
            raise _refusal("unknown_county")
        return self


CASE_IN: TypeAdapter[CaseIn] = TypeAdapter(CaseIn)
