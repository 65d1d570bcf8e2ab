"""One look for all who wait for a proof: with a look each, a busy system spends itself on looking."""

import asyncio
import time
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from services.integrity.log import repository
from services.integrity.log.repository import Standing
from shared.kit.db import Database

_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 1.0
"""How long after the log's own signature the witnesses' are waited for."""


@dataclass(eq=False)
class _Waiting:
    leaf: bytes
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    signed_at: float | None = None


class Lookout:
    """Tells those who wait on one database when their leaf is proven; it looks only while somebody waits."""

    def __init__(self, database: Database, quorum: int) -> None:
        self._database = database
        self._quorum = quorum
        self._waiting: set[_Waiting] = set()
        self._looking: asyncio.Task[None] | None = None

    async def wait(self, leaf_hash: bytes, seconds: float) -> None:
        """Returns when ``quorum`` witnesses have countersigned a checkpoint over the leaf, a second after it was signed
        without them, at once if there is no such leaf, and after ``seconds`` at the latest."""
        one = _Waiting(leaf_hash)
        self._waiting.add(one)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            async with asyncio.timeout(seconds):
                await one.done
        except TimeoutError:
            return
        finally:
            self._waiting.discard(one)

    async def _look(self) -> None:
        while asked := list(self._waiting):
            try:
                async with self._database.reading() as connection:
                    found = await repository.standing(connection, {one.leaf for one in asked}, self._quorum)
            except (SQLAlchemyError, OSError, TimeoutError):
                pass  # whoever waits has the time to wait for the database, too
            else:
                self._tell(asked, found)
            await asyncio.sleep(_POLL_SECONDS)

    def _tell(self, asked: list[_Waiting], found: dict[bytes, Standing]) -> None:
        now = time.monotonic()
        for one in asked:
            match found.get(one.leaf):
                case Standing.RECORDED:
                    continue
                case Standing.SIGNED:
                    one.signed_at = one.signed_at or now
                    if now - one.signed_at < _PATIENCE_SECONDS:
                        continue
            self._waiting.discard(one)
            if not one.done.done():
                one.done.set_result(None)
