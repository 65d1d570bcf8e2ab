"""Age files written by hand (https://c2sp.org/age), so that each part of one can be wrong on purpose.

From the primitives alone: X25519, HKDF-SHA-256, HMAC-SHA-256, ChaCha20-Poly1305. Nothing of what the service uses.
"""

import base64
import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CHUNK = 64 * 1024
FILE_KEY = bytes(range(16))
NONCE = bytes(range(100, 116))
_EPHEMERAL = bytes(range(200, 232))


def b64(data: bytes) -> bytes:
    """Standard base64 without padding."""
    return base64.b64encode(data).rstrip(b"=")


def _hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(secret)


def share() -> bytes:
    """The public half of the stanza's ephemeral key."""
    return X25519PrivateKey.from_private_bytes(_EPHEMERAL).public_key().public_bytes_raw()


def x25519(public: bytes, *, file_key: bytes = FILE_KEY) -> bytes:
    """The body of a stanza that wraps a file key for the recipient with this public key."""
    private = X25519PrivateKey.from_private_bytes(_EPHEMERAL)
    secret = private.exchange(X25519PublicKey.from_public_bytes(public))
    key = _hkdf(secret, share() + public, b"age-encryption.org/v1/X25519")
    return ChaCha20Poly1305(key).encrypt(bytes(12), file_key, None)


def wrapped(body: bytes) -> bytes:
    """A stanza's body in lines of 64 characters, the last one shorter, perhaps empty."""
    text = b64(body)
    return b"".join(text[at : at + 64] + b"\n" for at in range(0, len(text) + 1, 64))


@dataclass(frozen=True)
class AgeFile:
    """A file for the recipient ``public`` with ``content``; each field replaces what would be right."""

    public: bytes
    content: bytes = b"content"
    version: bytes = b"age-encryption.org/v1\n"
    stanzas: bytes | None = None
    mac: bytes | None = None
    end: bytes | None = None
    nonce: bytes = NONCE
    chunks: tuple[bytes, ...] | None = None

    def stanza(self) -> bytes:
        """The stanza as it is to be."""
        return b"-> X25519 " + b64(share()) + b"\n" + wrapped(x25519(self.public))

    def tag(self) -> bytes:
        """The HMAC over the header."""
        head = self.version + (self.stanza() if self.stanzas is None else self.stanzas) + b"---"
        return hmac.digest(_hkdf(FILE_KEY, b"", b"header"), head, "sha256")

    def sealed_chunk(self, number: int, plain: bytes, *, last: bool) -> bytes:
        """A chunk of the stream, by its number from 0."""
        key = _hkdf(FILE_KEY, self.nonce, b"payload")
        return ChaCha20Poly1305(key).encrypt(number.to_bytes(11) + bytes([last]), plain, None)

    def encode(self) -> bytes:
        """The file."""
        header = self.version + (self.stanza() if self.stanzas is None else self.stanzas)
        end = b"--- " + b64(self.tag() if self.mac is None else self.mac) + b"\n" if self.end is None else self.end
        if self.chunks is not None:
            return header + end + self.nonce + b"".join(self.chunks)
        plains = [self.content[at : at + CHUNK] for at in range(0, len(self.content), CHUNK)] or [b""]
        chunks = [self.sealed_chunk(n, plain, last=n == len(plains) - 1) for n, plain in enumerate(plains)]
        return header + end + self.nonce + b"".join(chunks)
