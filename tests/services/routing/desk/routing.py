"""A client of routing's API and its consumers: files cases and takes steps, in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson

from deploy.local.keys import make_keys
from deploy.local.packages import LOCAL
from deploy.synthetic.life import uuid7_at
from services.routing.app import ROUTERS
from services.routing.assignment.consumers import CaseEvents
from services.routing.classify.store import Models
from services.routing.keys import RoutingKeys
from services.routing.seed import seed
from services.routing.staff.service import keep_staff
from shared.contracts.envelope import Event
from shared.contracts.gateway import StaffChanged, StaffChangedData
from shared.contracts.intake import CaseRegistered, CaseRegisteredData
from shared.kit.auth import Mint, Principal, Verifier
from shared.kit.db import Database
from shared.kit.ids import uuid7
from shared.kit.outbox import new_event
from shared.kit.sealing import seal
from shared.kit.settings import ServiceSettings
from shared.kit.web.app import create_api

TABLES = (
    "cases, steps, step_sms, outbox, event_archive, inbox, idempotency, rules, categories, departments, organisations,"
    " directory_version, directory_history, desk_feed, saved_views, classifier_models, classifier_refits,"
    " classifier_drift, audit_samples, staff"
)
DEPARTMENT = "sso-insurance"
CATEGORY = "sso-insurance.missing-record"


@dataclass
class Resources:
    """As routing's own."""

    keys: RoutingKeys
    models: Models


def staff(
    name: str, role: str = "officer", department: str | None = DEPARTMENT, province: str | None = None
) -> Principal:
    """A member of the staff."""
    title = f"{role} {name}"
    return Principal(
        "staff", name, roles=frozenset({role}), department_id=department, province=province, name=name, title=title
    )


OFFICER = staff("ann")
OTHER_OFFICER = staff("dora")
MANAGER = staff("bob", "manager")
CENTRE = staff("cyra", "centre", None)
PEOPLE = (OFFICER, OTHER_OFFICER, MANAGER, CENTRE)


