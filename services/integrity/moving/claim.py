"""The claim: a secret of 32 bytes that intake makes when a case is moved, and that opens its report's receipt code.

What integrity keeps comes from it by HKDF (RFC 5869), salted with the ring ``filing``: neither the row's id nor the
cipher of the code can be worked out from the database, nor from intake's claim without integrity's key.
"""

import base64
import re
import secrets
from typing import Any, Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.integrity.keys import IntegrityKeys
from services.integrity.sealing.receipt_code import ReceiptCode

_TEXT = re.compile(r"[A-Za-z0-9_-]{43}")
_NONCE_BYTES = 12


class Claim:
    """A claim. ``id`` names its row and tells nothing of it."""

    __slots__ = ("_cipher", "id")

    def __init__(self, secret: bytes, keys: IntegrityKeys) -> None:
        derived = HKDF(SHA256(), 64, keys.filing.only_key(), b"seda moved receipt").derive(secret)
        self.id = derived[:32]
        self._cipher = AESGCM(derived[32:])

    @classmethod
    def parse(cls, text: Any, keys: IntegrityKeys) -> Self | None:
        """Reads 32 bytes in unpadded base64url; None for anything else."""
        if not isinstance(text, str) or not _TEXT.fullmatch(text):
            return None
        return cls(base64.urlsafe_b64decode(text + "="), keys)

    def seal(self, code: ReceiptCode) -> bytes:
        """The receipt code as it is kept (AES-256-GCM)."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, code.shown().encode(), self.id)

    def open(self, sealed: bytes) -> ReceiptCode:
        """The receipt code that was sealed under this claim."""
        return ReceiptCode.parse(self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self.id).decode())
