"""Being logged in between two commands: a file of mode 600 with the token, and which key files are this device's."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import httpx

from services.integrity.inspect import keyfile
from services.integrity.inspect.client import Office, Refused


class NotLoggedIn(Exception):
    """There is no session file, or it is none."""


@dataclass(frozen=True)
class Session:
    """``keys``: files of private keys, the present one first."""

    gateway: str
    username: str
    access_token: str
    refresh_token: str
    keys: tuple[str, ...]

    @classmethod
    def begin(
        cls,
        gateway: str,
        username: str,
        password: str,
        totp: str | None,
        keys: tuple[str, ...],
        *,
        chosen: str | None = None,
    ) -> Self:
        """Logs in, with ``chosen`` as the password from now on; Refused for a wrong password, a missing second factor,
        and an initial password that is not changed."""
        body = {"username": username, "password": password, **({"totp": totp} if totp else {})}
        body |= {"new_password": chosen} if chosen else {}
        with httpx.Client(base_url=gateway, timeout=30) as http:
            tokens = _tokens(http.post("/v1/auth/staff", json=body))
        return cls(gateway, username, tokens["access_token"], tokens["refresh_token"], keys)

    @classmethod
    def load(cls, path: Path) -> Self:
        """The session in a file; NotLoggedIn if there is none."""
        try:
            document = json.loads(path.read_text())
            return cls(**{**document, "keys": tuple(document["keys"])})
        except (OSError, ValueError, TypeError, KeyError):
            raise NotLoggedIn("nobody is logged in: the command is 'login'") from None

    def renewed(self) -> Self:
        """The session with new tokens; Refused if its time is over."""
        form = {"grant_type": "refresh_token", "refresh_token": self.refresh_token}
        with httpx.Client(base_url=self.gateway, timeout=30) as http:
            tokens = _tokens(http.post("/v1/auth/token", data=form))
        return type(self)(self.gateway, self.username, tokens["access_token"], tokens["refresh_token"], self.keys)

    def save(self, path: Path) -> None:
        """Writes the session, whole or not at all, for its owner alone."""
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(self), file)
        half.replace(path)

    def office(self, http: httpx.Client) -> Office:
        """The API in this session's name, with the device's keys."""
        return Office(http, self.access_token, *(keyfile.load(Path(path)) for path in self.keys))


def _tokens(answer: httpx.Response) -> dict[str, str]:
    if not answer.is_success:
        raise Refused(answer.status_code, f"{answer.status_code} {answer.json().get('detail', '')}".strip())
    tokens: dict[str, str] = answer.json()
    return tokens
