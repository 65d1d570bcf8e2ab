"""What goes through the door and how, on real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from gateway.identity.tokens import Login
from gateway.proxy.forward import Patience, make_client
from shared.kit.auth import Principal
from shared.kit.telemetry import parse_traceparent
from tests.gateway.proxy.conftest import Setup
from tests.gateway.servers import Upstream, answer, door, serving

CITIZEN = Principal("citizen", str(uuid4()), mob="k1.sealed")
OPERATOR = Principal("staff", "operator", roles=frozenset({"operator"}), province="IR-23", name="اپراتور")


def bearer(setup: Setup, principal: Principal) -> dict[str, str]:
    return {"Authorization": f"Bearer {setup.tokens.issue(Login(principal, uuid4()))}"}


def fields(answer: httpx.Response) -> dict[str, str]:
    return dict(answer.json()["headers"])


async def test_a_request_reaches_its_service_with_the_callers_internal_token(setup: Setup) -> None:
    answer = await setup.http.get("/v1/citizens/a?status=open&q=%D8%A8", headers=bearer(setup, CITIZEN))
    assert answer.status_code == 200
    asked = answer.json()
    assert (asked["method"], asked["target"]) == ("GET", "/v1/citizens/a?status=open&q=%D8%A8")
    token = fields(answer)["authorization"].removeprefix("Bearer ")
    assert setup.keys.verifier("intake").principal(token) == CITIZEN


async def test_a_caller_without_token_goes_on_as_public(setup: Setup) -> None:
    answer = await setup.http.get("/v1/open/a")
    token = fields(answer)["authorization"].removeprefix("Bearer ")
    assert setup.keys.verifier("intake").principal(token).kind == "public"


IDENTITY = {
    "X-Forwarded-For": "10.0.0.1",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "Forwarded": "for=10.0.0.1",
    "X-Real-Ip": "10.0.0.1",
    "X-Original-Url": "/v1/operators/a",
    "X-Rewrite-Url": "/v1/operators/a",
    "X-Http-Method-Override": "DELETE",
    "X-User": "admin",
    "X-Seda-Subject": "admin",
    "X-Seda-Kind": "staff",
    "X-Roles": "admin",
    "Cookie": "session=1",
    "Proxy-Authorization": "Basic YTpi",
    "Via": "1.1 evil",
    "Accept-Encoding": "gzip",
    "Baggage": "userId=1",
    "Tracestate": "a=b",
}


async def test_nothing_that_a_client_says_of_itself_goes_on(setup: Setup) -> None:
    answer = await setup.http.get("/v1/open/a", headers=IDENTITY)
    passed = fields(answer)
    assert not {name.lower() for name in IDENTITY} & set(passed)
    assert "evil" not in json.dumps(passed)


async def test_what_connection_names_is_dropped(setup: Setup) -> None:
    answer = await setup.http.get(
        "/v1/open/a", headers={"If-None-Match": '"a"', "Range": "bytes=0-1", "Connection": "If-None-Match, close"}
    )
    assert "if-none-match" not in fields(answer)
    assert fields(answer)["range"] == "bytes=0-1"


async def test_the_services_answer_goes_back_by_allow_list(setup: Setup) -> None:
    async def talkative(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = {"Server": "x", "Set-Cookie": "a=b", "X-Internal": "y", "ETag": '"v1"', "Cache-Control": "max-age=9"}
        await answer(
            send, 418, b"tea", {**headers, "Connection": "Link", "Link": "<a>", "X-Request-Id": "forged-by-it"}
        )

    setup.upstream.behaviours["talkative"] = talkative
    got = await setup.http.get("/v1/open/talkative", headers={"X-Request-Id": "abcdefgh-request"})
    assert (got.status_code, got.content) == (418, b"tea")
    assert got.headers["etag"] == '"v1"'
    assert got.headers["cache-control"] == "max-age=9"
    assert got.headers["x-request-id"] == "abcdefgh-request"
    assert not {"server", "set-cookie", "x-internal", "link"} & set(got.headers)


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 64 * 1024 + 1, 256 * 1024])
@pytest.mark.parametrize("chunked", [False, True])
async def test_bodies_arrive_whole(setup: Setup, size: int, chunked: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, size, 10_000):
            yield b"a" * min(10_000, size - at)

    answer = await setup.http.post("/v1/open/a", content=pieces() if chunked else b"a" * size)
    assert answer.status_code == 200
    assert answer.json()["length"] == size


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_above_the_routes_limit_is_413(setup: Setup, chunked: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"a" * 10_000

    answer = await setup.http.post("/v1/open/a", content=pieces() if chunked else b"a" * 400_000)
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:seda:problem:body-too-large"
    assert (await setup.http.get("/v1/open/a")).status_code == 200, "clients' faults do not open the breaker"


async def test_head_is_get_without_its_body(setup: Setup) -> None:
    answer = await setup.http.head("/v1/open/a")
    assert (answer.status_code, answer.content) == (200, b"")
    assert setup.upstream.asked[-1]["method"] == "GET"
    assert int(answer.headers["content-length"]) > 0


async def test_options_tells_the_methods(setup: Setup) -> None:
    answer = await setup.http.options("/v1/open/a")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, POST"


async def test_unknown_paths_and_methods_are_refused_without_asking_anybody(setup: Setup) -> None:
    before = len(setup.upstream.asked)
    unknown = await setup.http.get("/v1/unknown")
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "application/problem+json")
    wrong = await setup.http.put("/v1/open/a")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "DELETE, GET, HEAD, OPTIONS, POST")
    assert (await setup.http.get("/v1/open/a/")).status_code == 404
    assert (await setup.http.get("/v1/open/a/b")).status_code == 404
    assert len(setup.upstream.asked) == before


@pytest.mark.parametrize(
    ("principal", "path", "status"),
    [
        (None, "/v1/citizens/a", 401),
        (None, "/v1/operators/a", 401),
        (CITIZEN, "/v1/citizens/a", 200),
        (CITIZEN, "/v1/operators/a", 403),
        (OPERATOR, "/v1/operators/a", 200),
        (OPERATOR, "/v1/citizens/a", 403),
        (Principal("staff", "officer", roles=frozenset({"officer"})), "/v1/operators/a", 403),
        (Principal("partner", "p"), "/v1/operators/a", 403),
    ],
)
async def test_only_who_may_passes(setup: Setup, principal: Principal | None, path: str, status: int) -> None:
    before = len(setup.upstream.asked)
    answer = await setup.http.get(path, headers=bearer(setup, principal) if principal else {})
    assert answer.status_code == status
    assert len(setup.upstream.asked) - before == (status == 200)
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_problems_speak_the_callers_language_and_every_answer_has_an_id(setup: Setup) -> None:
    persian = await setup.http.get("/v1/unknown")
    english = await setup.http.get("/v1/unknown", headers={"Accept-Language": "en"})
    assert (persian.json()["title"], english.json()["title"]) == ("پیدا نشد", "Not found")
    assert persian.headers["x-request-id"] != english.headers["x-request-id"]
    assert (await setup.http.get("/v1/open/a")).headers["x-request-id"]


POISONED = [
    "",
    "zz",
    "00-" + "0" * 32 + "-" + "0" * 16 + "-01",
    "ff-" + "a" * 32 + "-" + "b" * 16 + "-01",
    "00-\udce9-1",
]


@pytest.mark.parametrize("sent", POISONED)
async def test_a_poisoned_traceparent_is_replaced(setup: Setup, sent: str) -> None:
    answer = await setup.http.get("/v1/open/a", headers={b"traceparent": sent.encode("latin-1", "surrogateescape")})
    passed = fields(answer)["traceparent"]
    assert passed != sent
    assert parse_traceparent(passed.encode()) is not None


async def test_a_good_traceparent_goes_on_in_the_same_trace(setup: Setup) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = await setup.http.get("/v1/open/a", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert fields(answer)["traceparent"].split("-")[1] == trace
    assert answer.headers["traceparent"].split("-")[1] == trace


async def test_a_service_that_is_not_there_is_502_and_then_503(setup: Setup) -> None:
    for _ in range(10):
        gone = await setup.http.get("/v1/nobody/a")
        assert (gone.status_code, gone.json()["type"]) == (502, "urn:seda:problem:bad-gateway")
    opened = await setup.http.get("/v1/nobody/a")
    assert (opened.status_code, opened.json()["type"]) == (503, "urn:seda:problem:unavailable")
    assert int(opened.headers["retry-after"]) > 0
    assert (await setup.http.get("/v1/open/a")).status_code == 200, "the others are served"


async def test_a_service_that_breaks_off_is_502(setup: Setup) -> None:
    async def broken(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})

    setup.upstream.behaviours["broken"] = broken
    assert (await setup.http.get("/v1/open/broken")).status_code == 502


async def test_a_service_that_takes_too_long_is_504(setup: Setup) -> None:
    async def slow(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    setup.upstream.behaviours["slow"] = slow
    late = await setup.http.get("/v1/open/slow")
    assert (late.status_code, late.json()["type"]) == (504, "urn:seda:problem:gateway-timeout")
    unread = await setup.http.post("/v1/open/slow", content=b"a" * 200_000)
    assert unread.status_code == 504


async def test_streams_come_piece_by_piece_outlive_the_time_limit_and_end_with_their_reader(setup: Setup) -> None:
    left, gap = asyncio.Event(), asyncio.Event()

    async def stream(_scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": b"id: 1\n\n", "more_body": True})
        await gap.wait()
        await send({"type": "http.response.body", "body": b"id: 2\n\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        left.set()

    setup.upstream.behaviours["stream"] = stream
    async with setup.http.stream("GET", "/v1/open/stream") as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        pieces = answer.aiter_raw()
        assert await anext(pieces) == b"id: 1\n\n"
        await asyncio.sleep(1.2)  # longer than the service may take to begin an answer
        gap.set()
        assert await anext(pieces) == b"id: 2\n\n"
    async with asyncio.timeout(5):
        await left.wait()


async def test_a_client_that_sends_too_slowly_is_408_and_the_service_is_not_blamed(setup: Setup) -> None:
    async def dawdle(length: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", setup.port)
        writer.write(f"POST /v1/open/a HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\nab".encode())
        status = (await reader.readline()).split()[1]
        writer.close()
        return status

    assert set(await asyncio.gather(*(dawdle(length) for length in (10, 100_000) * 6))) == {b"408"}
    assert (await setup.http.get("/v1/open/a")).status_code == 200


async def test_a_hung_service_gets_only_so_many_requests_at_once(setup: Setup) -> None:
    release = asyncio.Event()

    async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
        await release.wait()
        await answer(send, 200, b"", {})

    upstream = Upstream(behaviours={"slow": slow})
    async with serving(upstream) as service, make_client(8) as client:
        patience = Patience(service=5, client=5, requests=3)
        async with (
            serving(door(setup.keys, {"intake": service}, client, patience=patience)) as url,
            httpx.AsyncClient(base_url=url, timeout=10, trust_env=False) as http,
        ):
            tasks = [asyncio.create_task(http.get("/v1/open/slow")) for _ in range(5)]
            done, _ = await asyncio.wait(tasks, timeout=2)
            assert [task.result().status_code for task in done] == [503, 503]
            release.set()
            assert (
                sorted([task.result().status_code for task in (await asyncio.wait(tasks))[0]]) == [200] * 3 + [503] * 2
            )


async def test_too_many_requests_are_429_with_the_limit_told(setup: Setup) -> None:
    async with serving(Upstream()) as service, make_client(8) as client:
        application = door(setup.keys, {"intake": service}, client, tokens=setup.tokens, per_minute=3)
        async with (
            serving(application) as url,
            httpx.AsyncClient(base_url=url, timeout=10, trust_env=False) as http,
        ):
            statuses = [
                (await http.get("/v1/open/a", headers={"X-Forwarded-For": f"10.0.0.{n}"})).status_code for n in range(4)
            ]
            assert statuses == [200, 200, 200, 429]
            refused = await http.get("/v1/open/a")
            assert int(refused.headers["retry-after"]) >= 1
            assert refused.headers["ratelimit-policy"] == '"requests";q=3;w=60'
            assert refused.headers["ratelimit"].startswith('"requests";r=0;t=')
            assert (await http.get("/v1/citizens/a", headers=bearer(setup, CITIZEN))).status_code == 200, "an own limit"
            forged = [
                (await http.get("/v1/open/a", headers={"Authorization": f"Bearer {n}"})).status_code for n in range(2)
            ]
            assert forged == [429, 429], "guessing tokens counts against the address"
