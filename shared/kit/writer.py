"""Group commit: many requests' rows in one transaction, the answers after its COMMIT.

A request alone is written at once; under load whatever waits goes together. A failing batch is written again row by
row, so that one bad row fails alone. Measured against one transaction a request: `docs/performance.md`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import asyncpg

from shared.kit.db import Database
from shared.kit.telemetry import log

Item = TypeVar("Item")
Result = TypeVar("Result")

WriteBatch = Callable[[asyncpg.Connection, Sequence[Item]], Awaitable[Sequence[Result]]]
"""Writes the items inside a transaction and gives a result for each, in their order."""


class Overloaded(Exception):
    """More waits to be written than the writer will hold; come again in a moment."""


class GroupWriter(Generic[Item, Result]):
    """``writers`` tasks, each with a connection of its own, write what requests submit."""

    def __init__(
        self,
        database: Database,
        write: WriteBatch[Item, Result],
        *,
        writers: int = 2,
        batch: int = 128,
        backlog: int = 2000,
    ) -> None:
        self._database = database
        self._write = write
        self._writers = writers
        self._batch = batch
        self._pending: asyncio.Queue[tuple[Item, asyncio.Future[Result]]] = asyncio.Queue(backlog)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "GroupWriter[Item, Result]":
        """Starts the writers."""
        self._tasks = [asyncio.create_task(self._run(), name=f"writer-{n}") for n in range(self._writers)]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stops the writers; by then the server has answered every request, so nothing waits."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def submit(self, item: Item) -> Result:
        """The item's result, after the transaction that holds it was committed.

        Raises ``Overloaded`` when too much waits, and whatever writing this item raised.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        try:
            self._pending.put_nowait((item, future))
        except asyncio.QueueFull:
            raise Overloaded from None
        return await future

    async def _run(self) -> None:
        connection: asyncpg.Connection | None = None
        try:
            while True:
                work = [await self._pending.get()]
                while len(work) < self._batch and not self._pending.empty():
                    work.append(self._pending.get_nowait())
                try:
                    if connection is None or connection.is_closed():
                        connection = await self._database.direct()
                    await self._write_all(connection, work)
                except asyncpg.InterfaceError as error:  # the connection broke under the statement
                    _fail(work, ConnectionError(type(error).__name__))
                except Exception as error:  # every request that waits is told, whatever happened
                    _fail(work, error)
                except asyncio.CancelledError:
                    _fail(work, ConnectionError("the writer ends"))
                    raise
                self._database.wake.set()
        finally:
            if connection is not None:
                connection.terminate()

    async def _write_all(self, connection: asyncpg.Connection, work: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            async with connection.transaction():
                results = await self._write(connection, [item for item, _ in work])
        except (asyncpg.PostgresError, ValueError) as error:
            if len(work) == 1 or connection.is_closed():
                raise
            log.warning("batch_split", error=type(error).__name__)
            for single in work:
                try:
                    await self._write_all(connection, [single])
                except (asyncpg.PostgresError, ValueError) as single_error:
                    single[1].set_exception(single_error)
            return
        for (_, future), result in zip(work, results, strict=True):
            if not future.done():  # the request may have gone away meanwhile
                future.set_result(result)


def _fail(work: Sequence[tuple[object, asyncio.Future[Result]]], error: Exception) -> None:
    for _, future in work:
        if not future.done():
            future.set_exception(error)
