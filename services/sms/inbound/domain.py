"""What a citizen's SMS asks for. Pure."""

import re
from dataclasses import dataclass

from shared.persian.identifiers import IdentifierError, tracking_code
from shared.persian.text import fold

_CODE = r"[0-9a-z](?: ?[0-9a-z]){10}"
_TRACKING = re.compile(rf"(?:پیگیری|track)? ?({_CODE})")
_NOT_SOLVED = re.compile(
    rf"(?:(?P<before>{_CODE}) )?(?:مشکل ?(?:م|من)? ?)?(?:حل ?نشد(?: ?ه(?: ?است)?)?|not solved|unsolved)"
    rf"(?: (?P<after>{_CODE}))?"
)


@dataclass(frozen=True)
class Track:
    """How does the case with this tracking code stand?"""

    code: str


@dataclass(frozen=True)
class NotSolved:
    """The case is not solved; without a code it is the one that was decided last."""

    code: str | None


def command(text: str) -> Track | NotSolved | None:
    """The command in a text, however it is spelled; None for a text that is none."""
    folded = fold(text)
    if asked := _NOT_SOLVED.fullmatch(folded):
        written = asked["before"] or asked["after"]
        code = _code(written) if written else None
        return NotSolved(code) if code or not written else None
    if asked := _TRACKING.fullmatch(folded):
        code = _code(asked[1])
        return Track(code) if code else None
    return None


def _code(written: str) -> str | None:
    try:
        return tracking_code(written)
    except IdentifierError:
        return None
