"""A simulator in this process, and a raw client that knows nothing but bytes."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from deploy.smsc.server import Smsc
from deploy.smsc.settings import SmscSettings
from deploy.smsc.web import create_app
from services.sms.operators.smpp.pdu import Body, Pdu, decode, encode
from tests.services.sms.operators.smpp import vectors

PATIENCE = 20.0


@dataclass
class RawClient:
    """One connection; ``ask`` waits for the next PDU that comes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, octets: bytes | str) -> Pdu:
        """Sends bytes (or their hexadecimal) and reads one PDU."""
        self.writer.write(bytes.fromhex(octets) if isinstance(octets, str) else octets)
        return await self.read()

    async def read(self) -> Pdu:
        """The next PDU."""
        async with asyncio.timeout(PATIENCE):
            head = await self.reader.readexactly(4)
            return decode(head + await self.reader.readexactly(int.from_bytes(head) - 4))

    async def bind(self) -> None:
        """Binds with the bytes of another implementation."""
        assert (await self.ask(vectors.SMPPLIB_BIND)).status == 0

    def answer(self, request: Pdu, body: Body, status: int = 0) -> None:
        """Sends the response to ``request``."""
        self.writer.write(encode(Pdu(request.sequence, body, status)))

    async def ended(self) -> bool:
        """Whether the other end hung up."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read(1) == b""
            except ConnectionResetError:
                return True


@dataclass
class Simulator:
    """A running simulator with its HTTP side."""

    smsc: Smsc
    port: int
    http: httpx.AsyncClient
    clients: list[RawClient] = field(default_factory=list)

    async def client(self) -> RawClient:
        """A new connection."""
        self.clients.append(RawClient(*await asyncio.open_connection("127.0.0.1", self.port)))
        return self.clients[-1]

    async def stop(self) -> None:
        """Ends as a crash would."""
        await self.smsc.stop()
        await self.http.aclose()
        for client in self.clients:
            client.writer.close()

    async def texts(self, number: str) -> list[str]:
        """What the phone shows over HTTP."""
        answer = await self.http.get(f"/phones/{number}/messages")
        assert answer.status_code == 200
        return [item["text"] for item in answer.json()["items"]]


Start = Callable[[], Awaitable[Simulator]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts simulators one after the other on the same journal; each ends as a crash would."""
    running: list[Simulator] = []

    async def stop_all() -> None:
        while running:
            await running.pop().stop()

    async def start_one() -> Simulator:
        await stop_all()
        listening = socket.create_server(("127.0.0.1", 0))
        settings = SmscSettings(password=SecretStr("secret1"), receipt_delay=0, journal=tmp_path / "journal")
        smsc = Smsc(settings)
        await smsc.start(listening)
        http = httpx.AsyncClient(transport=httpx.ASGITransport(create_app(smsc)), base_url="http://phones")
        running.append(Simulator(smsc, listening.getsockname()[1], http))
        return running[-1]

    yield start_one
    await stop_all()


@pytest.fixture
async def simulator(start: Start) -> Simulator:
    """One simulator."""
    return await start()
