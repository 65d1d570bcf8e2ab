"""The SMPP end of the simulator: binds, takes short messages, reports on them, brings texts from phones."""

import asyncio
import hmac
import itertools
import random
import socket
import time
from datetime import UTC, datetime

from deploy.smsc.faults import Faults, Throttle
from deploy.smsc.outbox import Outbox
from deploy.smsc.settings import SmscSettings
from deploy.smsc.store import Message, Store
from services.sms.operators.smpp.constants import (
    ESM_DELIVERY_RECEIPT,
    ESM_UDHI,
    INTERFACE_VERSION,
    NPI_ISDN,
    RECEIPT_REQUESTED,
    TON_INTERNATIONAL,
    MessageState,
    Status,
    Tag,
)
from services.sms.operators.smpp.content import data_coding, read, short_messages
from services.sms.operators.smpp.link import Link
from services.sms.operators.smpp.pdu import (
    BindTransceiver,
    BindTransceiverResp,
    DeliverSm,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Pdu,
    QuerySm,
    QuerySmResp,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)
from services.sms.operators.smpp.wire import PduError, tlv
from services.sms.segments import segment
from shared.persian.calendar import TEHRAN

_WORDS = {
    MessageState.ENROUTE: "ENROUTE",
    MessageState.DELIVERED: "DELIVRD",
    MessageState.UNDELIVERABLE: "UNDELIV",
}
_HANG_UP_SECONDS = 5.0
SERVICE_NUMBER = "30001000"
"""Where a phone's text goes when nobody wrote to the phone before."""


