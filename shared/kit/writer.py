"""Group commit: many requests' rows in one transaction, the answers after its COMMIT.

A request alone is written at once; under load whatever waits goes together. A failing batch is written again row by
row, so that one bad row fails alone. Measured against one transaction a request: `docs/performance.md`.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Generic, Self, TypeVar

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.kit.db import Database
from shared.kit.telemetry import log

Connection = TypeVar("Connection")
Item = TypeVar("Item")
Result = TypeVar("Result")

Batch = Callable[[Connection, Sequence[Item]], Awaitable[Sequence[Result]]]
"""Does the items' work inside a transaction and gives a result for each, in their order."""


class Overloaded(Exception):
    """More waits to be written than the writer will hold; come again in a moment."""


class Grouped(ABC, Generic[Connection, Item, Result]):
    """``writers`` tasks, each with a connection of its own, do what requests submit."""

    def __init__(
        self,
        database: Database,
        work: Batch[Connection, Item, Result],
        *,
        writers: int = 2,
        batch: int = 128,
        backlog: int = 2000,
    ) -> None:
        self._database = database
        self._work = work
        self._writers = writers
        self._batch = batch
        self._pending: asyncio.Queue[tuple[Item, asyncio.Future[Result]]] = asyncio.Queue(backlog)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
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
        session = self._session()
        try:
            while True:
                work = [await self._pending.get()]
                while len(work) < self._batch and not self._pending.empty():
                    work.append(self._pending.get_nowait())
                try:
                    await self._do_all(session, work)
                except asyncpg.InterfaceError as error:  # the connection broke under the statement
                    _fail(work, ConnectionError(type(error).__name__))
                except Exception as error:  # every request that waits is told, whatever happened
                    _fail(work, error)
                except asyncio.CancelledError:
                    _fail(work, ConnectionError("the writer ends"))
                    raise
        finally:
            session.end()

    async def _do_all(self, session: "_Session[Connection]", work: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            async with session.transaction() as connection:
                results = await self._work(connection, [item for item, _ in work])
        except (asyncpg.PostgresError, DBAPIError, ValueError) as error:
            if len(work) == 1 or session.is_lost(error):
                raise
            log.warning("batch_split", error=type(error).__name__)
            for single in work:
                try:
                    await self._do_all(session, [single])
                except (asyncpg.PostgresError, DBAPIError, ValueError) as single_error:
                    _fail([single], single_error)
            return
        for (_, future), result in zip(work, results, strict=True):
            if not future.done():  # the request may have gone away meanwhile
                future.set_result(result)

    @abstractmethod
    def _session(self) -> "_Session[Connection]":
        """Where one writer's transactions come from."""


class GroupWriter(Grouped[asyncpg.Connection, Item, Result]):
    """Writes on connections of the driver, outside the pool: for ``unnest`` in bulk."""

    def _session(self) -> "_Session[asyncpg.Connection]":
        return _OnDriver(self._database)


class PooledWriter(Grouped[AsyncConnection, Item, Result]):
    """Writes on connections of the pool, by the queries that single requests use, too."""

    def _session(self) -> "_Session[AsyncConnection]":
        return _OnPool(self._database.transaction)


class PooledReader(Grouped[AsyncConnection, Item, Result]):
    """Reads for many requests at once, each as of a moment after it asked."""

    def _session(self) -> "_Session[AsyncConnection]":
        return _OnPool(self._database.reading)


class _Session(ABC, Generic[Connection]):
    @abstractmethod
    def transaction(self) -> AbstractAsyncContextManager[Connection]: ...

    @abstractmethod
    def is_lost(self, error: Exception) -> bool:
        """Whether the connection broke, so that nobody knows whether its work was committed."""

    def end(self) -> None:
        """The writer ends."""


class _OnDriver(_Session[asyncpg.Connection]):
    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: asyncpg.Connection | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.direct()
        async with self._connection.transaction():
            yield self._connection
        self._database.wake.set()

    def is_lost(self, error: Exception) -> bool:
        return self._connection is None or self._connection.is_closed()

    def end(self) -> None:
        if self._connection is not None:
            self._connection.terminate()


class _OnPool(_Session[AsyncConnection]):
    def __init__(self, begin: Callable[[], AbstractAsyncContextManager[AsyncConnection]]) -> None:
        self._begin = begin

    def transaction(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._begin()

    def is_lost(self, error: Exception) -> bool:
        return isinstance(error, DBAPIError) and error.connection_invalidated


def _fail(work: Sequence[tuple[object, asyncio.Future[Result]]], error: Exception) -> None:
    for _, future in work:
        if not future.done():
            future.set_exception(error)
