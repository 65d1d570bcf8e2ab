import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any
from uuid import UUID

import httpx
import orjson
import pytest
from fastapi import APIRouter, FastAPI, Query
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from pydantic import BaseModel, Field, TypeAdapter
from sqlalchemy.exc import OperationalError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from shared.kit.telemetry.logs import setup_logging
from shared.kit.web.app import create_api
from shared.kit.web.jsonbody import read_json
from shared.kit.web.openapi import document_route, problem_responses
from shared.kit.web.problems import CONFLICT, UNAUTHORIZED, Problem, too_many_requests
from shared.kit.web.responses import JsonResponse

CANARY = "09121234567"
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Case(BaseModel):
    subject: Annotated[str, Field(min_length=3, max_length=20)]
    amount: Annotated[int, Field(le=10**15)] = 0
    more: dict[str, Any] = {}


ADAPTER = TypeAdapter(Case)
router = APIRouter(prefix="/v1")


@router.post("/cases", status_code=201)
async def file_case(case: Case) -> Case:
    return case


@router.get("/cases")
async def cases(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> dict[str, int]:
    return {"limit": limit}


@router.get("/cases/{case_id}", responses=problem_responses(410))
async def case(case_id: UUID) -> dict[str, str]:
    return {"id": str(case_id)}


@router.get("/fails/{how}")
async def fails(how: str) -> Response:
    if how == "conflict":
        raise Problem(CONFLICT)
    if how == "limited":
        raise too_many_requests(30)
    if how == "anonymous":
        raise Problem(UNAUTHORIZED)
    if how == "database":
        raise OperationalError("SELECT", {"mobile": CANARY}, ConnectionRefusedError(CANARY))
    if how == "stream":

        async def broken() -> AsyncIterator[bytes]:
            yield b"begun"
            raise RuntimeError(CANARY)

        return StreamingResponse(broken(), headers={"Cache-Control": "public"})
    raise RuntimeError(f"broken for {CANARY}")


async def hot(request: Request) -> Response:
    return JsonResponse((await read_json(request, ADAPTER)).model_dump(), 201)


def make_api() -> FastAPI:
    async def fine() -> None: ...

    async def slow() -> None:
        await asyncio.sleep(3600)

    async def broken() -> None:
        raise RuntimeError(CANARY)

    api = create_api(
        "intake",
        routers=[router],
        checks={"database": fine, "broker": broken, "slow": slow} if "broken" in _wanted else {"database": fine},
        body_limit=4096,
        body_limits={"/v1/uploads": 8192},
        quiet=("/v1/reports",),
    )
    api.router.routes.insert(0, Route("/v1/hot", hot, methods=["POST"]))
    document_route(api, method="post", path="/v1/hot", summary="Hot", body=Case, status=201, answer=Case)
    return api


_wanted: set[str] = set()


@pytest.fixture(autouse=True)
def json_logs() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    setup_logging("intake", "info")
    yield
    root.handlers[:], root.level = before[0], before[1]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_api())
    async with httpx.AsyncClient(transport=transport, base_url="http://seda") as client:
        yield client


def is_problem(answer: httpx.Response, status: int, slug: str) -> Any:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["type"] == f"urn:seda:problem:{slug}"
    assert document["status"] == status
    return document


JSON_TYPE = {"Content-Type": "application/json"}


async def test_every_answer_has_a_request_id_and_is_not_stored(client: httpx.AsyncClient) -> None:
    for path in ("/v1/cases", "/v1/nowhere", "/v1/fails/x", "/healthz", "/v1/cases?limit=0"):
        answer = await client.get(path)
        assert re.fullmatch("[a-p]{24}", answer.headers["x-request-id"])
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["traceparent"].startswith("00-")
    uuid = "6f2e1a52-93d7-4cc5-8000-012345678901"
    assert (await client.get("/v1/cases", headers={"X-Request-Id": uuid})).headers["x-request-id"] == uuid
    sent = await client.get("/v1/cases", headers={"X-Request-Id": "app-7f3a-0001", "traceparent": PARENT})
    assert sent.headers["x-request-id"] == "app-7f3a-0001"
    assert sent.headers["traceparent"].startswith(PARENT[:36])
    for unsafe in (CANARY, "short", "a b c d e f g", "x" * 65, "é" * 9):
        poisoned = [(b"X-Request-Id", unsafe.encode("latin-1")), (b"traceparent", b"\xff")]
        taken = await client.get("/v1/cases", headers=poisoned)
        assert taken.headers["x-request-id"] != unsafe
        assert taken.status_code == 200


