"""The whole gateway before a stand-in for the services, on a real database of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from sqlalchemy import text

from deploy.local.keys import make_keys
from gateway.app import SERVICE
from gateway.seed import seed
from gateway.settings import GatewaySettings
from shared.contracts.gateway import OtpRequested
from shared.kit.auth import Verifier
from shared.kit.bus.broker import Broker
from shared.kit.db import Database
from shared.kit.migrate import upgrade
from shared.kit.runtime import Chassis
from shared.kit.sealing import KeyRing, open_sealed
from shared.kit.web.app import create_api
from tests.gateway.servers import Upstream, serving

STAFF = {
    "username": "officer.behzisti",
    "password": "گذرواژهٔ درست",
    "roles": ["officer"],
    "department_id": "behzisti",
    "province": "IR-23",
    "name": "مریم احمدی",
    "title": "کارشناس",
}
PARTNER = {
    "client_id": "sandbox",
    "client_secret": "a secret: with % and +",
    "name": "Sandbox",
    "scopes": ["cases:write", "cases:read_all"],
}


@dataclass
class Gateway:
    """What a test holds in its hands."""

    http: httpx.AsyncClient
    database: Database
    settings: GatewaySettings
    upstream: Upstream

    async def ask(self, mobile: str, **options: Any) -> httpx.Response:
        """Asks for a code."""
        return await self.http.post("/v1/auth/otp", json={"mobile": mobile}, **options)

    async def sent(self, challenge_id: str) -> dict[str, str]:
        """The number and code that the event told the sms service, opened with the key it shares."""
        async with self.database.reading() as connection:
            body = await connection.scalar(text("SELECT body FROM outbox WHERE subject = :id"), {"id": challenge_id})
        event = OtpRequested.model_validate_json(body)
        ring = KeyRing.load(self.settings.keys_dir / "otp.json")
        told: dict[str, str] = orjson.loads(open_sealed(ring, event.data.otp_sealed, b"otp:" + challenge_id.encode()))
        return told

    async def citizen(self, mobile: str) -> dict[str, Any]:
        """The tokens of a citizen who logs in by the code."""
        challenge = (await self.ask(mobile)).raise_for_status().json()["challenge_id"]
        code = (await self.sent(challenge))["code"]
        answer = await self.http.post(f"/v1/auth/otp/{challenge}", json={"code": code})
        tokens: dict[str, Any] = answer.raise_for_status().json()
        return tokens

    async def staff(self, **changes: str) -> httpx.Response:
        """A staff login."""
        login = {"username": STAFF["username"], "password": STAFF["password"], **changes}
        return await self.http.post("/v1/auth/staff", json=login)

    async def token(self, **form: str) -> httpx.Response:
        """The token endpoint."""
        return await self.http.post("/v1/auth/token", data=form)

    async def me(self, access_token: str) -> httpx.Response:
        """Who a token says that the caller is."""
        return await self.http.get("/v1/me", headers={"Authorization": f"Bearer {access_token}"})

    async def refuses_soon(self, access_token: str) -> bool:
        """Whether a token is refused within ten seconds."""
        for _ in range(100):
            if (await self.me(access_token)).status_code == 401:
                return True
            await asyncio.sleep(0.1)
        return False

    async def execute(self, statement: str, **values: object) -> None:
        """Changes the database behind the gateway's back."""
        async with self.database.transaction() as connection:
            await connection.execute(text(statement), values)

    async def column(self, query: str) -> list[Any]:
        """The first column of a query."""
        async with self.database.reading() as connection:
            return list((await connection.execute(text(query))).scalars())


Start = Callable[..., AbstractAsyncContextManager[Gateway]]


@pytest.fixture(scope="module")
def start(postgres_database: str, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Starts a gateway on the module's database, with settings that differ from the default ones."""
    keys = tmp_path_factory.mktemp("keys")
    make_keys(keys)

    @asynccontextmanager
    async def started(**changes: Any) -> AsyncIterator[Gateway]:
        await asyncio.to_thread(upgrade, "gateway", postgres_database)
        upstream = Upstream()
        database = Database.connect(postgres_database, pool_size=8)
        async with database.transaction() as connection:
            await seed(connection, [STAFF, PARTNER])
        async with serving(upstream) as service:
            settings = _settings(keys, service, changes)
            async with SERVICE.resources(settings, database) as resources:
                chassis = Chassis(settings, database, Broker("amqp://127.0.0.1:1/", name="unused"), resources, "api")
                api = create_api("gateway", routers=SERVICE.routers(chassis), checks=SERVICE.checks(chassis))
                api.state.database, api.state.settings, api.state.resources = database, settings, resources
                api.state.verifier = Verifier.load(keys / "gateway-internal.pub.jwk", "gateway")
                SERVICE.finish_api(api, chassis)
                async with (
                    serving(api) as url,
                    httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as http,
                ):
                    yield Gateway(http, database, settings, upstream)
        await database.close()

    return started


def _settings(keys: Path, service: str, changes: dict[str, Any]) -> GatewaySettings:
    urls = {f"{name}_url": service for name in ("intake", "routing", "sms", "integrity", "letters")}
    unlimited = dict.fromkeys(
        ("login_per_ip_minute", "login_per_user_minute", "otp_per_ip_minute", "otp_per_number_hour"), 1000
    )
    return GatewaySettings(keys_dir=keys, **{**urls, **unlimited, **changes})


@pytest.fixture(scope="module")
async def gateway(start: Start) -> AsyncIterator[Gateway]:
    """A gateway without tight limits."""
    async with start() as gateway:
        yield gateway


def is_uuid(value: str) -> bool:
    """Whether a text is a UUID in its canonical form."""
    return str(UUID(value)) == value
