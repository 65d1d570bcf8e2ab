"""The door: checks target, route, caller and limits, then forwards. Raw ASGI: every request goes through here."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import ConnectTimeoutError, PyreqwestError
from pyreqwest.request import RequestBuilder
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.limits import Limiter, address_of
from gateway.proxy.bodies import Head, Incoming, malformed, read_head, too_large
from gateway.proxy.breaker import Breaker
from gateway.proxy.headers import REQUEST, RESPONSE, passing
from gateway.proxy.paths import is_safe_target
from gateway.routes import Route, RouteTree
from gateway.uploads import service_of
from shared.kit.auth import Mint, Principal
from shared.kit.telemetry import current_traceparent
from shared.kit.web.problems import (
    BAD_GATEWAY,
    FORBIDDEN,
    GATEWAY_TIMEOUT,
    METHOD_NOT_ALLOWED,
    UNAUTHORIZED,
    Problem,
    unavailable,
)

WHOLE_BODY = 64 * 1024
"""Bodies up to here are forwarded as bytes; longer ones as they come."""

CONNECT_SECONDS = 2
IDLE_SECONDS = 3
"""Less than the 5 s after which the services' server drops an idle connection, so that none is used as it closes."""

_TOKEN_SECONDS = 30
"""An internal token, good for 60 seconds, is used again for half of them."""
_TOKENS_KEPT = 8192


class Authority(Protocol):
    """Tells who sends a request from its outside token."""

    def caller(self, authorization: str | None) -> Principal:
        """The caller, of kind ``public`` without a token. Raises a 401 problem for a token that is not good."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds, and for how much at once.

    ``service``: for the answer, of a streamed one for its beginning. ``client``: for the next piece of a body.
    ``requests`` and ``streams``: under way to one service, so that one that hangs takes nothing from the others.
    """

    service: float = 30.0
    client: float = 15.0
    requests: int = 1024
    streams: int = 2048


