"""The directory as the centre sees and changes it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from services.routing.desk.schemas import Slug, Username, clean
from shared.kit.web.language import Text
from shared.kit.web.validation import Within, field_error
from shared.persian.places import PROVINCES


def known_province(code: str) -> str:
    """A validator: the code of one of Iran's provinces."""
    if code not in PROVINCES:
        raise field_error("unknown_province", Text("این استان شناخته نیست.", "There is no such province."))
    return code


Name = Annotated[str, StringConstraints(max_length=1000), AfterValidator(clean(multiline=False)), Within(2, 150)]
Word = Annotated[str, StringConstraints(max_length=500), AfterValidator(clean(multiline=False)), Within(2, 80)]
ProvinceCode = Annotated[str, StringConstraints(max_length=8), AfterValidator(known_province)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OrganisationIn(_In):
    """A body under the ministry."""

    name_fa: Name
    name_en: Name
    active: bool = True


class DepartmentIn(_In):
    """A department; ``officers`` says who of it answers for a province: cases from there are theirs at once."""

    name_fa: Name
    name_en: Name
    organisation_id: Slug
    pipeline: Literal["zrm", "irm"] = "zrm"
    officers: Annotated[dict[ProvinceCode, Username], Field(max_length=31)] = {}
    active: bool = True


class CategoryIn(_In):
    """What a case may be about; ``sla_days`` are working days, ``keywords`` what such cases are recognised by."""

    department_id: Slug
    name_fa: Name
    name_en: Name
    sla_days: Annotated[int, Field(ge=1, le=120, strict=True)]
    priority: Literal["normal", "high", "urgent"] = "normal"
    vulnerable: bool = False
    keywords: Annotated[tuple[Word, ...], Field(max_length=500)] = ()
    active: bool = True


class OrganisationPatch(_In):
    """What is to be different; what is left out stays."""

    name_fa: Name | None = None
    name_en: Name | None = None
    active: bool | None = None


class DepartmentPatch(OrganisationPatch):
    """As above."""

    organisation_id: Slug | None = None
    pipeline: Literal["zrm", "irm"] | None = None
    officers: Annotated[dict[ProvinceCode, Username], Field(max_length=31)] | None = None


class CategoryPatch(OrganisationPatch):
    """As above."""

    department_id: Slug | None = None
    sla_days: Annotated[int, Field(ge=1, le=120, strict=True)] | None = None
    priority: Literal["normal", "high", "urgent"] | None = None
    vulnerable: bool | None = None
    keywords: Annotated[tuple[Word, ...], Field(max_length=500)] | None = None


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class OrganisationOut(_Out, OrganisationIn):
    """An organisation with its id."""

    model_config = ConfigDict(extra="ignore")
    id: str


class DepartmentOut(_Out, DepartmentIn):
    """A department with its id."""

    model_config = ConfigDict(extra="ignore")
    id: str


class CategoryOut(_Out, CategoryIn):
    """A category with its id."""

    model_config = ConfigDict(extra="ignore")
    id: str


class DirectoryOut(_Out):
    """The whole directory, what is out of use included; ``version`` is also its ETag."""

    version: int
    organisations: list[OrganisationOut]
    departments: list[DepartmentOut]
    categories: list[CategoryOut]


class VersionOut(_Out):
    """A version of the directory and the rules: when, by whom (null: with the software's taxonomy) and what changed."""

    version: int
    at: datetime
    on: str
    actor_id: str | None
    change: dict[str, Any]


class VersionPage(_Out):
    """Versions, the newest first."""

    items: list[VersionOut]
    next: str | None = None


class SnapshotOut(_Out):
    """Everything as it was at a version."""

    version: int
    document: dict[str, Any]
