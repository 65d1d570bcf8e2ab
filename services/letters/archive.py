"""Signed letters, kept by their SHA-256: written once, never changed, checked whenever they are read."""

import os
import re
import secrets
from hashlib import sha256
from pathlib import Path
from typing import Protocol

_NAME = re.compile("[0-9a-f]{64}")


class Damaged(Exception):
    """What lies in the archive is not what was put there."""


class Archive(Protocol):
    """Where letters are kept for good."""

    def put(self, content: bytes) -> str:
        """Keeps the content durably and gives its SHA-256 (hex); the same content twice is one. Raises ``Damaged`` if
        something else lies in its place, OSError if the disk refuses."""
        ...

    def get(self, digest: str) -> bytes:
        """The content. Raises ``FileNotFoundError`` or ``Damaged``, ValueError for what is no digest."""
        ...


class FolderArchive:
    """An archive in a folder, ``ab/cd/<sha256>.pdf``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """As ``Archive.put``; on the disk before it returns."""
        digest = sha256(content).hexdigest()
        place = self._place(digest)
        if place.exists():
            self.get(digest)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            draft = place.with_name(f".{digest}.{secrets.token_hex(4)}")
            with draft.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.chmod(0o400)
            draft.replace(place)
        # of one that was there, too: who put it may have ended before this
        for folder in (place.parent, place.parent.parent, self._folder):
            _sync(folder)
        return digest

    def get(self, digest: str) -> bytes:
        """As ``Archive.get``."""
        content = self._place(digest).read_bytes()
        if sha256(content).hexdigest() != digest:
            raise Damaged(digest)
        return content

    def _place(self, digest: str) -> Path:
        if not _NAME.fullmatch(digest):
            raise ValueError("not a SHA-256")
        return self._folder / digest[:2] / digest[2:4] / f"{digest}.pdf"


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
