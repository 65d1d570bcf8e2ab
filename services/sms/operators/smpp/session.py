"""Our SMPP session: one connection kept bound, a window of unanswered requests, and nothing ever sent twice.

A request ends in one of three ways, and the caller can tell which: a response came (whatever its status); it never left
us (``NeverSent``); it left us and no response came (``NoAnswer``), so that nobody knows whether it was taken.
"""

import asyncio
import heapq
import itertools
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from services.sms.operators.smpp.constants import INTERFACE_VERSION, Status, Tag, status_name
from services.sms.operators.smpp.link import Link
from services.sms.operators.smpp.pdu import (
    BindTransceiver,
    BindTransceiverResp,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Pdu,
    QuerySm,
    SubmitSm,
    Unbind,
    UnbindResp,
)
from services.sms.operators.smpp.wire import PduError, tlv
from shared.kit.telemetry import log

SLOW_DOWN = frozenset({Status.ESME_RTHROTTLED, Status.ESME_RMSGQFUL})
"""What an SMSC answers when we are too fast; the whole session then pauses."""


class NeverSent(Exception):
    """The request did not leave us: it may be made again without asking."""


class NoAnswer(Exception):
    """The request left us and its answer did not come."""


@dataclass(frozen=True, slots=True)
class SmppSettings:
    """How an SMSC is reached and how hard it may be pressed; times in seconds."""

    host: str
    port: int
    system_id: str
    password: str = field(repr=False)
    system_type: str = ""
    window: int = 10
    incoming: int = 200
    connect_timeout: float = 5.0
    response_timeout: float = 10.0
    keepalive: float = 30.0
    reconnect_first: float = 0.2
    reconnect_most: float = 30.0
    throttle_first: float = 0.25
    throttle_most: float = 8.0


_STABLE_SECONDS = 10.0
"""A session that was bound for so long may be tried again at once when it is lost."""
_LATE_KEPT = 1_000

_jitter = random.SystemRandom()

