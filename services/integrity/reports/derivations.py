"""Working on receipt codes (Argon2id: 64 MiB and a core each) a few at a time, and never for more than may wait."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from services.integrity.sealing.receipt_code import ReceiptCode, ReceiptKeys
from shared.kit.web.problems import unavailable


class Derivations:
    """``at_once`` run, ``waiting`` more may wait; whoever comes beyond that is told to come back."""

    def __init__(self, service: str, *, at_once: int, waiting: int) -> None:
        self.service = service
        self._free = asyncio.Semaphore(at_once)
        self._room = at_once + waiting
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="argon2")

    async def derive(self, code: ReceiptCode) -> ReceiptKeys:
        """The keys of a receipt code. Raises a 503 problem with ``Retry-After`` when too many wait already."""
        async with self._turn():
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, code.derive, self.service)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._room <= 0:
            raise unavailable(5)
        self._room -= 1
        try:
            async with self._free:
                yield
        finally:
            self._room += 1

    def close(self) -> None:
        """Lets the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)
