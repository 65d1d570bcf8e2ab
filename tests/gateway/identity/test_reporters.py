"""``POST /v1/reports/session``: integrity checks the code, the gateway makes the token."""

import json
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.app import SERVICE
from services.integrity.app import SERVICE as INTEGRITY
from tests.gateway.conftest import Gateway
from tests.gateway.servers import answer

REPORT = str(uuid4())
PROBLEM = {"type": "urn:seda:problem:unauthorized", "title": "…", "status": 401, "detail": "…"}


def answering(status: int, document: dict[str, Any], **headers: str) -> ASGIApp:
    """integrity, answering so."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        media = "application/json" if status == 200 else "application/problem+json"
        await answer(send, status, json.dumps(document).encode(), {"content-type": media, **headers})

    return app


async def test_a_good_code_gives_a_token_of_that_report_alone(gateway: Gateway) -> None:
    gateway.upstream.behaviours["session"] = answering(200, {"report_id": REPORT, "box": "k1.abc"})
    opened = (await gateway.http.post("/v1/reports/session", json={"receipt_code": "1234"})).json()
    assert set(opened) == {"access_token", "token_type", "expires_in"}
    assert (opened["token_type"], opened["expires_in"]) == ("Bearer", gateway.settings.reporter_seconds)
    bearer = {"Authorization": f"Bearer {opened['access_token']}"}

    mine = (await gateway.http.get("/v1/reports/mine", headers=bearer)).json()
    inside = dict(mine["headers"])["authorization"].removeprefix("Bearer ")
    key = OKPKey.import_key(json.loads((gateway.settings.keys_dir / "gateway-internal.pub.jwk").read_bytes()))
    claims = jwt.decode(inside, key, algorithms=["Ed25519"]).claims
    assert (claims["kind"], claims["sub"], claims["box"]) == ("reporter", REPORT, "k1.abc")
    assert claims["aud"] == "seda.integrity"

    for method, path in (("GET", "/v1/cases"), ("GET", "/v1/desk/cases"), ("POST", "/v1/reports"), ("GET", "/v1/me")):
        assert (await gateway.http.request(method, path, headers=bearer)).status_code == 403, path


@pytest.mark.parametrize(("status", "headers"), [(401, {"www-authenticate": "Bearer"}), (429, {"retry-after": "7"})])
async def test_what_integrity_refuses_is_passed_on(gateway: Gateway, status: int, headers: dict[str, str]) -> None:
    gateway.upstream.behaviours["session"] = answering(status, {**PROBLEM, "status": status}, **headers)
    refused = await gateway.http.post("/v1/reports/session", json={"receipt_code": "1234"})
    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/problem+json"
    assert headers.items() <= dict(refused.headers).items()


async def test_nobody_without_a_code_reads_a_report(gateway: Gateway) -> None:
    assert (await gateway.http.get("/v1/reports/mine")).status_code == 401


def test_the_gateway_and_integrity_keep_quiet_about_the_same_paths() -> None:
    assert {"/v1/reports", "/v1/inspect"} <= set(SERVICE.quiet) == set(INTEGRITY.quiet)
