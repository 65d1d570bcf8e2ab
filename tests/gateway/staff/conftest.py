"""A gateway whose directory has an admin, the centre, a supervisor and an officer, before a routing that knows two
departments."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import pytest
from starlette.types import Receive, Scope, Send

from gateway.identity.tokens import AccessTokens, Login
from gateway.seed import seed
from shared.contracts.gateway import StaffChanged
from shared.kit.auth import Principal
from tests.gateway.conftest import STAFF, Gateway, Start
from tests.gateway.servers import answer

PATH = "/v1/admin/staff"
PASSWORD = "گذرواژه‌ای برای آزمون"
OFFICER = {
    "username": "officer.new",
    "roles": ["officer"],
    "department_id": "behzisti",
    "province": "IR-23",
    "name": "سارا کریمی",
    "title": "کارشناس",
    "totp": False,
}
INSPECTOR = {"username": "inspector.new", "roles": ["inspector"], "name": "آرش کیانی", "title": "بازرس", "totp": False}


async def departments(_scope: Scope, _receive: Receive, send: Send) -> None:
    """As routing answers."""
    items = [{"id": "behzisti"}, {"id": "sso-insurance"}]
    await answer(send, 200, orjson.dumps({"items": items}), {"content-type": "application/json"})


def person(username: str, role: str) -> dict[str, Any]:
    """Somebody with one role, as a seed file has them."""
    return {"username": username, "password": PASSWORD, "roles": [role], "name": username, "title": role}


@dataclass
class Directory:
    """Calls of the directory by somebody's name."""

    gateway: Gateway
    tokens: dict[str, str]

    async def call(self, who: str, method: str, path: str = PATH, body: object = None, **headers: str) -> Any:
        """The answer, whatever it is."""
        caller = {"Authorization": f"Bearer {self.tokens[who]}"} if who in self.tokens else {}
        return await self.gateway.http.request(method, path, json=body, headers={**caller, **headers})

    async def create(self, who: str, body: dict[str, Any], key: str | None = None) -> httpx.Response:
        """Makes an account."""
        made: httpx.Response = await self.call(who, "POST", body=body, **{"Idempotency-Key": key or str(uuid.uuid4())})
        return made

    async def change(self, who: str, username: str, tag: str = "*", **fields: Any) -> httpx.Response:
        """Changes an account."""
        answer: httpx.Response = await self.call(who, "PATCH", f"{PATH}/{username}", fields, **{"If-Match": tag})
        return answer

    async def login(self, username: str, password: str, **more: str) -> httpx.Response:
        """A login."""
        return await self.gateway.staff(username=username, password=password, **more)

    async def told(self, username: str) -> list[StaffChanged]:
        """The events about an account, in order."""
        rows = await self.gateway.column(
            f"SELECT body FROM outbox WHERE subject = '{username}' AND type = 'staff.changed.v1' ORDER BY id"
        )
        return [StaffChanged.model_validate_json(body) for body in rows]


ROLES = ("admin", "centre", "supervisor", "group")


@pytest.fixture(scope="module")
async def gateway(start: Start) -> AsyncIterator[Gateway]:
    """The gateway, which remembers its first people: passwords are slow on purpose."""
    async with start() as gateway:
        gateway.upstream.behaviours["departments"] = departments
        async with gateway.database.transaction() as connection:
            await seed(connection, [person(role, role) for role in ROLES])
        await gateway.execute("CREATE TABLE first_people AS TABLE staff")
        yield gateway


@pytest.fixture
async def directory(gateway: Gateway) -> Directory:
    """The directory with its first people, who are logged in, and nobody and nothing else."""
    await gateway.execute("TRUNCATE staff, admin_audit, idempotency, outbox, refresh_families CASCADE")
    await gateway.execute("INSERT INTO staff SELECT * FROM first_people")
    authority = AccessTokens.load(gateway.settings.keys_dir / "gateway-access.jwk", issuer="seda", seconds=600)
    tokens = {}
    for role in (*ROLES, "officer"):
        username = role if role in ROLES else str(STAFF["username"])
        login = Login(Principal("staff", username, roles=frozenset({role})), uuid.uuid4())
        tokens[role] = authority.issue(login)
    return Directory(gateway, tokens)
