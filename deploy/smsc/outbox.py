"""What goes to the clients: receipts and texts from phones. Kept until one of them is bound and says it has them."""

import asyncio
import heapq
import itertools

from services.sms.operators.smpp.constants import Status
from services.sms.operators.smpp.link import Link
from services.sms.operators.smpp.pdu import DeliverSm, Pdu

_WINDOW = 100
"""deliver_sm that one client may leave unanswered."""
_RETRY_SECONDS = 0.5


class Outbox:
    """Gives each deliver_sm to one bound client, in turn, when it is due; again when it was refused or the client was
    lost, so that a client may get one twice and none is lost while the simulator lives."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, DeliverSm]] = []
        self._order = itertools.count()
        self._sequence = itertools.count(1)
        self._unanswered: dict[Link, dict[int, DeliverSm]] = {}
        self._turn = 0
        self._timer: asyncio.Handle | None = None
        self._timer_at = 0.0  # uvloop's handle for a very short wait does not tell

    def put(self, message: DeliverSm, delay: float) -> None:
        """Sends ``message`` in ``delay`` seconds; never before the caller's own answer is out."""
        loop = asyncio.get_running_loop()
        heapq.heappush(self._due, (loop.time() + delay, next(self._order), message))
        loop.call_soon(self._pump)

    def bound(self, link: Link) -> None:
        """A client more."""
        self._unanswered[link] = {}
        self._pump()

    def unbound(self, link: Link) -> None:
        """A client less; what it did not answer goes to the next one."""
        for message in self._unanswered.pop(link, {}).values():
            self.put(message, 0)

    def answered(self, link: Link, pdu: Pdu) -> None:
        """A client's response."""
        message = self._unanswered.get(link, {}).pop(pdu.sequence, None)
        if message is not None and pdu.status not in (Status.ESME_ROK, Status.ESME_RX_R_APPN):
            self.put(message, _RETRY_SECONDS)
        self._pump()

    def close(self) -> None:
        """Sends no more."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pump(self) -> None:
        loop = asyncio.get_running_loop()
        while self._due and (link := self._next_link()) is not None:
            wait = self._due[0][0] - loop.time()
            if wait > 0:
                if self._timer is None or self._timer_at > self._due[0][0]:
                    if self._timer is not None:
                        self._timer.cancel()
                    self._timer_at = self._due[0][0]
                    self._timer = loop.call_later(wait, self._wake)
                return
            _, _, message = heapq.heappop(self._due)
            sequence = next(self._sequence)
            self._unanswered[link][sequence] = message
            link.send(Pdu(sequence, message))

    def _wake(self) -> None:
        self._timer = None
        self._pump()

    def _next_link(self) -> Link | None:
        free = [link for link, unanswered in self._unanswered.items() if len(unanswered) < _WINDOW]
        if not free:
            return None
        self._turn += 1
        return free[self._turn % len(free)]
