"""The code printed on a letter: 80 random bits, typed by hand or scanned."""

import re
import secrets

from shared.persian.digits import to_latin
from shared.persian.identifiers import CROCKFORD

_LENGTH = 16
_READ = str.maketrans("OIL", "011")
_SPACES = re.compile(r"[\s-]+")
_CODE = re.compile(f"[{CROCKFORD}]{{{_LENGTH}}}")


def new_code() -> str:
    """A new code: 16 characters of Crockford's base 32, which is 80 bits."""
    return "".join(secrets.choice(CROCKFORD) for _ in range(_LENGTH))


def grouped(code: str) -> str:
    """As it is printed: ``9F3K-Q2M7-XT4B-0DWE``."""
    return "-".join(code[at : at + 4] for at in range(0, _LENGTH, 4))


def read_code(text: str) -> str | None:
    """The code in what somebody typed (any case, groups, O for 0, Persian digits); None if there is none."""
    code = _SPACES.sub("", to_latin(text)).upper().translate(_READ)
    return code if _CODE.fullmatch(code) else None
