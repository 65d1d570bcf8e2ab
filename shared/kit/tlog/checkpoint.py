"""Checkpoints (https://c2sp.org/tlog-checkpoint v1.0.0): what a log signs to say "so many leaves, this root"."""

import re
from dataclasses import dataclass
from typing import Self

from shared.kit.tlog.merkle import HASH_BYTES
from shared.kit.tlog.notes import Malformed, base64_of, bytes_of

LARGEST_SIZE = (1 << 63) - 1
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


def decimal_of(text: str) -> int:
    """A size or index in ASCII decimal without leading zeroes, below 2⁶³; else Malformed."""
    if not _DECIMAL.fullmatch(text) or int(text) > LARGEST_SIZE:
        raise Malformed("not a decimal number below 2^63")
    return int(text)


def hash_of(text: str) -> bytes:
    """A SHA-256 hash in base64; else Malformed."""
    data = bytes_of(text)
    if len(data) != HASH_BYTES:
        raise Malformed("a hash is not of 32 bytes")
    return data


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's head: ``origin`` names the log, ``root`` is over its first ``size`` leaves (RFC 6962)."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a note's text; Malformed if it is no checkpoint."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() or not all(lines):
            raise Malformed("a checkpoint has at least three lines, none of them empty")
        origin, size, root, *extensions = lines
        return cls(origin, decimal_of(size), hash_of(root), tuple(extensions))

    def __str__(self) -> str:
        """The note's text."""
        return "".join(f"{line}\n" for line in (self.origin, self.size, base64_of(self.root), *self.extensions))
