"""Files through the door: to the service that they are for, slowly if need be, and kept as far as they came."""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deploy.local.keys import make_keys
from gateway.identity.tokens import Login
from gateway.proxy.forward import Patience, make_client
from gateway.routes import ROUTES
from gateway.uploads import service_of
from shared.kit.auth import Principal
from shared.kit.db import Database
from shared.kit.sealing import KeyRing
from shared.kit.uploads import UPLOADS_DDL, FolderStore, Uploads
from shared.kit.web.problems import Problem
from tests.gateway.servers import Keys, Upstream, door, serving
from tests.shared.kit.chassis import until
from tests.shared.kit.uploads.server import files_api

PNG = b"\x89PNG\r\n\x1a\n"
CITIZEN = Principal("citizen", str(uuid4()), mob="k1.sealed")
REPORT = "purpose " + base64.b64encode(b"report").decode()
ID = "0" * 32


def staff(role: str) -> Principal:
    return Principal("staff", role, roles=frozenset({role}))


@pytest.mark.parametrize(
    ("caller", "method", "name", "metadata", "service"),
    [
        (CITIZEN, "POST", "", "", "intake"),
        (CITIZEN, "POST", "", REPORT, "integrity"),
        (CITIZEN, "POST", "", f"filename YQ==,{REPORT}", "integrity"),
        (CITIZEN, "POST", "", "purpose cmVwb3J0cw==", "intake"),
        (CITIZEN, "PATCH", ID, "", "intake"),
        (CITIZEN, "PATCH", ID, REPORT, "intake"),
        (CITIZEN, "PATCH", "r" + ID, "", "integrity"),
        (CITIZEN, "HEAD", "r" + ID, "", "integrity"),
        (CITIZEN, "DELETE", "r" + ID, "", "integrity"),
        (Principal("reporter", "1"), "POST", "", "", "integrity"),
        (Principal("reporter", "1"), "PATCH", ID, "", "integrity"),
        (staff("inspector"), "POST", "", "", "integrity"),
        (staff("supervisor"), "PATCH", "r" + ID, "", "integrity"),
        (staff("operator"), "POST", "", REPORT, "intake"),
        (Principal("partner", "p"), "POST", "", REPORT, "intake"),
    ],
)
def test_the_service_is_chosen_by_who_sends_and_for_what(
    caller: Principal, method: str, name: str, metadata: str, service: str
) -> None:
    headers = [(b"upload-metadata", metadata.encode())] if metadata else []
    scope = {"method": method, "path": f"/v1/uploads/{name}".rstrip("/"), "headers": headers}
    assert service_of(caller, scope) == service


def test_metadata_that_are_none_are_refused_before_anything_goes_on() -> None:
    scope = {"method": "POST", "path": "/v1/uploads", "headers": [(b"upload-metadata", b"purpose \xff")]}
    with pytest.raises(Problem, match="upload-header-invalid"):
        service_of(CITIZEN, scope)


