"""One TCP connection that speaks SMPP: bytes to PDUs and back, for both of its ends."""

import asyncio
from collections.abc import Callable
from typing import cast

from services.sms.operators.smpp.constants import RESPONSE
from services.sms.operators.smpp.pdu import Pdu, decode, encode, refusal
from services.sms.operators.smpp.wire import Framer, PduError
from shared.kit.telemetry import log


class Link(asyncio.Protocol):
    """Calls ``on_pdu`` for what comes in and ``on_lost`` once, when the connection is gone.

    Bytes that are no PDU are refused as the standard says, and end the connection when the stream is lost. A
    malformed *response* is dropped: its request stays unanswered, which is what is true of it.
    """

    def __init__(self, on_pdu: Callable[["Link", Pdu], None], on_lost: Callable[["Link"], None]) -> None:
        self._on_pdu = on_pdu
        self._on_lost = on_lost
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None
        self.last_heard = 0.0
        """The loop's time of the last bytes that came."""

    @property
    def open(self) -> bool:
        """Whether a PDU given to ``send`` has a chance."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._on_lost(self)

    def data_received(self, data: bytes) -> None:
        self.last_heard = asyncio.get_running_loop().time()
        try:
            frames = self._framer.feed(data)
        except PduError as error:
            self._refuse(error)
            return
        for frame in frames:
            if not self.open:
                return
            try:
                pdu = decode(frame)
            except PduError as error:
                self._refuse(error)
            else:
                self._on_pdu(self, pdu)

    def send(self, pdu: Pdu) -> None:
        """Writes ``pdu``; nothing if the connection is gone. ValueError if it cannot be encoded."""
        octets = encode(pdu)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(octets)

    def close(self) -> None:
        """Ends the connection after what was written."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Ends the connection now."""
        if self._transport is not None:
            self._transport.abort()

    def _refuse(self, error: PduError) -> None:
        log.warning("smpp_pdu_refused", smpp_status=error.status, outcome="closed" if error.fatal else "kept")
        if self._transport is None:
            return
        if error.fatal or error.command < RESPONSE:
            self._transport.write(refusal(error))
        if error.fatal:
            self._transport.close()