async def test_problems_in_persian_and_english(client: httpx.AsyncClient) -> None:
    persian = await client.get("/v1/fails/conflict")
    assert is_problem(persian, 409, "conflict")["title"] == "با وضعیت کنونی سازگار نیست"
    assert persian.headers["content-language"] == "fa"
    english = await client.get("/v1/fails/conflict", headers={"Accept-Language": "en-GB"})
    assert is_problem(english, 409, "conflict")["title"] == "It conflicts with the present state"
    assert english.headers["vary"] == "Accept-Language"


async def test_headers_that_rfc_9110_wants(client: httpx.AsyncClient) -> None:
    assert (await client.delete("/v1/cases")).headers["allow"] == "GET, POST"
    assert (await client.get("/v1/hot")).headers["allow"] == "POST"
    is_problem(await client.delete("/v1/cases"), 405, "method-not-allowed")
    assert (await client.get("/v1/fails/anonymous")).headers["www-authenticate"] == "Bearer"
    assert (await client.get("/v1/fails/limited")).headers["retry-after"] == "30"
    is_problem(await client.get("/v1/cases/"), 404, "not-found")


@pytest.mark.parametrize("path", ["/v1/cases", "/v1/hot"])
@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        (b"{", 400, "malformed-json"),
        (b'{"subject": NaN}', 400, "malformed-json"),
        (b'{"subject": "\xff\xfe"}', 400, "malformed-json"),
        ('{"subject": "abc"}'.encode("utf-16"), 400, "malformed-json"),
        (b'{"subject": "abc\\ud800"}', 400, "malformed-json"),
        (b'{"more": ' + b"[" * 1500 + b"]" * 1500 + b"}", 400, "malformed-json"),
        (b'{"more": {"a": ' + b"[" * 40 + b"]" * 40 + b"}}", 400, "malformed-json"),
        (b'{"subject": "abc\\u0000"}', 422, "invalid-fields"),
        (b'{"subject": "abc", "more": {"a\\u0000": 1}}', 422, "invalid-fields"),
        (b'{"subject": "abc", "amount": ' + b"9" * 40 + b"}", 422, "invalid-fields"),
        (b'{"subject": "abc", "more": {"a": 1' + b"0" * 3000 + b"}}", 400, "malformed-json"),
        (b'{"subject": "abc", "amount": 1e300}', 422, "invalid-fields"),
        (b'{"subject": "a"}', 422, "invalid-fields"),
        (b'"' + CANARY.encode() + b'"', 422, "invalid-fields"),
        (b"null", 422, "invalid-fields"),
        (b"", 422, "invalid-fields"),
        (b'{"subject": "' + b"x" * 4096 + b'"}', 413, "body-too-large"),
    ],
)
async def test_a_bad_body_is_refused_alike_on_every_route(
    client: httpx.AsyncClient, path: str, body: bytes, status: int, slug: str
) -> None:
    if not body and path == "/v1/hot":
        status, slug = 400, "malformed-json"
    document = is_problem(await client.post(path, content=body, headers=JSON_TYPE), status, slug)
    assert CANARY not in str(document)


