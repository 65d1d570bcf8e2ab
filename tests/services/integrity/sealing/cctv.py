"""age's test vectors as they come in the npm package: a script whose constants are the files, in base64.

The form of a file: https://c2sp.org/CCTV/age, a head of ``key: value`` lines, an empty line, and what is to be opened.
"""

import base64
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_CONSTANT = re.compile(r'^// \.\./testdata/(\w+)\nvar \w+ = __toBinary\("([A-Za-z0-9+/=]+)"\);$', re.MULTILINE)
_EXPORTED = re.compile(r"^  \w+ as (\w+),?$", re.MULTILINE)
_KEYS = {"expect", "payload", "identity", "passphrase", "armored", "compressed", "file key", "comment"}


@dataclass(frozen=True)
class Vector:
    """A file, the private keys to open it with, what must come of it, and the SHA-256 (hex) of what it holds."""

    name: str
    expect: str
    identities: tuple[str, ...]
    payload: str | None
    file: bytes

    @property
    def x25519(self) -> list[str]:
        """Those of the keys that are X25519: none where it is for a passphrase, a post-quantum key or nobody."""
        return [key for key in self.identities if key.startswith("AGE-SECRET-KEY-1")]

    @classmethod
    def parse(cls, name: str, data: bytes) -> Self:
        """One vector. ValueError for a key that we do not know: the vector might ask for something else then."""
        head, _, file = data.partition(b"\n\n")
        lines = [line.partition(": ") for line in head.decode().split("\n")]
        fields = {key: value for key, _, value in lines}
        if set(fields) - _KEYS or fields.get("compressed", "zlib") != "zlib":
            raise ValueError(f"{name} is of a newer kind")
        return cls(
            name,
            fields["expect"],
            tuple(value for key, _, value in lines if key == "identity"),
            fields.get("payload"),
            zlib.decompress(file) if "compressed" in fields else file,
        )


def read_vectors(script: Path) -> list[Vector]:
    """All vectors that the package exports; ValueError if one of them is not found."""
    text = script.read_text("ascii")
    vectors = [Vector.parse(name, base64.b64decode(data)) for name, data in _CONSTANT.findall(text)]
    if not vectors or [vector.name for vector in vectors] != _EXPORTED.findall(text):
        raise ValueError("the package is of another form")
    return vectors
