"""Requests that no honest client sends, byte by byte: what two readers could read differently reaches nobody."""

import asyncio

import pytest

from tests.gateway.proxy.conftest import Setup

GET = b"GET /v1/open/a HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /v1/open/a HTTP/1.1\r\nHost: a\r\n"
SMUGGLED = b"DELETE /v1/open/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

REFUSED = {
    "length and chunked": POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX" + SMUGGLED,
    "chunked and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX" + SMUGGLED,
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 50\r\n\r\nabc" + SMUGGLED,
    "two equal lengths": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": POST + b"Content-Length: 3, 3\r\n\r\nabc",
    "a signed length": POST + b"Content-Length: +3\r\n\r\nabc",
    "a negative length": POST + b"Content-Length: -3\r\n\r\nabc",
    "a hexadecimal length": POST + b"Content-Length: 0x3\r\n\r\nabc",
    "a length of too many digits": POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\nabc",
    "two codings": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "gzip, chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a coding after a space": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded header": GET + b"X-A: b\r\n c: d\r\n\r\n",
    "no host": b"GET /v1/open/a HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"Host: b\r\n\r\n",
    "two authorizations": GET + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
    "a chunk size that is none": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "a NUL in a header": GET + b"X-A: b\0c\r\n\r\n",
    "a bare CR in a header": GET + b"X-A: b\rContent-Length: 5\r\n\r\n",
    "a space in the path": b"GET /v1/open/a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "bytes beyond ASCII in the path": b"GET /v1/open/\xd8\xa8 HTTP/1.1\r\nHost: a\r\n\r\n",
    "authority form": b"CONNECT example.org:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    "asterisk form": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/0.9": b"GET /v1/open/a\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "bytes beyond ASCII in what is forwarded": GET + b"If-Match: \xe9\r\n\r\n",
}

DOTS = [
    "/v1/open/../operators/a",
    "/v1/open/./a",
    "/v1/open/..",
    "/v1/open/%2e%2e/operators/a",
    "/v1/open/%2E%2e/operators/a",
    "/v1/open/.%2e/operators/a",
    "/v1/open/a%2fb",
    "/v1/open/a%2Fb",
    "/v1/open/a%5cb",
    "/v1/open/a\\b",
    "/v1/open/..\\a",
    "/v1/open/%252e%252e/a",
    "/v1/open/a%252fb",
    "/v1/open/a%00",
    "/v1/open/%0d%0aX:%20y",
    "/v1/open/%c0%ae%c0%ae/a",
    "/v1/open/%c0%afa",
    "/v1/open/%e0%80%af",
    "/v1/open/%ff",
    "/v1/open/%zz",
    "/v1/open/%",
    "//v1/open/a",
    "/v1//open/a",
    "/v1/open/a?x=%00",
    "/v1/open/a?x=\\",
]


async def spoken(port: int, request: bytes, *, seconds: float = 5) -> tuple[int, bytes]:
    """Sends bytes and reads all that comes until the other side closes; the first status (0 for none) and all."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = b""
    try:
        async with asyncio.timeout(seconds):
            while piece := await reader.read(65536):
                answer += piece
    except TimeoutError:
        pass  # kept open, as honest connections are
    writer.close()
    return int(answer.split(maxsplit=2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0, answer


@pytest.mark.parametrize("name", REFUSED)
async def test_what_can_be_read_in_two_ways_is_refused(setup: Setup, name: str) -> None:
    before = len(setup.upstream.asked)
    status, answer = await spoken(setup.port, REFUSED[name])
    assert status in (0, 400), answer
    assert answer.count(b"HTTP/1.1 ") <= 1, "nothing that follows on the connection is answered"
    assert len(setup.upstream.asked) == before


@pytest.mark.parametrize("target", DOTS)
async def test_targets_that_somebody_might_rewrite_are_refused_before_anything_else(setup: Setup, target: str) -> None:
    before = len(setup.upstream.asked)
    status, _ = await spoken(setup.port, f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    assert status == 400
    assert len(setup.upstream.asked) == before


async def test_a_refusal_is_a_problem_with_an_id(setup: Setup) -> None:
    _, answer = await spoken(setup.port, b"GET /v1/open/%2e%2e/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert b"content-type: application/problem+json" in answer
    assert b"x-request-id: " in answer


async def test_absolute_form_names_no_other_server(setup: Setup) -> None:
    status, _ = await spoken(
        setup.port, b"GET http://evil.example/v1/open/abs?x=1 HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n\r\n"
    )
    assert status == 200
    asked = setup.upstream.asked[-1]
    assert asked["target"] == "/v1/open/abs?x=1"
    assert "evil" not in str(asked)


async def test_pipelined_requests_are_answered_one_by_one(setup: Setup) -> None:
    _, answer = await spoken(setup.port, (GET + b"\r\n") * 2 + GET + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 ") == 3


async def test_a_body_on_get_is_not_forwarded_and_not_taken_for_a_request(setup: Setup) -> None:
    before = len(setup.upstream.asked)
    body = SMUGGLED
    _, answer = await spoken(
        setup.port, GET + f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    )
    assert answer.count(b"HTTP/1.1 ") == 1
    assert [(asked["method"], asked["length"]) for asked in setup.upstream.asked[before:]] == [("GET", 0)]


async def test_a_body_that_is_refused_is_not_taken_for_a_request(setup: Setup) -> None:
    before = len(setup.upstream.asked)
    body = SMUGGLED * 8000
    head = POST + f"Content-Length: {len(body)}\r\n\r\n".encode()
    status, answer = await spoken(setup.port, head + body, seconds=3)
    assert status == 413
    assert answer.count(b"HTTP/1.1 ") == 1
    assert len(setup.upstream.asked) == before


async def test_a_client_that_leaves_in_its_body_leaves_nothing_behind(setup: Setup) -> None:
    before = len(setup.upstream.asked)
    for length in (100, 200_000):
        reader, writer = await asyncio.open_connection("127.0.0.1", setup.port)
        writer.write(POST + f"Content-Length: {length}\r\n\r\nabc".encode())
        await writer.drain()
        writer.close()
        assert await reader.read() == b""
    assert (await setup.http.get("/v1/open/a")).status_code == 200
    assert len(setup.upstream.asked) == before + 1
