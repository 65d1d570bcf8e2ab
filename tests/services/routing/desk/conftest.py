"""routing's API and consumers in this process, on a real PostgreSQL, with the project's taxonomy."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from deploy.local.keys import make_keys
from services.routing.app import SERVICE
from services.routing.assignment.consumers import CaseEvents
from services.routing.keys import RoutingKeys
from services.routing.seed import seed
from shared.kit.auth import Mint, Verifier
from shared.kit.db import Database
from shared.kit.migrate import upgrade
from shared.kit.settings import ServiceSettings
from shared.kit.web.app import create_api
from tests.services.routing.desk.routing import Resources, Routing


@pytest.fixture(scope="module")
def dsn(postgres_database: str) -> str:
    """A migrated database of routing."""
    upgrade("services.routing", postgres_database)
    return postgres_database


@pytest.fixture
async def routing(dsn: str, tmp_path: Path) -> AsyncIterator[Routing]:
    """routing without a case, its directory that of the taxonomy."""
    make_keys(tmp_path)
    keys = RoutingKeys.load(ServiceSettings(keys_dir=tmp_path))
    connection = await asyncpg.connect(dsn)
    tables = "cases, steps, step_sms, outbox, event_archive, inbox, idempotency, rules, categories, departments"
    await connection.execute(f"TRUNCATE {tables}, organisations, directory_version CASCADE")
    database = Database.connect(dsn, pool_size=4)
    await seed(database)
    api = create_api("routing", routers=SERVICE.routers(None))  # type: ignore[arg-type]
    api.state.database = database
    api.state.verifier = Verifier.load(tmp_path / "gateway-internal.pub.jwk", "routing")
    api.state.resources = Resources(keys)
    mint = Mint.load(tmp_path / "gateway-internal.jwk")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://routing") as http:
        yield Routing(http, database, connection, mint, keys, CaseEvents(keys))
    await database.close()
    await connection.close()
