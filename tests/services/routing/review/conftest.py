"""routing's review and working group on a real database, with cases written by SQL: their counts come by themselves."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from deploy.local.fonts import FONTS
from deploy.local.keys import make_keys
from services.routing.group.api import router as group_router
from services.routing.review.api import router as review_router
from services.routing.review.closing import Reviewer
from services.routing.seed import seed
from services.routing.settings import RoutingSettings
from shared.kit.auth import Mint, Principal, Verifier
from shared.kit.db import Database
from shared.kit.ids import uuid7
from shared.kit.migrate import upgrade
from shared.kit.web.app import create_api
from shared.persian.calendar import month_bounds

CENTRE = Principal("staff", "centre", frozenset({"centre"}), title="مرکز")
GROUP = Principal("staff", "group", frozenset({"group"}), title="کارگروه صدای بی‌صدایان")


def manager(department_id: str) -> Principal:
    """The manager of a department."""
    return Principal("staff", f"manager.{department_id}", frozenset({"manager"}), department_id=department_id)


class Routing:
    """A client of routing, its database, and a hand that writes cases."""

    def __init__(self, http: httpx.AsyncClient, sql: asyncpg.Connection, database: Database, mint: Mint) -> None:
        self.http = http
        self.sql = sql
        self.database = database
        self.reviewer = Reviewer(database)
        self._mint = mint

    async def request(self, who: Principal, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer, whatever it is; a POST has an Idempotency-Key."""
        headers = {"Authorization": f"Bearer {self._mint.token(who, 'routing')}", **options.pop("headers", {})}
        if method == "POST":
            headers.setdefault("Idempotency-Key", str(uuid7()))
        return await self.http.request(method, path, headers=headers, **options)

    async def get(self, who: Principal, path: str, **options: Any) -> Any:
        """The JSON at a path."""
        return (await self.request(who, "GET", path, **options)).raise_for_status().json()

    async def cases(self, month: str, count: int, **columns: Any) -> list[UUID]:
        """So many cases filed in a Jalali month, a few minutes apart from its tenth day on."""
        begin = month_bounds(month)[0] + timedelta(days=9)
        ids = []
        for n in range(count):
            row = {
                "id": uuid7(),
                "tracking_code": str(uuid7()),
                "kind": "complaint",
                "channel": "app",
                "language": "fa",
                "citizen_id": uuid7(),
                "province": "IR-23",
                "reachable": True,
                "subject": "حقوق من را نداده‌اند",
                "body": "سه ماه است.",
                "folded": "",
                "spaceless": "",
                "registered_at": begin + timedelta(minutes=7 * n),
                "registered_event_id": uuid7(),
                "status": "assigned",
                "department_id": "labour-relations",
                "category_id": "labour-relations.unpaid-wages",
                "routing": "{}",
                "last_event_id": uuid7(),
                **columns,
            }
            places = ", ".join(f"${n}" for n in range(1, len(row) + 1))
            await self.sql.execute(f"INSERT INTO cases ({', '.join(row)}) VALUES ({places})", *row.values())
            ids.append(row["id"])
        return ids

    async def events(self, kind: str) -> list[asyncpg.Record]:
        """The outbox's events of a type, in order."""
        rows: list[asyncpg.Record] = await self.sql.fetch("SELECT * FROM outbox WHERE type = $1 ORDER BY id", kind)
        return rows


@pytest.fixture(scope="module")
def dsn(postgres_database: str) -> str:
    """A migrated database of routing."""
    upgrade("services.routing", postgres_database)
    return postgres_database


@pytest.fixture
async def routing(dsn: str, tmp_path: Path) -> AsyncIterator[Routing]:
    """routing with the taxonomy, without cases."""
    make_keys(tmp_path)
    sql = await asyncpg.connect(dsn)
    await sql.execute(
        "TRUNCATE cases, steps, outbox, idempotency, review_rollup, review_cells, review_deltas, reviews,"
        " review_findings, review_looks, review_notes, topics, topic_evidence, topic_decisions, topic_notices CASCADE"
    )
    database = Database.connect(dsn, pool_size=4)
    await seed(database)
    api = create_api("routing", routers=[review_router, group_router])
    api.state.database = database
    api.state.settings = RoutingSettings(fonts_dir=FONTS)
    api.state.verifier = Verifier.load(tmp_path / "gateway-internal.pub.jwk", "routing")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://routing") as http:
        yield Routing(http, sql, database, Mint.load(tmp_path / "gateway-internal.jwk"))
    await database.close()
    await sql.close()
