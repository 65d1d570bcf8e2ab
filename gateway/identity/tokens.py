"""Access tokens: JWTs of the profile RFC 9068 (``typ at+jwt``), signed by Ed25519, checked as RFC 8725 asks."""

import json
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jwt import JWTClaimsRegistry

from shared.kit.auth import Principal
from shared.kit.web.problems import UNAUTHORIZED, Problem

ALGORITHM = "Ed25519"  # RFC 9864 deprecates the less exact "EdDSA"
TYPE = "at+jwt"
AUDIENCE = "seda"
_LEEWAY_SECONDS = 5
_CACHED = 50_000


@dataclass(frozen=True, slots=True)
class Login:
    """A caller and the login (refresh family) that the token belongs to."""

    principal: Principal
    family: UUID


class AccessTokens:
    """Makes and checks the outside tokens, and knows which logins ended before their tokens did."""

    def __init__(self, key: OKPKey, *, issuer: str, seconds: int) -> None:
        self._key = key
        self._issuer = issuer
        self.seconds = seconds
        self._claims = JWTClaimsRegistry(
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
            sub={"essential": True},
        )
        self._known: OrderedDict[bytes, tuple[float, Login]] = OrderedDict()
        self._revoked: frozenset[UUID] = frozenset()
        self._revoked_here: dict[UUID, float] = {}

    @classmethod
    def load(cls, path: Path, *, issuer: str, seconds: int) -> "AccessTokens":
        """Reads the private JWK (Ed25519) at ``path``; tokens live ``seconds``."""
        return cls(OKPKey.import_key(json.loads(path.read_bytes())), issuer=issuer, seconds=seconds)

    def issue(self, login: Login, *, seconds: int | None = None) -> str:
        """A token for the login, from now on, for so many seconds or as long as tokens live."""
        now = int(time.time())
        principal = login.principal
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + (seconds or self.seconds),
            "jti": secrets.token_urlsafe(12),
            "client_id": principal.subject if principal.kind == "partner" else self._issuer,
            "sub": principal.subject,
            "kind": principal.kind,
            "fam": str(login.family),
            "roles": sorted(principal.roles),
            "scopes": sorted(principal.scopes),
        }
        for name in ("department_id", "province", "name", "title", "mob", "box"):
            if (value := getattr(principal, name)) is not None:
                claims[name] = value
        return jwt.encode({"alg": ALGORITHM, "typ": TYPE}, claims, self._key, algorithms=[ALGORITHM])

    def revoked(self, families: frozenset[UUID]) -> None:
        """Tells which logins ended lately, as the database has it: their tokens are refused from now on.

        What ended in this process stays so even if the database was read just before."""
        now = time.time()
        self._revoked_here = {family: until for family, until in self._revoked_here.items() if until > now}
        self._revoked = families | self._revoked_here.keys()

    def revoke(self, family: UUID) -> None:
        """One more login has ended."""
        self._revoked_here[family] = time.time() + self.seconds + _LEEWAY_SECONDS
        self._revoked |= {family}

    def caller(self, authorization: str | None) -> Principal:
        """The caller, of kind ``public`` without a token. Raises a 401 problem for a token that is not good."""
        if authorization is None:
            return PUBLIC
        return self.login(authorization).principal

    def login(self, authorization: str) -> Login:
        """The login that an ``Authorization`` header names. Raises a 401 problem for one that is not good."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _refused()
        digest = sha256(token.encode("latin-1", "replace")).digest()
        known = self._known.get(digest)
        if known is None or known[0] <= time.time():
            known = self._known[digest] = self._checked(token)
            if len(self._known) > _CACHED:
                self._known.popitem(last=False)
        if known[1].family in self._revoked:
            raise _refused()
        return known[1]

    def _checked(self, token: str) -> tuple[float, Login]:
        try:
            decoded = jwt.decode(token, self._key, algorithms=[ALGORITHM])
            if decoded.header.get("typ") != TYPE:
                raise _refused()
            self._claims.validate(decoded.claims)
            claims = decoded.claims
            login = Login(
                Principal(
                    kind=claims["kind"],
                    subject=claims["sub"],
                    roles=frozenset(claims["roles"]),
                    scopes=frozenset(claims["scopes"]),
                    department_id=claims.get("department_id"),
                    province=claims.get("province"),
                    name=claims.get("name"),
                    title=claims.get("title"),
                    mob=claims.get("mob"),
                    box=claims.get("box"),
                ),
                UUID(claims["fam"]),
            )
        except (JoseError, ValueError, KeyError, TypeError):
            raise _refused() from None
        return float(claims["exp"]), login


PUBLIC = Principal("public", "public")


def _refused() -> Problem:
    return Problem(UNAUTHORIZED, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