@dataclass(slots=True)
class _Upstream:
    url: str
    breaker: Breaker = field(default_factory=Breaker)
    requests: int = 0
    streams: int = 0

    def is_full(self, patience: Patience, *, streamed: bool) -> bool:
        """Whether no more of that kind may be under way: slow uploads leave room for requests, and the other way."""
        return self.streams >= patience.streams if streamed else self.requests >= patience.requests


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
        patience: Patience,
    ) -> None:
        self._own = own
        self._routes = routes
        self._upstreams = {name: _Upstream(url) for name, url in upstreams.items()}
        self._authority = authority
        self._mint = mint
        self._limiter = limiter
        self._client = client
        self._patience = patience
        self._tokens: dict[tuple[str, Principal], tuple[float, str]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._own(scope, receive, send)
            return
        head = read_head(scope)
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        if not is_safe_target(raw_path, scope["query_string"]):
            raise malformed()
        methods = self._routes.methods(scope["path"])
        if not methods:
            await self._own(scope, receive, send)  # health, documents, and 404 for all else
            return
        scope["seda.route"] = next(iter(methods.values())).template
        route = methods.get(scope["method"]) or (methods.get("GET") if scope["method"] == "HEAD" else None)
        if route is None:
            await _other_method(methods, scope, send)
            return
        caller = self._caller(route, head, scope)
        scope["seda.caller"] = caller
        if not route.lets(caller):
            raise Problem(UNAUTHORIZED if caller.kind == "public" else FORBIDDEN)
        if route.service == "gateway":
            await self._own(scope, receive, send)
        else:
            await self._forward(route, caller, head, raw_path, scope, receive, send)

    def _caller(self, route: Route, head: Head, scope: Scope) -> Principal:
        """Whoever calls, counted against their limit; bad tokens count against their address."""
        address = address_of(scope)
        try:
            caller = self._authority.caller(head.authorization if route.reads_token else None)
        except Problem:
            self._limiter.take_stranger(address)
            raise
        self._limiter.take(address, caller)
        return caller

    async def _forward(
        self, route: Route, caller: Principal, head: Head, raw_path: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        service = service_of(caller, scope) if route.by_sender else route.service
        upstream = self._upstreams[service]
        streamed = route.streamed or scope["method"] == "HEAD"
        if upstream.is_full(self._patience, streamed=streamed):
            raise unavailable()
        if upstream.breaker.refuses():
            raise unavailable()
        if head.length is not None and head.length > route.body:
            raise too_large()
        request = self._request(upstream, route, service, caller, raw_path, scope)
        body = Incoming(
            receive, limit=route.body, client_seconds=self._patience.client, service_seconds=self._patience.service
        )
        if head.has_body and scope["method"] not in ("GET", "HEAD"):
            if route.streamed or head.chunked or (head.length or 0) > WHOLE_BODY:
                request = request.body_stream(body.pieces())
            else:
                request = request.body_bytes(await body.whole())
        try:
            if streamed:
                await self._streamed(request, body, upstream, scope, receive, send)
            else:
                await self._at_once(request, body, upstream, send)
        except TimeoutError as error:
            # pyreqwest calls its timeouts TimeoutError, too: connecting is the only one it is set to know
            upstream.breaker.failed()
            raise Problem(BAD_GATEWAY if isinstance(error, ConnectTimeoutError) else GATEWAY_TIMEOUT) from None
        except PyreqwestError:
            if body.failure is not None:  # the client's fault, not the service's
                raise body.failure from None
            upstream.breaker.failed()
            raise Problem(BAD_GATEWAY) from None

    def _request(
        self, upstream: _Upstream, route: Route, service: str, caller: Principal, raw_path: bytes, scope: Scope
    ) -> RequestBuilder:
        target = upstream.url + raw_path.decode("ascii")
        if query := scope["query_string"]:
            target += f"?{query.decode('ascii')}"
        headers = passing(scope["headers"], REQUEST)
        if not all(value.isascii() for _, value in headers):
            raise malformed()  # it has no one meaning, and would be written in other bytes than it came in
        headers.append(("authorization", f"Bearer {self._token(service, caller)}"))
        headers.append(("x-request-id", scope.get("seda.request_id", "")))
        if traceparent := current_traceparent():
            headers.append(("traceparent", traceparent))
        # the services' frameworks know no HEAD for a GET: asked as GET, the answer's body is left out
        return self._client.request(route.method, target).headers(headers)

    async def _at_once(self, request: RequestBuilder, body: Incoming, upstream: _Upstream, send: Send) -> None:
        upstream.requests += 1
        try:
            async with asyncio.timeout(self._patience.service) as body.clock:
                response = await request.build().send()
                content = bytes(await response.bytes())
        finally:
            upstream.requests -= 1
        upstream.breaker.answered()
        await send(_start(response))
        await send({"type": "http.response.body", "body": content})

    async def _streamed(
        self, request: RequestBuilder, body: Incoming, upstream: _Upstream, scope: Scope, receive: Receive, send: Send
    ) -> None:
        upstream.streams += 1
        try:
            built = request.streamed_read_buffer_limit(0).build_streamed()
            try:
                async with asyncio.timeout(self._patience.service) as body.clock:
                    response = await built.__aenter__()
            finally:
                body.clock = None  # an answer may begin before the body has ended
            try:
                upstream.breaker.answered()
                await send(_start(response))
                if scope["method"] != "HEAD":
                    pump = _pump(response, send)
                    await (pump if body.coming else _while_listened_to(pump, receive))
                await send({"type": "http.response.body", "body": b""})
            finally:
                await built.__aexit__(None, None, None)
        finally:
            upstream.streams -= 1

    def _token(self, service: str, caller: Principal) -> str:
        now = asyncio.get_running_loop().time()
        known = self._tokens.get((service, caller))
        if known is not None and known[0] > now:
            return known[1]
        token = self._mint.token(caller, service)
        if len(self._tokens) >= _TOKENS_KEPT:
            self._tokens.clear()
        self._tokens[service, caller] = (now + _TOKEN_SECONDS, token)
        return token


async def _other_method(methods: Mapping[str, Route], scope: Scope, send: Send) -> None:
    """``OPTIONS`` is told what there is, anything else, by a 405 problem, that it is not there."""
    allowed = ", ".join(sorted({*methods, "OPTIONS", *(["HEAD"] if "GET" in methods else [])}))
    if scope["method"] != "OPTIONS":
        raise Problem(METHOD_NOT_ALLOWED, headers={"Allow": allowed})
    await send({"type": "http.response.start", "status": 204, "headers": [(b"allow", allowed.encode())]})
    await send({"type": "http.response.body", "body": b""})


def make_client(connections: int) -> Client:
    """The HTTP client to the services: no redirects, no proxies of the environment, no decompression, no retries.
    ``connections`` to each service are kept open while idle."""
    return (
        ClientBuilder()
        .runtime_multithreaded(False)
        .no_proxy()
        .follow_redirects(False)
        .referer(False)
        .http1_only()
        .gzip(False)
        .brotli(False)
        .zstd(False)
        .deflate(False)
        .connect_timeout(timedelta(seconds=CONNECT_SECONDS))
        .pool_max_idle_per_host(connections)
        .pool_idle_timeout(timedelta(seconds=IDLE_SECONDS))
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


async def _pump(response: Any, send: Send) -> None:
    reader = response.body_reader
    while (piece := await reader.read_chunk()) is not None:
        await send({"type": "http.response.body", "body": bytes(piece), "more_body": True})


async def _while_listened_to(sending: Coroutine[Any, Any, None], receive: Receive) -> None:
    """Sends until the end or until the client leaves (``ClientDisconnect``): an event stream would else be read for
    nobody, for ever."""
    tasks = (asyncio.create_task(sending), asyncio.create_task(_left(receive)))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not tasks[0].done():
            raise ClientDisconnect
        tasks[0].result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
