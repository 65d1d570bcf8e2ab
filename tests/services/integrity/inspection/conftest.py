"""An office of two supervisors, three inspectors and three custodians, two of whom are a quorum."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.keys import make_keys
from shared.kit.migrate import upgrade
from tests.services.integrity.offices import Offices, Person, offices


@pytest.fixture(scope="module")
def dsn(postgres_database: str) -> str:
    """A migrated database of integrity."""
    upgrade("services.integrity", postgres_database)
    return postgres_database


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of keys."""
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder)
    return folder


@pytest.fixture
async def office(dsn: str, folder: Path) -> AsyncIterator[Offices]:
    """integrity, knowing the directory and nobody yet."""
    async with offices(dsn, folder, custodians=3, quorum=2) as office:
        await clear(office.admin)
        yield office


async def clear(admin: asyncpg.Connection) -> None:
    """Empties the database and tells it of two bodies."""
    await admin.execute("TRUNCATE holders, holder_keys, reports, log_leaves, directory, outbox CASCADE")
    await admin.execute(
        "INSERT INTO directory (version, organisations, departments)"
        """ VALUES (1, '{sso,behzisti}', '{"sso-insurance": "sso", "behzisti": "behzisti"}')"""
    )


@pytest.fixture
async def people(office: Offices) -> dict[str, Person]:
    """Everybody, by name."""
    found = [
        await office.holder("supervisor", "supervisor"),
        await office.holder("ann", "inspector", province="IR-23", name="آن نمونه"),
        await office.holder("bob", "inspector", province="IR-10", name="باب نمونه"),
        await office.holder("sso", "inspector", province="IR-23", department_id="sso-insurance", name="سین نمونه"),
        *[await office.holder(f"custodian.{n}", "custodian") for n in (1, 2, 3)],
    ]
    return {person.username: person for person in found}
