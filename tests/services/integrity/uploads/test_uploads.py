"""Files for reports: whoever may send them, claimed as they came, and never under a name."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pytest

from deploy.local.keys import make_keys
from services.integrity.settings import IntegritySettings
from services.integrity.uploads import MARK, make_uploads, router
from shared.kit.auth import Mint, Principal, Verifier
from shared.kit.db import Database
from shared.kit.migrate import upgrade
from shared.kit.uploads import Uploads, install_uploads, owner_of
from shared.kit.web.app import create_api

PDF = b"%PDF-1.7\n" + b"CANARY" * 100


@dataclass
class Integrity:
    """A client of integrity's uploads, and what lies behind them."""

    http: httpx.AsyncClient
    database: Database
    uploads: Uploads
    sql: asyncpg.Connection
    mint: Mint

    async def send(self, caller: Principal) -> httpx.Response:
        """A whole file."""
        headers = {
            "Authorization": f"Bearer {self.mint.token(caller, 'integrity')}",
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(len(PDF)),
            "Content-Type": "application/offset+octet-stream",
        }
        return await self.http.post("/v1/uploads", content=PDF, headers=headers)


@pytest.fixture(scope="module")
def dsn(postgres_database: str) -> str:
    """A migrated database of integrity."""
    upgrade("services.integrity", postgres_database)
    return postgres_database


@pytest.fixture
async def integrity(dsn: str, tmp_path: Path) -> AsyncIterator[Integrity]:
    """integrity, with no uploads yet."""
    make_keys(tmp_path)
    database = Database.connect(dsn, pool_size=4)
    uploads = make_uploads(IntegritySettings(keys_dir=tmp_path, uploads_dir=tmp_path / "uploads"), database)
    api = create_api("integrity", routers=[router])
    api.state.verifier = Verifier.load(tmp_path / "gateway-internal.pub.jwk", "integrity")
    install_uploads(api, uploads)
    sql = await asyncpg.connect(dsn)
    await sql.execute("TRUNCATE uploads")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://integrity") as http:
        yield Integrity(http, database, uploads, sql, Mint.load(tmp_path / "gateway-internal.jwk"))
    await database.close()
    await sql.close()


CALLERS = [
    (Principal("reporter", "12345678"), 201),
    (Principal("citizen", "7c9e6679-7425-40de-944b-e07fc1f90ae7"), 201),
    (Principal("staff", "inspector.tehran", roles=frozenset({"inspector"})), 201),
    (Principal("staff", "supervisor", roles=frozenset({"supervisor"})), 201),
    (Principal("staff", "officer", roles=frozenset({"officer"})), 403),
    (Principal("staff", "admin", roles=frozenset({"admin"})), 403),
    (Principal("partner", "sandbox", scopes=frozenset({"cases:write"})), 403),
    (Principal("public", "public"), 401),
]


@pytest.mark.parametrize(("caller", "status"), CALLERS, ids=[f"{c.kind}-{c.subject}" for c, _ in CALLERS])
async def test_who_may_send_and_claim_and_that_no_row_tells_who(
    integrity: Integrity, caller: Principal, status: int, tmp_path: Path
) -> None:
    answer = await integrity.send(caller)
    assert answer.status_code == status
    rows = [row["row"] for row in await integrity.sql.fetch("SELECT uploads::text AS row FROM uploads")]
    if status != 201:
        assert rows == []
        assert not (tmp_path / "uploads").exists()
        return
    name = answer.headers["location"].rpartition("/")[2]
    assert name.startswith(MARK), "by which the gateway finds its service again"
    assert len(rows) == 1
    assert caller.subject not in rows[0]
    stored = b"".join(place.read_bytes() for place in (tmp_path / "uploads").rglob("*") if place.is_file())
    assert len(stored) > len(PDF)
    assert b"CANARY" not in stored
    async with integrity.database.transaction() as connection:
        (file,) = await integrity.uploads.claim(connection, [name], owner_of(caller))
        assert (file.media_type, await file.read()) == ("application/pdf", PDF), "the original, as evidence"
