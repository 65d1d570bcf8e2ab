"""JSON at the door, strictly: UTF-8, no lone surrogates, no NUL, no NaN, bounded depth and numbers, whatever the route.

PostgreSQL's text holds no NUL and its bigint no more than 63 bits, and JSON readers disagree beyond 2⁵³ (RFC 7493,
2.2): refused here, none of them can become a 500 in a service that forgot.
"""

from collections.abc import Iterator
from typing import Any, Final, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.kit.web.messages import MESSAGES
from shared.kit.web.problems import MALFORMED_JSON, UNSUPPORTED_MEDIA_TYPE, FieldFault, Problem, invalid_fields
from shared.kit.web.validation import is_plain_name, validation_problem

DEEPEST: Final = 32
LARGEST_NUMBER: Final = 2**53 - 1

T = TypeVar("T")


def parse_json(body: bytes) -> Any:
    """The document; Problem 400 if it is not JSON in UTF-8 or too deep, 422 naming a NUL or a number out of range."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Problem(MALFORMED_JSON) from None
    level: list[Any] = [document]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for value in level:
            kind = type(value)
            if kind is dict:
                if any("\0" in name for name in value):
                    raise _refusal(document)
                below.extend(value.values())
            elif kind is list:
                below.extend(value)
            elif kind is str:
                if "\0" in value:
                    raise _refusal(document)
            elif kind in (int, float) and not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
                raise _refusal(document)
        if not below:
            return document
        level = below
    raise Problem(MALFORMED_JSON)


def _refusal(document: Any) -> Problem:
    return invalid_fields(*(FieldFault(pointer, code, MESSAGES[code]) for pointer, code in _faults(document, "")))


def _faults(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, child in value.items():
            if "\0" in name:
                yield pointer, "nul_character"
            elif is_plain_name(name):
                yield from _faults(child, f"{pointer}/{name}")
            else:
                yield from ((pointer, code) for _, code in _faults(child, pointer))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _faults(child, f"{pointer}/{index}")
    elif isinstance(value, str):
        if "\0" in value:
            yield pointer, "nul_character"
    elif type(value) in (int, float) and not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
        yield pointer, "out_of_range"


def is_json(content_type: str) -> bool:
    """Whether a ``Content-Type`` says JSON (RFC 8259; ``+json`` of RFC 6839); Problem 415 if not in UTF-8."""
    media_type, _, parameters = content_type.lower().partition(";")
    media_type = media_type.strip()
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        return False
    name, _, charset = parameters.partition("=")
    if name.strip() == "charset" and charset.strip(' "') not in ("utf-8", "utf8", "us-ascii"):
        raise unsupported_media_type()
    return True


def unsupported_media_type() -> Problem:
    """A 415 that says what is taken (RFC 9110, 15.5.16)."""
    return Problem(UNSUPPORTED_MEDIA_TYPE, headers={"Accept": "application/json"})


async def read_json(request: Request, adapter: TypeAdapter[T]) -> T:
    """The body of a Starlette route as the adapter's type, straight from the bytes.

    Raises Problem 415 if it is not sent as JSON, 422 if it does not fit. What is no JSON at all, the JsonGate refused.
    """
    return json_as(request.headers.get("content-type", ""), await request.body(), adapter)


def json_as(content_type: str, body: bytes, adapter: TypeAdapter[T]) -> T:
    """As ``read_json``, of a body that was read already; what is no JSON at all is a Problem 400."""
    if not is_json(content_type):
        raise unsupported_media_type()
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        errors = [
            {**detail, "loc": ("body", *detail["loc"])}
            for detail in error.errors(include_url=False, include_input=False)
        ]
    raise validation_problem(errors, parse_json(body))


class JsonGate:
    """ASGI: reads every JSON body, refuses the malformed, and hands the rest on as one message. Others stream by."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        content_type, encoding = b"", b""
        for name, value in scope["headers"]:
            if name == b"content-type":
                content_type = value
            elif name == b"content-encoding":
                encoding = value
        if not is_json(content_type.decode("latin-1")):
            await self.app(scope, receive, send)
            return
        if encoding.lower() not in (b"", b"identity"):
            raise Problem(UNSUPPORTED_MEDIA_TYPE, headers={"Accept-Encoding": "identity"})
        first = await receive()
        if first["type"] != "http.request":
            return
        body = first.get("body", b"")
        if first.get("more_body"):
            parts = [body]
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    break
            body = b"".join(parts)
        if body:
            parse_json(body)
        await self.app(scope, _replay({"type": "http.request", "body": body, "more_body": False}, receive), send)


def _replay(message: Message, receive: Receive) -> Receive:
    pending: Message | None = message

    async def replayed() -> Message:
        nonlocal pending
        if pending is not None:
            message, pending = pending, None
            return message
        return await receive()

    return replayed
