"""What a leaf of the log says: that a step happened, when, in which order, on what bytes; never whose or which case.

Case and actor stand in it as commitments. Whoever has the leaf's nonce can show what they commit to; once the nonce is
deleted nobody can, and the tree stays whole.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Self

import orjson

from shared.kit.tlog.merkle import leaf_hash
from shared.kit.tlog.notes import Malformed

VERSION = 1
NONCE_BYTES = 32
_HASH = re.compile(r"[0-9a-f]{64}")
_TYPE = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*")
_HOUR = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:00:00Z")
_FIELDS = {"v", "case_commit", "seq", "type", "hour", "actor_commit", "ciphertext_sha256", "prev_case_leaf"}
_LARGEST_SEQ = (1 << 53) - 1
"""The largest integer that RFC 8785 (that is, a double) writes exactly."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """The data of one leaf. Hashes in lowercase hex; ``seq`` counts a case's leaves from 1, without a gap.

    ``ciphertext_sha256`` is that of the sealed file the step brought, None if it brought none; ``prev_case_leaf`` the
    hash of the case's leaf before, None for its first; ``hour`` the UTC hour, ``2026-11-24T03:00:00Z``.
    """

    case_commit: str
    seq: int
    type: str
    hour: str
    actor_commit: str
    ciphertext_sha256: str | None
    prev_case_leaf: str | None

    def __post_init__(self) -> None:
        """Malformed if a field is not of its form, or only one of "first" and "none before" is so."""
        if not (_HASH.fullmatch(self.case_commit) and _HASH.fullmatch(self.actor_commit)):
            raise Malformed("a leaf's commitment is not a hash")
        for value in (self.ciphertext_sha256, self.prev_case_leaf):
            if value is not None and not _HASH.fullmatch(value):
                raise Malformed("a leaf's reference is not a hash")
        if not 1 <= self.seq <= _LARGEST_SEQ or (self.seq == 1) != (self.prev_case_leaf is None):
            raise Malformed("a leaf's number does not fit what it follows")
        if not _TYPE.fullmatch(self.type) or not _HOUR.fullmatch(self.hour):
            raise Malformed("a leaf's type or hour is not of its form")
        try:
            datetime.fromisoformat(self.hour)
        except ValueError:
            raise Malformed("a leaf's hour is not on the clock") from None

    @classmethod
    def parse(cls, document: object) -> Self:
        """From the parsed JSON object of a leaf, with exactly its fields; else Malformed."""
        if not isinstance(document, Mapping) or set(document) != _FIELDS:
            raise Malformed("not a leaf")
        fields: dict[str, Any] = dict(document)
        version, seq = fields.pop("v"), fields["seq"]
        if type(version) is not int or version != VERSION or type(seq) is not int:
            raise Malformed("not a leaf of this version")
        texts = (fields["case_commit"], fields["actor_commit"], fields["type"], fields["hour"])
        references = (fields["ciphertext_sha256"], fields["prev_case_leaf"])
        if not all(isinstance(text, str) for text in texts) or not all(
            reference is None or isinstance(reference, str) for reference in references
        ):
            raise Malformed("a leaf's field is of another type")
        return cls(**fields)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """From what :meth:`encode` gave, byte for byte; else Malformed."""
        try:
            leaf = cls.parse(orjson.loads(data))
        except ValueError:
            raise Malformed("not a leaf") from None
        if leaf.encode() != data:
            raise Malformed("not a leaf in canonical JSON")
        return leaf

    def document(self) -> dict[str, str | int | None]:
        """The leaf as a JSON object."""
        return {"v": VERSION, **asdict(self)}

    def encode(self) -> bytes:
        """The leaf in canonical JSON (RFC 8785): what is hashed.

        Written out here because a log is recomputed by the million: the fields are checked to be of characters that
        JSON does not escape, and their names stand in order.
        """
        ciphertext = "null" if self.ciphertext_sha256 is None else f'"{self.ciphertext_sha256}"'
        before = "null" if self.prev_case_leaf is None else f'"{self.prev_case_leaf}"'
        return (
            f'{{"actor_commit":"{self.actor_commit}","case_commit":"{self.case_commit}",'
            f'"ciphertext_sha256":{ciphertext},"hour":"{self.hour}","prev_case_leaf":{before},'
            f'"seq":{self.seq},"type":"{self.type}","v":{VERSION}}}'
        ).encode()

    def hash(self) -> bytes:
        """The leaf's hash in the tree."""
        return leaf_hash(self.encode())


def new_nonce() -> bytes:
    """32 random bytes, for one leaf alone."""
    return secrets.token_bytes(NONCE_BYTES)


def commit_case(nonce: bytes, case: str) -> str:
    """The commitment to a case (or another chain of leaves) by its reference; lowercase hex."""
    return _commit(b"seda case\n", nonce, case)


def commit_actor(nonce: bytes, actor: str) -> str:
    """The commitment to who took a step; lowercase hex."""
    return _commit(b"seda actor\n", nonce, actor)


def _commit(purpose: bytes, nonce: bytes, value: str) -> str:
    if len(nonce) != NONCE_BYTES:
        raise ValueError("a nonce has 32 bytes")
    return sha256(purpose + nonce + value.encode()).hexdigest()


def hour_of(moment: datetime) -> str:
    """The UTC hour that an aware time falls into, as leaves write it; ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a time without its zone")
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0, tzinfo=None)
    return f"{hour.isoformat()}Z"
