"""The reporter's receipt code: the only way back to a report that has no name and no number.

33 digits: an 8-digit locator, by which the report's box is found, a 24-digit secret (79.7 bits), and a check digit, so
that a slip of the pen is noticed before the slow derivation. Shown once, never stored: from it come a key that proves
who asks (only its hash is stored) and an age key that opens the box.
"""

import re
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from services.integrity.sealing.age import SecretKey
from shared.persian.digits import to_latin

LOCATOR_DIGITS = 8
SECRET_DIGITS = 24
_DIGITS = LOCATOR_DIGITS + SECRET_DIGITS + 1
_GROUP = 4
_KEY_BYTES = 32
_LONGEST_INPUT = 200
_MEMORY_KIB = 64 * 1024
_PASSES = 3
_LANES = 1
# white space, dashes, dots, underscores, slashes, and the marks that Persian keyboards and messengers leave
_SEPARATORS = re.compile(
    r"[\s.,_/\u00ad\u060c\u066b\u066c\u200b-\u200f\u202a-\u202e\u2010-\u2015\u2060-\u2069\u2212\ufeff-]+"
)

# Damm, "Total anti-symmetrische Quasigruppen" (2004): a quasigroup x∘y with x∘x = 0, and x∘y = y∘x only if x = y,
# also behind any digits before it
_DAMM = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)


class NotAReceiptCode(ValueError):
    """What was typed cannot be a receipt code. Never says what it was."""


def check_digit(digits: str) -> str:
    """Damm's check digit of Latin digits.

    With it every wrong digit and every swap of two neighbours (the check digit among them) is noticed. Not noticed is
    about one in ten of: two wrong digits, digits swapped over a distance, digits left out or put in where the length
    is not known (here it is: 33).
    """
    interim = "0"
    for digit in digits:
        interim = _DAMM[int(interim)][int(digit)]
    return interim


@dataclass(frozen=True, slots=True)
class ReceiptKeys:
    """What a receipt code opens: ``auth`` proves to the service who asks, ``box`` opens what is sealed to it."""

    auth: bytes = field(repr=False)
    box: SecretKey = field(repr=False)

    @property
    def auth_hash(self) -> bytes:
        """SHA-256 of ``auth``: what the service stores, to compare in constant time."""
        return sha256(self.auth).digest()


class ReceiptCode:
    """A receipt code. Its ``repr`` shows nothing of it."""

    __slots__ = ("_secret", "locator")

    def __init__(self, locator: str, secret: str) -> None:
        """8 and 24 Latin digits; else NotAReceiptCode."""
        if not (re.fullmatch(r"[0-9]{8}", locator) and re.fullmatch(r"[0-9]{24}", secret)):
            raise NotAReceiptCode("a receipt code is of an 8-digit locator and a 24-digit secret")
        self.locator = locator
        self._secret = secret

    @classmethod
    def generate(cls) -> Self:
        """A new random code. Whether its locator is taken already, the caller asks the database."""
        digits = str(secrets.randbelow(10 ** (_DIGITS - 1))).zfill(_DIGITS - 1)
        return cls(digits[:LOCATOR_DIGITS], digits[LOCATOR_DIGITS:])

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads what a person typed: Latin, Persian or Arabic digits, with any spaces, dashes or direction marks.

        NotAReceiptCode if that leaves anything but 33 digits, or the check digit does not fit.
        """
        if len(text) > _LONGEST_INPUT:
            raise NotAReceiptCode("too long for a receipt code")
        digits = _SEPARATORS.sub("", to_latin(text))
        if not re.fullmatch(rf"[0-9]{{{_DIGITS}}}", digits):
            raise NotAReceiptCode("a receipt code is of 33 digits")
        if check_digit(digits) != "0":
            raise NotAReceiptCode("a digit of the receipt code is wrong")
        return cls(digits[:LOCATOR_DIGITS], digits[LOCATOR_DIGITS:-1])

    def shown(self) -> str:
        """The code for its reporter's eyes, once: Latin digits in groups of four, the check digit last."""
        digits = self.locator + self._secret
        digits += check_digit(digits)
        return " ".join(digits[i : i + _GROUP] for i in range(0, _DIGITS, _GROUP))

    def derive(self, service: str) -> ReceiptKeys:
        """The code's keys at one installation (``service``, say ``seda.example/integrity``).

        Takes 64 MiB and some 0.1 s of one core, outside the GIL: the caller bounds how many run at a time. Argon2id
        (RFC 9106; t = 3, 64 MiB, one lane; salt SHA-256(service ‖ locator)), then HKDF-Expand (RFC 5869).
        """
        master = hash_secret_raw(
            secret=self._secret.encode(),
            salt=sha256((service + self.locator).encode()).digest(),
            time_cost=_PASSES,
            memory_cost=_MEMORY_KIB,
            parallelism=_LANES,
            hash_len=_KEY_BYTES,
            type=Type.ID,
        )
        return ReceiptKeys(
            _expand(master, b"seda receipt auth"), SecretKey.from_bytes(_expand(master, b"seda receipt box"))
        )

    def __repr__(self) -> str:
        return "<ReceiptCode>"

    def __reduce__(self) -> str:
        raise TypeError("a receipt code is not copied or pickled")


def _expand(master: bytes, purpose: bytes) -> bytes:
    return HKDFExpand(SHA256(), _KEY_BYTES, purpose).derive(master)
