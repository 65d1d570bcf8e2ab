"""SMPP 3.4 protocol data units: bytes to objects and back.

Whatever bytes come in, ``decode`` raises nothing but ``PduError``. Strings are kept as Latin-1, so that no
octet an SMSC sends is lost or fatal; they never hold a NUL.
"""

from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

from services.sms.operators.smpp.constants import INTERFACE_VERSION, RESPONSE, Command, Status
from services.sms.operators.smpp.wire import HEADER, Cursor, PduError, Tlvs, c_string_octets, tlv_octets


@dataclass(frozen=True, slots=True)
class _Empty:
    """A body without fields."""

    def encode(self) -> bytes:
        return b""

    @classmethod
    def decode(cls: type["_E"], cursor: Cursor) -> "_E":
        cursor.end()
        return cls()


_E = TypeVar("_E", bound=_Empty)


class GenericNack(_Empty):
    """The answer to what cannot be understood (section 4.3)."""

    __slots__ = ()


class Unbind(_Empty):
    """Section 4.2."""

    __slots__ = ()


class UnbindResp(_Empty):
    """Section 4.2."""

    __slots__ = ()


class EnquireLink(_Empty):
    """Section 4.11."""

    __slots__ = ()


class EnquireLinkResp(_Empty):
    """Section 4.11."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class BindTransceiver:
    """Section 4.1.5."""

    system_id: str
    password: str = field(repr=False)
    system_type: str = ""
    interface_version: int = INTERFACE_VERSION
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: str = ""

    def encode(self) -> bytes:
        return b"".join(
            (
                c_string_octets(self.system_id, 16),
                c_string_octets(self.password, 9),
                c_string_octets(self.system_type, 13),
                bytes((self.interface_version, self.addr_ton, self.addr_npi)),
                c_string_octets(self.address_range, 41),
            )
        )

    @classmethod
    def decode(cls, cursor: Cursor) -> "BindTransceiver":
        body = cls(
            cursor.c_string(16),
            cursor.c_string(9),
            cursor.c_string(13),
            cursor.octet(),
            cursor.octet(),
            cursor.octet(),
            cursor.c_string(41),
        )
        cursor.end()
        return body


@dataclass(frozen=True, slots=True)
class BindTransceiverResp:
    """Section 4.1.6; an error may come without a body."""

    system_id: str = ""
    tlvs: Tlvs = ()

    def encode(self) -> bytes:
        return c_string_octets(self.system_id, 16) + tlv_octets(self.tlvs)

    @classmethod
    def decode(cls, cursor: Cursor) -> "BindTransceiverResp":
        return cls(cursor.c_string(16), cursor.tlvs()) if cursor.more else cls()


@dataclass(frozen=True, slots=True)
class ShortMessage:
    """What submit_sm (section 4.4.1) and deliver_sm (4.6.1) have in common: all of their fields."""

    source: str = field(repr=False)
    destination: str = field(repr=False)
    short_message: bytes = field(repr=False)
    source_ton: int = 0
    source_npi: int = 0
    destination_ton: int = 0
    destination_npi: int = 0
    esm_class: int = 0
    data_coding: int = 0
    registered_delivery: int = 0
    service_type: str = ""
    protocol_id: int = 0
    priority: int = 0
    schedule: str = ""
    validity: str = ""
    replace_if_present: int = 0
    default_message_id: int = 0
    tlvs: Tlvs = field(default=(), repr=False)

    def encode(self) -> bytes:
        if len(self.short_message) > 254:
            raise ValueError("short_message holds at most 254 octets")
        return b"".join(
            (
                c_string_octets(self.service_type, 6),
                bytes((self.source_ton, self.source_npi)),
                c_string_octets(self.source, 21),
                bytes((self.destination_ton, self.destination_npi)),
                c_string_octets(self.destination, 21),
                bytes((self.esm_class, self.protocol_id, self.priority)),
                c_string_octets(self.schedule, 17),
                c_string_octets(self.validity, 17),
                bytes(
                    (
                        self.registered_delivery,
                        self.replace_if_present,
                        self.data_coding,
                        self.default_message_id,
                        len(self.short_message),
                    )
                ),
                self.short_message,
                tlv_octets(self.tlvs),
            )
        )

    @classmethod
    def decode(cls: type["_M"], cursor: Cursor) -> "_M":
        service_type = cursor.c_string(6)
        source_ton, source_npi, source = cursor.octet(), cursor.octet(), cursor.c_string(21)
        destination_ton, destination_npi, destination = cursor.octet(), cursor.octet(), cursor.c_string(21)
        esm_class, protocol_id, priority = cursor.octet(), cursor.octet(), cursor.octet()
        schedule, validity = cursor.c_string(17), cursor.c_string(17)
        registered, replace, coding, default = cursor.octet(), cursor.octet(), cursor.octet(), cursor.octet()
        length = cursor.octet()
        if length > 254:
            raise cursor.error(Status.ESME_RINVMSGLEN, "sm_length is above 254")
        return cls(
            source,
            destination,
            cursor.octets(length),
            source_ton,
            source_npi,
            destination_ton,
            destination_npi,
            esm_class,
            coding,
            registered,
            service_type,
            protocol_id,
            priority,
            schedule,
            validity,
            replace,
            default,
            cursor.tlvs(),
        )


_M = TypeVar("_M", bound=ShortMessage)


class SubmitSm(ShortMessage):
    """A short message to a phone."""

    __slots__ = ()


class DeliverSm(ShortMessage):
    """A short message from a phone, or a delivery receipt."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class _MessageIdResp:
    """A response with a message id, which an error (and some SMSCs without one) leaves out."""

    message_id: str = ""
    tlvs: Tlvs = field(default=(), repr=False)

    def encode(self) -> bytes:
        return c_string_octets(self.message_id, 65) + tlv_octets(self.tlvs)

    @classmethod
    def decode(cls: type["_R"], cursor: Cursor) -> "_R":
        return cls(cursor.c_string(65), cursor.tlvs()) if cursor.more else cls()


