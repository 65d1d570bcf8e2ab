"""Cosignatures (https://c2sp.org/tlog-cosignature): a witness says that a log's checkpoint only adds to earlier ones.

The Ed25519 kind, ``cosignature/v1`` (signature type 0x04).
"""

from dataclasses import dataclass
from typing import Self

from shared.kit.tlog.notes import Malformed, Signature, SigningKey, VerifierKey

COSIGNATURE = 0x04
_TIMESTAMP_BYTES = 8
_ED25519_BYTES = 64
_LATEST = (1 << 63) - 1


def _message(timestamp: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def timestamp_of(signature: bytes) -> int:
    """When a cosignature (without key id) says it was made, in seconds since the epoch (POSIX); else Malformed."""
    timestamp = int.from_bytes(signature[:_TIMESTAMP_BYTES])
    if len(signature) != _TIMESTAMP_BYTES + _ED25519_BYTES or not 0 < timestamp <= _LATEST:
        raise Malformed("not a cosignature")
    return timestamp


@dataclass(frozen=True, slots=True)
class CosignatureVerifier:
    """Verifies the cosignatures of one witness."""

    key: VerifierKey

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """From a vkey of type 0x04; else Malformed."""
        return cls(VerifierKey.parse(vkey, COSIGNATURE))

    @property
    def name(self) -> str:
        """The witness's name."""
        return self.key.name

    @property
    def key_id(self) -> bytes:
        """The key's 4-byte id."""
        return self.key.key_id

    def verify(self, text: str, signature: bytes) -> bool:
        """Whether ``signature`` is this witness's over a checkpoint's text, at the time that it names."""
        try:
            timestamp = timestamp_of(signature)
        except Malformed:
            return False
        return self.key.verified(_message(timestamp, text), signature[_TIMESTAMP_BYTES:])


class Cosigner:
    """Cosigns checkpoints by a key of type 0x04. The witness that uses it has verified them before."""

    __slots__ = ("_key",)

    def __init__(self, key: SigningKey) -> None:
        """Malformed if the key is for other signatures."""
        if key.verifier_key.kind != COSIGNATURE:
            raise Malformed("the signing key is of another type")
        self._key = key

    @property
    def verifier(self) -> CosignatureVerifier:
        """Verifies what this cosigns."""
        return CosignatureVerifier(self._key.verifier_key)

    def sign(self, text: str, timestamp: int) -> Signature:
        """The cosignature of a checkpoint's text at ``timestamp`` (seconds since the epoch, POSIX), not 0."""
        if not 0 < timestamp <= _LATEST:
            raise Malformed("not a time to sign at")
        key = self._key.verifier_key
        signature = timestamp.to_bytes(_TIMESTAMP_BYTES) + self._key.sign(_message(timestamp, text))
        return Signature(key.name, key.key_id, signature)
