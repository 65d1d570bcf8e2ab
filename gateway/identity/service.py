"""Logging in and staying so: citizens by SMS code, staff by password, partners by client credentials."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
import pyotp
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.audit.repository import record
from gateway.identity import repository
from gateway.identity.passwords import Passwords
from gateway.identity.tokens import AccessTokens, Login
from gateway.settings import GatewaySettings
from shared.contracts.gateway import OtpRequested, OtpRequestedData
from shared.kit.auth import Principal
from shared.kit.db import Database
from shared.kit.ids import uuid7
from shared.kit.outbox import append, new_event
from shared.kit.sealing import BlindIndex, KeyRing, open_sealed, seal
from shared.kit.web.buckets import Buckets
from shared.kit.web.language import Language, Text
from shared.kit.web.problems import (
    GONE,
    UNAUTHORIZED,
    FieldFault,
    Problem,
    ProblemType,
    invalid_fields,
    too_many_requests,
)

TOTP_REQUIRED = ProblemType(
    "totp-required",
    401,
    Text("کد دومرحله‌ای لازم است", "A second factor is required"),
    Text("لطفاً کد شش‌رقمی برنامهٔ رمزساز خود را هم بفرستید.", "Please send the six digits of your authenticator, too."),
)
PASSWORD_CHANGE_REQUIRED = ProblemType(
    "password-change-required",
    401,
    Text("باید رمز تازه‌ای برگزینید", "A new password must be chosen"),
    Text(
        "این رمز را دیگری ساخته است؛ لطفاً آن را همراه رمز تازهٔ خود (new_password) بفرستید.",
        "Somebody else made this password; please send it together with one of your own, new_password.",
    ),
)
_SAME = Text("رمز تازه باید با رمز پیشین فرق کند.", "The new password must differ from the old one.")
_WRONG_CODE = Text("این کد درست نیست.", "This code is not right.")
_WRONG_LOGIN = Text("نام کاربری یا رمز درست نیست.", "The username or the password is not right.")


class GrantRefused(Exception):
    """An error of the token endpoint, by its name in RFC 6749, 5.2."""

    def __init__(self, error: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.status = status


@dataclass(frozen=True)
class Challenge:
    """A code was sent: under this id, good until ``expires_at``; another may be asked for at ``resend_after``."""

    challenge_id: UUID
    expires_at: datetime
    resend_after: datetime


@dataclass(frozen=True)
class Tokens:
    """What a login gives; partners get no refresh token, they have their credentials."""

    access_token: str
    expires_in: int
    refresh_token: str | None


@dataclass(frozen=True)
class GatewayKeys:
    """``otp`` is shared with sms; ``identity`` with intake; ``blind`` names citizens."""

    otp: KeyRing
    identity: KeyRing
    blind: BlindIndex


class Identity:
    """The use cases of ``/v1/auth``."""

    def __init__(
        self,
        settings: GatewaySettings,
        database: Database,
        keys: GatewayKeys,
        tokens: AccessTokens,
        passwords: Passwords,
    ) -> None:
        self._settings = settings
        self._database = database
        self._keys = keys
        self.tokens = tokens
        self._passwords = passwords
        self._otp_by_address = Buckets("otp-address", settings.otp_per_ip_minute, 60)
        self._otp_total = Buckets("otp", settings.otp_per_minute, 60)
        # each code that an address may ask for may be tried as often as a code may be
        self._codes_by_address = Buckets("code-address", settings.otp_per_ip_minute * settings.otp_tries, 60)
        self._logins_by_address = Buckets("login-address", settings.login_per_ip_minute, 60)
        self._partners_by_address = Buckets("token-address", settings.login_per_ip_minute, 60)
        self._logins_by_user = Buckets("login-user", settings.login_per_user_minute, 60)

    async def send_code(self, mobile: str, *, address: str, language: Language) -> Challenge:
        """Sends a login code to a mobile (E.164), whether or not anybody knows it. Raises 429 past the limits."""
        self._otp_by_address.take(address)
        self._otp_total.take("")
        challenge, citizen = uuid7(), self._keys.blind.citizen_id(mobile)
        now = datetime.now(UTC)
        expires_at = now + timedelta(seconds=self._settings.otp_seconds)
        code = f"{secrets.randbelow(1_000_000):06d}"
        otp = seal(self._keys.otp, orjson.dumps({"mobile": mobile, "code": code}), b"otp:" + str(challenge).encode())
        event = new_event(
            OtpRequested,
            subject=str(challenge),
            sequence=1,
            data=OtpRequestedData(otp_sealed=otp, language=language, expires_at=expires_at),
        )
        async with self._database.transaction() as connection:
            if await repository.codes_within_hour(connection, citizen) >= self._settings.otp_per_number_hour:
                raise too_many_requests(600)
            await repository.add_challenge(
                connection,
                id=challenge,
                citizen_id=citizen,
                mobile_sealed=seal(self._keys.identity, mobile.encode(), b"mobile:" + str(citizen).encode()),
                code_hash=self._code_hash(challenge, code),
                expires_at=expires_at,
            )
            await append(connection, event)
        return Challenge(challenge, expires_at, now + timedelta(seconds=self._settings.otp_resend_seconds))

    async def enter_code(self, challenge: UUID, code: str, *, address: str) -> Tokens:
        """Logs a citizen in. Raises 401 for a wrong code, 410 when it expired, was used, or was wrong five times, 429
        past the limits."""
        self._codes_by_address.take(address)
        async with self._database.transaction() as connection:  # the try counts, whatever comes of it
            row = await repository.try_challenge(connection, challenge, tries=self._settings.otp_tries)
        if row is None:
            raise Problem(GONE)
        if not secrets.compare_digest(self._code_hash(challenge, code), row.code_hash):
            raise Problem(UNAUTHORIZED, detail=_WRONG_CODE)
        principal = Principal("citizen", str(row.citizen_id), mob=row.mobile_sealed)
        async with self._database.transaction() as connection:
            if not await repository.use_challenge(connection, challenge):
                raise Problem(GONE)
            return await self._begin(connection, principal, timedelta(days=self._settings.refresh_days))

    async def staff_login(
        self, username: str, password: str, totp: str | None, new_password: str | None = None, *, address: str
    ) -> Tokens:
        """Logs a member of staff in; with ``new_password`` that one counts from now on, and other logins end.

        Raises 401 for a wrong name, password or second factor, and for a password that somebody else made unless it is
        changed; 422 for a new one that is the old one; 429 past the limits.
        """
        self._logins_by_address.take(address)
        self._logins_by_user.take(username)
        async with self._database.reading() as connection:
            row = await repository.staff(connection, username)
        if not await self._passwords.matches(password, row.password_hash if row else None) or row is None:
            raise Problem(UNAUTHORIZED, detail=_WRONG_LOGIN)
        if new_password == password:
            raise invalid_fields(FieldFault("/new_password", "password_unchanged", _SAME))
        chosen = None if new_password is None else await self._passwords.hashed(new_password)
        async with self._database.transaction() as connection:
            # the account may have been changed while the hash was made
            held, row = row, await repository.staff(connection, username, lock=True)
            if row is None or row.password_hash != held.password_hash or _is_over(row.password_until):
                raise Problem(UNAUTHORIZED, detail=_WRONG_LOGIN)
            if row.totp_sealed is not None:
                await self._check_totp(connection, row, totp)
            if chosen is not None:
                await self._choose(connection, username, chosen)
            elif row.password_until is not None:
                raise Problem(PASSWORD_CHANGE_REQUIRED)
            lifetime = timedelta(hours=self._settings.staff_refresh_hours)
            return await self._begin(connection, _staff(row), lifetime)

    async def _choose(self, connection: AsyncConnection, username: str, hash: str) -> None:
        """Makes the password of ``hash`` the account's own, and ends its logins."""
        await repository.choose_password(connection, username, hash)
        await record(connection, username, "password.chosen", username)
        for family in await repository.end_logins(connection, username):
            self.tokens.revoke(family)

    async def refresh(self, refresh_token: str) -> Tokens:
        """New tokens for an old refresh token, which then is used up. One used twice ends the whole login: somebody
        has stolen it (RFC 9700, 4.14.2); ``refresh_grace_seconds`` may excuse a client that never got the answer.
        Raises ``GrantRefused``."""
        hash = sha256(refresh_token.encode()).digest()
        async with self._database.transaction() as connection:
            row = await repository.refresh_token(connection, hash)
            stolen = (
                row is not None
                and row.used_seconds is not None
                and row.used_seconds >= self._settings.refresh_grace_seconds
            )
            if row is not None and stolen:
                await repository.revoke_family(connection, row.family_id)
            principal = None if row is None or stolen else await self._principal(connection, row)
            if row is not None and principal is not None:
                await repository.use_refresh_token(connection, hash)
                return await self._tokens(connection, Login(principal, row.family_id))
        if row is not None and stolen:
            self.tokens.revoke(row.family_id)
        raise GrantRefused("invalid_grant")

    async def client_credentials(
        self, client_id: str, secret: str, *, scope: str | None = None, address: str
    ) -> Tokens:
        """A partner's access token, for all its scopes or those named in ``scope`` (RFC 6749, 3.3). Raises
        ``GrantRefused``, 429 past the limits."""
        self._partners_by_address.take(address)
        async with self._database.transaction() as connection:
            row = await repository.partner(connection, client_id)
            held = row.secret_hash if row else bytes(32)
            if not secrets.compare_digest(sha256(secret.encode()).digest(), held) or row is None:
                raise GrantRefused("invalid_client", 401)
            scopes = frozenset(row.scopes) if scope is None else frozenset(scope.split())
            if not scopes or not scopes <= frozenset(row.scopes):
                raise GrantRefused("invalid_scope")
            principal = Principal("partner", row.client_id, scopes=scopes, name=row.name)
            family = uuid7()
            lifetime = datetime.now(UTC) + timedelta(seconds=self._settings.access_seconds)
            await repository.add_family(
                connection, id=family, kind="partner", subject=row.client_id, mobile_sealed=None, expires_at=lifetime
            )
        return Tokens(self.tokens.issue(Login(principal, family)), self.tokens.seconds, None)

    async def logout(self, login: Login) -> None:
        """Ends the login at once; other processes of the gateway know within seconds."""
        async with self._database.transaction() as connection:
            await repository.revoke_family(connection, login.family)
        self.tokens.revoke(login.family)

    async def refresh_revoked(self) -> None:
        """Reads which logins ended lately, wherever."""
        async with self._database.reading() as connection:
            self.tokens.revoked(await repository.lately_revoked(connection, seconds=self.tokens.seconds + 60))

    async def _begin(self, connection: AsyncConnection, principal: Principal, lifetime: timedelta) -> Tokens:
        family = uuid7()
        await repository.add_family(
            connection,
            id=family,
            kind=principal.kind,
            subject=principal.subject,
            mobile_sealed=principal.mob,
            expires_at=datetime.now(UTC) + lifetime,
        )
        return await self._tokens(connection, Login(principal, family))

    async def _tokens(self, connection: AsyncConnection, login: Login) -> Tokens:
        token = secrets.token_urlsafe(32)
        await repository.add_refresh_token(connection, sha256(token.encode()).digest(), login.family)
        return Tokens(self.tokens.issue(login), self.tokens.seconds, token)

    async def _principal(self, connection: AsyncConnection, family: Any) -> Principal | None:
        if family.kind == "citizen":
            return Principal("citizen", family.subject, mob=family.mobile_sealed)
        row = await repository.staff(connection, family.subject)
        return _staff(row) if row else None

    async def _check_totp(self, connection: AsyncConnection, row: Any, totp: str | None) -> None:
        if totp is None:
            raise Problem(TOTP_REQUIRED)
        secret = open_sealed(self._keys.identity, row.totp_sealed, b"totp:" + row.username.encode()).decode()
        verifier = pyotp.TOTP(secret)
        now = datetime.now(UTC)
        for steps in (0, -1, 1):
            step = verifier.timecode(now) + steps
            if secrets.compare_digest(verifier.generate_otp(step).encode(), totp.encode()):
                if await repository.use_totp_step(connection, row.username, step):
                    return
                break
        raise Problem(UNAUTHORIZED, detail=_WRONG_LOGIN)

    def _code_hash(self, challenge: UUID, code: str) -> bytes:
        return self._keys.blind.index(f"otp:{challenge}:{code}")


def _is_over(until: datetime | None) -> bool:
    return until is not None and until < datetime.now(UTC)


def _staff(row: Any) -> Principal:
    return Principal(
        "staff",
        row.username,
        roles=frozenset(row.roles),
        department_id=row.department_id,
        province=row.province,
        name=row.name,
        title=row.title,
    )
