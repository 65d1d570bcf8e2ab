"""Uploads on a real PostgreSQL and a real folder, and the service of them in this process."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from deploy.local.keys import make_keys
from shared.kit.auth import Mint, Principal
from shared.kit.db import Database
from shared.kit.sealing import KeyRing
from shared.kit.uploads import UPLOADS_DDL, FolderStore, Limits, Uploads, install_uploads
from shared.kit.uploads.service import Prepare
from tests.shared.kit.uploads.server import SERVICE, files_api

PNG = b"\x89PNG\r\n\x1a\n"
OWNER = "citizen:somebody"


@dataclass
class Files:
    """What a test holds in its hands."""

    http: httpx.AsyncClient
    database: Database
    sql: asyncpg.Connection
    uploads: Uploads
    folder: Path
    keys: Path
    mint: Mint
    api: FastAPI

    def uploads_with(self, prepare: Prepare) -> Uploads:
        """The same uploads, prepared so, in the service, too."""
        ring = KeyRing.load(self.keys / "uploads.json")
        uploads = Uploads(self.database, FolderStore(self.folder), ring, prepare=prepare)
        install_uploads(self.api, uploads)
        return uploads

    def caller(self, subject: str = "somebody", kind: str = "citizen", **more: str) -> dict[str, str]:
        """The headers of a caller who speaks tus."""
        principal = Principal("citizen" if kind == "citizen" else "partner", subject)
        return {
            "Authorization": f"Bearer {self.mint.token(principal, SERVICE)}",
            "Tus-Resumable": "1.0.0",
            **more,
        }

    async def create(self, length: int, **more: str) -> str:
        """A new upload's path."""
        headers = self.caller(**{"Upload-Length": str(length), **more})
        answer = await self.http.post("/v1/uploads", headers=headers)
        assert answer.status_code == 201, answer.text
        return str(answer.headers["location"])

    async def patch(self, path: str, offset: int, body: bytes, **more: str) -> httpx.Response:
        """A piece of a file."""
        headers = self.caller(
            **{"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream", **more}
        )
        return await self.http.patch(path, content=body, headers=headers)

    async def offset(self, path: str) -> int:
        """How far it has come."""
        answer = await self.http.head(path, headers=self.caller())
        assert answer.status_code == 200
        return int(answer.headers["upload-offset"])

    async def claimed(self, path: str, owner: str = OWNER) -> bytes:
        """The file, claimed."""
        async with self.database.transaction() as connection:
            (file,) = await self.uploads.claim(connection, [path.rpartition("/")[2]], owner)
            return await file.read()

    def on_disk(self) -> bytes:
        """All that lies in the store."""
        return b"".join(place.read_bytes() for place in self.folder.rglob("*") if place.is_file())


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys."""
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder)
    return folder


@pytest.fixture(scope="module")
def dsn(postgres_database: str) -> str:
    """The DSN of the module's database."""
    return postgres_database


@pytest.fixture
async def files(dsn: str, keys: Path, tmp_path: Path) -> AsyncIterator[Files]:
    """Uploads, none yet."""
    sql = await asyncpg.connect(dsn)
    await sql.execute("DROP TABLE IF EXISTS uploads")
    await sql.execute(UPLOADS_DDL)
    database = Database.connect(dsn, pool_size=8)
    folder = tmp_path / "store"
    limits = Limits(file_bytes=8 * 1024 * 1024, count=4, bytes=16 * 1024 * 1024)
    uploads = Uploads(database, FolderStore(folder), KeyRing.load(keys / "uploads.json"), limits=limits)
    api = files_api(uploads, keys)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://files") as http:
        yield Files(http, database, sql, uploads, folder, keys, Mint.load(keys / "gateway-internal.jwk"), api)
    await database.close()
    await sql.close()
