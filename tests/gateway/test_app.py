"""The gateway as a whole: ready when all are, one document, and nothing of anybody in logs and metrics."""

from collections.abc import AsyncIterator

import orjson
import pytest
from starlette.types import Receive, Scope, Send

from tests.gateway.conftest import STAFF, Gateway, Start
from tests.gateway.servers import answer


@pytest.fixture(scope="module")
async def gateway(start: Start) -> AsyncIterator[Gateway]:
    async with start() as gateway:
        yield gateway


async def test_it_is_ready_when_every_service_is(gateway: Gateway) -> None:
    assert (await gateway.http.get("/healthz")).status_code == 200
    ready = await gateway.http.get("/readyz")
    assert ready.status_code == 200
    assert set(ready.json()["checks"]) == {"intake", "routing", "sms", "integrity", "letters"}

    async def not_ready(_scope: Scope, _receive: Receive, send: Send) -> None:
        await answer(send, 503, b"{}", {})

    gateway.upstream.behaviours["readyz"] = not_ready
    try:
        assert (await gateway.http.get("/readyz")).status_code == 503
        assert (await gateway.http.get("/healthz")).status_code == 200
    finally:
        del gateway.upstream.behaviours["readyz"]


async def test_the_document_is_of_all_services_and_not_half_given_when_one_is_away(gateway: Gateway) -> None:
    document = {"paths": {"/v1/cases": {"get": {"responses": {}}}}, "components": {"schemas": {"Problem": {}}}}
    status = 200

    async def published(_scope: Scope, _receive: Receive, send: Send) -> None:
        await answer(send, status, orjson.dumps(document), {"content-type": "application/json"})

    gateway.upstream.behaviours["openapi.json"] = published
    merged = await gateway.http.get("/openapi.json")
    assert merged.status_code == 200
    assert {"/v1/cases", "/v1/auth/otp", "/v1/me"} <= set(merged.json()["paths"])
    status = 500
    assert (await gateway.http.get("/openapi.json")).status_code == 503
    assert "/openapi.json" in (await gateway.http.get("/docs")).text


async def test_nothing_but_the_table_is_there(gateway: Gateway) -> None:
    for path in ("/", "/v1", "/admin", "/v1/auth", "/v1/auth/otp/a/b", "/internal", "/redoc", "/v1/desk"):
        assert (await gateway.http.get(path)).status_code == 404
    for method, path in (("GET", "/v1/auth/staff"), ("POST", "/v1/me"), ("PUT", "/v1/cases"), ("POST", "/healthz")):
        refused = await gateway.http.request(method, path)
        assert refused.status_code == 405
        assert refused.headers["allow"]
        assert refused.headers["content-type"] == "application/problem+json"


async def test_logs_and_metrics_tell_of_nobody(gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    mobile, code = "09157654321", "8GH2KX4TQZM"
    challenge = (await gateway.ask(mobile)).json()["challenge_id"]
    sent = await gateway.sent(challenge)
    wrong = f"{(int(sent['code']) + 1) % 1_000_000:06d}"
    await gateway.http.post(f"/v1/auth/otp/{challenge}", json={"code": wrong})
    tokens = (await gateway.http.post(f"/v1/auth/otp/{challenge}", json={"code": sent["code"]})).json()
    await gateway.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    await gateway.staff(password="a wrong password")
    for path in (f"/v1/track/{code}", f"/v1/track/{code}/{mobile}", f"/{mobile}", f"/v1/track/{code}?mobile={mobile}"):
        await gateway.http.get(path, headers={"Authorization": f"Bearer {tokens['access_token']}"})
    metrics = (await gateway.http.get("/metrics")).text
    logged = capsys.readouterr().out
    assert '"route":"/v1/track/{code}"' in logged
    assert '"route":"/v1/auth/otp/{challenge_id}"' in logged
    secrets = [
        mobile[1:],
        challenge,
        *([sent["code"]] if sent["code"] not in metrics else []),  # six digits may stand in a measured time
        code,
        "a wrong password",
        str(STAFF["username"]),
        tokens["access_token"][:60],
        tokens["access_token"].rpartition(".")[2],
        tokens["refresh_token"],
        "127.0.0.1",
    ]
    for secret in secrets:
        assert secret not in logged
        assert secret not in metrics