_R = TypeVar("_R", bound=_MessageIdResp)


class SubmitSmResp(_MessageIdResp):
    """Section 4.4.2."""

    __slots__ = ()


class DeliverSmResp(_MessageIdResp):
    """Section 4.6.2; its message id is unused."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class QuerySm:
    """Section 4.8.1. The standard has no optional parameters here; ours is ``Tag.CLIENT_MESSAGE_ID``."""

    message_id: str
    source: str = field(repr=False)
    source_ton: int = 0
    source_npi: int = 0
    tlvs: Tlvs = ()

    def encode(self) -> bytes:
        ton_npi = bytes((self.source_ton, self.source_npi))
        return c_string_octets(self.message_id, 65) + ton_npi + c_string_octets(self.source, 21) + tlv_octets(self.tlvs)

    @classmethod
    def decode(cls, cursor: Cursor) -> "QuerySm":
        message_id, ton, npi = cursor.c_string(65), cursor.octet(), cursor.octet()
        return cls(message_id, cursor.c_string(21), ton, npi, cursor.tlvs())


@dataclass(frozen=True, slots=True)
class QuerySmResp:
    """Section 4.8.2. ``final_date`` is in the format of section 7.1.1, empty until the message is final."""

    message_id: str = ""
    final_date: str = ""
    message_state: int = 0
    error_code: int = 0
    tlvs: Tlvs = ()

    def encode(self) -> bytes:
        state = bytes((self.message_state, self.error_code))
        return (
            c_string_octets(self.message_id, 65) + c_string_octets(self.final_date, 17) + state + tlv_octets(self.tlvs)
        )

    @classmethod
    def decode(cls, cursor: Cursor) -> "QuerySmResp":
        if not cursor.more:
            return cls()
        return cls(cursor.c_string(65), cursor.c_string(17), cursor.octet(), cursor.octet(), cursor.tlvs())


Body = (
    GenericNack
    | BindTransceiver
    | BindTransceiverResp
    | SubmitSm
    | SubmitSmResp
    | DeliverSm
    | DeliverSmResp
    | QuerySm
    | QuerySmResp
    | Unbind
    | UnbindResp
    | EnquireLink
    | EnquireLinkResp
)

_BODIES: dict[int, type[Body]] = {
    Command.GENERIC_NACK: GenericNack,
    Command.QUERY_SM: QuerySm,
    Command.QUERY_SM_RESP: QuerySmResp,
    Command.SUBMIT_SM: SubmitSm,
    Command.SUBMIT_SM_RESP: SubmitSmResp,
    Command.DELIVER_SM: DeliverSm,
    Command.DELIVER_SM_RESP: DeliverSmResp,
    Command.UNBIND: Unbind,
    Command.UNBIND_RESP: UnbindResp,
    Command.BIND_TRANSCEIVER: BindTransceiver,
    Command.BIND_TRANSCEIVER_RESP: BindTransceiverResp,
    Command.ENQUIRE_LINK: EnquireLink,
    Command.ENQUIRE_LINK_RESP: EnquireLinkResp,
}
_RESPONSES = (BindTransceiverResp, SubmitSmResp, DeliverSmResp, QuerySmResp)
_COMMANDS: dict[type[Body], int] = {body: command for command, body in _BODIES.items()}


@dataclass(frozen=True, slots=True)
class Pdu:
    """One PDU: ``sequence`` ties a response to its request, ``status`` is 0 in requests."""

    sequence: int
    body: Body
    status: int = 0

    LARGEST_SEQUENCE: ClassVar[int] = 0x7FFF_FFFF

    @property
    def is_response(self) -> bool:
        """Whether it answers one of ours, generic_nack included."""
        return _COMMANDS[type(self.body)] >= RESPONSE


def encode(pdu: Pdu) -> bytes:
    """The bytes of ``pdu``; ValueError for a field that is too long or not Latin-1.

    The response to a refused request is its header alone (section 4.4.2), unless it has something to say.
    """
    command = _COMMANDS[type(pdu.body)]
    silent = pdu.status != 0 and isinstance(pdu.body, _RESPONSES) and pdu.body == type(pdu.body)()
    body = b"" if silent else pdu.body.encode()
    return HEADER.pack(HEADER.size + len(body), command, pdu.status, pdu.sequence) + body


def refusal(error: PduError) -> bytes:
    """What the sender of the bad bytes is told: its request's own response if the command was understood, else
    generic_nack (section 4.3)."""
    own = error.command in _BODIES and error.command < RESPONSE
    command = error.command | RESPONSE if own else Command.GENERIC_NACK
    return HEADER.pack(HEADER.size, command, error.status, error.sequence)


def decode(frame: bytes) -> Pdu:
    """The PDU that ``frame`` is, from the first octet to the last; PduError if it is none."""
    if len(frame) < HEADER.size:
        raise PduError(Status.ESME_RINVCMDLEN, "shorter than a header", fatal=True)
    length, command, status, sequence = HEADER.unpack_from(frame)
    if length != len(frame):
        raise PduError(Status.ESME_RINVCMDLEN, "not as long as it says", fatal=True)
    body = _BODIES.get(command)
    if body is None:
        raise PduError(Status.ESME_RINVCMDID, "unknown command", command=command, sequence=sequence)
    return Pdu(sequence, body.decode(Cursor(frame, command, sequence)), status)
