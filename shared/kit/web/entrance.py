"""The outermost layer of an API: request id, trace, one line of log and one count a request, and no bare exception.

Pure ASGI: the hot path goes through here.
"""

from collections.abc import Mapping
from time import perf_counter

from opentelemetry.trace import SpanKind
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, reset_contextvars

from shared.kit.ids import random_hex
from shared.kit.telemetry import log, metrics, span
from shared.kit.telemetry.fields import is_request_id
from shared.kit.web.problems import (
    BODY_TOO_LARGE,
    INTERNAL,
    MALFORMED_REQUEST,
    Problem,
    of_status,
    render,
    unavailable,
)
from shared.kit.web.routes import RouteTable
from shared.kit.writer import Overloaded

QUIET = ("/healthz", "/readyz", "/metrics")
"""Asked every few seconds by machines: counted, but neither logged nor traced."""

_CLIENT_LEFT = 499
# our own ids are letters alone, so that none of them looks like a number of somebody's
_LETTERS = str.maketrans("0123456789", "ghijklmnop")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# PostgreSQL's classes of conditions that pass (Appendix A): connection, resources, operator intervention,
# serialization and deadlock
_PASSING_STATES = ("08", "53", "57", "40")


class Entrance:
    """ASGI: see the module. Under the prefixes of ``quiet`` nothing is logged or traced but failures' types."""

    def __init__(self, app: ASGIApp, *, service: str, routes: RouteTable, quiet: tuple[str, ...]) -> None:
        self._app = app
        self._service = service
        self._routes = routes
        self._quiet = QUIET + quiet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = perf_counter()
        quiet = scope["path"].startswith(self._quiet)
        request_id, traceparent = _ids(scope)
        scope["seda.request_id"] = request_id
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", ()))
                headers.append((b"x-request-id", request_id.encode()))
                headers.append((b"traceparent", step.context.traceparent.encode()))
                if not any(name == b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", b"no-store"))
                message["headers"] = headers
            await send(message)

        tokens = bind_contextvars(request_id=request_id)
        try:
            with span("http", traceparent, kind=SpanKind.SERVER, recorded=not quiet) as step:
                try:
                    _check_target(scope)
                    await self._app(scope, receive, answer)
                except ClientDisconnect:
                    status = status or _CLIENT_LEFT
                except Exception as error:  # whatever a service raises: its text stays inside
                    problem = _problem_of(error)
                    if problem.status_code >= 500 and not isinstance(error, HTTPException):
                        log.error("request_failed", exc_info=error, route=self._routes.template(scope))
                    if status == 0:
                        await render(problem, HTTPConnection(scope))(scope, receive, answer)
                    # else the answer has begun: returning unfinished makes the server drop the connection
                self._count(scope, step, status, perf_counter() - begun, quiet=quiet)
        finally:
            reset_contextvars(**tokens)

    def _count(self, scope: Scope, step: span, status: int, seconds: float, *, quiet: bool) -> None:
        route = self._routes.template(scope)
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        metrics.http_requests.labels(self._service, method, route, status).inc()
        metrics.http_seconds.labels(self._service, method, route).observe(seconds)
        if not quiet:
            step.update(f"{method} {route}", route=route, method=method, status=status)
            log.info("request", method=method, route=route, status=status, duration_ms=round(seconds * 1000, 2))


def _ids(scope: Scope) -> tuple[str, bytes | None]:
    request_id, traceparent = None, None
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            request_id = value.decode("latin-1")
        elif name == b"traceparent":
            traceparent = value
    if request_id is None or not is_request_id(request_id):
        request_id = random_hex(12).translate(_LETTERS)
    return request_id, traceparent


def _check_target(scope: Scope) -> None:
    """No NUL in path or query: PostgreSQL has none in its texts."""
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        raise Problem(MALFORMED_REQUEST)


def _problem_of(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        return of_status(error)
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, ConnectionError | TimeoutError | PoolTimeout | Overloaded) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    ):
        return unavailable()
    state = getattr(original, "sqlstate", None)
    if isinstance(state, str) and state.startswith(_PASSING_STATES):
        return unavailable()
    return Problem(INTERNAL)


class BodyLimit:
    """ASGI: refuses bodies above a limit, by what is announced and by what comes."""

    def __init__(self, app: ASGIApp, *, limit: int, limits: Mapping[str, int]) -> None:
        """``limit`` in bytes for all paths but those under a prefix in ``limits``."""
        self._app = app
        self._limit = limit
        self._limits = dict(limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        limit = next((limit for prefix, limit in self._limits.items() if path.startswith(prefix)), self._limit)
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), None)
        if announced is not None:
            if not announced.isdigit() or int(announced[:12]) > limit:
                raise _too_large()
            await self._app(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise _too_large()
            return message

        await self._app(scope, counted, send)


def _too_large() -> Problem:
    # the rest of the body is not read, so the connection cannot serve another request
    return Problem(BODY_TOO_LARGE, headers={"Connection": "close"})
