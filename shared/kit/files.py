"""Files that are kept for good: sealed, found by their SHA-256, written once, checked whenever they are read."""

import os
import re
import secrets
from hashlib import sha256
from pathlib import Path

from shared.kit.sealing import KeyRing, SealError, open_file, seal_file

_NAME = re.compile("[0-9a-f]{64}")
_CONTEXT = b"file:"


class SealedFiles:
    """A folder of sealed files that the holders of one ring share.

    A file's name on the disk is a keyed hash of its SHA-256, so that whoever holds the disk or a backup cannot even
    tell whether a file that they know is among them.
    """

    def __init__(self, folder: Path, ring: KeyRing) -> None:
        self._folder = folder
        self._ring = ring

    def put(self, content: bytes) -> str:
        """Keeps the content, durably when it returns, and gives its SHA-256 (hex); the same content twice is one."""
        digest = sha256(content).hexdigest()
        place = self._places(digest)[0]
        if not self._is_whole(place, digest):
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = place.with_name(f".{secrets.token_hex(8)}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:
                file.write(seal_file(self._ring, content, _CONTEXT + digest.encode()))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(place)
        # of one that was there, too: who put it may have ended before this
        for folder in (place.parent, self._folder):
            _sync(folder)
        return digest

    def get(self, digest: str) -> bytes:
        """The content with that SHA-256 (hex). FileNotFoundError if it is not there, SealError if it was changed."""
        if not _NAME.fullmatch(digest):
            raise ValueError("not a SHA-256")
        for place in self._places(digest):
            if place.exists():
                return open_file(self._ring, place.read_bytes(), _CONTEXT + digest.encode())
        raise FileNotFoundError("no such file is kept")

    def _is_whole(self, place: Path, digest: str) -> bool:
        try:
            open_file(self._ring, place.read_bytes(), _CONTEXT + digest.encode())
        except (FileNotFoundError, SealError):
            return False
        return True

    def _places(self, digest: str) -> list[Path]:
        """Where it would be, under the current key first."""
        names = [name.hex() for name in self._ring.digests(_CONTEXT + bytes.fromhex(digest))]
        return [self._folder / name[:2] / name for name in names]


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
