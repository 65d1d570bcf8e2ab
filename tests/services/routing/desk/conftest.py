"""routing's API and consumers in this process, on a real PostgreSQL, with the project's taxonomy."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.kit.migrate import upgrade
from tests.services.routing.desk.routing import Routing, running


@pytest.fixture(scope="module")
def dsn(postgres_database: str) -> str:
    """A migrated database of routing."""
    upgrade("services.routing", postgres_database)
    return postgres_database


@pytest.fixture
async def routing(dsn: str, tmp_path: Path) -> AsyncIterator[Routing]:
    """routing without a case, its directory that of the taxonomy."""
    async with running(dsn, tmp_path) as routing:
        yield routing