class Counting:
    """ASGI: counts the bytes of bodies that an application has been given."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.given = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted() -> Message:
            message = await receive()
            self.given += len(message.get("body", b""))
            return message

        await self._app(scope, counted, send)


@dataclass
class Setup:
    """A door, real uploads behind it, and a stand-in for integrity."""

    http: httpx.AsyncClient
    integrity: Upstream
    headers: dict[str, str]
    sql: asyncpg.Connection
    counting: "Counting"

    async def create(self, length: int) -> str:
        answer = await self.http.post("/v1/uploads", headers={**self.headers, "Upload-Length": str(length)})
        assert answer.status_code == 201, answer.text
        return str(answer.headers["location"])

    def at(self, offset: int) -> dict[str, str]:
        piece = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        return {**self.headers, **piece}


@pytest.fixture
async def setup(postgres_database: str, tmp_path: Path) -> AsyncIterator[Setup]:
    make_keys(tmp_path)
    sql = await asyncpg.connect(postgres_database)
    await sql.execute("DROP TABLE IF EXISTS uploads")
    await sql.execute(UPLOADS_DDL)
    database = Database.connect(postgres_database, pool_size=4)
    uploads = Uploads(database, FolderStore(tmp_path / "store"), KeyRing.load(tmp_path / "uploads.json"))
    keys, integrity = Keys(), Upstream()
    api = files_api(uploads, tmp_path)
    api.state.verifier = keys.verifier("intake")
    token = keys.tokens()
    counting = Counting(api)
    async with serving(counting) as files, serving(integrity) as reports, make_client(4) as client:
        upstreams = {"intake": files, "integrity": reports, "routing": files, "letters": files}
        patience = Patience(service=5.0, client=0.5)
        gateway = door(keys, upstreams, client, tokens=token, patience=patience, routes=ROUTES)
        async with (
            serving(gateway) as url,
            httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as http,
        ):
            headers = {"Authorization": f"Bearer {token.issue(Login(CITIZEN, uuid4()))}", "Tus-Resumable": "1.0.0"}
            yield Setup(http, integrity, headers, sql, counting)
    await database.close()
    await sql.close()


async def test_tus_is_spoken_through_the_door(setup: Setup) -> None:
    offer = await setup.http.options("/v1/uploads")
    assert (offer.status_code, offer.headers["tus-version"]) == (204, "1.0.0")
    assert "sha256" in offer.headers["tus-checksum-algorithm"]
    content = PNG + bytes(range(256)) * 4096
    path = await setup.create(len(content))
    answer = await setup.http.patch(path, headers=setup.at(0), content=content[:700_000])
    assert (answer.status_code, answer.headers["upload-offset"]) == (204, "700000")
    wrong = await setup.http.patch(path, headers=setup.at(5), content=content[:300_000])
    assert (wrong.status_code, wrong.headers["upload-offset"]) == (409, "700000")
    head = await setup.http.head(path, headers=setup.headers)
    assert head.status_code == 200
    assert (head.headers["upload-offset"], head.headers["upload-length"]) == ("700000", str(len(content)))
    assert head.headers["tus-resumable"] == "1.0.0"
    assert (await setup.http.patch(path, headers=setup.at(700_000), content=content[700_000:])).status_code == 204
    assert (await setup.http.delete(path, headers=setup.headers)).status_code == 204
    assert (await setup.http.head(path, headers=setup.headers)).status_code == 404
    assert (await setup.http.head(path)).status_code == 401
    for method in ("GET", "PUT", "POST"):
        refused = await setup.http.request(method, path, headers=setup.headers)
        assert refused.status_code == 405
        assert {"HEAD", "PATCH", "DELETE", "OPTIONS"} == set(refused.headers["allow"].split(", "))


async def test_a_slow_upload_that_lives_is_not_cut(setup: Setup) -> None:
    path = await setup.create(28)

    async def drip() -> AsyncIterator[bytes]:
        for at in range(0, 28, 4):
            yield (PNG + bytes(20))[at : at + 4]
            await asyncio.sleep(0.2)

    answer = await setup.http.patch(path, headers=setup.at(0), content=drip())
    assert (answer.status_code, answer.headers["upload-offset"]) == (204, "28"), "1.4 s, with 0.5 s of patience a piece"


@pytest.mark.parametrize("way", ["stalls", "leaves"])
@pytest.mark.parametrize("announced", [True, False])
async def test_what_came_before_the_line_broke_is_kept(setup: Setup, way: str, announced: bool) -> None:
    path = await setup.create(60_000)
    host, port = setup.http.base_url.host, setup.http.base_url.port
    reader, writer = await asyncio.open_connection(host, port)
    size = b"Content-Length: 60000" if announced else b"Transfer-Encoding: chunked"
    fields = [f"{name}: {value}".encode() for name, value in setup.at(0).items()]
    writer.write(b"\r\n".join([b"PATCH " + path.encode() + b" HTTP/1.1", b"Host: x", size, *fields, b"", b""]))
    piece = PNG + bytes(29_992)
    writer.write(piece if announced else b"%x\r\n%b\r\n" % (len(piece), piece))
    await writer.drain()
    await until(lambda: setup.counting.given == len(piece), "the piece at the service")
    if way == "stalls":
        assert b" 408 " in await reader.readline()
    writer.close()
    await writer.wait_closed()

    async def kept() -> bool:
        return bool(await setup.sql.fetchval("SELECT received = 30000 FROM uploads"))

    await until(kept, "what came")
    answer = await setup.http.patch(path, headers=setup.at(30_000), content=bytes(30_000))
    assert answer.status_code == 204


async def test_a_file_for_a_report_reaches_integrity_alone(setup: Setup) -> None:
    headers = {**setup.headers, "Upload-Length": "10", "Upload-Metadata": REPORT}
    assert (await setup.http.post("/v1/uploads", headers=headers)).status_code == 200
    await setup.http.patch("/v1/uploads/r" + ID, headers=setup.at(0), content=PNG)
    assert [asked["method"] for asked in setup.integrity.asked] == ["POST", "PATCH"]
    assert await setup.sql.fetchval("SELECT count(*) FROM uploads") == 0


async def test_an_answer_that_begins_before_the_body_has_ended_comes_whole(setup: Setup) -> None:
    async def hasty(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 412, "headers": [(b"content-length", b"4")]})
        message = await receive()
        await send({"type": "http.response.body", "body": message.get("body") or b"????"})

    setup.integrity.behaviours["r" + ID] = hasty
    reader, writer = await asyncio.open_connection(setup.http.base_url.host, setup.http.base_url.port)
    fields = [f"{name}: {value}".encode() for name, value in setup.at(0).items()]
    target = b"PATCH /v1/uploads/r" + ID.encode() + b" HTTP/1.1"
    writer.write(b"\r\n".join([target, b"Host: x", b"Content-Length: 8", *fields, b"", b"1234"]))
    assert b" 412 " in await reader.readuntil(b"\r\n\r\n")
    writer.write(b"5678")
    assert await reader.readexactly(4) == b"5678"
    writer.close()
    await writer.wait_closed()
