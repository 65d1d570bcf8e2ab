"""The ordered rules as the centre sees and changes them."""

from datetime import date
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints, model_validator

from services.routing.desk.schemas import Slug
from services.routing.directory.schemas import Name, ProvinceCode, Word
from shared.contracts.envelope import CaseKind
from shared.kit.web.language import Text
from shared.kit.web.validation import field_error
from shared.persian.calendar import DateError, jalali, parse_jalali


def _day(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return parse_jalali(value)
    except DateError as error:
        raise field_error(error.code, Text("تاریخ درستی نیست.", "It is not a valid date.")) from None


JalaliDay = Annotated[
    date,
    BeforeValidator(_day, json_schema_input_type=str),
    PlainSerializer(jalali, return_type=str, when_used="json"),
    Field(examples=["1405-09-01"]),
]
"""A day in Tehran, written ``1404-09-18``."""


class RuleIn(BaseModel):
    """A rule: where all conditions that are given hold, the case goes to the department or category. Of hours the last
    is not included and (22, 6) goes over midnight; of days the last is included. Of ``words`` any may occur."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)

    name: Name
    category_id: Slug | None = None
    province: ProvinceCode | None = None
    county: Annotated[str, StringConstraints(max_length=64, min_length=1)] | None = None
    kind: CaseKind | None = None
    organisation_id: Slug | None = None
    words: Annotated[tuple[Word, ...], Field(min_length=1, max_length=60)] | None = None
    from_hour: Annotated[int, Field(ge=0, le=23, strict=True)] | None = None
    to_hour: Annotated[int, Field(ge=1, le=24, strict=True)] | None = None
    from_on: JalaliDay | None = None
    to_on: JalaliDay | None = None
    to_department_id: Slug | None = None
    to_category_id: Slug | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.to_department_id is None and self.to_category_id is None:
            raise field_error(
                "rule_leads_nowhere",
                Text("واحد یا موضوع مقصد لازم است.", "A department or category to go to is required."),
            )
        if (self.from_hour is None) != (self.to_hour is None):
            raise field_error("hours_incomplete", Text("هر دو ساعت لازم است.", "Both hours are required."))
        return self


class RulesIn(BaseModel):
    """All rules, in their order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    items: Annotated[tuple[RuleIn, ...], Field(max_length=500)]


class RulesOut(BaseModel):
    """All rules, in their order; ``version`` is that of directory and rules together, and the ETag."""

    version: int
    items: list[RuleIn]


class ChangeOut(BaseModel):
    """How many cases would go from one department (null: triage) to another, and a few of them."""

    from_department_id: str | None
    to_department_id: str | None
    count: int
    samples: list[str]


class DryRunOut(BaseModel):
    """What other rules would have done to the cases of the last thirty days: how many were looked at (the newest
    20,000 at most), and how many would have gone elsewhere."""

    cases: int
    changed: int
    changes: list[ChangeOut]
