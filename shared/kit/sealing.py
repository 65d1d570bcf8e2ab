"""Sealed values: what is encrypted at rest and in events, the key rings it is done with, and the blind index."""

import base64
import binascii
import hmac
import json
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_SEALED = re.compile(r"([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]+)")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


class SealError(Exception):
    """A sealed value could not be opened, or a key ring could not be read. Tells nothing of the content or the key."""


class KeyRing:
    """Named 256-bit keys: the current one seals, all of them open. Its ``repr`` never shows a key.

    A key may seal 2³² values under random nonces (NIST SP 800-38D, 8.3); rotate long before that.
    """

    __slots__ = ("_ciphers", "_keys", "current")

    def __init__(self, current: str, keys: Mapping[str, bytes]) -> None:
        """``keys`` by id (1 to 32 of ``A-Za-z0-9_-``), each 32 bytes; ``current`` is one of them, else SealError."""
        if not all(_KEY_ID.fullmatch(name) and len(key) == _KEY_BYTES for name, key in keys.items()):
            raise SealError("a key ring holds keys of 32 bytes under ids of 1 to 32 characters of A-Za-z0-9_-")
        if current not in keys:
            raise SealError("the current key is not in the ring")
        self.current = current
        self._keys = dict(keys)
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}

    @classmethod
    def generate(cls) -> Self:
        """A ring with one new random key, ``k1``."""
        return cls("k1", {"k1": secrets.token_bytes(_KEY_BYTES)})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads ``{"current": "k1", "keys": {"k1": "<base64 of 32 bytes>"}}``; SealError if it is not that."""
        try:
            document = json.loads(path.read_text("utf-8"))
            keys = {name: base64.b64decode(key, validate=True) for name, key in document["keys"].items()}
            return cls(document["current"], keys)
        except OSError as error:
            raise SealError(f"the key ring {path.name} cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SealError(f"the key ring {path.name} is not a key ring") from None

    def save(self, path: Path) -> None:
        """Writes a new file that only its owner may read. FileExistsError rather than losing keys that are there."""
        keys = {name: base64.b64encode(key).decode() for name, key in self._keys.items()}
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump({"current": self.current, "keys": keys}, file)

    def rotated(self) -> Self:
        """A ring that seals under a new random key and still opens what the old ones sealed."""
        number = len(self._keys) + 1
        while f"k{number}" in self._keys:
            number += 1
        return type(self)(f"k{number}", self._keys | {f"k{number}": secrets.token_bytes(_KEY_BYTES)})

    def cipher(self, key_id: str) -> AESGCM | None:
        """The cipher of a key of this ring, None if it has no such key."""
        return self._ciphers.get(key_id)

    def only_key(self) -> bytes:
        """The key of a ring that is not rotated; SealError if it holds several."""
        if len(self._keys) != 1:
            raise SealError("this ring holds several keys; one that names things cannot be rotated")
        return self._keys[self.current]

    def digests(self, value: bytes) -> list[bytes]:
        """Keyed hashes (HMAC-SHA256, 32 bytes) of the value, the current key's first, so that what was named under an
        older key is found, too. Under keys derived for this alone, never under those that seal."""
        names = [self.current, *(name for name in self._keys if name != self.current)]
        return [hmac.digest(hmac.digest(self._keys[name], b"seda:digest", "sha256"), value, "sha256") for name in names]

    def __repr__(self) -> str:
        return f"<KeyRing of {len(self._keys)}>"

    def __reduce__(self) -> str:
        raise TypeError("a key ring is not copied or pickled")


def seal(ring: KeyRing, plaintext: bytes, context: bytes) -> str:
    """Encrypts under the ring's current key: ``<key id>.<base64url of nonce and ciphertext, unpadded>``.

    ``context`` says what the value belongs to (``b"contact:" + case id``) and is authenticated but not stored, so
    that a value moved to another row does not open. AES-256-GCM, NIST SP 800-38D.
    """
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + ring._ciphers[ring.current].encrypt(nonce, plaintext, context)
    return f"{ring.current}.{base64.urlsafe_b64encode(sealed).rstrip(b'=').decode()}"


def open_sealed(ring: KeyRing, sealed: str, context: bytes) -> bytes:
    """The plaintext of what :func:`seal` made under any key of the ring and the same ``context``; else SealError."""
    parts = _SEALED.fullmatch(sealed)
    cipher = ring.cipher(parts[1]) if parts else None
    if parts is None or cipher is None:
        raise SealError("not a value sealed under this ring")
    try:
        raw = base64.urlsafe_b64decode(parts[2] + "=" * (-len(parts[2]) % 4))
    except binascii.Error:
        raise SealError("not a value sealed under this ring") from None
    if len(raw) < _NONCE_BYTES + _TAG_BYTES:
        raise SealError("not a value sealed under this ring")
    try:
        return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context)
    except InvalidTag:
        raise SealError("the sealed value does not open: changed, or of another context") from None


def seal_file(ring: KeyRing, plaintext: bytes, context: bytes) -> bytes:
    """As :func:`seal`, in bytes, for what is long: ``<key id>.`` and then nonce and ciphertext as they are."""
    nonce = os.urandom(_NONCE_BYTES)
    return f"{ring.current}.".encode() + nonce + ring._ciphers[ring.current].encrypt(nonce, plaintext, context)


def open_file(ring: KeyRing, sealed: bytes, context: bytes) -> bytes:
    """The plaintext of what :func:`seal_file` made under any key of the ring and the same ``context``; else
    SealError."""
    name, _, raw = sealed.partition(b".")
    cipher = ring.cipher(name.decode("ascii", "replace"))
    if cipher is None or len(raw) < _NONCE_BYTES + _TAG_BYTES:
        raise SealError("not a file sealed under this ring")
    try:
        return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context)
    except InvalidTag:
        raise SealError("the sealed file does not open: changed, or of another context") from None


class BlindIndex:
    """Keyed hashes by which sealed values are found again. Its key never rotates: every hash would change."""

    __slots__ = ("_key",)

    def __init__(self, ring: KeyRing) -> None:
        """``ring`` is the one of the ring ``blind``; SealError if it holds several keys."""
        self._key = ring.only_key()

    def index(self, value: str) -> bytes:
        """HMAC-SHA256 of the value's UTF-8; 32 bytes. The caller brings the value into its canonical form first."""
        return hmac.digest(self._key, value.encode(), "sha256")

    def citizen_id(self, mobile_e164: str) -> UUID:
        """The id of the person behind a mobile: the first 16 bytes of its keyed hash.

        ``mobile_e164`` as ``+989121234567`` in Latin digits; ValueError (without the number) for anything else.
        """
        if not _E164.fullmatch(mobile_e164):
            raise ValueError("not a mobile number in E.164")
        return UUID(bytes=self.index(mobile_e164)[:16])

    def __repr__(self) -> str:
        return "<BlindIndex>"

    def __reduce__(self) -> str:
        raise TypeError("a blind index is not copied or pickled")
