"""Delivery receipts: Appendix B of the specification, as SMSCs really write it.

``id:IIII sub:SSS dlvrd:DDD submit date:YYMMDDhhmm done date:YYMMDDhhmm stat:DDDDDDD err:E text:…`` – fields come in any
order and case, some are left out, dates have 10, 12 or 14 digits in the SMSC's own time zone. Where the optional
parameters ``receipted_message_id`` and ``message_state`` are there, they are believed before the text.
"""

import re
from datetime import datetime, tzinfo

from services.sms.operators.port import Report, ReportState
from services.sms.operators.smpp.constants import (
    ESM_DELIVERY_RECEIPT,
    ESM_INTERMEDIATE_NOTIFICATION,
    ESM_TYPE_MASK,
    MessageState,
    Status,
    Tag,
)
from services.sms.operators.smpp.content import read
from services.sms.operators.smpp.pdu import ShortMessage
from services.sms.operators.smpp.wire import PduError, tlv

_FIELD = re.compile(r"\b(id|done date|stat|err):([^\s:]*)", re.IGNORECASE)
_TEXT = re.compile(r"\btext:.*", re.IGNORECASE | re.DOTALL)
_DATES = {10: "%y%m%d%H%M", 12: "%y%m%d%H%M%S", 14: "%Y%m%d%H%M%S"}
_WORDS = {
    "ENROUTE": MessageState.ENROUTE,
    "DELIVRD": MessageState.DELIVERED,
    "EXPIRED": MessageState.EXPIRED,
    "DELETED": MessageState.DELETED,
    "UNDELIV": MessageState.UNDELIVERABLE,
    "ACCEPTD": MessageState.ACCEPTED,
    "UNKNOWN": MessageState.UNKNOWN,
    "REJECTD": MessageState.REJECTED,
}
_STATES: dict[int, ReportState] = {
    MessageState.ENROUTE: ReportState.SENT,
    MessageState.ACCEPTED: ReportState.SENT,
    MessageState.DELIVERED: ReportState.DELIVERED,
    MessageState.EXPIRED: ReportState.EXPIRED,
    MessageState.DELETED: ReportState.UNDELIVERABLE,
    MessageState.UNDELIVERABLE: ReportState.UNDELIVERABLE,
    MessageState.REJECTED: ReportState.REJECTED,
    MessageState.UNKNOWN: ReportState.UNKNOWN,
}


def is_receipt(message: ShortMessage) -> bool:
    """Whether ``message`` tells of an earlier one instead of bringing a text from a phone."""
    return message.esm_class & ESM_TYPE_MASK in (ESM_DELIVERY_RECEIPT, ESM_INTERMEDIATE_NOTIFICATION)


def report(message: ShortMessage, zone: tzinfo) -> Report:
    """The report that ``message`` is; ``zone`` is the SMSC's. PduError if it does not say of which message or what."""
    # The text of the original comes last and may itself look like fields.
    text = _TEXT.sub("", read(message).text)
    fields = {name.lower(): value for name, value in reversed(_FIELD.findall(text))}
    provider_id = _c_string(tlv(message.tlvs, Tag.RECEIPTED_MESSAGE_ID)) or fields.get("id", "")
    stated = tlv(message.tlvs, Tag.MESSAGE_STATE)
    state = state_of(stated[0]) if stated else _state_of_word(fields.get("stat", ""))
    if not provider_id or state is None:
        raise PduError(Status.ESME_RX_R_APPN, "a receipt without id or state")
    error = fields.get("err", "").lstrip("0")
    reference = tlv(message.tlvs, Tag.USER_MESSAGE_REFERENCE)
    return Report(
        provider_id=provider_id,
        state=state,
        at=_date(fields.get("done date", ""), zone),
        error=error or None,
        reference=int.from_bytes(reference) if reference else None,
    )


def state_of(number: int) -> ReportState | None:
    """Our word for a ``message_state`` (section 5.2.28), None for one that the standard does not know."""
    return _STATES.get(number)


def _state_of_word(word: str) -> ReportState | None:
    state = _WORDS.get(word.upper())
    return None if state is None else _STATES[state]


def _date(digits: str, zone: tzinfo) -> datetime | None:
    form = _DATES.get(len(digits))
    if form is None or not digits.isdecimal() or not digits.isascii():
        return None
    try:
        return datetime.strptime(digits, form).replace(tzinfo=zone)
    except ValueError:
        return None


def _c_string(octets: bytes | None) -> str:
    return (octets or b"").partition(b"\0")[0].decode("latin-1")
