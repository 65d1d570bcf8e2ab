"""integrity's API in this process on a real PostgreSQL, with people who hold keys, and reports to work on."""

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import httpx

from services.integrity.app import SERVICE
from services.integrity.box.api import router as box_router
from services.integrity.custody.api import router as custody_router
from services.integrity.filing.api import router as filing_router
from services.integrity.holders.api import router as holders_router
from services.integrity.inspect.device import OpenedReport
from services.integrity.inspection.api import router as inspection_router
from services.integrity.inspection.summary import router as summary_router
from services.integrity.reports.manifest import manifest, moving
from services.integrity.sealing.age import SecretKey
from services.integrity.settings import IntegritySettings
from services.integrity.uploads import router as uploads_router
from shared.kit.auth import Mint, Principal, Verifier
from shared.kit.db import Database
from shared.kit.uploads import install_uploads
from shared.kit.web.app import create_api

ROUTERS = [filing_router, box_router, holders_router, inspection_router, summary_router, custody_router, uploads_router]
REPORT: dict[str, Any] = {
    "mode": "anonymous",
    "organisation_id": "sso",
    "province": "IR-23",
    "subject": "رشوه در شعبه",
    "narrative": "کارشناس شعبه برای ثبت سابقه پول خواست و گرفت.",
}


@dataclass
class Person:
    """Somebody with a login and a key on their own device."""

    username: str
    headers: dict[str, str]
    key: SecretKey = field(default_factory=SecretKey.generate, repr=False)


