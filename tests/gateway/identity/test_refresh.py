import asyncio
import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

import pytest

from tests.gateway.conftest import PARTNER, Gateway, Start

SECRET = str(PARTNER["client_secret"])


async def refresh(gateway: Gateway, token: str) -> Any:
    return await gateway.token(grant_type="refresh_token", refresh_token=token)


async def test_a_refresh_token_gives_new_tokens_of_the_same_caller(gateway: Gateway) -> None:
    old = await gateway.citizen("09141110001")
    answer = await refresh(gateway, old["refresh_token"])
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    new = answer.json()
    assert new["refresh_token"] != old["refresh_token"]
    first, second = [(await gateway.me(tokens["access_token"])).json() for tokens in (old, new)]
    assert first == second


async def test_a_refresh_token_used_twice_ends_the_whole_login(gateway: Gateway) -> None:
    old = await gateway.citizen("09141110002")
    new = (await refresh(gateway, old["refresh_token"])).json()
    stolen = await refresh(gateway, old["refresh_token"])
    assert (stolen.status_code, stolen.json()) == (400, {"error": "invalid_grant"})
    assert (await refresh(gateway, new["refresh_token"])).status_code == 400
    assert (await gateway.me(new["access_token"])).status_code == 401
    assert (await gateway.me(old["access_token"])).status_code == 401


async def test_of_two_at_the_same_time_one_is_refused(gateway: Gateway) -> None:
    token = (await gateway.citizen("09141110003"))["refresh_token"]
    answers = await asyncio.gather(*(refresh(gateway, token) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]


async def test_a_grace_can_excuse_a_lost_answer(start: Start) -> None:
    async with start(refresh_grace_seconds=30) as gateway:
        token = (await gateway.citizen("09141110004"))["refresh_token"]
        assert [(await refresh(gateway, token)).status_code for _ in range(2)] == [200, 200]


async def test_logout_ends_the_login_at_once_everywhere(gateway: Gateway, start: Start) -> None:
    async with start() as other:
        tokens = await gateway.citizen("09141110005")
        assert (await other.me(tokens["access_token"])).status_code == 200
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        answer = await gateway.http.post("/v1/auth/logout", headers=bearer)
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await gateway.me(tokens["access_token"])).status_code == 401
        assert (await refresh(gateway, tokens["refresh_token"])).status_code == 400
        assert await other.refuses_soon(tokens["access_token"])
    assert (await gateway.http.post("/v1/auth/logout")).status_code == 401


async def test_refresh_tokens_are_kept_as_hashes(gateway: Gateway) -> None:
    token = (await gateway.citizen("09141110006"))["refresh_token"]
    kept = await gateway.column("SELECT encode(hash, 'escape') || family_id FROM refresh_tokens")
    assert kept
    assert not [row for row in kept if token in row]


async def test_a_partner_gets_a_token_by_its_credentials(gateway: Gateway) -> None:
    answer = await gateway.token(grant_type="client_credentials", client_id="sandbox", client_secret=SECRET)
    assert answer.status_code == 200
    tokens = answer.json()
    assert "refresh_token" not in tokens
    me = (await gateway.me(tokens["access_token"])).json()
    assert (me["subject"], me["kind"], me["scopes"]) == ("sandbox", "partner", ["cases:read_all", "cases:write"])


def basic(client_id: str, secret: str) -> dict[str, str]:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


async def test_credentials_may_come_by_basic_and_for_less_than_all_scopes(gateway: Gateway) -> None:
    form = {"grant_type": "client_credentials", "scope": "cases:write"}
    answer = await gateway.http.post("/v1/auth/token", data=form, headers=basic("sandbox", SECRET))
    assert answer.status_code == 200
    me = (await gateway.me(answer.json()["access_token"])).json()
    assert me["scopes"] == ["cases:write"]


CREDENTIALS = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": SECRET}
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("form", "headers", "status", "error"),
    [
        ({**CREDENTIALS, "client_secret": "wrong"}, {}, 401, "invalid_client"),
        ({**CREDENTIALS, "client_id": "nobody"}, {}, 401, "invalid_client"),
        ({**CREDENTIALS, "client_id": "a\0b"}, {}, 400, "invalid_request"),
        ({**CREDENTIALS, "scope": "admin"}, {}, 400, "invalid_scope"),
        ({"grant_type": "client_credentials"}, {}, 400, "invalid_request"),
        ({"grant_type": "client_credentials"}, basic("sandbox", "wrong"), 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, {"Authorization": "Basic !!"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, {"Authorization": "Basic /w=="}, 401, "invalid_client"),
        (CREDENTIALS, basic("sandbox", SECRET), 400, "invalid_request"),
        ({"grant_type": "password", "username": "a", "password": "b"}, {}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, {}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "unknown"}, {}, 400, "invalid_grant"),
        ({}, {}, 400, "invalid_request"),
    ],
)
async def test_errors_are_those_of_rfc_6749(
    gateway: Gateway, form: dict[str, str], headers: Mapping[str, str], status: int, error: str
) -> None:
    answer = await gateway.http.post("/v1/auth/token", data=form, headers={"Content-Type": FORM, **headers})
    assert (answer.status_code, answer.json()) == (status, {"error": error})
    assert answer.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b'{"grant_type": "client_credentials"}', "application/json"),
        (b"grant_type=client_credentials&grant_type=refresh_token", FORM),
        (b"grant_type=%ff&a=b", FORM),
        (b"\xff\xfe", FORM),
        (b"grant_type", FORM),
        (b"&".join(b"a%d=b" % n for n in range(100)), FORM),
    ],
)
async def test_what_is_no_form_is_an_invalid_request(gateway: Gateway, content: bytes, media_type: str) -> None:
    answer = await gateway.http.post("/v1/auth/token", content=content, headers={"Content-Type": media_type})
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})


async def test_a_disabled_partner_is_out(gateway: Gateway) -> None:
    token = (await gateway.token(**CREDENTIALS)).json()["access_token"]
    await gateway.execute("UPDATE partners SET disabled = true")
    try:
        assert (await gateway.token(**CREDENTIALS)).status_code == 401
        assert await gateway.refuses_soon(token)
    finally:
        await gateway.execute("UPDATE partners SET disabled = false")