Request = SubmitSm | QuerySm


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A request without a response; those of the session itself take no place in the window."""

    answer: asyncio.Future[Pdu]
    timer: asyncio.TimerHandle
    name: str
    in_window: bool


class _BindRefused(Exception):
    """The SMSC answered the bind with an error."""

    def __init__(self, status: int) -> None:
        super().__init__(status_name(status))
        self.status = status


class SmppSession:
    """``run`` it as a task; ``request`` while it is ``bound``.

    ``on_deliver`` gets each deliver_sm, and the SMSC is told that we have it when it returns; if it raises, the SMSC is
    told to bring the message again (or, for a PduError, its status). ``on_late`` gets the name of a
    request that ended in ``NoAnswer`` and the response that came after all.
    """

    def __init__(
        self,
        settings: SmppSettings,
        *,
        on_deliver: Callable[[DeliverSm], Awaitable[None]],
        on_late: Callable[[str, Pdu], None],
    ) -> None:
        self._settings = settings
        self._on_deliver = on_deliver
        self._on_late = on_late
        self._link: Link | None = None
        self._lost = asyncio.Event()
        self._bound = asyncio.Event()
        self._leaving = False
        self._sequence = itertools.count(1)
        self._order = itertools.count()
        self._queue: list[tuple[int, int, str, Request, asyncio.Future[Pdu]]] = []
        self._unanswered: dict[int, _Waiting] = {}
        self._expired: OrderedDict[int, str] = OrderedDict()
        self._used = 0
        self._paused_until = 0.0
        self._pauses = 0
        self._resume: asyncio.TimerHandle | None = None
        self._handling: set[asyncio.Task[None]] = set()
        self.knows_client_ids = False
        """Whether the SMSC, as bound now, keeps and finds messages by our own ids."""

    @property
    def bound(self) -> bool:
        """Whether requests leave now; for readiness."""
        return self._bound.is_set()

    @property
    def pause(self) -> float:
        """Seconds that the SMSC's throttling keeps us from submitting, 0 if it does not."""
        return max(0.0, self._paused_until - asyncio.get_running_loop().time())

    async def wait_bound(self) -> None:
        """Returns when the session is bound."""
        await self._bound.wait()

    def request(self, body: Request, priority: int = 0, name: str = "") -> asyncio.Future[Pdu]:
        """Puts a request in line: lower ``priority`` first, else in the order of the calls.

        The future gives the response PDU of any status, or raises ``NeverSent`` or ``NoAnswer`` (or ValueError for a
        body that cannot be encoded). Cancelled before its turn, the request is not sent. ``name`` is for ``on_late``.
        """
        answer: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        if not self.bound:
            answer.set_exception(NeverSent("not bound"))
            return answer
        heapq.heappush(self._queue, (priority, next(self._order), name, body, answer))
        self._pump()
        return answer

    async def run(self) -> None:
        """Keeps the session bound until cancelled, then lets what is under way finish, unbinds and closes."""
        loop = asyncio.get_running_loop()
        self._leaving = False
        tries = 0
        while True:
            began = loop.time()
            try:
                await self._connection()
            except (OSError, TimeoutError, _BindRefused, NoAnswer, NeverSent) as error:
                status = error.status if isinstance(error, _BindRefused) else None
                log.warning("smpp_not_bound", error=type(error).__name__, smpp_status=status)
            tries = 0 if loop.time() - began > _STABLE_SECONDS else tries + 1
            most = doubled(self._settings.reconnect_first, tries, self._settings.reconnect_most)
            # Full jitter: workers that lost the SMSC together must not come back together.
            await asyncio.sleep(_jitter.uniform(0.1, 1.0) * most)

    async def _connection(self) -> None:
        """One connection, from connect to loss; raises if it never was bound."""
        self._lost.clear()
        link = self._link = Link(self._received, self._disconnected)
        try:
            async with asyncio.timeout(self._settings.connect_timeout):
                await asyncio.get_running_loop().create_connection(
                    lambda: link, self._settings.host, self._settings.port
                )
            await self._bind(link)
            self._bound.set()
            log.info("smpp_bound", finds_by_client_id=self.knows_client_ids)
            await self._keep_alive(link)
        except asyncio.CancelledError:
            if self.bound:
                await self._leave(link)
            raise
        finally:
            self._forget(link)

    async def _bind(self, link: Link) -> None:
        ours = self._settings
        answer = await self._exchange(link, BindTransceiver(ours.system_id, ours.password, ours.system_type))
        if answer.status != Status.ESME_ROK or not isinstance(answer.body, BindTransceiverResp):
            raise _BindRefused(answer.status)
        version = tlv(answer.body.tlvs, Tag.SC_INTERFACE_VERSION)
        if version and version[0] < INTERFACE_VERSION:
            log.warning("smpp_older_version", version=version[0])
        self.knows_client_ids = tlv(answer.body.tlvs, Tag.CLIENT_MESSAGE_ID) is not None

    async def _keep_alive(self, link: Link) -> None:
        """Returns when the connection is lost; asks after the other end whenever it was silent for long."""
        loop = asyncio.get_running_loop()
        while not self._lost.is_set():
            silent = loop.time() - link.last_heard
            if silent < self._settings.keepalive:
                try:
                    async with asyncio.timeout(self._settings.keepalive - silent):
                        await self._lost.wait()
                except TimeoutError:
                    continue
            else:
                try:
                    await self._exchange(link, EnquireLink())
                except (NoAnswer, NeverSent):
                    log.warning("smpp_silent")
                    link.abort()
                    return

    async def _leave(self, link: Link) -> None:
        """The end in good order: no new requests, the old ones answered, unbind."""
        self._leaving = True
        self._bound.clear()
        self._drop_queue()
        under_way: list[asyncio.Future[Any]] = [*self._handling]
        under_way += [waiting.answer for waiting in self._unanswered.values()]
        if under_way:
            await asyncio.wait(under_way, timeout=self._settings.response_timeout)
        for task in self._handling:
            task.cancel()
        if link.open:
            try:
                await self._exchange(link, Unbind())
            except (NoAnswer, NeverSent):
                log.warning("smpp_unbind_unanswered")

    def _forget(self, link: Link) -> None:
        self._bound.clear()
        self._link = None
        link.close()
        self._drop_queue()
        for waiting in self._unanswered.values():
            waiting.timer.cancel()
            _fail(waiting.answer, NoAnswer("the connection was lost"))
        self._unanswered.clear()
        self._expired.clear()
        self._used = 0

    def _drop_queue(self) -> None:
        for *_, answer in self._queue:
            _fail(answer, NeverSent("the connection was lost"))
        self._queue.clear()

    def _exchange(self, link: Link, body: BindTransceiver | EnquireLink | Unbind) -> asyncio.Future[Pdu]:
        answer: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._write(link, body, answer)
        return answer

    def _write(
        self,
        link: Link,
        body: Request | BindTransceiver | EnquireLink | Unbind,
        answer: asyncio.Future[Pdu],
        name: str = "",
    ) -> None:
        if not link.open:
            _fail(answer, NeverSent("the connection was lost"))
            return
        sequence = next(self._sequence)
        if sequence >= Pdu.LARGEST_SEQUENCE:
            self._sequence = itertools.count(1)
        try:
            link.send(Pdu(sequence, body))
        except ValueError as error:
            _fail(answer, error)
            return
        timer = asyncio.get_running_loop().call_later(self._settings.response_timeout, self._expire, sequence)
        in_window = isinstance(body, SubmitSm | QuerySm)
        self._unanswered[sequence] = _Waiting(answer, timer, name, in_window)
        self._used += in_window

    def _pump(self) -> None:
        """Sends what the window has room for, unless the SMSC asked us to slow down."""
        while self._queue and self._used < self._settings.window and self._link is not None:
            if (pause := self.pause) > 0:
                if self._resume is None:
                    self._resume = asyncio.get_running_loop().call_later(pause, self._resumed)
                return
            _, _, name, body, answer = heapq.heappop(self._queue)
            if not answer.done():
                self._write(self._link, body, answer, name)

    def _resumed(self) -> None:
        self._resume = None
        self._pump()

    def _expire(self, sequence: int) -> None:
        waiting = self._unanswered.pop(sequence)
        _fail(waiting.answer, NoAnswer("no response in time"))
        if waiting.name:
            self._expired[sequence] = waiting.name
            if len(self._expired) > _LATE_KEPT:
                self._expired.popitem(last=False)
        self._free(waiting)

    def _free(self, waiting: _Waiting) -> None:
        self._used -= waiting.in_window
        self._pump()

    def _disconnected(self, link: Link) -> None:
        if link is self._link:
            log.warning("smpp_connection_lost", unanswered=len(self._unanswered))
            self._lost.set()
            self._forget(link)

    def _received(self, link: Link, pdu: Pdu) -> None:
        if pdu.is_response:
            self._answered(pdu)
        elif isinstance(pdu.body, EnquireLink):
            link.send(Pdu(pdu.sequence, EnquireLinkResp()))
        elif isinstance(pdu.body, DeliverSm):
            self._take(link, pdu.sequence, pdu.body)
        elif isinstance(pdu.body, Unbind):
            self._bound.clear()
            self._drop_queue()
            link.send(Pdu(pdu.sequence, UnbindResp()))
            link.close()
        else:
            link.send(Pdu(pdu.sequence, GenericNack(), Status.ESME_RINVBNDSTS))

    def _answered(self, pdu: Pdu) -> None:
        waiting = self._unanswered.pop(pdu.sequence, None)
        if waiting is None:
            late = self._expired.pop(pdu.sequence, None)
            log.warning("smpp_late_response", expected=late is not None)
            if late is not None:
                self._on_late(late, pdu)
            return
        waiting.timer.cancel()
        self._slow_down(pdu.status)
        if not waiting.answer.done():
            waiting.answer.set_result(pdu)
        self._free(waiting)

    def _slow_down(self, status: int) -> None:
        if status not in SLOW_DOWN:
            self._pauses = 0
        elif self.pause == 0:
            # One pause for all the refusals of a window, longer each time.
            most = doubled(self._settings.throttle_first, self._pauses, self._settings.throttle_most)
            self._pauses += 1
            self._paused_until = asyncio.get_running_loop().time() + _jitter.uniform(0.5, 1.0) * most

    def _take(self, link: Link, sequence: int, message: DeliverSm) -> None:
        if self._leaving or len(self._handling) >= self._settings.incoming:
            link.send(Pdu(sequence, DeliverSmResp(), Status.ESME_RMSGQFUL))
            return
        task = asyncio.create_task(self._hand_over(link, sequence, message))
        self._handling.add(task)
        task.add_done_callback(self._handling.discard)

    async def _hand_over(self, link: Link, sequence: int, message: DeliverSm) -> None:
        try:
            await self._on_deliver(message)
        except PduError as error:
            log.warning("smpp_delivery_unusable", smpp_status=error.status)
            status = error.status
        except Exception as error:  # whatever went wrong with keeping it, the SMSC must bring it again
            log.warning("smpp_delivery_not_kept", error=type(error).__name__)
            status = Status.ESME_RX_T_APPN
        else:
            status = Status.ESME_ROK
        link.send(Pdu(sequence, DeliverSmResp(), status))


def doubled(first: float, times: int, most: float) -> float:
    """``first`` seconds doubled ``times`` times, at most ``most``; after a day of tries, too (2**1024 is no float)."""
    return min(most, first * 2.0 ** min(times, 64))


def _fail(answer: asyncio.Future[Pdu], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
