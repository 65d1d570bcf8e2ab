"""integrity's API in this process with its log at work, on a real PostgreSQL, and people who hold keys."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import httpx
import pytest
from sqlalchemy.engine import make_url

from deploy.local.keys import WITNESSES, make_keys
from deploy.local.ports import free_port
from deploy.local.testservers import TestServers
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
from shared.kit.tlog.endpoint import PATH, WitnessServer, load_witness
from shared.kit.tlog.keeping import WITNESS_SEEN, KeptCheckpoints
from shared.kit.web.app import create_api
from tests.services.integrity.logs import PASSWORD, TABLES, Place, as_role
from tests.services.integrity.people import DIRECTORY, STAFF, Irm
from tests.shared.kit.chassis import running


@pytest.fixture(scope="module")
async def dsn(postgres_database: str) -> str:
    """The administrator's DSN of a database with integrity's tables, as the service owns and uses them."""
    admin = await asyncpg.connect(postgres_database)
    async with admin.transaction():
        await admin.execute("SELECT pg_advisory_xact_lock(1)")  # roles are the whole server's: other tests make them
        for role in (SERVICE_ROLE, SEQUENCER, OWNER):
            if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
    await admin.execute(f'ALTER DATABASE "{make_url(postgres_database).database}" OWNER TO {SERVICE_ROLE}')
    await asyncio.to_thread(upgrade, "services.integrity", as_role(postgres_database, SERVICE_ROLE))
    await hand_over(admin)
    await admin.close()
    return postgres_database


@pytest.fixture(scope="module")
async def irm_dsn(dsn: str) -> str:
    """The administrator's DSN of such a database that knows the directory."""
    admin = await asyncpg.connect(dsn)
    await admin.execute("INSERT INTO directory (version, organisations, departments) VALUES (1, $1, $2)", *DIRECTORY)
    await admin.close()
    return dsn


@pytest.fixture(scope="module")
def irm_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of keys."""
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder)
    return folder


@pytest.fixture(scope="module")
def witness_databases(servers: TestServers) -> Iterator[list[str]]:
    """An empty database for each witness."""
    dsns = [servers.create_database() for _ in WITNESSES]
    yield dsns
    for dsn in dsns:
        servers.drop_database(dsn)


@pytest.fixture(scope="module")
async def witnesses(witness_databases: list[str], irm_keys: Path) -> AsyncIterator[dict[str, str]]:
    """The log's two witnesses at work, each on a database of its own: their URLs by name."""
    urls = {}
    async with AsyncExitStack() as stack:
        for (service, name), dsn in zip(WITNESSES.items(), witness_databases, strict=True):
            connection = await asyncpg.connect(dsn)
            await connection.execute(WITNESS_SEEN)
            await connection.close()
            database = Database.connect(dsn, pool_size=2)
            stack.push_async_callback(database.close)
            port = free_port()
            witness = load_witness(irm_keys, service, KeptCheckpoints(database))
            await stack.enter_async_context(running(WitnessServer(service, witness, host="127.0.0.1", port=port)))
            urls[name] = f"http://127.0.0.1:{port}{PATH}"
        yield urls


@pytest.fixture(scope="module")
async def irm(irm_dsn: str, irm_keys: Path, witnesses: dict[str, str]) -> AsyncIterator[Irm]:
    """integrity, where five custodians, two supervisors and inspectors of three provinces have registered keys."""
    folder = irm_keys
    settings = IntegritySettings(
        keys_dir=folder,
        uploads_dir=folder / "uploads",
        evidence_dir=folder / "evidence",
        receipt_seconds=10,
        codes_per_minute=20,
    )
    database = Database.connect(as_role(irm_dsn, SERVICE_ROLE), pool_size=8)
    ledger = Database.connect(as_role(irm_dsn, SEQUENCER), pool_size=2)
    sequencer = Sequencer(
        service=database, ledger=ledger, keys=LogKeys.load(folder), witnesses=witnesses, batch_seconds=0.02
    )
    admin = await asyncpg.connect(irm_dsn)
    sequencing = asyncio.create_task(sequencer.run())
    async with SERVICE.resources(settings, database) as resources:
        chassis = Chassis(settings, database, Broker("amqp://127.0.0.1:1/", name="unused"), resources, "api")
        api = create_api("integrity", routers=SERVICE.routers(chassis), quiet=SERVICE.quiet)
        api.state.database, api.state.settings, api.state.resources = database, settings, resources
        api.state.verifier = Verifier.load(folder / "gateway-internal.pub.jwk", "integrity")
        SERVICE.finish_api(api, chassis)
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


@pytest.fixture
async def admin(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection to the database, emptied."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY CASCADE")
    yield connection
    await connection.close()


@pytest.fixture
async def database(dsn: str, admin: asyncpg.Connection) -> AsyncIterator[Database]:
    """The service's own database, empty."""
    database = Database.connect(as_role(dsn, SERVICE_ROLE), pool_size=8)
    yield database
    await database.close()


@pytest.fixture
async def ledger(dsn: str, admin: asyncpg.Connection) -> AsyncIterator[Database]:
    """The same by the sequencer's role."""
    database = Database.connect(as_role(dsn, SEQUENCER), pool_size=2)
    yield database
    await database.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of keys."""
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder)
    return folder


@pytest.fixture
def keys(folder: Path) -> LogKeys:
    """The log's."""
    return LogKeys.load(folder)


@pytest.fixture(scope="module")
def two_databases(servers: TestServers) -> Iterator[list[str]]:
    dsns = [servers.create_database() for _ in WITNESSES]
    yield dsns
    for dsn in dsns:
        servers.drop_database(dsn)


@pytest.fixture
async def places(two_databases: list[str], folder: Path) -> AsyncIterator[dict[str, Place]]:
    """The witnesses by name, which have seen nothing."""
    made = {}
    for (service, name), dsn in zip(WITNESSES.items(), two_databases, strict=True):
        connection = await asyncpg.connect(dsn)
        await connection.execute(f"DROP TABLE IF EXISTS witness_seen; {WITNESS_SEEN}")
        await connection.close()
        made[name] = Place(service, Database.connect(dsn, pool_size=2), folder)
    yield made
    for place in made.values():
        await place.database.close()
