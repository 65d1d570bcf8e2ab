"""Sealed files: age v1 (https://c2sp.org/age), each report under keys of its own.

Content is sealed to a report's key. That key's private half is a *grant*: an age file to each person who may read. A
revoked reader keeps what was granted, so what comes after a revocation is sealed to the key of a new *epoch*.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import pyrage

from services.integrity.sealing import bech32

_PADDING = b"\x80"
_SMALLEST = 512
"""No sealed content is shorter, so that a "yes" is as long as a "no"."""
_REFERENCE = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_IDENTITY_FILE = re.compile(r"# seda report ([A-Za-z0-9._:-]{1,100}) epoch ([1-9][0-9]{0,8})\n(AGE-SECRET-KEY-1\S+)\n")


class KeyInvalid(ValueError):
    """A text is no age key of the X25519 kind. Never says what it was."""


class NotOpened(Exception):
    """A sealed file does not open with this key: it is for another one, changed, or no age file."""


class SecretKey:
    """A private age key (X25519). Its ``repr`` never shows it, and it is not pickled or copied."""

    __slots__ = ("_identity",)

    def __init__(self, identity: Any) -> None:
        self._identity = identity

    @classmethod
    def generate(cls) -> Self:
        """A new random key."""
        return cls(pyrage.x25519.Identity.generate())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads ``AGE-SECRET-KEY-1…``; else KeyInvalid."""
        try:
            return cls(pyrage.x25519.Identity.from_str(text))
        except (pyrage.IdentityError, UnicodeEncodeError):
            raise KeyInvalid("not a private age key") from None

    @classmethod
    def from_bytes(cls, secret: bytes) -> Self:
        """The key of 32 secret bytes, which X25519 clamps as it needs; ValueError for another length."""
        if len(secret) != 32:
            raise ValueError("a key has 32 bytes")
        return cls.parse(bech32.encode("age-secret-key-", secret).upper())

    @property
    def recipient(self) -> str:
        """The public half, ``age1…``."""
        return str(self._identity.to_public())

    def secret_text(self) -> str:
        """``AGE-SECRET-KEY-1…``: whoever reads it can open what is sealed to the key."""
        return str(self._identity)

    def unwrap(self, wrapped: bytes) -> bytes:
        """What an age file to this key holds; else NotOpened."""
        try:
            return bytes(pyrage.decrypt(wrapped, [self._identity]))
        except pyrage.DecryptError:
            raise NotOpened("the file does not open with this key") from None

    def __repr__(self) -> str:
        return "<SecretKey>"

    def __reduce__(self) -> str:
        raise TypeError("a secret key is not copied or pickled")


def wrap(data: bytes, recipients: Sequence[str]) -> bytes:
    """A binary age file that any of ``recipients`` (``age1…``, at least one) opens; KeyInvalid if one is no key.

    As long as the data tells; :func:`seal` hides the length.
    """
    if not recipients:
        raise KeyInvalid("nobody to seal to")
    try:
        keys = [pyrage.x25519.Recipient.from_str(recipient) for recipient in recipients]
    except (pyrage.RecipientError, UnicodeEncodeError):
        raise KeyInvalid("not a public age key") from None
    return bytes(pyrage.encrypt(data, keys))


def padme(length: int) -> int:
    """The length that ``length`` is padded to: at most 12 % more, and O(log log n) bits of it are told.

    PURBs (Nikitin et al., PETS 2019), algorithm 1.
    """
    if length < 2:
        return length
    exponent = length.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (length + mask) & ~mask


def seal(content: bytes, recipients: Sequence[str]) -> bytes:
    """Content as an age file to ``recipients``, its length hidden; KeyInvalid if one is no key.

    Padded behind the content by 0x80 and zeroes (ISO/IEC 7816-4), so that the stock ``age`` tool gives the content
    first and whole.
    """
    length = padme(max(len(content) + len(_PADDING), _SMALLEST))
    return wrap((content + _PADDING).ljust(length, b"\0"), recipients)


def open_sealed(sealed: bytes, key: SecretKey) -> bytes:
    """The content of what :func:`seal` made to this key; else NotOpened."""
    padded = key.unwrap(sealed).rstrip(b"\0")
    if not padded.endswith(_PADDING):
        raise NotOpened("the file's padding is missing")
    return padded.removesuffix(_PADDING)


@dataclass(frozen=True, slots=True)
class ReportKey:
    """The key of one report in one epoch. ``report`` is its random reference, ``epoch`` counts from 1."""

    report: str
    epoch: int
    key: SecretKey = field(repr=False)

    def __post_init__(self) -> None:
        """ValueError if the reference has other characters than ``A-Za-z0-9._:-`` or the epoch is below 1."""
        if not _REFERENCE.fullmatch(self.report) or self.epoch < 1:
            raise ValueError("not a report's reference and epoch")

    @classmethod
    def first(cls, report: str) -> Self:
        """A new random key, of the first epoch."""
        return cls(report, 1, SecretKey.generate())

    def next_epoch(self) -> Self:
        """A new random key for what comes after somebody's access was taken away."""
        return type(self)(self.report, self.epoch + 1, SecretKey.generate())

    def grant(self, recipient: str) -> bytes:
        """The private key as an age file to one person; KeyInvalid if ``recipient`` is no key.

        It holds an identity file of age, so ``age -d -i <(age -d -i MINE grant) content`` works offline.
        """
        text = f"# seda report {self.report} epoch {self.epoch}\n{self.key.secret_text()}\n"
        return wrap(text.encode(), [recipient])

    @classmethod
    def open_grant(cls, grant: bytes, holder: SecretKey) -> Self:
        """The key that was granted to ``holder``; else NotOpened. Whether it is of the report at hand, ask it."""
        parts = _IDENTITY_FILE.fullmatch(holder.unwrap(grant).decode("ascii", "replace"))
        if parts is None:
            raise NotOpened("the file is no grant")
        try:
            return cls(parts[1], int(parts[2]), SecretKey.parse(parts[3]))
        except KeyInvalid:
            raise NotOpened("the grant holds no key") from None
