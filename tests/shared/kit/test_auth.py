"""The internal token: whom a service believes, and who passes at its endpoints."""

import base64
import hashlib
import hmac
import json
import time
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey

from shared.kit.auth import ALGORITHM, ISSUER, LIFETIME_SECONDS, Anybody, Citizen, Mint, Principal, Verifier, allow
from shared.kit.web.app import create_api
from shared.kit.web.problems import Problem

KEY = OKPKey.generate_key("Ed25519", private=True)
PUBLIC_KEY = OKPKey.import_key(KEY.as_dict(private=False))
CITIZEN = Principal("citizen", "c1", mob="k1.abc")
OFFICER = Principal(
    "staff", "o1", roles=frozenset({"officer"}), department_id="sso", province="IR-23", name="نام", title="کارشناس"
)
PARTNER = Principal("partner", "p1", scopes=frozenset({"cases:write"}))


def verifier(service: str = "intake") -> Verifier:
    return Verifier(PUBLIC_KEY, service)


def signed(header: dict[str, Any] | None = None, key: Any = KEY, **claims: Any) -> str:
    """A token as the gateway makes it, but for what is changed (None: left out)."""
    now = int(time.time())
    usual = {"iss": ISSUER, "aud": "seda.intake", "iat": now, "exp": now + 60, "sub": "c1", "kind": "citizen"}
    said = {name: value for name, value in {**usual, **claims}.items() if value is not None}
    header = {"alg": ALGORITHM, "typ": "seda+jwt", **(header or {})}
    return jwt.encode(header, said, key, algorithms=[header["alg"]])


def by_hand(header: dict[str, Any], signature: bytes | None = None, *, hmac_key: bytes | None = None) -> str:
    """A token that no library would make."""
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": "seda.intake", "exp": now + 60, "sub": "c1", "kind": "citizen"}
    text = ".".join(_b64(json.dumps(part).encode()) for part in (header, claims))
    if hmac_key is not None:
        signature = hmac.digest(hmac_key, text.encode(), hashlib.sha256)
    return f"{text}.{_b64(signature or b'')}"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def swapped_payload() -> str:
    """A good signature under other claims."""
    head, _, signature = signed().split(".")
    claims = json.dumps({"iss": ISSUER, "aud": "seda.intake", "exp": time.time() + 60, "sub": "c2", "kind": "staff"})
    return f"{head}.{_b64(claims.encode())}.{signature}"


RAW_PUBLIC_KEY = base64.urlsafe_b64decode(str(KEY.as_dict(private=False)["x"]) + "=")
STRANGER = OKPKey.generate_key("Ed25519", private=True)

BAD = {
    "no signature": by_hand({"alg": "none", "typ": "seda+jwt"}),
    "none in capitals": by_hand({"alg": "NONE", "typ": "seda+jwt"}),
    "the public key as HMAC secret": by_hand({"alg": "HS256", "typ": "seda+jwt"}, hmac_key=RAW_PUBLIC_KEY),
    "the public JWK as HMAC secret": by_hand(
        {"alg": "HS256", "typ": "seda+jwt"}, hmac_key=json.dumps(KEY.as_dict(private=False)).encode()
    ),
    "another algorithm": signed({"alg": "ES256"}, ECKey.generate_key("P-256", private=True)),
    "another's key": signed(key=STRANGER),
    "another's key in the header": signed({"jwk": STRANGER.as_dict(private=False)}, STRANGER),
    "no algorithm": by_hand({"typ": "seda+jwt"}),
    "other claims": swapped_payload(),
    "expired": signed(exp=int(time.time()) - 6),
    "no expiry": signed(exp=None),
    "an expiry that is no number": signed(exp="tomorrow"),
    "another service's": signed(aud="seda.routing"),
    "no audience": signed(aud=None),
    "another issuer's": signed(iss="seda"),
    "no issuer": signed(iss=None),
    "no subject": signed(sub=None),
    "no kind": signed(kind=None),
    "an outside token": signed({"typ": "at+jwt"}),
    "a plain JWT": signed({"typ": "JWT"}),
    "roles that are none": signed(roles=5),
    "a critical extension": by_hand({"alg": ALGORITHM, "typ": "seda+jwt", "crit": ["exp"]}, b"x" * 64),
    "empty": "",
    "dots": "..",
    "four parts": "a.b.c.d",
    "five parts": "a.b.c.d.e",
    "beyond ASCII": "é.é.é",
    "long": "a" * 200_000,
}


