"""What a short message says: its text in one of the alphabets, and its place in a longer text.

Concatenation comes in two ways: a user data header before the text (3GPP TS 23.040 section 9.2.3.24: element 0x00 with
an 8-bit reference, 0x08 with a 16-bit one), or SMPP's own ``sar_`` parameters.
"""

from dataclasses import dataclass, field

from services.sms.operators.port import PartOf
from services.sms.operators.smpp.constants import (
    CODING_ASCII,
    CODING_LATIN1,
    CODING_UCS2,
    ESM_UDHI,
    Status,
    Tag,
)
from services.sms.operators.smpp.pdu import ShortMessage
from services.sms.operators.smpp.wire import PduError, tlv
from services.sms.segments import Encoding, Segments, decode_gsm

_CONCAT_8 = 0x00
_CONCAT_16 = 0x08


@dataclass(frozen=True, slots=True)
class Content:
    """The text of one short message, and ``part`` if it is one of several."""

    text: str = field(repr=False)
    part: PartOf | None


def short_messages(segments: Segments, reference: int) -> tuple[bytes, ...]:
    """What goes into ``short_message``, part by part; several parts begin with a header of an 8-bit ``reference``."""
    octets = segments.octets()
    if len(octets) == 1:
        return octets
    return tuple(
        bytes((5, _CONCAT_8, 3, reference & 0xFF, len(octets), number)) + part
        for number, part in enumerate(octets, start=1)
    )


def data_coding(encoding: Encoding) -> int:
    """Section 5.2.19: 0 (the SMSC's default, the GSM alphabet) or 8 (UCS-2)."""
    return CODING_UCS2 if encoding is Encoding.UCS2 else 0


def read(message: ShortMessage) -> Content:
    """The content of ``message``; what its alphabet does not hold becomes U+FFFD. PduError for a broken header."""
    octets = message.short_message or tlv(message.tlvs, Tag.MESSAGE_PAYLOAD) or b""
    part = _sar(message)
    if message.esm_class & ESM_UDHI:
        header_part, octets = _user_data_header(octets)
        part = header_part or part
    return Content(_text(message.data_coding, octets), part)


def _text(coding: int, octets: bytes) -> str:
    if coding == CODING_UCS2:
        return octets.decode("utf-16-be", errors="replace")
    if coding == CODING_ASCII:
        return octets.decode("ascii", errors="replace")
    if coding == CODING_LATIN1:
        return octets.decode("latin-1")
    return decode_gsm(octets)


def _user_data_header(octets: bytes) -> tuple[PartOf | None, bytes]:
    if not octets or 1 + octets[0] > len(octets):
        raise PduError(Status.ESME_RINVMSGLEN, "the user data header is longer than the message")
    header, rest = octets[1 : 1 + octets[0]], octets[1 + octets[0] :]
    part: PartOf | None = None
    at = 0
    while at + 2 <= len(header):
        element, length = header[at], header[at + 1]
        value = header[at + 2 : at + 2 + length]
        at += 2 + length
        if len(value) < length:
            raise PduError(Status.ESME_RINVMSGLEN, "an element of the user data header is longer than it")
        if (element, length) in ((_CONCAT_8, 3), (_CONCAT_16, 4)):
            part = _part(int.from_bytes(value[:-2]), value[-2], value[-1]) or part
    return part, rest


def _sar(message: ShortMessage) -> PartOf | None:
    values = [tlv(message.tlvs, tag) for tag in (Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM)]
    reference, total, number = (int.from_bytes(value) if value else 0 for value in values)
    return _part(reference, total, number) if all(values) else None


def _part(reference: int, total: int, number: int) -> PartOf | None:
    """TS 23.040 section 9.2.3.24.1: a number of 0 or beyond the total is to be ignored."""
    return PartOf(reference, total, number) if 1 <= number <= total else None
