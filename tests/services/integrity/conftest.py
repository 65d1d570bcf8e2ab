"""integrity's API in this process with its log at work, on a real PostgreSQL, and people who hold keys."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from sqlalchemy.engine import make_url

from deploy.local.keys import make_keys
from services.integrity.app import SERVICE
from services.integrity.log.keys import LogKeys
from services.integrity.log.ownership import OWNER, SEQUENCER, hand_over
from services.integrity.log.ownership import SERVICE as SERVICE_ROLE
from services.integrity.log.sequencer import Sequencer
from services.integrity.settings import IntegritySettings
from shared.kit.auth import Mint, Verifier
from shared.kit.bus.broker import Broker
from shared.kit.db import Database
from shared.kit.migrate import upgrade
from shared.kit.runtime import Chassis
from shared.kit.web.app import create_api
from tests.services.integrity.log.systems import PASSWORD, as_role
from tests.services.integrity.people import DIRECTORY, STAFF, Irm


@pytest.fixture(scope="module")
async def irm_dsn(postgres_database: str) -> str:
    """The administrator's DSN of a database with integrity's tables, owned as they are when running."""
    admin = await asyncpg.connect(postgres_database)
    async with admin.transaction():
        await admin.execute("SELECT pg_advisory_xact_lock(1)")  # roles are the whole server's: other tests make them
        for role in (SERVICE_ROLE, SEQUENCER, OWNER):
            if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
    await admin.execute(f'ALTER DATABASE "{make_url(postgres_database).database}" OWNER TO {SERVICE_ROLE}')
    await asyncio.to_thread(upgrade, "services.integrity", as_role(postgres_database, SERVICE_ROLE))
    await hand_over(admin)
    await admin.execute("INSERT INTO directory (version, organisations, departments) VALUES (1, $1, $2)", *DIRECTORY)
    await admin.close()
    return postgres_database


@pytest.fixture(scope="module")
async def irm(irm_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Irm]:
    """integrity, where five custodians, two supervisors and inspectors of three provinces have registered keys."""
    folder: Path = tmp_path_factory.mktemp("keys")
    make_keys(folder)
    settings = IntegritySettings(keys_dir=folder, receipt_seconds=0.5, codes_per_minute=20)
    database = Database.connect(as_role(irm_dsn, SERVICE_ROLE), pool_size=8)
    ledger = Database.connect(as_role(irm_dsn, SEQUENCER), pool_size=2)
    sequencer = Sequencer(service=database, ledger=ledger, keys=LogKeys.load(folder), witnesses={}, batch_seconds=0.05)
    admin = await asyncpg.connect(irm_dsn)
    sequencing = asyncio.create_task(sequencer.run())
    async with SERVICE.resources(settings, database) as resources:
        chassis = Chassis(settings, database, Broker("amqp://127.0.0.1:1/", name="unused"), resources, "api")
        api = create_api("integrity", routers=SERVICE.routers(chassis), quiet=SERVICE.quiet)
        api.state.database, api.state.settings, api.state.resources = database, settings, resources
        api.state.verifier = Verifier.load(folder / "gateway-internal.pub.jwk", "integrity")
        transport = httpx.ASGITransport(api)
        async with httpx.AsyncClient(transport=transport, base_url="http://integrity", timeout=30) as http:
            irm = Irm(http, admin, Mint.load(folder / "gateway-internal.jwk"), settings, resources, database)
            for person in STAFF:
                await irm.register(person)
            yield irm
    sequencing.cancel()
    await asyncio.gather(sequencing, return_exceptions=True)
    await admin.close()
    await ledger.close()
    await database.close()