class Smsc:
    """The centre: ``start`` listens, ``stop`` hangs up. ``faults`` may be replaced while it runs."""

    def __init__(self, settings: SmscSettings) -> None:
        self._settings = settings
        self.store = Store(settings.journal)
        self.faults = self.default_faults()
        self._throttle = Throttle()
        self._outbox = Outbox()
        self._bound: set[Link] = set()
        self._links: set[Link] = set()
        self._server: asyncio.Server | None = None
        self._chance = random.SystemRandom()
        # Ids of one run never meet those of another: the journal holds both.
        self._prefix = f"{time.time_ns() // 1_000_000:x}"
        self._ids = itertools.count(1)
        self._references = itertools.count(1)

    async def start(self, listening: socket.socket) -> None:
        """Serves SMPP on ``listening``."""
        self._server = await asyncio.get_running_loop().create_server(self._accept, sock=listening)

    async def stop(self) -> None:
        """Ends every connection without a word, as a crash would, and closes the journal."""
        self._outbox.close()
        if self._server is not None:
            self._server.close()
        for link in list(self._links):
            link.abort()
        self.store.close()

    @property
    def bound(self) -> int:
        """How many clients are bound now."""
        return len(self._bound)

    def default_faults(self) -> Faults:
        """What the settings say of throttling, delays and failures, and no other fault."""
        ours = self._settings
        return Faults(
            throttle_per_second=ours.throttle_per_second,
            response_delay=ours.response_delay,
            receipt_delay=ours.receipt_delay,
            failure_rate=ours.failure_rate,
        )

    def text_from_phone(self, number: str, text: str, to: str | None) -> int:
        """Sends ``text`` from the phone ``number`` (+98…) to our client, now or when one is bound; how many parts it
        needs. Without ``to`` it answers whoever wrote last. ValueError for a text that cannot be sent."""
        received = self.store.texts(number)
        to = to or (received[-1].sender if received else SERVICE_NUMBER)
        segments = segment(text)
        parts = short_messages(segments, next(self._references))
        for part in parts:
            self._outbox.put(
                DeliverSm(
                    source=number.removeprefix("+"),
                    source_ton=TON_INTERNATIONAL,
                    source_npi=NPI_ISDN,
                    destination=to,
                    esm_class=ESM_UDHI if len(parts) > 1 else 0,
                    data_coding=data_coding(segments.encoding),
                    short_message=part,
                ),
                delay=0,
            )
        return len(parts)

    def _accept(self) -> Link:
        link = Link(self._received, self._lost)
        self._links.add(link)
        return link

    def _lost(self, link: Link) -> None:
        self._links.discard(link)
        self._bound.discard(link)
        self._outbox.unbound(link)

    def _received(self, link: Link, pdu: Pdu) -> None:
        body = pdu.body
        if isinstance(body, BindTransceiver):
            self._bind(link, pdu.sequence, body)
        elif isinstance(body, EnquireLink):
            link.send(Pdu(pdu.sequence, EnquireLinkResp()))
        elif isinstance(body, Unbind):
            self._bound.discard(link)
            self._outbox.unbound(link)
            link.send(Pdu(pdu.sequence, UnbindResp()))
            # The client hangs up: closing here on what it still sends would reset the connection under the response.
            asyncio.get_running_loop().call_later(_HANG_UP_SECONDS, link.close)
        elif pdu.is_response:
            self._outbox.answered(link, pdu)
        elif isinstance(body, SubmitSm):
            self._submit(link, pdu.sequence, body)
        elif isinstance(body, QuerySm):
            link.send(self._query(link, pdu.sequence, body))
        else:
            link.send(Pdu(pdu.sequence, GenericNack(), Status.ESME_RINVCMDID))

    def _bind(self, link: Link, sequence: int, body: BindTransceiver) -> None:
        ours = self._settings
        status = Status.ESME_ROK
        if link in self._bound:
            status = Status.ESME_RALYBND
        elif not hmac.compare_digest(body.system_id.encode(), ours.system_id.encode()):
            status = Status.ESME_RINVSYSID
        elif not hmac.compare_digest(body.password.encode(), ours.password.get_secret_value().encode()):
            status = Status.ESME_RINVPASWD
        if status != Status.ESME_ROK:
            link.send(Pdu(sequence, BindTransceiverResp(), status))
            link.close()
            return
        abilities = ((int(Tag.SC_INTERFACE_VERSION), bytes((INTERFACE_VERSION,))), (int(Tag.CLIENT_MESSAGE_ID), b"\1"))
        link.send(Pdu(sequence, BindTransceiverResp("SIMULATOR", abilities)))
        self._bound.add(link)
        self._outbox.bound(link)

    def _submit(self, link: Link, sequence: int, body: SubmitSm) -> None:
        faults = self.faults
        if link not in self._bound:
            link.send(Pdu(sequence, SubmitSmResp(), Status.ESME_RINVBNDSTS))
            return
        if faults.take("swallow"):
            return
        status = self._refusal(body)
        message_id = ""
        if status == Status.ESME_ROK:
            try:
                message_id = self._keep(body)
            except PduError as error:
                status = error.status
        if faults.disconnect_after is not None:
            faults.disconnect_after = faults.disconnect_after - 1 or None
            if faults.disconnect_after is None:
                link.abort()
                return
        if faults.take("drop_responses"):
            return
        answer = Pdu(sequence, SubmitSmResp(message_id), status)
        if faults.response_delay:
            asyncio.get_running_loop().call_later(faults.response_delay, link.send, answer)
        else:
            link.send(answer)

    def _refusal(self, body: SubmitSm) -> int:
        if not self._throttle.allows(self.faults.throttle_per_second, asyncio.get_running_loop().time()):
            return Status.ESME_RTHROTTLED
        if self.faults.take("refuse"):
            return self.faults.refuse_status
        if not _e164(body):
            return Status.ESME_RINVDSTADR
        return Status.ESME_ROK

    def _keep(self, body: SubmitSm) -> str:
        """Takes the message and plans its receipts; its id. PduError if its content is broken."""
        content = read(body)
        recipient = _e164(body)
        fails = recipient in self.faults.unreachable or self._chance.random() < self.faults.failure_rate
        message = Message(
            provider_id=f"{self._prefix}{next(self._ids):07x}",
            sender=body.source,
            recipient=recipient,
            text=content.text,
            at=datetime.now(UTC),
            state=MessageState.UNDELIVERABLE if fails else MessageState.DELIVERED,
            client_id=(tlv(body.tlvs, Tag.CLIENT_MESSAGE_ID) or b"").decode("latin-1"),
            reference=content.part.reference if content.part else 0,
            total=content.part.total if content.part else 1,
            number=content.part.number if content.part else 1,
        )
        self.store.keep(message)
        if body.registered_delivery & RECEIPT_REQUESTED and not self.faults.withhold_receipts:
            self._plan_receipts(body, message)
        return message.provider_id

    def _plan_receipts(self, body: SubmitSm, message: Message) -> None:
        faults = self.faults
        final = _receipt(body, message, MessageState(message.state))
        delay = faults.receipt_delay
        self._outbox.put(final, delay * (self._chance.random() if faults.receipts_out_of_order else 1))
        if faults.duplicate_receipts:
            self._outbox.put(final, delay)
        if faults.receipts_out_of_order:
            self._outbox.put(_receipt(body, message, MessageState.ENROUTE), delay * 1.1)

    def _query(self, link: Link, sequence: int, body: QuerySm) -> Pdu:
        if link not in self._bound:
            return Pdu(sequence, QuerySmResp(), Status.ESME_RINVBNDSTS)
        client_id = tlv(body.tlvs, Tag.CLIENT_MESSAGE_ID)
        if client_id is not None:
            message = self.store.by_client_id(client_id.decode("latin-1"))
        else:
            message = self.store.by_id(body.message_id)
        if message is None or message.sender != body.source:
            return Pdu(sequence, QuerySmResp(), Status.ESME_RQUERYFAIL)
        # Section 7.1.1: tenths of a second, then the difference to UTC in quarters of an hour.
        final_date = f"{message.at:%y%m%d%H%M%S}{message.at.microsecond // 100_000}00+"
        return Pdu(sequence, QuerySmResp(message.provider_id, final_date, message.state))