@pytest.mark.parametrize("name", BAD)
def test_a_token_that_is_not_the_gateways_for_this_service_is_refused(name: str) -> None:
    with pytest.raises(Problem) as refused:
        verifier().principal(BAD[name])
    assert refused.value.status_code == 401


@given(st.text(max_size=300))
def test_whatever_comes_is_refused_and_never_fails(text: str) -> None:
    with pytest.raises(Problem):
        verifier().principal(text)


@pytest.mark.parametrize("principal", [CITIZEN, OFFICER, PARTNER, Principal("public", "public")])
def test_a_caller_comes_through_unchanged(principal: Principal) -> None:
    assert verifier().principal(Mint(KEY).token(principal, "intake")) == principal


def test_a_token_lives_a_minute_and_is_for_one_service() -> None:
    claims = jwt.decode(Mint(KEY).token(CITIZEN, "intake", now=1000), PUBLIC_KEY, algorithms=[ALGORITHM]).claims
    assert LIFETIME_SECONDS <= 60
    assert claims["exp"] - claims["iat"] == LIFETIME_SECONDS
    assert claims["aud"] == "seda.intake"
    with pytest.raises(Problem):
        verifier("routing").principal(Mint(KEY).token(CITIZEN, "intake"))


def test_a_remembered_token_expires_too(monkeypatch: pytest.MonkeyPatch) -> None:
    checks, token = verifier(), Mint(KEY).token(CITIZEN, "intake")
    assert checks.principal(token) == CITIZEN
    later = time.time() + LIFETIME_SECONDS + 6
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(Problem):
        checks.principal(token)


def test_a_principal_shows_no_sealed_number() -> None:
    assert "k1.abc" not in repr(CITIZEN)


router = APIRouter()


@router.get("/citizens")
async def citizens(caller: Citizen) -> str:
    return caller.subject


@router.get("/anybody")
async def anybody(caller: Anybody) -> str:
    return caller.kind


@router.get("/desk")
async def desk(caller: Annotated[Principal, Depends(allow("staff", roles=("officer", "manager")))]) -> str:
    return caller.subject


@router.get("/partners")
async def partners(
    caller: Annotated[Principal, Depends(allow("partner", scopes=("cases:write", "cases:read_all")))],
) -> str:
    return caller.subject


@router.get("/nobody")
async def nobody(caller: Annotated[Principal, Depends(allow())]) -> str:
    return caller.subject


ALL_SCOPES = Principal("partner", "p2", scopes=frozenset({"cases:write", "cases:read_all"}))
ADMIN = Principal("staff", "a", roles=frozenset({"admin"}))


@pytest.mark.parametrize(
    ("path", "principal", "status"),
    [
        ("/citizens", CITIZEN, 200),
        ("/citizens", OFFICER, 403),
        ("/citizens", Principal("public", "public"), 401),
        ("/citizens", None, 401),
        ("/anybody", Principal("public", "public"), 200),
        ("/anybody", None, 401),
        ("/desk", OFFICER, 200),
        ("/desk", ADMIN, 403),
        ("/desk", Principal("staff", "s"), 403),
        ("/desk", CITIZEN, 403),
        ("/partners", PARTNER, 403),
        ("/partners", ALL_SCOPES, 200),
        ("/nobody", ADMIN, 403),
    ],
)
async def test_who_passes_at_an_endpoint(path: str, principal: Principal | None, status: int) -> None:
    api = create_api("intake", routers=[router])
    api.state.verifier = verifier()
    headers = {"Authorization": f"Bearer {Mint(KEY).token(principal, 'intake')}"} if principal else {}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://seda") as client:
        answer = await client.get(path, headers=headers)
    assert answer.status_code == status
    assert ("www-authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "bearer", "Bearer a b"])
async def test_a_header_that_is_no_bearer_token_is_401(header: str) -> None:
    api = create_api("intake", routers=[router])
    api.state.verifier = verifier()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://seda") as client:
        assert (await client.get("/anybody", headers={"Authorization": header})).status_code == 401