@dataclass
class Routing:
    """``database`` is the service's own pool; ``sql`` a connection for looking."""

    http: httpx.AsyncClient
    database: Database
    sql: asyncpg.Connection
    mint: Mint
    keys: RoutingKeys
    events: CaseEvents
    models: Models

    def headers(self, principal: Principal) -> dict[str, str]:
        """The headers of a caller."""
        return {"Authorization": f"Bearer {self.mint.token(principal, 'routing')}"}

    async def file(self, *, at: datetime | None = None, citizen: UUID | None = None, **changes: Any) -> UUID:
        """Brings a ``case.registered``; the case's id."""
        event = self.registered(at=at, citizen=citizen, **changes)
        await self.hear(event)
        return UUID(event.subject)

    def registered(self, *, at: datetime | None = None, citizen: UUID | None = None, **changes: Any) -> CaseRegistered:
        """The event of a new case."""
        now = at or datetime.now(UTC)
        case_id = uuid7() if at is None else uuid7_at(at, Random())
        text = {
            "subject": changes.pop("subject", "کسری سابقه"),
            "body": changes.pop("body", "هشت ماه از سابقهٔ بیمهٔ من ثبت نشده است."),
        }
        data: dict[str, Any] = {
            "tracking_code": case_id.hex[-11:].upper(),
            "kind": "complaint",
            "channel": "app",
            "language": "fa",
            "registered_at": now,
            "citizen_id": citizen or uuid7(),
            "category_id": CATEGORY,
            "province": "IR-23",
            "reachable": True,
            "contact_sealed": "k1.AAAA",
            "text_sealed": seal(self.keys.text, orjson.dumps(text), b"text:" + str(case_id).encode()),
        }
        return new_event(
            CaseRegistered,
            subject=str(case_id),
            sequence=1,
            case_id=case_id,
            data=CaseRegisteredData(**{**data, **changes}),
        )

    async def hear(self, event: Event) -> None:
        """Handles an event as the consumer does, in a transaction."""
        async with self.database.transaction() as connection:
            await self.events.handle(connection, event)

    async def tell(self, person: Principal, *, version: int = 1, active: bool = True) -> None:
        """Brings a ``staff.changed`` about somebody as they are."""
        data = StaffChangedData(
            username=person.subject,
            roles=tuple(person.roles),
            department_id=person.department_id,
            province=person.province,
            active=active,
            version=version,
        )
        event = new_event(StaffChanged, subject=person.subject, sequence=version, data=data)
        async with self.database.transaction() as connection:
            await keep_staff(connection, event)

    async def get(self, principal: Principal, path: str, **params: Any) -> httpx.Response:
        """Reads something."""
        return await self.http.get(path, headers=self.headers(principal), params=params)

    async def send(self, principal: Principal, method: str, path: str, body: object = None, **headers: str) -> Any:
        """Sends JSON; the answer, whatever it is."""
        return await self.http.request(method, path, json=body, headers={**self.headers(principal), **headers})

    async def step(self, principal: Principal, case_id: UUID, type: str, **fields: Any) -> httpx.Response:
        """Takes a step on whatever version the case has; the answer, whatever it is."""
        body = {"type": type, **fields}
        answer: httpx.Response = await self.send(
            principal, "POST", f"/v1/desk/cases/{case_id}/steps", body, **{"If-Match": "*"}
        )
        return answer

    async def decided(self, case_id: UUID, outcome: str = "upheld", approver: Principal = MANAGER) -> None:
        """Accepts, decides and approves."""
        decision = {"outcome": outcome, "letter_body": "به درخواست شما رسیدگی شد."}
        assert (await self.step(OFFICER, case_id, "accept")).status_code == 200
        assert (await self.step(OFFICER, case_id, "decide", **decision)).status_code == 200
        assert (await self.step(approver, case_id, "approve")).status_code == 200

    async def case(self, case_id: UUID) -> asyncpg.Record:
        """The case's row."""
        return await self.sql.fetchrow("SELECT * FROM cases WHERE id = $1", case_id)

    async def told(self, case_id: UUID) -> list[str]:
        """The types of the events about the case, in the order they were written."""
        rows = await self.sql.fetch("SELECT type FROM outbox WHERE case_id = $1 ORDER BY id", case_id)
        return [row["type"] for row in rows]

    async def steps(self, case_id: UUID) -> list[asyncpg.Record]:
        """The case's steps, in order."""
        rows: list[asyncpg.Record] = await self.sql.fetch(
            "SELECT * FROM steps WHERE case_id = $1 ORDER BY at, id", case_id
        )
        return rows


@asynccontextmanager
async def running(dsn: str, keys_dir: Path) -> AsyncIterator[Routing]:
    """routing on a migrated database, emptied, its directory that of the taxonomy and the people above."""
    make_keys(keys_dir)
    connection = await asyncpg.connect(dsn)
    database = Database.connect(dsn, pool_size=4)
    try:
        await connection.execute(f"TRUNCATE {TABLES} CASCADE")
        await seed(database)
        routing = await _routing(connection, database, keys_dir)
        for person in PEOPLE:
            await routing.tell(person)
        yield routing
    finally:
        await database.close()
        await connection.close()


async def _routing(connection: asyncpg.Connection, database: Database, keys_dir: Path) -> Routing:
    keys = RoutingKeys.load(ServiceSettings(keys_dir=keys_dir))
    api = create_api("routing", routers=ROUTERS)
    api.state.database = database
    api.state.verifier = Verifier.load(keys_dir / "gateway-internal.pub.jwk", "routing")
    models = Models(LOCAL / "routing")
    await models.ensure_cold()
    api.state.resources = Resources(keys, models)
    mint = Mint.load(keys_dir / "gateway-internal.jwk")
    http = httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://routing")
    return Routing(http, database, connection, mint, keys, CaseEvents(keys, models), models)