def _e164(body: SubmitSm) -> str:
    """The phone's number as +…, or nothing if it is none."""
    digits = body.destination
    if body.destination_ton != TON_INTERNATIONAL and digits.startswith("0"):
        digits = f"98{digits[1:]}"
    return f"+{digits}" if digits.isascii() and digits.isdecimal() and 7 <= len(digits) <= 15 else ""


def _receipt(body: SubmitSm, message: Message, state: MessageState) -> DeliverSm:
    """The receipt as Appendix B has it, dated in the operator's own time; from the phone to who wrote to it."""
    day = f"{message.at.astimezone(TEHRAN):%y%m%d%H%M}"
    delivered = int(state == MessageState.DELIVERED)
    error = 0 if state != MessageState.UNDELIVERABLE else 1
    text = (
        f"id:{message.provider_id} sub:001 dlvrd:{delivered:03} submit date:{day} done date:{day}"
        f" stat:{_WORDS[state]} err:{error:03} text:"
    )
    reference = tlv(body.tlvs, Tag.USER_MESSAGE_REFERENCE)
    return DeliverSm(
        source=body.destination,
        source_ton=body.destination_ton,
        source_npi=body.destination_npi,
        destination=body.source,
        destination_ton=body.source_ton,
        destination_npi=body.source_npi,
        esm_class=ESM_DELIVERY_RECEIPT,
        short_message=text.encode("ascii"),
        tlvs=(
            (int(Tag.RECEIPTED_MESSAGE_ID), message.provider_id.encode("ascii") + b"\0"),
            (int(Tag.MESSAGE_STATE), bytes((state,))),
            *(((int(Tag.USER_MESSAGE_REFERENCE), reference),) if reference else ()),
        ),
    )
