"""Where the bytes of uploads lie, and how they are sealed there: the disk and its backups hold nothing readable.

An object is a row of frames, each written by one append and sealed by AES-256-GCM under the upload's own key with a
fresh nonce, bound to its object and its place. So what was written, lost in a crash and written again in other bytes
never shares a key stream (a counter that runs by the offset would), and every byte that is read was authenticated.
"""

import os
import struct
import time
from collections.abc import Iterator
from hashlib import file_digest
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_LENGTH = struct.Struct(">I")
_NONCE_BYTES = 12
_TAG_BYTES = 16
FRAME_BYTES = 512 * 1024


class Damaged(Exception):
    """What lies in the store is not what was committed."""


class Store(Protocol):
    """Where objects lie under plain names; it sees sealed bytes only."""

    def append(self, name: str, at: int, data: bytes) -> int:
        """Cuts the object to ``at`` bytes, appends, and is durable when it returns the new length. Raises ``Damaged``
        if fewer than ``at`` bytes are there, OSError if the disk refuses."""
        ...

    def read(self, name: str, size: int) -> bytes:
        """The first ``size`` bytes. Raises ``Damaged`` if they are not there."""
        ...

    def delete(self, name: str) -> None:
        """Removes an object, if it is there."""
        ...

    def forget(self, seconds: float) -> None:
        """Removes whatever nobody has written to for so long."""
        ...

    def names(self, seconds: float) -> Iterator[str]:
        """The objects that nobody has written to for so long."""
        ...

    def measure(self, name: str) -> tuple[int, bytes]:
        """The length and the SHA-256 of an object as it lies there. Raises ``Damaged`` if there is none."""
        ...


class FolderStore:
    """A store in a folder, ``ab/<name>``, for its owner's eyes only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def append(self, name: str, at: int, data: bytes) -> int:
        """As ``Store.append``."""
        place = self._place(name)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(handle).st_size < at:
                raise Damaged(name)
            os.ftruncate(handle, at)
            os.lseek(handle, at, os.SEEK_SET)
            left = memoryview(data)
            while left:
                left = left[os.write(handle, left) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        if at == 0:
            for folder in (place.parent, self._folder):
                _sync(folder)
        return at + len(data)

    def read(self, name: str, size: int) -> bytes:
        """As ``Store.read``."""
        if size == 0:
            return b""
        try:
            with self._place(name).open("rb") as file:
                data = file.read(size)
        except FileNotFoundError:
            raise Damaged(name) from None
        if len(data) != size:
            raise Damaged(name)
        return data

    def delete(self, name: str) -> None:
        """As ``Store.delete``."""
        self._place(name).unlink(missing_ok=True)

    def forget(self, seconds: float) -> None:
        """As ``Store.forget``."""
        for name in self.names(seconds):
            self.delete(name)

    def names(self, seconds: float) -> Iterator[str]:
        """As ``Store.names``."""
        before = time.time() - seconds
        for place in self._folder.glob("??/*"):
            try:
                old = place.stat().st_mtime < before
            except FileNotFoundError:  # removed meanwhile
                continue
            if old:
                yield place.name

    def measure(self, name: str) -> tuple[int, bytes]:
        """As ``Store.measure``."""
        try:
            with self._place(name).open("rb") as file:
                return os.fstat(file.fileno()).st_size, file_digest(file, "sha256").digest()
        except FileNotFoundError:
            raise Damaged(name) from None

    def _place(self, name: str) -> Path:
        if not (name.isascii() and name.isalnum()):
            raise ValueError("not the name of an object")
        return self._folder / name[:2] / name


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def seal_frames(key: bytes, name: str, offset: int, data: bytes) -> bytes:
    """``data`` as the frames of the object ``name`` from plaintext byte ``offset`` on; ``key`` has 32 bytes."""
    cipher = AESGCM(key)
    frames = []
    for begin in range(0, len(data), FRAME_BYTES):
        piece = data[begin : begin + FRAME_BYTES]
        nonce = os.urandom(_NONCE_BYTES)
        frames += [_LENGTH.pack(len(piece)), nonce, cipher.encrypt(nonce, piece, _place_of(name, offset + begin))]
    return b"".join(frames)


def open_frames(key: bytes, name: str, raw: bytes) -> bytes:
    """The plaintext of an object's frames. Raises ``Damaged`` for a byte that is not as it was written."""
    return b"".join(_opened(AESGCM(key), name, raw))


def _opened(cipher: AESGCM, name: str, raw: bytes) -> Iterator[bytes]:
    at, offset = 0, 0
    while at < len(raw):
        if len(raw) - at < _LENGTH.size:
            raise Damaged(name)
        (length,) = _LENGTH.unpack_from(raw, at)
        begin = at + _LENGTH.size + _NONCE_BYTES
        at = begin + length + _TAG_BYTES
        try:
            yield cipher.decrypt(raw[begin - _NONCE_BYTES : begin], raw[begin:at], _place_of(name, offset))
        except (InvalidTag, ValueError):
            raise Damaged(name) from None
        offset += length


def _place_of(name: str, offset: int) -> bytes:
    return f"{name}:{offset}".encode()
