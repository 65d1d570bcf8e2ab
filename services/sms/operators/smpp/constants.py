"""The numbers of SMPP 3.4 that we use; sections are those of the specification, issue 1.2."""

from enum import IntEnum

INTERFACE_VERSION = 0x34
RESPONSE = 0x8000_0000
"""The bit that makes a command id the id of its response (section 5.1.2)."""


class Command(IntEnum):
    """Section 5.1.2.1."""

    GENERIC_NACK = 0x8000_0000
    QUERY_SM = 0x0000_0003
    QUERY_SM_RESP = 0x8000_0003
    SUBMIT_SM = 0x0000_0004
    SUBMIT_SM_RESP = 0x8000_0004
    DELIVER_SM = 0x0000_0005
    DELIVER_SM_RESP = 0x8000_0005
    UNBIND = 0x0000_0006
    UNBIND_RESP = 0x8000_0006
    BIND_TRANSCEIVER = 0x0000_0009
    BIND_TRANSCEIVER_RESP = 0x8000_0009
    ENQUIRE_LINK = 0x0000_0015
    ENQUIRE_LINK_RESP = 0x8000_0015


class Status(IntEnum):
    """Section 5.1.3; an SMSC may send others (0x400 and above are its own)."""

    ESME_ROK = 0x00
    ESME_RINVMSGLEN = 0x01
    ESME_RINVCMDLEN = 0x02
    ESME_RINVCMDID = 0x03
    ESME_RINVBNDSTS = 0x04
    ESME_RALYBND = 0x05
    ESME_RSYSERR = 0x08
    ESME_RINVSRCADR = 0x0A
    ESME_RINVDSTADR = 0x0B
    ESME_RINVMSGID = 0x0C
    ESME_RBINDFAIL = 0x0D
    ESME_RINVPASWD = 0x0E
    ESME_RINVSYSID = 0x0F
    ESME_RMSGQFUL = 0x14
    ESME_RINVESMCLASS = 0x43
    ESME_RSUBMITFAIL = 0x45
    ESME_RTHROTTLED = 0x58
    ESME_RX_T_APPN = 0x64
    ESME_RX_P_APPN = 0x65
    ESME_RX_R_APPN = 0x66
    ESME_RQUERYFAIL = 0x67
    ESME_RINVOPTPARSTREAM = 0xC0
    ESME_RINVPARLEN = 0xC2
    ESME_RUNKNOWNERR = 0xFF


class Tag(IntEnum):
    """Optional parameters, section 5.3.2; 0x1400 to 0x3FFF are the SMSC vendor's own."""

    RECEIPTED_MESSAGE_ID = 0x001E
    USER_MESSAGE_REFERENCE = 0x0204
    SAR_MSG_REF_NUM = 0x020C
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_SEQNUM = 0x020F
    SC_INTERFACE_VERSION = 0x0210
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427
    CLIENT_MESSAGE_ID = 0x1501
    """Ours: the client's id of a part, given with submit_sm and asked for by query_sm. Used with an SMSC that names it
    in ``bind_transceiver_resp``, as our simulator does; the standard has no such question."""


class MessageState(IntEnum):
    """Section 5.2.28."""

    ENROUTE = 1
    DELIVERED = 2
    EXPIRED = 3
    DELETED = 4
    UNDELIVERABLE = 5
    ACCEPTED = 6
    UNKNOWN = 7
    REJECTED = 8


ESM_TYPE_MASK = 0x3C
ESM_DELIVERY_RECEIPT = 0x04
ESM_INTERMEDIATE_NOTIFICATION = 0x20
ESM_UDHI = 0x40
"""Section 5.2.12: the message type, and the flag that the text begins with a user data header."""

RECEIPT_REQUESTED = 0x01
"""Section 5.2.17: a receipt for success and for failure."""

CODING_DEFAULT = 0x00
CODING_ASCII = 0x01
CODING_LATIN1 = 0x03
CODING_UCS2 = 0x08
"""Section 5.2.19."""

TON_INTERNATIONAL = 0x01
NPI_ISDN = 0x01
"""Sections 5.2.5 and 5.2.6: what an E.164 number is."""


def status_name(status: int) -> str:
    """The specification's name of a command status, or its number in hexadecimal."""
    try:
        return Status(status).name
    except ValueError:
        return f"0x{status:08x}"
