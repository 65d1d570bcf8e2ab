"""One look for all who wait for a receipt: with a look each, a busy system spends itself on looking."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.log import repository
from services.integrity.log.repository import Standing
from shared.kit.db import Database

_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 1.0
"""How long after the log's own signature the witnesses' are waited for."""


Document = dict[str, object]
Receipts = Callable[[AsyncConnection, Collection[bytes]], Awaitable[dict[bytes, Document]]]
"""The receipts of leaves by their hashes."""


@dataclass(eq=False)
class _Waiting:
    leaf: bytes
    done: asyncio.Future[Document | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    signed_at: float | None = None


class Lookout:
    """Gives those who wait on one database their receipts; it looks only while somebody waits."""

    def __init__(self, database: Database, quorum: int, receipts: Receipts) -> None:
        self._database = database
        self._quorum = quorum
        self._receipts = receipts
        self._waiting: set[_Waiting] = set()
        self._looking: asyncio.Task[None] | None = None

    async def wait(self, leaf_hash: bytes, seconds: float) -> Document | None:
        """The receipt when ``quorum`` witnesses have countersigned a checkpoint over the leaf, or a second after it was
        signed without them; None at once if there is no such leaf, and after ``seconds`` at the latest."""
        one = _Waiting(leaf_hash)
        self._waiting.add(one)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            async with asyncio.timeout(seconds):
                return await one.done
        except TimeoutError:
            return None
        finally:
            self._waiting.discard(one)

    async def _look(self) -> None:
        while asked := list(self._waiting):
            try:
                async with self._database.reading() as connection:
                    found = await repository.standing(connection, {one.leaf for one in asked}, self._quorum)
                    done = self._done(asked, found)
                    receipts = await self._receipts(connection, {one.leaf for one in done}) if done else {}
            except (SQLAlchemyError, OSError, TimeoutError):
                pass  # whoever waits has the time to wait for the database, too
            else:
                for one in done:
                    self._waiting.discard(one)
                    if not one.done.done():
                        one.done.set_result(receipts.get(one.leaf))
            await asyncio.sleep(_POLL_SECONDS)

    @staticmethod
    def _done(asked: list[_Waiting], found: dict[bytes, Standing]) -> list[_Waiting]:
        """Those who need not wait any longer."""
        now = time.monotonic()
        done = []
        for one in asked:
            match found.get(one.leaf):
                case Standing.RECORDED:
                    continue
                case Standing.SIGNED:
                    one.signed_at = one.signed_at or now
                    if now - one.signed_at < _PATIENCE_SECONDS:
                        continue
            done.append(one)
        return done
