"""Staff accounts as they are made, changed and shown."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from gateway.staff.domain import Role
from shared.kit.web.language import Text
from shared.kit.web.validation import Within, field_error
from shared.persian.places import PROVINCES
from shared.persian.text import TextError, canon

_NUMBER = re.compile(r"[0-9]{5}")


def _no_number(username: str) -> str:
    """Usernames stand in events and steps: nobody's number may be one."""
    if _NUMBER.search(username):
        message = Text("نام کاربری نباید شماره باشد.", "A username must not be a number.")
        raise field_error("username_numeric", message)
    return username


def _known_province(code: str) -> str:
    if code not in PROVINCES:
        raise field_error("unknown_province", Text("این استان شناخته نیست.", "There is no such province."))
    return code


def _clean(value: str) -> str:
    try:
        return canon(value, multiline=False)
    except TextError as error:
        message = Text("نویسه‌های نادرستی در متن است.", "The text holds characters that are not valid.")
        raise field_error(error.code, message) from None


def _each_once(roles: tuple[Role, ...]) -> tuple[Role, ...]:
    return tuple(sorted(set(roles)))


USERNAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
NewUsername = Annotated[str, StringConstraints(pattern=USERNAME), AfterValidator(_no_number)]
Roles = Annotated[tuple[Role, ...], Field(min_length=1, max_length=9), AfterValidator(_each_once)]
DepartmentId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
ProvinceCode = Annotated[str, StringConstraints(max_length=8), AfterValidator(_known_province)]
Name = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_clean), Within(2, 150)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StaffIn(_In):
    """A new account. ``title`` is the office's, which citizens are told; ``totp``: with a second factor from the
    first login on."""

    username: NewUsername
    roles: Roles
    department_id: DepartmentId | None = None
    province: ProvinceCode | None = None
    name: Name
    title: Name
    totp: bool = True


class StaffPatch(_In):
    """What is to be different; what is left out stays, and null takes ``department_id`` or ``province`` away.

    ``reset_password`` gives a new initial one; ``totp`` ``enrol`` a new second factor, ``remove`` none. ``confirm``, of
    an admin and alone: that a change of an account of IRM counts."""

    roles: Roles | None = None
    department_id: DepartmentId | None = None
    province: ProvinceCode | None = None
    name: Name | None = None
    title: Name | None = None
    active: bool | None = None
    reset_password: Literal[True] | None = None
    totp: Literal["enrol", "remove"] | None = None
    confirm: Literal[True] | None = None


class StaffOut(BaseModel):
    """An account. ``active`` is false once it is disabled; ``confirmed`` is false while it waits for an admin;
    ``password_initial``: its owner has not chosen a password so far."""

    username: str
    roles: list[Role]
    department_id: str | None
    province: str | None
    name: str
    title: str
    active: bool
    confirmed: bool
    password_initial: bool
    totp: bool
    version: int


class StaffGivenOut(StaffOut):
    """The account after it was made or changed, and what is shown this once.

    ``initial_password`` is good until ``initial_password_until`` for choosing one (``new_password`` at the login). Of
    an account of IRM the supervisor is shown the ``first`` half and the admin who confirms it the ``second``; its owner
    types both, one right behind the other. ``totp_uri`` (otpauth) is for the authenticator.
    """

    initial_password: str | None = None
    initial_password_part: Literal["whole", "first", "second"] | None = None
    initial_password_until: datetime | None = None
    totp_uri: str | None = None

    def kept(self) -> "StaffGivenOut":
        """The same without what is shown once."""
        return StaffGivenOut(**self.model_dump(include=set(StaffOut.model_fields)))


class StaffPage(BaseModel):
    """Accounts, by username."""

    items: list[StaffOut]
    next: str | None = None
