"""Who calls: the internal token that the gateway mints for one service and a minute, verified by every service itself.

Services deny by default: an endpoint without ``allow`` cannot learn who calls, and ``allow()`` names who may.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Depends
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jwt import JWTClaimsRegistry
from starlette.requests import HTTPConnection

from shared.kit.web.problems import FORBIDDEN, UNAUTHORIZED, Problem

Kind = Literal["citizen", "staff", "partner", "reporter", "public"]

ISSUER = "seda.gateway"
ALGORITHM = "Ed25519"  # RFC 9864 deprecates the less exact "EdDSA"
LIFETIME_SECONDS = 60
_LEEWAY_SECONDS = 5
_CACHED = 4096


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever calls. ``subject`` is opaque (a citizen's keyed hash, a staff username, a partner's id); ``mob`` is a
    citizen's mobile sealed under the ring ``identity``, ``box`` a reporter's key sealed for their service alone."""

    kind: Kind
    subject: str
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    department_id: str | None = None
    province: str | None = None
    name: str | None = None
    title: str | None = None
    mob: str | None = field(default=None, repr=False)
    box: str | None = field(default=None, repr=False)


class Mint:
    """The gateway's half: makes internal tokens with the private key."""

    def __init__(self, key: OKPKey) -> None:
        self._key = key

    @classmethod
    def load(cls, path: Path) -> "Mint":
        """Reads the private JWK (Ed25519) at ``path``."""
        return cls(OKPKey.import_key(json.loads(path.read_bytes())))

    def token(self, principal: Principal, service: str, *, now: int | None = None) -> str:
        """A token of ``principal`` for ``service``, good for 60 seconds from ``now`` (epoch seconds)."""
        issued = int(time.time()) if now is None else now
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": f"seda.{service}",
            "iat": issued,
            "exp": issued + LIFETIME_SECONDS,
            "sub": principal.subject,
            "kind": principal.kind,
        }
        if principal.roles:
            claims["roles"] = sorted(principal.roles)
        if principal.scopes:
            claims["scopes"] = sorted(principal.scopes)
        for name in ("department_id", "province", "name", "title", "mob", "box"):
            if (value := getattr(principal, name)) is not None:
                claims[name] = value
        return jwt.encode({"alg": ALGORITHM, "typ": "seda+jwt"}, claims, self._key, algorithms=[ALGORITHM])


class Verifier:
    """A service's half: turns a token into a principal, or raises a 401 problem.

    ``joserfc`` checks the signature in ``decode`` but neither ``exp`` nor ``aud``: the claims registry does. A token
    that was good is remembered until it expires, because the gateway sends the same one for a while.
    """

    def __init__(self, key: OKPKey, service: str) -> None:
        self._key = key
        self._claims = JWTClaimsRegistry(
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": f"seda.{service}"},
            exp={"essential": True},
            sub={"essential": True},
        )
        self._known: dict[str, tuple[float, Principal]] = {}

    @classmethod
    def load(cls, path: Path, service: str) -> "Verifier":
        """Reads the public JWK (Ed25519) at ``path``."""
        return cls(OKPKey.import_key(json.loads(path.read_bytes())), service)

    def principal(self, token: str) -> Principal:
        """Whoever the token names. Raises a 401 problem for a token that is forged, foreign or expired."""
        now = time.time()
        known = self._known.get(token)
        if known is not None and known[0] > now:
            return known[1]
        try:
            decoded = jwt.decode(token, self._key, algorithms=[ALGORITHM])
            if decoded.header.get("typ") != "seda+jwt":
                raise Problem(UNAUTHORIZED)
            claims = decoded.claims
            self._claims.validate(claims)
            principal = Principal(
                kind=claims["kind"],
                subject=claims["sub"],
                roles=frozenset(claims.get("roles", ())),
                scopes=frozenset(claims.get("scopes", ())),
                department_id=claims.get("department_id"),
                province=claims.get("province"),
                name=claims.get("name"),
                title=claims.get("title"),
                mob=claims.get("mob"),
                box=claims.get("box"),
            )
        except (JoseError, ValueError, KeyError, TypeError):
            raise Problem(UNAUTHORIZED) from None
        if len(self._known) >= _CACHED:
            self._known.clear()
        self._known[token] = (claims["exp"], principal)
        return principal

    def of_request(self, connection: HTTPConnection) -> Principal:
        """Whoever sends the request. Raises a 401 problem without a good token."""
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Problem(UNAUTHORIZED)
        return self.principal(token)


def permitted(
    principal: Principal, *kinds: Kind, roles: frozenset[str] = frozenset(), scopes: frozenset[str] = frozenset()
) -> bool:
    """Whether the principal is of one of the kinds, and, being staff, has one of the roles, being a partner, all of
    the scopes."""
    if principal.kind not in kinds:
        return False
    if principal.kind == "staff" and roles:
        return bool(principal.roles & roles)
    if principal.kind == "partner":
        return scopes <= principal.scopes
    return True


def allow(
    *kinds: Kind, roles: tuple[str, ...] = (), scopes: tuple[str, ...] = ()
) -> Callable[[HTTPConnection], Principal]:
    """A dependency that gives the caller, if the rule lets them in: 401 without a login, 403 for anybody else."""
    needed_roles, needed_scopes = frozenset(roles), frozenset(scopes)

    def caller(connection: HTTPConnection) -> Principal:
        verifier: Verifier = connection.app.state.verifier
        principal = verifier.of_request(connection)
        if permitted(principal, *kinds, roles=needed_roles, scopes=needed_scopes):
            return principal
        raise Problem(UNAUTHORIZED if principal.kind == "public" else FORBIDDEN)

    return caller


Citizen = Annotated[Principal, Depends(allow("citizen"))]
CitizenOrPartner = Annotated[Principal, Depends(allow("citizen", "partner"))]
Anybody = Annotated[Principal, Depends(allow("public", "citizen", "staff", "partner", "reporter"))]
