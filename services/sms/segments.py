"""How a text becomes short messages: the alphabet (GSM 7-bit or UCS-2) and the parts of a long one.

3GPP TS 23.038 section 6.2.1 (default alphabet and its extension table) and 3GPP TS 23.040 section 9.2.3.24.1: a short
message holds 140 octets, that is 160 septets or 70 UTF-16 units; the concatenation header with an 8-bit reference
takes 6 octets of each part and leaves 153 septets or 67 units.
"""

from dataclasses import dataclass
from enum import StrEnum

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPE = 0x1B
_EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
_SEPTETS: dict[str, bytes] = {
    **{letter: bytes([code]) for code, letter in enumerate(_BASIC) if code != _ESCAPE},
    **{letter: bytes([_ESCAPE, code]) for code, letter in _EXTENSION.items()},
}
_LAST_OF_BMP = "\uffff"
_UNKNOWN = "\ufffd"

MAX_PARTS = 255
"""The concatenation header counts the parts in one octet."""


class Encoding(StrEnum):
    """The alphabet a text needs; one letter outside the GSM alphabet makes the whole text UCS-2."""

    GSM7 = "gsm7"
    UCS2 = "ucs2"


_SINGLE = {Encoding.GSM7: 160, Encoding.UCS2: 70}
_PART = {Encoding.GSM7: 153, Encoding.UCS2: 67}


@dataclass(frozen=True, slots=True)
class Segments:
    """A text in the parts that are sent, each of them whole letters; joined they are the text again."""

    encoding: Encoding
    parts: tuple[str, ...]

    def octets(self) -> tuple[bytes, ...]:
        """The parts as they stand in a short message: a septet per octet (as SMPP wants it), or UTF-16BE."""
        encode = encode_gsm if self.encoding is Encoding.GSM7 else _encode_ucs2
        return tuple(encode(part) for part in self.parts)


def segment(text: str) -> Segments:
    """``text`` in as few parts as the standard allows. A surrogate pair or a GSM escape is never divided, and a
    zero-width non-joiner counts as the one unit that it is. An empty text is one empty part.

    ValueError for a lone surrogate, which no phone can show, and for more than 255 parts.
    """
    encoding = Encoding.GSM7 if all(letter in _SEPTETS for letter in text) else Encoding.UCS2
    if encoding is Encoding.UCS2 and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("the text holds half a surrogate pair")
    sizes = [_size(letter, encoding) for letter in text]
    if sum(sizes) <= _SINGLE[encoding]:
        return Segments(encoding, (text,))
    parts: list[str] = []
    start = filled = 0
    for at, size in enumerate(sizes):
        if filled + size > _PART[encoding]:
            parts.append(text[start:at])
            start, filled = at, 0
        filled += size
    parts.append(text[start:])
    if len(parts) > MAX_PARTS:
        raise ValueError(f"the text needs {len(parts)} parts, more than {MAX_PARTS}")
    return Segments(encoding, tuple(parts))


def encode_gsm(text: str) -> bytes:
    """``text`` in the GSM alphabet, one septet per octet; ValueError for a letter that is not in it."""
    try:
        return b"".join([_SEPTETS[letter] for letter in text])
    except KeyError:
        raise ValueError("a letter is not in the GSM alphabet") from None


def decode_gsm(septets: bytes) -> str:
    """The text of ``septets`` (one per octet); what the tables do not hold becomes U+FFFD."""
    letters: list[str] = []
    escaped = False
    for code in septets:
        if escaped:
            letters.append(_EXTENSION.get(code, _UNKNOWN))
            escaped = False
        elif code == _ESCAPE:
            escaped = True
        else:
            letters.append(_BASIC[code] if code < len(_BASIC) else _UNKNOWN)
    if escaped:
        letters.append(_UNKNOWN)
    return "".join(letters)


def _encode_ucs2(text: str) -> bytes:
    return text.encode("utf-16-be")


def _size(letter: str, encoding: Encoding) -> int:
    if encoding is Encoding.GSM7:
        return len(_SEPTETS[letter])
    return 1 if letter <= _LAST_OF_BMP else 2
