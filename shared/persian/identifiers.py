"""What identifies people, places and cases: checked at the door and kept in one form, with Latin digits, as text.

Every function that takes text takes what people type: Persian, Arabic-Indic, fullwidth or Latin digits, spaces, hyphens
and invisible characters. Every refusal is an ``IdentifierError`` whose message is its code, never the value.
"""

import re
import secrets

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType

from shared.persian.bidi import FSI, PDI
from shared.persian.digits import to_latin, to_persian


class IdentifierError(ValueError):
    """Not such an identifier. ``code``: ``national_id_invalid``, ``mobile_invalid``, ``postal_code_invalid`` or
    ``tracking_code_invalid``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


# white space, hyphens and dashes, and format characters (Cf) that a copied number brings along
_DECORATION = re.compile(r"[\s\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff‐-―−\-]+")
_TEN_DIGITS = re.compile("[0-9]{10}")


def _bare(text: str) -> str:
    return to_latin(_DECORATION.sub("", text))


def national_id(text: str) -> str:
    """A citizen's national code («کد ملی»): ten Latin digits, leading zeros kept.

    The check digit is that of the Civil Registration Organisation: with s = Σ digit·weight over weights 10…2, modulo
    11, it is s where s < 2, else 11 - s. Ten equal digits satisfy it and are refused; eight or nine are refused, too,
    for padding would turn a misread code into somebody else's. Foreign residents have another identifier.
    Raises IdentifierError ``national_id_invalid``.
    """
    code = _bare(text)
    if not _TEN_DIGITS.fullmatch(code) or code == code[0] * 10:
        raise IdentifierError("national_id_invalid")
    rest = sum(int(digit) * weight for digit, weight in zip(code, range(10, 1, -1), strict=False)) % 11
    if int(code[9]) != (rest if rest < 2 else 11 - rest):
        raise IdentifierError("national_id_invalid")
    return code


# no letters: phonenumbers would read them as a keypad's, or as an extension
_DIALLED = re.compile(r"\+?[0-9().]{10,20}")


def mobile(text: str) -> str:
    """An Iranian mobile number in E.164: ``0912 345 6789``, ``+98…``, ``0098…`` and ``98…`` → ``+989123456789``.

    Its prefix must be one that is allotted to a mobile operator (metadata of ``phonenumbers``; region IR, type MOBILE).
    Raises IdentifierError ``mobile_invalid``.
    """
    dialled = _bare(text)
    if not _DIALLED.fullmatch(dialled):
        raise IdentifierError("mobile_invalid")
    try:
        number = phonenumbers.parse(dialled, "IR")
    except NumberParseException:
        raise IdentifierError("mobile_invalid") from None
    if (
        not phonenumbers.is_valid_number_for_region(number, "IR")
        or phonenumbers.number_type(number) != PhoneNumberType.MOBILE
    ):
        raise IdentifierError("mobile_invalid")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def display_mobile(e164: str) -> str:
    """A mobile number as a Persian reader expects it: ``+989123456789`` → «۰۹۱۲ ۳۴۵ ۶۷۸۹», between FSI and PDI, for
    its groups would else stand in reverse. Raises ValueError for what ``mobile`` did not return."""
    if not re.fullmatch(r"\+989[0-9]{9}", e164):
        raise ValueError("not an Iranian mobile number in E.164")
    national = to_persian(f"0{e164[3:6]} {e164[6:9]} {e164[9:]}")
    return f"{FSI}{national}{PDI}"


# said to hold for every code, written down by nobody: no 0 or 2 in the first four, no 5 in the fifth …
_USUAL_POSTAL_CODE = re.compile("[13-9]{4}[1346-9][0-9]{5}")


def postal_code(text: str) -> tuple[str, tuple[str, ...]]:
    """A postal code: ten Latin digits, and warnings (``postal_code_unusual`` where it breaks the rule that folklore
    tells and no source confirms; such a code is still accepted). Raises IdentifierError ``postal_code_invalid``."""
    code = _bare(text)
    if not _TEN_DIGITS.fullmatch(code):
        raise IdentifierError("postal_code_invalid")
    return code, () if _USUAL_POSTAL_CODE.fullmatch(code) else ("postal_code_unusual",)


# --- tracking codes -------------------------------------------------------------------------------------------------
# Ten characters of 5 random bits and one to check them, all of Crockford's base 32 (no I, L, O, U), so that a code is
# read out, typed on any keyboard and needs no case.
#
# The check character makes Σ aⁱ·xᵢ = 0 in GF(2⁵) (modulus x⁵ + x² + 1, a = x, i = 10 for the first character … 0 for
# the check character). A weighted sum modulo 32 cannot find every transposition: its weights must be odd to find every
# single error, and the difference of two odd weights is even. In a field all non-zero differences are invertible, so
# every single wrong character and every exchange of any two characters is found; 31 of 32 of all other errors are, too.

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 11
_MODULUS = 0b100101


def _times_a(value: int) -> int:
    value <<= 1
    return value ^ _MODULUS if value & 0b100000 else value


def _weighted(power: int, value: int) -> int:
    for _ in range(power):
        value = _times_a(value)
    return value


# for each place: character → its part of the sum
_PARTS = [
    {character: _weighted(_LENGTH - 1 - place, n) for n, character in enumerate(CROCKFORD)} for place in range(11)
]
_READ = str.maketrans("abcdefghijklmnopqrstuvwxyzOIL", "ABCDEFGH1JK1MN0PQRSTUVWXYZ011")
_WELL_FORMED = re.compile(f"[{CROCKFORD}]{{{_LENGTH}}}")


def _sum(code: str) -> int:
    total = 0
    for part, character in zip(_PARTS, code, strict=False):
        total ^= part[character]
    return total


def new_tracking_code() -> str:
    """A new tracking code: 50 bits of the system's random source and the check character; 11 characters, Latin capitals
    and digits, ungrouped. It has at least one letter, so that it never looks like a telephone number."""
    while True:
        bits = secrets.randbits(50)
        code = "".join([CROCKFORD[bits >> shift & 31] for shift in range(45, -1, -5)])
        code += CROCKFORD[_sum(code)]
        if not code.isdigit():
            return code


def tracking_code(text: str) -> str:
    """The tracking code that somebody typed or read out, as it is kept: any case, spaces, hyphens, Persian digits, O
    for 0, I and L for 1. Raises IdentifierError ``tracking_code_invalid``."""
    code = _bare(text).translate(_READ)
    if not _WELL_FORMED.fullmatch(code) or _sum(code):
        raise IdentifierError("tracking_code_invalid")
    return code
