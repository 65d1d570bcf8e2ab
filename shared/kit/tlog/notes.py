"""Signed notes (https://c2sp.org/signed-note v1.0.0): a text and, below a blank line, who signed it.

Ed25519 alone (signature type 0x01; cosignatures, 0x04, are in :mod:`shared.kit.tlog.cosignature`).
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = 0x01
_KEY_ID_BYTES = 4
_MOST_SIGNATURES = 100
_LARGEST_NOTE = 1 << 20
# a lone surrogate, as JSON can bring it, has no UTF-8
_NAME = r"[^\s+\ud800-\udfff]+"
_SIGNATURE = re.compile(rf"— ({_NAME}) ([A-Za-z0-9+/=]+)")
_VKEY = re.compile(rf"({_NAME})\+([0-9a-f]{{8}})\+([A-Za-z0-9+/=]+)")
_SKEY = re.compile(rf"PRIVATE\+KEY\+({_NAME})\+([0-9a-f]{{8}})\+([A-Za-z0-9+/=]+)")
_FORBIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")


class Malformed(ValueError):
    """What was read is not of the format it should have. Says which rule it breaks, never its content."""


class SignatureInvalid(Exception):
    """A note has no signature of a known key, or one that does not verify."""


def base64_of(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648, section 4)."""
    return base64.b64encode(data).decode()


def bytes_of(text: str) -> bytes:
    """The bytes of standard base64; Malformed for anything that :func:`base64_of` would have written otherwise.

    Strict, so that nobody can change a character of a signed text and have it read as the same.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("not base64") from None
    if base64_of(data) != text:
        raise Malformed("not canonical base64")
    return data


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: the key's name and its 4-byte id say together which key, ``value`` is what it gave."""

    name: str
    key_id: bytes
    value: bytes

    @classmethod
    def parse(cls, line: str) -> Self:
        """Reads ``— <name> <base64 of key id and value>`` (without newline); Malformed if it is not that."""
        parts = _SIGNATURE.fullmatch(line)
        if parts is None:
            raise Malformed("not a signature line")
        raw = bytes_of(parts[2])
        if len(raw) <= _KEY_ID_BYTES:
            raise Malformed("a signature is too short")
        return cls(parts[1], raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:])

    def __str__(self) -> str:
        return f"— {self.name} {base64_of(self.key_id + self.value)}"


class Verifier(Protocol):
    """A key that is known: who it belongs to, and whether a signature of a text is its."""

    @property
    def name(self) -> str:
        """The key's name."""

    @property
    def key_id(self) -> bytes:
        """The key's 4-byte id."""

    def verify(self, text: str, signature: bytes) -> bool:
        """Whether ``signature`` (without the id) is this key's over the note's text."""


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends in a newline, and its signatures. Nobody has verified them: :func:`open_note` does."""

    text: str
    signatures: tuple[Signature, ...] = ()

    @classmethod
    def parse(cls, note: str) -> Self:
        """Reads a signed note; Malformed if it is none, has more than 100 signatures or more than 1 MiB."""
        if len(note) > _LARGEST_NOTE:
            raise Malformed("the note is too long")
        if _FORBIDDEN.search(note):
            raise Malformed("the note has a control character or is not UTF-8")
        text, blank, below = note.rpartition("\n\n")
        if not blank or not below.endswith("\n"):
            raise Malformed("the note has no signatures")
        lines = below[:-1].split("\n")
        if len(lines) > _MOST_SIGNATURES:
            raise Malformed("the note has too many signatures")
        return cls(text + "\n", tuple(Signature.parse(line) for line in lines))

    def signed(self, *signatures: Signature) -> Self:
        """The note with further signatures below; one that is there already is not added again."""
        return replace(self, signatures=tuple(dict.fromkeys((*self.signatures, *signatures))))

    def __str__(self) -> str:
        return self.text + "\n" + "".join(f"{signature}\n" for signature in self.signatures)


def verified(note: Note, known: Sequence[Verifier]) -> list[Signature]:
    """The signatures of known keys, all of them verified, one per key, in the note's order; perhaps none.

    SignatureInvalid if one of them does not verify: then the whole note is to be refused. Signatures of other keys are
    ignored, as the format asks.
    """
    keys = {(key.name, key.key_id): key for key in known}
    found: dict[tuple[str, bytes], Signature] = {}
    for signature in note.signatures:
        key = keys.get((signature.name, signature.key_id))
        if key is None:
            continue
        if not key.verify(note.text, signature.value):
            raise SignatureInvalid(f"the signature of {signature.name} does not verify")
        found.setdefault((signature.name, signature.key_id), signature)
    return list(found.values())


def open_note(note: Note, known: Sequence[Verifier]) -> list[Signature]:
    """As :func:`verified`, and SignatureInvalid if no known key signed the note: its text is to be ignored then."""
    found = verified(note, known)
    if not found:
        raise SignatureInvalid("no known key signed this")
    return found


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """The id of a key: the first 4 bytes of SHA-256(name ‖ newline ‖ signature type ‖ public key)."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:_KEY_ID_BYTES]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public Ed25519 key under a name, for signatures of one type. As text, a *vkey*."""

    name: str
    kind: int
    public: bytes

    @classmethod
    def parse(cls, vkey: str, *kinds: int) -> Self:
        """Reads ``<name>+<hex id>+<base64 of type and public key>``; Malformed if it is not of one of ``kinds``."""
        parts = _VKEY.fullmatch(vkey)
        if parts is None:
            raise Malformed("not a verifier key")
        material = bytes_of(parts[3])
        if material[0] not in kinds or len(material) != 1 + 32:
            raise Malformed("the verifier key is of another type")
        key = cls(parts[1], material[0], material[1:])
        if key.key_id.hex() != parts[2]:
            raise Malformed("the verifier key's id is not that of its name and key")
        return key

    @property
    def key_id(self) -> bytes:
        """The key's 4-byte id."""
        return key_id(self.name, self.kind, self.public)

    def verified(self, message: bytes, signature: bytes) -> bool:
        """Whether this is the Ed25519 signature (RFC 8032) of exactly these bytes."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64_of(bytes([self.kind]) + self.public)}"


@dataclass(frozen=True, slots=True)
class NoteVerifier:
    """Verifies plain Ed25519 signatures (type 0x01) of one key."""

    key: VerifierKey

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """From a vkey of type 0x01; else Malformed."""
        return cls(VerifierKey.parse(vkey, ED25519))

    @property
    def name(self) -> str:
        """The key's name."""
        return self.key.name

    @property
    def key_id(self) -> bytes:
        """The key's 4-byte id."""
        return self.key.key_id

    def verify(self, text: str, signature: bytes) -> bool:
        """Whether ``signature`` is this key's over the note's text."""
        return self.key.verified(text.encode(), signature)


