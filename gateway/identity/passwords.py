"""Passwords: argon2id (RFC 9106, the library's defaults), hashed off the event loop and only a few at a time."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shared.kit.web.problems import unavailable

_WAITING = 64

T = TypeVar("T")


class Passwords:
    """Each check costs tens of MiB and milliseconds, so ``at_once`` run and a bounded number wait."""

    def __init__(self, at_once: int) -> None:
        self._hasher = PasswordHasher()
        self._turn = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._nobody = self._hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """A new hash of the password, with its salt and parameters."""
        return self._hasher.hash(password)

    async def hashed(self, password: str) -> str:
        """As ``hash``, in its turn. Raises a 503 problem when too many wait."""
        return await self._in_turn(lambda: self.hash(password))

    async def matches(self, password: str, hash: str | None) -> bool:
        """Whether the password is the one of ``hash``; takes as long for a user who does not exist (``None``).

        Raises a 503 problem when too many wait.
        """
        right = await self._in_turn(lambda: self._verify(password, hash or self._nobody))
        return right and hash is not None

    async def _in_turn(self, work: Callable[[], T]) -> T:
        if self._waiting >= _WAITING:
            raise unavailable(5)
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1

    def _verify(self, password: str, hash: str) -> bool:
        try:
            return self._hasher.verify(hash, password)
        except (VerificationError, InvalidHashError):
            return False
