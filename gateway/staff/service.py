"""Making and changing staff accounts; every change is told, recorded, and ends the account's logins."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.audit.repository import record
from gateway.identity.passwords import Passwords
from gateway.identity.repository import end_logins
from gateway.identity.tokens import AccessTokens
from gateway.staff import domain, repository
from gateway.staff.departments import Departments
from gateway.staff.handed import Given, initial_password, second_factor, second_half
from gateway.staff.schemas import StaffGivenOut, StaffIn, StaffOut, StaffPatch
from gateway.staff.telling import tell
from shared.contracts.envelope import Actor
from shared.kit.auth import Principal
from shared.kit.sealing import KeyRing
from shared.kit.web.etags import check_if_match
from shared.kit.web.language import Text
from shared.kit.web.problems import CONFLICT, FORBIDDEN, NOT_FOUND, FieldFault, Problem, invalid_fields

_FAULTS = {
    "realms_mixed": Text(
        "نقش‌های رسیدگی به فساد را با نقش‌های دیگر نمی‌توان به یک حساب داد.",
        "No account has roles of IRM and other ones.",
    ),
    "custodian_alone": Text("امین کلید نقش دیگری ندارد.", "A custodian has no other role."),
    "department_required": Text("برای این نقش، واحد لازم است.", "This role needs a department."),
}
_TAKEN = Text("این نام کاربری پیش‌تر به کار رفته است.", "This username is taken.")
_OWN = Text("حساب خود را نمی‌توانید تغییر دهید.", "Nobody changes an account of their own.")
_LAST = Text(
    "این آخرین حساب فعال با این نقش است.", "This is the last account in use that has the role admin or supervisor."
)
_CONFIRMED = Text("این حساب در انتظار تأیید نیست.", "The account does not wait to be confirmed.")
_ALONE = Text("تأیید با تغییر دیگری همراه نمی‌شود.", "To confirm is a change of its own.")
_DEPARTMENT = Text("این واحد در فهرست نیست.", "There is no such department.")

_VALUES = ("roles", "department_id", "province", "active")
"""Fields that the record shows with their new values."""


class Accounts:
    """The use cases of ``/v1/admin/staff``, each in its caller's transaction."""

    def __init__(
        self, passwords: Passwords, ring: KeyRing, tokens: AccessTokens, departments: Departments, initial_days: int
    ) -> None:
        """``ring`` seals second factors and halves of passwords; an initial password is good for ``initial_days``."""
        self._passwords = passwords
        self._ring = ring
        self._tokens = tokens
        self._departments = departments
        self._days = initial_days

    async def show(self, connection: AsyncConnection, caller: Principal, username: str) -> StaffOut:
        """An account within the caller's care, on record. Raises a 404 problem for any other."""
        row = await self._account(connection, caller, username)
        await record(connection, caller.subject, "staff.read", username)
        return StaffOut(**shown(row))

    async def create(self, connection: AsyncConnection, caller: Principal, new: StaffIn) -> StaffGivenOut:
        """Makes an account, with an initial password.

        Raises 403 for roles that the caller does not give, 422 for roles or a department that cannot be, 409 for a name
        that is taken.
        """
        roles = frozenset[str](new.roles)
        _check_roles(roles, new.department_id)
        if domain.reach(caller.roles, roles) != "whole":
            raise Problem(FORBIDDEN)
        await self._check_department(new.department_id)
        values = new.model_dump(exclude={"roles", "totp"}) | {"roles": sorted(roles)}
        password = await self._password(new.username, roles)
        totp = second_factor(self._ring, new.username) if new.totp else Given()
        columns = {**values, **password.columns, **totp.columns, "confirmed": not domain.needs_second(roles)}
        if not await repository.add(connection, **columns, version=1):
            raise Problem(CONFLICT, detail=_TAKEN, code="username_taken")
        changes = {name: values[name] for name in ("roles", "department_id", "province")}
        row = await self._done(connection, caller, new.username, "staff.created", changes)
        return StaffGivenOut(**shown(row), **password.shown, **totp.shown)

    async def change(
        self, connection: AsyncConnection, caller: Principal, username: str, patch: StaffPatch, if_match: str | None
    ) -> StaffGivenOut:
        """Changes an account; its logins end. What gives access to an account of IRM locks it until it is confirmed.

        Raises, in this order: 404 out of the caller's care, 428 and 412 about ``If-Match``, 403 for what is not theirs
        to do, 409 for their own account, for the last admin or supervisor, and for confirming what does not wait, 422
        for roles or a department that cannot be.
        """
        await repository.lock_directory(connection)
        row = await self._account(connection, caller, username)
        check_if_match(if_match, row.version)
        fields = patch.model_dump(exclude_unset=True)
        fields = {name: value for name, value in fields.items() if value is not None or name in _NULLABLE}
        if not fields:
            return StaffGivenOut(**shown(row))
        if "confirm" in fields:
            return await self._confirm(connection, caller, row, fields)
        takes_away = fields.keys() == {"active"} and not fields["active"]
        roles = frozenset[str](fields.get("roles", row.roles))
        if not takes_away and {domain.reach(caller.roles, held) for held in (roles, frozenset(row.roles))} != {"whole"}:
            raise Problem(FORBIDDEN)
        if caller.subject == username:
            raise Problem(CONFLICT, detail=_OWN, code="own_account")
        await _check_not_last(connection, row, roles if fields.get("active", True) else frozenset())
        if {"roles", "department_id"} & fields.keys():
            _check_roles(roles, fields.get("department_id", row.department_id))
            await self._check_department(fields.get("department_id"))
        given = await self._given(username, roles, fields)
        columns = {name: value for name, value in fields.items() if name in _COLUMNS}
        if "roles" in columns:
            columns["roles"] = sorted(columns["roles"])
        if "active" in fields:
            columns["disabled"] = not fields["active"]
        if domain.needs_second(roles) and not takes_away:
            columns["confirmed"] = False
        await repository.change(connection, username, {**columns, **given.columns})
        changes = {name: value if name in _VALUES else True for name, value in fields.items()}
        row = await self._done(connection, caller, username, "staff.changed", changes)
        return StaffGivenOut(**shown(row), **given.shown)

    async def _confirm(
        self, connection: AsyncConnection, caller: Principal, row: Any, fields: dict[str, Any]
    ) -> StaffGivenOut:
        if domain.reach(caller.roles, frozenset(row.roles)) != "lock":
            raise Problem(FORBIDDEN)
        if len(fields) > 1:
            raise invalid_fields(FieldFault("/confirm", "confirm_alone", _ALONE))
        if row.confirmed:
            raise Problem(CONFLICT, detail=_CONFIRMED, code="confirmed_before")
        half = second_half(self._ring, row)
        await repository.change(connection, row.username, {"confirmed": True, **half.columns})
        after = await self._done(connection, caller, row.username, "staff.confirmed", {})
        return StaffGivenOut(**shown(after), **half.shown)

    async def _account(self, connection: AsyncConnection, caller: Principal, username: str) -> Any:
        row = await repository.account(connection, username)
        if row is None or domain.reach(caller.roles, frozenset(row.roles)) == "none":
            raise Problem(NOT_FOUND)
        return row

    async def _check_department(self, department_id: str | None) -> None:
        """422 for a department that routing does not know."""
        if department_id is not None and department_id not in await self._departments.known():
            raise invalid_fields(FieldFault("/department_id", "unknown_department", _DEPARTMENT))

    async def _given(self, username: str, roles: frozenset[str], fields: dict[str, Any]) -> Given:
        """The new password and second factor that a change asks for."""
        password = await self._password(username, roles) if "reset_password" in fields else Given()
        totp = Given()
        if "totp" in fields:
            totp = second_factor(self._ring, username) if fields["totp"] == "enrol" else Given({"totp_sealed": None})
        return Given({**password.columns, **totp.columns}, {**password.shown, **totp.shown})

    async def _password(self, username: str, roles: frozenset[str]) -> Given:
        """An initial password, of which nobody learns more than one half if the account is one of IRM."""
        halves = (self._ring, username) if domain.needs_second(roles) else None
        return await initial_password(self._passwords, self._days, halves)

    async def _done(
        self, connection: AsyncConnection, caller: Principal, username: str, action: str, changes: dict[str, Any]
    ) -> Any:
        """Tells and records what was done, and ends the logins; the account after it."""
        row = await repository.account(connection, username)
        await tell(connection, row, actor=Actor(kind="staff", id=caller.subject, title=caller.title))
        await record(connection, caller.subject, action, username, changes)
        for family in await end_logins(connection, username):
            self._tokens.revoke(family)
        return row


