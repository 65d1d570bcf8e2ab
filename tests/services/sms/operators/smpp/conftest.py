"""A simulator in this process, a scripted SMSC for what the simulator never does, and our operator to talk to them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from deploy.smsc.server import Smsc
from deploy.smsc.settings import SmscSettings
from services.sms.operators.port import Inbound, Report
from services.sms.operators.smpp.adapter import Originator, SmppOperator
from services.sms.operators.smpp.link import Link
from services.sms.operators.smpp.pdu import BindTransceiver, BindTransceiverResp, Pdu, Unbind, UnbindResp
from services.sms.operators.smpp.session import SmppSettings
from services.sms.operators.smpp.wire import Tlvs

PASSWORD = "secret1"
PATIENCE = 20.0


async def until(condition: Callable[[], bool]) -> None:
    """Returns when ``condition`` holds; fails if it does not within the patience of these tests."""
    for _ in range(int(PATIENCE / 0.005)):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come to that")


@dataclass
class Client:
    """Our operator and what it was brought."""

    operator: SmppOperator
    task: asyncio.Task[None]
    reports: list[Report] = field(default_factory=list)
    inbound: list[Inbound] = field(default_factory=list)

    async def stop(self) -> None:
        """Cancels ``run`` and waits for its end."""
        self.task.cancel()
        await asyncio.wait([self.task], timeout=PATIENCE)
        assert self.task.cancelled()


@asynccontextmanager
async def connected(
    port: int,
    *,
    on_report: Callable[[Report], Awaitable[None]] | None = None,
    wait: bool = True,
    password: str = PASSWORD,
    response_timeout: float = 5.0,
    keepalive: float = 30.0,
    window: int = 10,
) -> AsyncIterator[Client]:
    """Our operator with an SMSC on ``port``, bound unless ``wait`` is False; impatient, as suits tests."""
    settings = SmppSettings(
        "127.0.0.1",
        port,
        "seda",
        password,
        window=window,
        response_timeout=response_timeout,
        keepalive=keepalive,
        reconnect_first=0.02,
        reconnect_most=0.2,
        throttle_first=0.02,
        throttle_most=0.2,
    )
    reports: list[Report] = []
    inbound: list[Inbound] = []

    async def keep_report(report: Report) -> None:
        if on_report is not None:
            await on_report(report)
        reports.append(report)

    async def keep_inbound(text: Inbound) -> None:
        inbound.append(text)

    operator = SmppOperator(settings, Originator("30001000", npi=1), on_report=keep_report, on_inbound=keep_inbound)
    client = Client(operator, asyncio.create_task(operator.run()), reports, inbound)
    try:
        if wait:
            async with asyncio.timeout(PATIENCE):
                await operator.wait_ready()
        yield client
    finally:
        if not client.task.done():
            await client.stop()


@dataclass
class Simulator:
    """The simulator and the port it listens on."""

    smsc: Smsc
    port: int

    def texts(self, number: str) -> list[str]:
        """What the phone shows."""
        return [text.text for text in self.smsc.store.texts(number)]


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A simulator that answers at once and reports soon."""
    listening = socket.create_server(("127.0.0.1", 0))
    smsc = Smsc(SmscSettings(password=SecretStr(PASSWORD), receipt_delay=0.02))
    await smsc.start(listening)
    yield Simulator(smsc, listening.getsockname()[1])
    await smsc.stop()


class Scripted:
    """An SMSC that binds and unbinds whoever comes, keeps what it is sent, and does nothing else by itself."""

    def __init__(self, abilities: Tlvs) -> None:
        self.links: list[Link] = []
        self.received: list[Pdu] = []
        self.lost = 0
        self._abilities = abilities

    def accept(self) -> Link:
        """A connection more."""
        return Link(self._take, self._lose)

    @property
    def link(self) -> Link:
        """The last connection that was bound."""
        return self.links[-1]

    def got(self, kind: type) -> list[Pdu]:
        """What came of one kind."""
        return [pdu for pdu in self.received if isinstance(pdu.body, kind)]

    def _take(self, link: Link, pdu: Pdu) -> None:
        if isinstance(pdu.body, BindTransceiver):
            self.links.append(link)
            link.send(Pdu(pdu.sequence, BindTransceiverResp("SCRIPT", self._abilities)))
        else:
            self.received.append(pdu)
            if isinstance(pdu.body, Unbind):
                link.send(Pdu(pdu.sequence, UnbindResp()))

    def _lose(self, _: Link) -> None:
        self.lost += 1


@asynccontextmanager
async def scripted(abilities: Tlvs = ()) -> AsyncIterator[tuple[Scripted, int]]:
    """A scripted SMSC and its port."""
    smsc = Scripted(abilities)
    server = await asyncio.get_running_loop().create_server(smsc.accept, "127.0.0.1", 0)
    yield smsc, server.sockets[0].getsockname()[1]
    server.close()
    for link in smsc.links:
        link.abort()
