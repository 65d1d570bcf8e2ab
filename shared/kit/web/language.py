"""Persian first, English second: which of the two a client reads, and texts that exist in both."""

import re
from typing import Annotated, Literal, NamedTuple

from fastapi import Depends
from starlette.requests import Request

Language = Literal["fa", "en"]

_RANGE = re.compile(r"\s*(\*|[A-Za-z]{1,8})(?:-[A-Za-z0-9-]{1,40})?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?")
_PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


class Text(NamedTuple):
    """The same sentence in Persian and in English."""

    fa: str
    en: str

    def to(self, language: Language) -> str:
        """The sentence in that language."""
        return self.fa if language == "fa" else self.en


def preferred_language(accept_language: str | None) -> Language:
    """``en`` if ``Accept-Language`` (RFC 9110, 12.5.4) prefers English to Persian; ``fa`` for all else, junk too."""
    weights: dict[str, float] = {}
    for item in (accept_language or "")[:500].split(","):
        if match := _RANGE.fullmatch(item):
            primary = match[1].lower()
            weights[primary] = max(weights.get(primary, 0.0), float(match[2] or 1))
    english = weights.get("en", 0.0)
    return "en" if english > weights.get("fa", weights.get("*", 0.0)) else "fa"


def _of_request(request: Request) -> Language:
    return preferred_language(request.headers.get("accept-language"))


RequestLanguage = Annotated[Language, Depends(_of_request)]
"""The language that an endpoint's caller reads."""


def persian_digits(number: object) -> str:
    """A number as a Persian reader expects it: ``12`` → ``۱۲``."""
    return str(number).translate(_PERSIAN_DIGITS)
