"""The door: checks target, route, caller and limits, then forwards. Raw ASGI: every request goes through here."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, Protocol

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.limits import Limiter
from gateway.proxy.breaker import Breaker
from gateway.proxy.headers import REQUEST, RESPONSE, passing
from gateway.proxy.paths import is_safe_target
from gateway.routes import Route, RouteTree
from shared.kit.auth import Mint, Principal
from shared.kit.telemetry import current_traceparent
from shared.kit.web.problems import (
    BAD_GATEWAY,
    BODY_TOO_LARGE,
    FORBIDDEN,
    GATEWAY_TIMEOUT,
    MALFORMED_REQUEST,
    METHOD_NOT_ALLOWED,
    UNAUTHORIZED,
    Problem,
    unavailable,
)

WHOLE_BODY = 64 * 1024
"""Bodies up to here are forwarded as bytes; longer ones as they come."""

_TOKEN_SECONDS = 30
"""An internal token, good for 60 seconds, is used again for half of them."""


class Authority(Protocol):
    """Tells who sends a request from its outside token."""

    def caller(self, authorization: str | None) -> Principal:
        """The caller, of kind ``public`` without a token. Raises a 401 problem for a token that is not good."""
        ...


class Door:
    """ASGI: own routes go to ``own`` (the gateway's FastAPI app), the others to their service."""

    def __init__(
        self,
        own: ASGIApp,
        *,
        routes: RouteTree,
        upstreams: Mapping[str, str],
        authority: Authority,
        mint: Mint,
        limiter: Limiter,
        client: Client,
        seconds: float,
    ) -> None:
        self._own = own
        self._routes = routes
        self._upstreams = dict(upstreams)
        self._authority = authority
        self._mint = mint
        self._limiter = limiter
        self._client = client
        self._seconds = seconds
        self._breakers = {name: Breaker() for name in upstreams}
        self._tokens: dict[tuple[str, Principal], tuple[float, str]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._own(scope, receive, send)
            return
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        if not is_safe_target(raw_path, scope["query_string"]):
            raise Problem(MALFORMED_REQUEST)
        methods = self._routes.methods(scope["path"])
        if not methods:
            await self._own(scope, receive, send)  # health, documents, and 404 for all else
            return
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        route = methods.get(method)
        if route is None:
            allowed = sorted({*methods, *(["HEAD"] if "GET" in methods else [])})
            raise Problem(METHOD_NOT_ALLOWED, headers={"Allow": ", ".join(allowed)})
        scope["seda.route"] = route.template
        caller = self._authority.caller(_header(scope, b"authorization"))
        scope["seda.caller"] = caller
        self._limiter.take(_address(scope), caller)
        if not route.lets(caller):
            raise Problem(UNAUTHORIZED if caller.kind == "public" else FORBIDDEN)
        if route.service == "gateway":
            await self._own(scope, receive, send)
        else:
            await self._forward(route, caller, raw_path, scope, receive, send)

    async def _forward(
        self, route: Route, caller: Principal, raw_path: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        breaker = self._breakers[route.service]
        if breaker.refuses():
            raise unavailable()
        query = scope["query_string"]
        target = self._upstreams[route.service] + raw_path.decode("ascii")
        if query:
            target += f"?{query.decode('ascii')}"
        headers = passing(scope["headers"], REQUEST)
        headers.append(("authorization", f"Bearer {self._token(route.service, caller)}"))
        headers.append(("x-request-id", scope.get("seda.request_id", "")))
        if traceparent := current_traceparent():
            headers.append(("traceparent", traceparent))
        request = self._client.request(scope["method"], target).headers(headers)
        if scope["method"] not in ("GET", "HEAD"):
            length = _content_length(scope)
            if length is not None and length > route.body:
                raise _too_large()
            if length is not None and length <= WHOLE_BODY:
                request = request.body_bytes(await _whole(receive, length))
            else:
                request = request.body_stream(_pieces(receive, route.body))
        try:
            async with asyncio.timeout(self._seconds):
                if route.streamed:
                    async with request.build_streamed() as response:
                        breaker.answered()
                        await _stream(response, send)
                    return
                response = await request.build().send()
                body = bytes(await response.bytes())
        except TimeoutError:
            breaker.failed()
            raise Problem(GATEWAY_TIMEOUT) from None
        except PyreqwestError:
            breaker.failed()
            raise Problem(BAD_GATEWAY) from None
        breaker.answered()
        await send(_start(response))
        await send({"type": "http.response.body", "body": body})

    def _token(self, service: str, caller: Principal) -> str:
        now = asyncio.get_running_loop().time()
        known = self._tokens.get((service, caller))
        if known is not None and known[0] > now:
            return known[1]
        token = self._mint.token(caller, service)
        if len(self._tokens) >= 8192:
            self._tokens.clear()
        self._tokens[service, caller] = (now + _TOKEN_SECONDS, token)
        return token


def make_client(connections: int) -> Client:
    """The HTTP client to the services: no redirects, no proxies of the environment, no decompression, no retries."""
    return (
        ClientBuilder()
        .runtime_multithreaded(True)
        .no_proxy()
        .follow_redirects(False)
        .http1_only()
        .gzip(False)
        .brotli(False)
        .zstd(False)
        .deflate(False)
        .connect_timeout(timedelta(seconds=2))
        .pool_max_idle_per_host(connections)
        .max_connections(connections)
        .tcp_nodelay(True)
        .build()
    )


def _start(response: Any) -> Message:
    headers = [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in passing(
            [(k.encode("latin-1"), v.encode("latin-1")) for k, v in response.headers.items()], RESPONSE
        )
    ]
    return {"type": "http.response.start", "status": response.status, "headers": headers}


async def _stream(response: Any, send: Send) -> None:
    await send(_start(response))
    reader = response.body_reader
    while (piece := await reader.read_chunk()) is not None:
        await send({"type": "http.response.body", "body": bytes(piece), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _header(scope: Scope, name: bytes) -> str | None:
    values = [value for key, value in scope["headers"] if key == name]
    if len(values) > 1:
        raise Problem(MALFORMED_REQUEST)
    return values[0].decode("latin-1") if values else None


def _content_length(scope: Scope) -> int | None:
    announced = _header(scope, b"content-length")
    if announced is None:
        return None
    if not announced.isascii() or not announced.isdigit() or len(announced) > 12:
        raise Problem(MALFORMED_REQUEST)
    return int(announced)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


async def _whole(receive: Receive, length: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Problem(MALFORMED_REQUEST)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > length:
            raise _too_large()
        if not message.get("more_body"):
            return b"".join(parts)


async def _pieces(receive: Receive, limit: int) -> AsyncIterator[bytes]:
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Problem(MALFORMED_REQUEST)
        piece = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise _too_large()
        if piece:
            yield piece
        if not message.get("more_body"):
            return


def _too_large() -> Problem:
    return Problem(BODY_TOO_LARGE, headers={"Connection": "close"})
