"""The client's body on its way in: announced and counted, and never waited for without end."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from shared.kit.web.language import Text
from shared.kit.web.problems import BODY_TOO_LARGE, MALFORMED_REQUEST, Problem, ProblemType

REQUEST_TIMEOUT = ProblemType(
    "request-timeout",
    408,
    Text("درخواست کامل نرسید", "The request did not arrive whole"),
    Text("ارتباط بیش از اندازه کند بود. لطفاً دوباره بفرستید.", "It came too slowly. Please send it again."),
)
_LONGEST_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Head:
    """What the door needs of a request's header fields; ``length`` is None where none is announced."""

    authorization: str | None
    length: int | None
    chunked: bool

    @property
    def has_body(self) -> bool:
        """Whether a body follows (RFC 9112, 6)."""
        return self.chunked or bool(self.length)


def read_head(scope: Scope) -> Head:
    """Reads the header fields once.

    Raises a 400 problem where two readers could differ: a field that may come once comes twice or not at all
    (RFC 9112, 3.2 and 6.3; RFC 9110, 5.3), or a length is not a number.
    """
    hosts = 0
    authorization: bytes | None = None
    length: bytes | None = None
    coding: bytes | None = None
    for name, value in scope["headers"]:
        if name == b"host":
            hosts += 1
        elif name == b"authorization":
            _once(authorization)
            authorization = value
        elif name == b"content-length":
            _once(length)
            length = value
        elif name == b"transfer-encoding":
            _once(coding)
            coding = value
    version = scope.get("http_version", "1.1")
    if version not in ("1.0", "1.1") or hosts > 1 or (hosts == 0 and version == "1.1"):
        raise malformed()
    if coding is not None and (length is not None or coding.lower() != b"chunked"):
        raise malformed()
    if length is not None and not (length.isdigit() and len(length) <= _LONGEST_LENGTH):
        raise malformed()
    return Head(
        None if authorization is None else authorization.decode("latin-1"),
        None if length is None else int(length),
        coding is not None,
    )


def _once(before: bytes | None) -> None:
    if before is not None:
        raise malformed()


class Incoming:
    """A body of at most ``limit`` bytes, each piece of which comes within ``client_seconds``, else a 408 problem."""

    def __init__(self, receive: Receive, *, limit: int, client_seconds: float, service_seconds: float) -> None:
        self._receive = receive
        self._limit = limit
        self._client_seconds = client_seconds
        self._service_seconds = service_seconds
        self.clock: asyncio.Timeout | None = None
        """The time that the service has; it stands still while the client is waited for."""
        self.coming = False
        """Whether pieces are being waited for: nobody else may then listen to the client, or would take them away."""
        self.failure: Exception | None = None
        """Why the body broke off, if it did: the HTTP client that was sending it on only knows that it did."""

    async def whole(self) -> bytes:
        """All of it. Raises a 408 or 413 problem, or ``ClientDisconnect``."""
        pieces = [piece async for piece in self.pieces()]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Piece by piece, as it comes. Raises like ``whole``."""
        size, more = 0, True
        self.coming = True
        while more:
            try:
                message = await self._message()
                size += len(message.get("body", b""))
                if size > self._limit:
                    raise too_large()
            except (Problem, ClientDisconnect) as failure:
                self.failure = failure
                raise
            more = self.coming = message.get("more_body", False)
            if piece := message.get("body"):
                yield piece

    async def _message(self) -> Message:
        self._set_clock(None)
        try:
            async with asyncio.timeout(self._client_seconds):
                message = await self._receive()
        except TimeoutError:
            raise Problem(REQUEST_TIMEOUT, headers={"Connection": "close"}) from None
        if message["type"] != "http.request":
            raise ClientDisconnect
        self._set_clock(asyncio.get_running_loop().time() + self._service_seconds)
        return message

    def _set_clock(self, when: float | None) -> None:
        if self.clock is not None and not self.clock.expired():
            self.clock.reschedule(when)


def malformed() -> Problem:
    """A 400 problem, after which the connection ends: what follows on it is not to be trusted."""
    return Problem(MALFORMED_REQUEST, headers={"Connection": "close"})


def too_large() -> Problem:
    """A 413 problem. The connection stays: closed while the client still sends, it would never see the answer."""
    return Problem(BODY_TOO_LARGE)
