"""routing in this process on a real PostgreSQL, and the cold start's model."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.packages import LOCAL
from services.routing.classify.model import Model
from services.routing.classify.store import train_cold
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


@pytest.fixture(scope="session")
def model_file() -> Path:
    """The cold start's model, trained once for all tests and all systems of this machine."""
    return train_cold(LOCAL / "routing")


@pytest.fixture(scope="session")
def model(model_file: Path) -> Model:
    """The same, read."""
    return Model.load(model_file.read_bytes())