class SigningKey:
    """A private Ed25519 key under a name, for signatures of one type. Its ``repr`` never shows the key."""

    __slots__ = ("_private", "verifier_key")

    def __init__(self, name: str, kind: int, private: Ed25519PrivateKey) -> None:
        """Malformed if the name is empty or has spaces or a plus in it."""
        if not re.fullmatch(_NAME, name):
            raise Malformed("a key's name has no spaces and no plus")
        self._private = private
        self.verifier_key = VerifierKey(name, kind, private.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, name: str, kind: int) -> Self:
        """A new random key."""
        return cls(name, kind, Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, skey: str, kind: int) -> Self:
        """Reads ``PRIVATE+KEY+<name>+<hex id>+<base64 of type and seed>``, as Go's sumdb/note; else Malformed."""
        parts = _SKEY.fullmatch(skey.strip())
        if parts is None:
            raise Malformed("not a signing key")
        material = bytes_of(parts[3])
        if material[0] != kind or len(material) != 1 + 32:
            raise Malformed("the signing key is of another type")
        key = cls(parts[1], kind, Ed25519PrivateKey.from_private_bytes(material[1:]))
        if key.verifier_key.key_id.hex() != parts[2]:
            raise Malformed("the signing key's id is not that of its name and key")
        return key

    def secret_text(self) -> str:
        """The key as text, for its file: whoever reads it can sign."""
        name, key = self.verifier_key.name, self.verifier_key
        material = bytes([key.kind]) + self._private.private_bytes_raw()
        return f"PRIVATE+KEY+{name}+{key.key_id.hex()}+{base64_of(material)}"

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature of these bytes; 64 bytes."""
        return self._private.sign(message)

    def __repr__(self) -> str:
        return f"<SigningKey {self.verifier_key.name}>"

    def __reduce__(self) -> str:
        raise TypeError("a signing key is not copied or pickled")


class NoteSigner:
    """Signs notes by a key of type 0x01."""

    __slots__ = ("_key",)

    def __init__(self, key: SigningKey) -> None:
        """Malformed if the key is for other signatures."""
        if key.verifier_key.kind != ED25519:
            raise Malformed("the signing key is of another type")
        self._key = key

    @property
    def verifier(self) -> NoteVerifier:
        """Verifies what this signs."""
        return NoteVerifier(self._key.verifier_key)

    def sign(self, text: str) -> Signature:
        """The signature of a note's text, which ends in a newline and has no control characters, else Malformed."""
        if not text.endswith("\n") or _FORBIDDEN.search(text):
            raise Malformed("not a note's text")
        key = self._key.verifier_key
        return Signature(key.name, key.key_id, self._key.sign(text.encode()))
