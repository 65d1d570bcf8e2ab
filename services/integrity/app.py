"""integrity: corruption reports, in a process, a database and a role of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.kit.db import Database
from shared.kit.runtime import Service
from shared.kit.settings import ServiceSettings


@asynccontextmanager
async def _resources(_settings: ServiceSettings, _database: Database) -> AsyncIterator[None]:
    yield


SERVICE: Service[ServiceSettings, None] = Service(
    name="integrity",
    settings=ServiceSettings,
    resources=_resources,
    routers=lambda _: [],
    jobs=lambda _: [],
)
