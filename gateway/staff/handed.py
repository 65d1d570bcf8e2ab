"""What an account's owner is handed once: an initial password, and the secret of a second factor."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pyotp

from gateway.identity.passwords import Passwords
from shared.kit.sealing import KeyRing, open_sealed, seal

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Of Crockford's base 32: 5 bits each, none like another on paper."""


@dataclass(frozen=True)
class Given:
    """What is kept of it in the account's row, and what is shown this once."""

    columns: dict[str, Any] = field(default_factory=dict, repr=False)
    shown: dict[str, Any] = field(default_factory=dict, repr=False)


async def initial_password(passwords: Passwords, days: int, halves: tuple[KeyRing, str] | None = None) -> Given:
    """A random password, good for so many days for choosing one.

    With ``halves``, a ring and the username, it is two: the first is shown, the second is sealed until ``second_half``
    shows it to somebody else. Raises a 503 problem when too many passwords wait to be hashed.
    """
    until = datetime.now(UTC) + timedelta(days=days)
    first, rest, sealed = _words(), "", None
    if halves is not None:
        ring, username = halves
        rest = _words()
        sealed = seal(ring, rest.encode(), _context(username))
    columns = {"password_hash": await passwords.hashed(first + rest), "password_until": until, "rest_sealed": sealed}
    return Given(columns, _part(first, "first" if rest else "whole", until))


def second_half(ring: KeyRing, account: Any) -> Given:
    """The half that was kept of an account's initial password; nothing, if none waits."""
    if account.rest_sealed is None:
        return Given()
    rest = open_sealed(ring, account.rest_sealed, _context(account.username)).decode()
    return Given({"rest_sealed": None}, _part(rest, "second", account.password_until))


def second_factor(ring: KeyRing, username: str) -> Given:
    """A new TOTP secret (RFC 6238), and its otpauth URI for an authenticator."""
    secret = pyotp.random_base32()
    sealed = seal(ring, secret.encode(), b"totp:" + username.encode())
    uri = pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name="Seda")
    return Given({"totp_sealed": sealed, "totp_last_step": 0}, {"totp_uri": uri})


def _words() -> str:
    """80 random bits to be written down: ``k3mf-9xpt-w2qh-7rbn``."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def _part(password: str, part: Literal["whole", "first", "second"], until: datetime | None) -> dict[str, Any]:
    return {"initial_password": password, "initial_password_part": part, "initial_password_until": until}


def _context(username: str) -> bytes:
    return b"rest:" + username.encode()
