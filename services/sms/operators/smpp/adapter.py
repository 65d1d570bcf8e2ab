"""The operator behind an SMPP connection: texts become requests, responses outcomes, receipts reports."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from zlib import crc32

from services.sms.operators.port import (
    Accepted,
    CannotTell,
    Found,
    Inbound,
    OnInbound,
    OnReport,
    Outcome,
    OutcomeUnknown,
    Outgoing,
    Rejected,
    Report,
    Transient,
    Urgency,
)
from services.sms.operators.smpp.constants import (
    ESM_UDHI,
    NPI_ISDN,
    RECEIPT_REQUESTED,
    TON_INTERNATIONAL,
    Status,
    Tag,
    status_name,
)
from services.sms.operators.smpp.content import data_coding, read, short_messages
from services.sms.operators.smpp.pdu import DeliverSm, Pdu, QuerySm, QuerySmResp, SubmitSm, SubmitSmResp
from services.sms.operators.smpp.receipts import is_receipt, report, state_of
from services.sms.operators.smpp.session import NeverSent, NoAnswer, SmppSession, SmppSettings
from services.sms.segments import segment
from shared.persian.calendar import TEHRAN

_TRY_AGAIN = {
    Status.ESME_RTHROTTLED: 0.5,
    Status.ESME_RMSGQFUL: 0.5,
    Status.ESME_RINVBNDSTS: 1.0,
    Status.ESME_RSYSERR: 5.0,
    Status.ESME_RSUBMITFAIL: 5.0,
    Status.ESME_RX_T_APPN: 5.0,
}
"""Refusals of the moment, not of the text, and after how many seconds the next try has a chance."""
_UNKNOWN_MESSAGE = frozenset({Status.ESME_RQUERYFAIL, Status.ESME_RINVMSGID})
_NOT_BOUND_RETRY = 1.0
_LATE_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Originator:
    """The number that texts come from, with its type (sections 5.2.5 and 5.2.6; 0: the SMSC knows it)."""

    number: str
    ton: int = 0
    npi: int = 0


def reference_of(client_id: str, part: int) -> int:
    """The 16-bit ``user_message_reference`` of a part, which receipts of most SMSCs echo. Not unique: use it together
    with the number and the time."""
    return crc32(f"{client_id}.{part}".encode("ascii")) & 0xFFFF


class SmppOperator:
    """An ``Operator``. ``zone`` is the SMSC's time zone, in which its receipts are dated."""

    def __init__(
        self,
        settings: SmppSettings,
        originator: Originator,
        *,
        on_report: OnReport,
        on_inbound: OnInbound,
        zone: tzinfo = TEHRAN,
        name: str = "smpp",
    ) -> None:
        self.name = name
        self._originator = originator
        self._on_report = on_report
        self._on_inbound = on_inbound
        self._zone = zone
        self._late: OrderedDict[str, str] = OrderedDict()
        self._session = SmppSession(settings, on_deliver=self._delivered, on_late=self._answered_late)

    @property
    def ready(self) -> bool:
        """Whether the session is bound."""
        return self._session.bound

    async def wait_ready(self) -> None:
        """Returns when the session is bound."""
        await self._session.wait_bound()

    async def run(self) -> None:
        """Keeps the session bound until cancelled; then finishes what is under way and unbinds."""
        await self._session.run()

    async def send(self, message: Outgoing) -> Outcome:
        """Submits the parts that are not accepted yet, together and in order; see ``Operator.send``."""
        submits = self._submits(message)
        accepted = dict(message.accepted)
        missing = [number for number in submits if number not in accepted]
        # All are put in line before the first await: no other text comes between the parts.
        answers = [
            self._session.request(submits[number], message.urgency, _part_name(message.client_id, number))
            for number in missing
        ]
        results = await asyncio.gather(*answers, return_exceptions=True)
        rejected: str | None = None
        transient: str | None = None
        retry_after = self._session.pause
        unknown = False
        for number, result in zip(missing, results, strict=True):
            if isinstance(result, Pdu):
                if result.status == Status.ESME_ROK and isinstance(result.body, SubmitSmResp):
                    accepted[number] = result.body.message_id
                elif result.status in _TRY_AGAIN:
                    transient = status_name(result.status)
                    retry_after = max(retry_after, _TRY_AGAIN[Status(result.status)])
                else:
                    rejected = status_name(result.status)
            elif isinstance(result, NeverSent):
                transient = "not_bound"
                retry_after = max(retry_after, _NOT_BOUND_RETRY)
            elif isinstance(result, NoAnswer):
                unknown = True
            else:
                raise result
        if rejected is not None:
            return Rejected(rejected)
        if unknown:
            return OutcomeUnknown(accepted)
        if transient is not None:
            return Transient(transient, retry_after, accepted)
        return Accepted(tuple(accepted[number] for number in submits))

    async def find_by_client_id(self, client_id: str, parts: int) -> Found | CannotTell:
        """Asks the SMSC for each part; where it cannot be asked by our id, what it answered late is all we know."""
        late = {
            number: self._late[name]
            for number in range(1, parts + 1)
            if (name := _part_name(client_id, number)) in self._late
        }
        missing = [number for number in range(1, parts + 1) if number not in late]
        if not missing:
            return Found(late)
        if not self._session.bound:
            return CannotTell("not_bound")
        if not self._session.knows_client_ids:
            return CannotTell("not_supported")
        found = dict(late)
        results = await self._ask(
            self._query("", ((Tag.CLIENT_MESSAGE_ID, _part_name(client_id, number).encode("ascii")),))
            for number in missing
        )
        for number, result in zip(missing, results, strict=True):
            if not isinstance(result, Pdu):
                return CannotTell("no_answer")
            if result.status == Status.ESME_ROK and isinstance(result.body, QuerySmResp):
                found[number] = result.body.message_id
            elif result.status not in _UNKNOWN_MESSAGE:
                return CannotTell(status_name(result.status))
        return Found(found)

    async def status(self, provider_ids: Sequence[str]) -> Mapping[str, Report]:
        """query_sm for each id (section 4.8); the reports tell no time."""
        results = await self._ask(self._query(provider_id) for provider_id in provider_ids)
        reports: dict[str, Report] = {}
        for provider_id, result in zip(provider_ids, results, strict=True):
            if isinstance(result, Pdu) and result.status == Status.ESME_ROK and isinstance(result.body, QuerySmResp):
                state = state_of(result.body.message_state)
                if state is not None:
                    error = str(result.body.error_code) if result.body.error_code else None
                    reports[provider_id] = Report(provider_id, state, error=error)
        return reports

    def _submits(self, message: Outgoing) -> dict[int, SubmitSm]:
        digits = message.recipient.removeprefix("+")
        if not (
            message.recipient.startswith("+") and digits.isascii() and digits.isdecimal() and 7 <= len(digits) <= 15
        ):
            raise ValueError("the recipient is not an E.164 number")
        segments = segment(message.text)
        octets = short_messages(segments, crc32(message.client_id.encode("ascii")))
        return {
            number: SubmitSm(
                source=self._originator.number,
                source_ton=self._originator.ton,
                source_npi=self._originator.npi,
                destination=digits,
                destination_ton=TON_INTERNATIONAL,
                destination_npi=NPI_ISDN,
                esm_class=ESM_UDHI if len(octets) > 1 else 0,
                data_coding=data_coding(segments.encoding),
                registered_delivery=RECEIPT_REQUESTED,
                short_message=part,
                tlvs=self._names(message.client_id, number),
            )
            for number, part in enumerate(octets, start=1)
        }

    def _names(self, client_id: str, number: int) -> tuple[tuple[int, bytes], ...]:
        reference = (int(Tag.USER_MESSAGE_REFERENCE), reference_of(client_id, number).to_bytes(2))
        if not self._session.knows_client_ids:
            return (reference,)
        return (reference, (int(Tag.CLIENT_MESSAGE_ID), _part_name(client_id, number).encode("ascii")))

    def _query(self, provider_id: str, tlvs: tuple[tuple[int, bytes], ...] = ()) -> QuerySm:
        ours = self._originator
        return QuerySm(provider_id, ours.number, ours.ton, ours.npi, tlvs)

    async def _ask(self, queries: Iterable[QuerySm]) -> list[Pdu | BaseException]:
        return await asyncio.gather(
            *(self._session.request(query, Urgency.STEP) for query in queries), return_exceptions=True
        )

    def _answered_late(self, name: str, pdu: Pdu) -> None:
        if isinstance(pdu.body, SubmitSmResp) and pdu.status == Status.ESME_ROK:
            self._late[name] = pdu.body.message_id
            if len(self._late) > _LATE_KEPT:
                self._late.popitem(last=False)

    async def _delivered(self, message: DeliverSm) -> None:
        if is_receipt(message):
            await self._on_report(report(message, self._zone))
            return
        content = read(message)
        international = message.source_ton == TON_INTERNATIONAL
        sender = f"+{message.source}" if international and message.source.isdecimal() else message.source
        await self._on_inbound(Inbound(sender, message.destination, content.text, content.part))


def _part_name(client_id: str, number: int) -> str:
    return f"{client_id}.{number}"
