"""PostgreSQL: one pool per process, transactions that only the kit commits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Self

import asyncpg
from fastapi import Depends
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from starlette.requests import Request

from shared.kit.wake import Wake


class Database:
    """The service's database. ``wake`` is set after each commit, so that the relay of this process looks at once."""

    def __init__(self, engine: AsyncEngine, dsn: str) -> None:
        self.engine = engine
        self.dsn = dsn
        self.wake = Wake()

    @classmethod
    def connect(cls, dsn: str, *, pool_size: int = 16) -> Self:
        """A pool for ``dsn`` (``postgresql://user:password@host:port/database``); opens connections when needed."""
        url = make_url(dsn).set(drivername="postgresql+asyncpg")
        engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            pool_timeout=10,
            hide_parameters=True,
            # a statement here takes milliseconds; compiling it would take more than it brings
            connect_args={"timeout": 10, "server_settings": {"application_name": "seda", "jit": "off"}},
        )
        return cls(engine, make_url(dsn).set(drivername="postgresql").render_as_string(hide_password=False))

    @asynccontextmanager
    async def transaction(self, *, wakes: bool = True) -> AsyncIterator[AsyncConnection]:
        """A connection whose work is committed when the block ends well, and rolled back when it does not.

        A worker that only looks for work says ``wakes=False``: it would wake itself for ever.
        """
        async with self.engine.begin() as connection:
            yield connection
        if wakes:
            self.wake.set()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading only; PostgreSQL itself refuses writes."""
        async with self.engine.connect() as connection:
            await connection.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")
            yield connection

    async def direct(self) -> asyncpg.Connection:
        """A connection of its own outside the pool, for session locks and for bulk statements; the caller closes it."""
        return await asyncpg.connect(self.dsn, timeout=10)

    async def ping(self) -> None:
        """Raises if the database does not answer."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Gives all connections back."""
        await self.engine.dispose()


async def _transaction(request: Request) -> AsyncIterator[AsyncConnection]:
    database: Database = request.app.state.database
    async with database.transaction() as connection:
        yield connection


async def _reading(request: Request) -> AsyncIterator[AsyncConnection]:
    database: Database = request.app.state.database
    async with database.reading() as connection:
        yield connection


# scope="function": the commit happens before the answer is sent, so a failing commit can never have answered 201.
Transaction = Annotated[AsyncConnection, Depends(_transaction, scope="function")]
Reading = Annotated[AsyncConnection, Depends(_reading, scope="function")]