class Offices:
    """A client of integrity, its database, and everybody who calls."""

    def __init__(self, http: httpx.AsyncClient, admin: asyncpg.Connection, database: Database, mint: Mint) -> None:
        self.http = http
        self.admin = admin
        self.database = database
        self._mint = mint

    def caller(self, principal: Principal) -> dict[str, str]:
        """The headers of anybody."""
        return {"Authorization": f"Bearer {self._mint.token(principal, 'integrity')}"}

    def staff(self, username: str, role: str, **more: Any) -> Person:
        """A member of staff, with no key registered."""
        principal = Principal("staff", username, roles=frozenset({role}), **more)
        return Person(username, self.caller(principal))

    async def holder(self, username: str, role: str, **more: Any) -> Person:
        """A member of staff who registered a key."""
        person = self.staff(username, role, **more)
        await self.register(person)
        return person

    async def register(self, person: Person) -> None:
        """Registers the key that the person has now."""
        body = {"recipient": person.key.recipient}
        answer = await self.http.put("/v1/inspect/keys/me", json=body, headers=person.headers)
        assert answer.status_code == 200, answer.text

    async def file(self, **changes: Any) -> dict[str, Any]:
        """Files a report; what was answered, and its ``id``."""
        headers = {**self.caller(Principal("public", "nobody")), "Idempotency-Key": str(uuid.uuid4())}
        answer = await self.http.post("/v1/reports", json={**REPORT, **changes}, headers=headers)
        assert answer.status_code == 201, answer.text
        filed: dict[str, Any] = answer.json()
        query = "SELECT id::text FROM reports WHERE report_no = $1"
        return {**filed, "id": await self.admin.fetchval(query, filed["report_no"])}

    async def reporter(self, filed: dict[str, Any]) -> dict[str, str]:
        """The headers of whoever filed a report, by their receipt code."""
        body = {"receipt_code": filed["receipt_code"]}
        headers = self.caller(Principal("public", "nobody"))
        opened = (await self.http.post("/v1/reports/session", json=body, headers=headers)).json()
        return self.caller(Principal("reporter", opened["report_id"], box=opened["box"]))

    async def read(self, person: Person, report_id: str) -> OpenedReport:
        """A report, opened on that person's device."""
        answer = await self.http.get(f"/v1/inspect/reports/{report_id}", headers=person.headers)
        assert answer.status_code == 200, answer.text
        return OpenedReport.of(answer.json(), person.key)

    async def try_step(self, person: Person, report_id: str, if_match: str | None = "*", **step: Any) -> httpx.Response:
        """A step, whatever is answered."""
        headers = person.headers if if_match is None else {**person.headers, "If-Match": if_match}
        return await self.http.post(f"/v1/inspect/reports/{report_id}/steps", json=step, headers=headers)

    async def step(self, person: Person, report_id: str, **step: Any) -> dict[str, Any]:
        """A step that is taken; the report after it."""
        answer = await self.try_step(person, report_id, **step)
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    async def upload(self, person: Person, content: bytes) -> str:
        """A file on its way; its id."""
        headers = {
            **person.headers,
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(len(content)),
            "Content-Type": "application/offset+octet-stream",
        }
        answer = await self.http.post("/v1/uploads", content=content, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"].rpartition("/")[2]

    async def steps(self, report_id: str, *types: str) -> list[asyncpg.Record]:
        """The report's steps (of those types) as they stand in the database."""
        query = "SELECT * FROM report_steps WHERE report_id = $1 ORDER BY seq"
        rows = await self.admin.fetch(query, uuid.UUID(report_id))
        return [row for row in rows if not types or row["type"] in types]


async def check_manifests(admin: asyncpg.Connection) -> int:
    """Asserts that each step's leaf covers the rows that the step brought, as they stand; how many steps there are."""
    tables = ("grants", "recovery_shares", "identity_shares", "report_files", "report_epochs", "report_exclusions")
    brought = {name: [Record(row) for row in await admin.fetch(f"SELECT * FROM {name}")] for name in tables}
    reports = {row["id"]: Record(row) for row in await admin.fetch("SELECT * FROM reports")}
    steps = [Record(row) for row in await admin.fetch("SELECT * FROM report_steps ORDER BY report_id, seq")]
    for step in steps:
        of = {
            name: [row for row in rows if (row.report_id, row.seq) == (step.report_id, step.seq)]
            for name, rows in brought.items()
        }
        step.data = json.loads(step.data)
        covered = manifest(
            step,
            grants=of["grants"],
            revoked={
                row.holder
                for row in brought["grants"]
                if (row.report_id, row.revoked_seq) == (step.report_id, step.seq)
            },
            recovery=of["recovery_shares"],
            identity=of["identity_shares"],
            files=of["report_files"],
            epochs=of["report_epochs"],
            excluded=of["report_exclusions"],
            report=reports[step.report_id] if step.seq == 1 else None,
            left=moving(vars(report)) if (report := reports[step.report_id]).seq == step.seq else _left(step),
        )
        leaf = json.loads(await admin.fetchval("SELECT leaf FROM log_leaves WHERE hash = $1", step.leaf))
        assert leaf["ciphertext_sha256"] == sha256(covered).hexdigest(), (step.type, step.seq)
    return len(steps)


def _left(step: Any) -> Any:
    """What an earlier step left of the report's row is nowhere else than in its manifest."""
    return json.loads(step.manifest)["left"]


class Record(SimpleNamespace):
    """A row whose columns are attributes."""

    def __init__(self, row: asyncpg.Record) -> None:
        super().__init__(**dict(row))


@asynccontextmanager
async def offices(dsn: str, folder: Path, **settings: Any) -> AsyncIterator[Offices]:
    """integrity in this process. Its log has no sequencer: leaves are recorded and wait."""
    chosen = IntegritySettings(
        keys_dir=folder,
        receipt_seconds=0,
        uploads_dir=folder / "uploads",
        evidence_dir=folder / "evidence",
        **settings,
    )
    admin = await asyncpg.connect(dsn)
    database = Database.connect(dsn, pool_size=4)
    try:
        async with SERVICE.resources(chosen, database) as resources:
            api = create_api("integrity", routers=ROUTERS)
            api.state.database = database
            api.state.settings = chosen
            api.state.verifier = Verifier.load(folder / "gateway-internal.pub.jwk", "integrity")
            api.state.resources = resources
            install_uploads(api, resources.uploads)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://integrity") as http:
                yield Offices(http, admin, database, Mint.load(folder / "gateway-internal.jwk"))
    finally:
        await database.close()
        await admin.close()
