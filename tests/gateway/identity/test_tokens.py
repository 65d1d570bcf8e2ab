"""The outside token: what RFC 8725 and 9068 ask for, and what ends it early."""

import time
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey

from gateway.identity.tokens import ALGORITHM, AccessTokens, Login
from shared.kit.auth import Mint, Principal
from shared.kit.web.problems import Problem
from tests.gateway.servers import Keys

KEYS = Keys()
LOGIN = Login(Principal("staff", "o1", roles=frozenset({"officer"}), department_id="sso", name="نام"), uuid4())


def signed(header: dict[str, Any] | None = None, key: Any = KEYS.access, **claims: Any) -> str:
    """A token as the gateway makes it, but for what is changed (None: left out)."""
    now = int(time.time())
    usual = {
        "iss": "seda",
        "aud": "seda",
        "exp": now + 60,
        "sub": "o1",
        "kind": "staff",
        "fam": str(uuid4()),
        "roles": [],
        "scopes": [],
    }
    said = {name: value for name, value in {**usual, **claims}.items() if value is not None}
    header = {"alg": ALGORITHM, "typ": "at+jwt", **(header or {})}
    return jwt.encode(header, said, key, algorithms=[header["alg"]])


BAD = {
    "expired": signed(exp=int(time.time()) - 6),
    "no expiry": signed(exp=None),
    "for somebody else": signed(aud="other"),
    "an internal audience": signed(aud="seda.intake"),
    "no audience": signed(aud=None),
    "another issuer's": signed(iss="seda.gateway"),
    "no subject": signed(sub=None),
    "no login": signed(fam=None),
    "a login that is none": signed(fam="x"),
    "a plain JWT": signed({"typ": "JWT"}),
    "an internal token": Mint(KEYS.access).token(LOGIN.principal, "intake"),
    "HMAC": signed({"alg": "HS256"}, OctKey.import_key(str(KEYS.access.as_dict(private=False)["x"]))),
    "another algorithm": signed({"alg": "ES256"}, ECKey.generate_key("P-256", private=True)),
    "another's key": signed(key=OKPKey.generate_key("Ed25519", private=True)),
    "nothing": "",
    "no token": "a.b.c",
}


@pytest.mark.parametrize("name", BAD)
def test_a_token_that_is_not_ours_is_refused(name: str) -> None:
    with pytest.raises(Problem) as refused:
        KEYS.tokens().caller(f"Bearer {BAD[name]}")
    assert refused.value.status_code == 401
    assert (refused.value.headers or {})["WWW-Authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("scheme", ["Basic", "", "Token"])
def test_other_schemes_are_refused(scheme: str) -> None:
    with pytest.raises(Problem):
        KEYS.tokens().caller(f"{scheme} {KEYS.tokens().issue(LOGIN)}")


def test_a_token_has_what_rfc_9068_asks_for_and_names_its_login() -> None:
    token = KEYS.tokens().issue(LOGIN)
    decoded = jwt.decode(token, KEYS.access, algorithms=[ALGORITHM])
    assert decoded.header == {"alg": ALGORITHM, "typ": "at+jwt"}
    assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} <= set(decoded.claims)
    assert decoded.claims["exp"] - decoded.claims["iat"] == 600
    assert KEYS.tokens().login(f"bearer {token}") == LOGIN


def test_a_remembered_token_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = KEYS.tokens()
    header = f"Bearer {tokens.issue(LOGIN)}"
    assert tokens.caller(header) == LOGIN.principal
    later = time.time() + 606
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(Problem):
        tokens.caller(header)


def test_who_logged_out_here_is_out_even_if_the_database_was_read_just_before() -> None:
    tokens: AccessTokens = KEYS.tokens()
    header = f"Bearer {tokens.issue(LOGIN)}"
    assert tokens.caller(header) == LOGIN.principal
    tokens.revoke(LOGIN.family)
    tokens.revoked(frozenset())
    with pytest.raises(Problem):
        tokens.caller(header)


def test_what_ended_elsewhere_is_refused_once_it_is_known() -> None:
    tokens = KEYS.tokens()
    header = f"Bearer {tokens.issue(LOGIN)}"
    tokens.revoked(frozenset({LOGIN.family}))
    with pytest.raises(Problem):
        tokens.caller(header)
    tokens.revoked(frozenset())
    assert tokens.caller(header) == LOGIN.principal, "its row is forgotten only when its tokens have expired"
