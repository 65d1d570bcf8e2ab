"""Strong ETags of versions: who changes something says which version they saw (RFC 9110, 8.8 and 13)."""

import re
from hashlib import sha256
from typing import Annotated, Final

from fastapi import Header
from starlette.requests import Request
from starlette.responses import Response

from shared.kit.web.problems import MALFORMED_REQUEST, PRECONDITION_REQUIRED, STALE_VERSION, Problem

IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=1000, description="The ETag of the version read")]
"""The header, to be given to :func:`check_if_match` once the caller is known to reach the thing at all."""

_TAG: Final = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*')
_LIST: Final = re.compile(rf"(?:{_TAG.pattern})(?:,(?:{_TAG.pattern}))*")


def etag(version: int) -> str:
    """The strong ETag of a version: ``"7"``, quotes included."""
    return f'"{version}"'


def check_if_match(header: str | None, version: int) -> None:
    """Raises Problem 428 without ``If-Match``, 400 for one that is none, 412 if it does not name ``version``.

    ``*`` matches whatever exists; a weak tag matches nothing (RFC 9110, 13.1.1).
    """
    if header is None:
        raise Problem(PRECONDITION_REQUIRED)
    if header.strip() == "*":
        return
    if (str(version), False) not in _tags(header):
        raise Problem(STALE_VERSION)


def _tags(header: str) -> set[tuple[str, bool]]:
    """The tags named, each with whether it is weak."""
    if len(header) > 1000 or not _LIST.fullmatch(header):
        raise Problem(MALFORMED_REQUEST)
    return {(tag, bool(weak)) for weak, tag in _TAG.findall(header)}


class CachedDocument:
    """Reference data: rendered once, answered with its ETag, and by a 304 to whoever has it."""

    def __init__(self, body: bytes, *, media_type: str = "application/json", max_age_seconds: int = 300) -> None:
        self._body = body
        self._tag = sha256(body).hexdigest()[:32]
        self._media_type = media_type
        self._headers = {"ETag": f'"{self._tag}"', "Cache-Control": f"public, max-age={max_age_seconds}"}

    def respond(self, request: Request) -> Response:
        """200 with the document, or 304 if ``If-None-Match`` names it (weak comparison; junk names nothing)."""
        header = request.headers.get("if-none-match", "")
        if header.strip() == "*" or self._tag in {tag for _, tag in _TAG.findall(header[:1000])}:
            return Response(status_code=304, headers=self._headers)
        return Response(self._body, media_type=self._media_type, headers=self._headers)