def shown(row: Any) -> dict[str, Any]:
    """The fields of an account that anybody who has it in their care may see."""
    return {
        "username": row.username,
        "roles": sorted(row.roles),
        "department_id": row.department_id,
        "province": row.province,
        "name": row.name,
        "title": row.title,
        "active": not row.disabled,
        "confirmed": row.confirmed,
        "password_initial": row.password_until is not None,
        "totp": row.totp_sealed is not None,
        "version": row.version,
    }


_COLUMNS = ("roles", "department_id", "province", "name", "title")
_NULLABLE = ("department_id", "province")


def _check_roles(roles: frozenset[str], department_id: str | None) -> None:
    """422 for roles that no account has together, or not without a department."""
    if fault := domain.fault_of(roles, department_id):
        place = "/department_id" if fault == "department_required" else "/roles"
        raise invalid_fields(FieldFault(place, fault, _FAULTS[fault]))


async def _check_not_last(connection: AsyncConnection, row: Any, left: frozenset[str]) -> None:
    """409 if the account is the last one that has a role which somebody must have, and ``left`` is without it."""
    for role in domain.NEVER_LAST & frozenset(row.roles) - left:
        if not await repository.holders_of(connection, role) - {row.username}:
            raise Problem(CONFLICT, detail=_LAST, code="last_of_role")