async def test_the_place_of_a_refused_character_is_told(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/cases", json={"subject": "abc", "more": {"tags": ["a", "b\0"], CANARY: 2**60}})
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [
        ("/more/tags/1", "nul_character"),
        ("/more", "out_of_range"),
    ]


@pytest.mark.parametrize("path", ["/v1/cases", "/v1/hot"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/xml"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "\xff"},
        {},
    ],
)
async def test_what_is_not_sent_as_json_is_415(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> None:
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    answer = await client.post(path, content=b'{"subject": "abc"}', headers=encoded)
    is_problem(answer, 415, "unsupported-media-type")
    assert answer.headers["accept"] == "application/json"


async def test_compressed_json_is_415(client: httpx.AsyncClient) -> None:
    headers = JSON_TYPE | {"Content-Encoding": "gzip"}
    is_problem(await client.post("/v1/cases", content=b"x", headers=headers), 415, "unsupported-media-type")


@pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", "application/merge-patch+json"])
async def test_json_by_other_names(client: httpx.AsyncClient, content_type: str) -> None:
    answer = await client.post("/v1/cases", content=b'{"subject": "abc"}', headers={"Content-Type": content_type})
    assert answer.status_code == 201


async def test_a_body_without_announced_length_is_limited_too(client: httpx.AsyncClient) -> None:
    async def parts(count: int) -> AsyncIterator[bytes]:
        yield b'{"subject": "abc", "more": {"a": "'
        for _ in range(count):
            yield b"x" * 500
        yield b'"}}'

    assert (await client.post("/v1/cases", content=parts(3), headers=JSON_TYPE)).status_code == 201
    for path in ("/v1/cases", "/v1/hot"):
        too_much = await client.post(path, content=parts(20), headers=JSON_TYPE)
        is_problem(too_much, 413, "body-too-large")
    is_problem(await client.post("/v1/uploads", content=b"x" * 8000), 404, "not-found")
    is_problem(await client.post("/v1/uploads", content=b"x" * 9000), 413, "body-too-large")


@pytest.mark.parametrize("path", ["/v1/cases?limit=1%00", "/v1/fails/%00", "/v1/cases/%00"])
async def test_no_nul_in_a_target(client: httpx.AsyncClient, path: str) -> None:
    is_problem(await client.get(path), 400, "malformed-request")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(str.encode)
    | st.text().map(lambda t: orjson.dumps({"subject": t}))
)
async def test_no_body_makes_a_500(body: bytes) -> None:
    transport = httpx.ASGITransport(make_api())
    async with httpx.AsyncClient(transport=transport, base_url="http://seda") as client:
        for path in ("/v1/cases", "/v1/hot"):
            assert (await client.post(path, content=body, headers=JSON_TYPE)).status_code < 500


async def test_a_parameter_is_named_with_its_place(client: httpx.AsyncClient) -> None:
    document = is_problem(await client.get(f"/v1/cases?limit={CANARY}"), 422, "invalid-fields")
    assert document["errors"] == [
        {"pointer": "/limit", "code": "too_large", "message": "نباید از ۱۰۰ بیشتر باشد.", "in": "query"}
    ]


@pytest.mark.parametrize("how", ["bare", "database"])
async def test_a_failure_tells_nothing_outside_nor_in_the_log(
    client: httpx.AsyncClient, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await client.get(f"/v1/fails/{how}")
    if how == "bare":
        assert is_problem(answer, 500, "internal")["request_id"] == answer.headers["x-request-id"]
    else:
        assert answer.headers["retry-after"] == "2"
        is_problem(answer, 503, "unavailable")
    written = capsys.readouterr()
    failure = json.loads(written.out.splitlines()[0])
    assert failure["event"] == "request_failed"
    assert failure["request_id"] == answer.headers["x-request-id"]
    assert failure["error"] in ("RuntimeError", "OperationalError")
    assert any("tests/shared/kit/web/test_app.py" in frame for frame in failure["stack"])
    assert CANARY not in answer.text + written.out + written.err


async def test_an_answer_that_breaks_off_is_left_unfinished(capsys: pytest.CaptureFixture[str]) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/v1/fails/stream", "query_string": b"", "headers": []}
    await make_api()(scope, receive, send)
    start, body = sent
    assert (b"cache-control", b"public") in start["headers"]
    assert (b"cache-control", b"no-store") not in start["headers"]
    assert body == {"type": "http.response.body", "body": b"begun", "more_body": True}
    written = capsys.readouterr()
    assert json.loads(written.out.splitlines()[0])["error"] == "RuntimeError"
    assert CANARY not in written.out + written.err


async def test_logs_and_metrics_name_templates_and_not_paths(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    await client.get(f"/v1/cases/6f2e1a52-93d7-7cc5-8000-0{CANARY}")
    await client.get(f"/v1/track/{CANARY}?q={CANARY}")
    await client.post("/v1/hot", json={"subject": "abc"})
    await client.get(f"/v1/reports/{CANARY}")
    await client.get("/healthz")
    written = capsys.readouterr().out
    assert [json.loads(line)["route"] for line in written.splitlines()[:1]] == ["/v1/cases/{case_id}"]
    assert len(written.splitlines()) == 3
    exposition = (await client.get("/metrics")).text
    assert CANARY not in written + exposition
    labels = {"service": "intake", "method": "POST", "route": "/v1/hot", "status": "201"}
    assert REGISTRY.get_sample_value("seda_http_requests_total", labels)
    labels = {"service": "intake", "method": "GET", "route": "unmatched", "status": "404"}
    assert REGISTRY.get_sample_value("seda_http_requests_total", labels)


async def test_readiness(client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]) -> None:
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "checks": {"database": "ok"}})
    _wanted.add("broken")
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(make_api()), base_url="http://seda") as other:
            unready = await other.get("/readyz")
    finally:
        _wanted.clear()
    assert unready.status_code == 503
    assert unready.json()["checks"] == {"database": "ok", "broker": "failed", "slow": "failed"}
    assert CANARY not in capsys.readouterr().out + unready.text


async def test_the_document_says_what_can_come(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    filing = document["paths"]["/v1/cases"]["post"]["responses"]
    assert {"201", "400", "401", "413", "415", "422", "500"} <= set(filing)
    assert filing["422"]["content"] == {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    }
    assert document["paths"]["/v1/cases/{case_id}"]["get"]["responses"]["410"]
    assert document["paths"]["/v1/hot"]["post"]["requestBody"]["required"] is True
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert "/healthz" not in document["paths"]
    assert (await client.get("/docs")).status_code == 404
