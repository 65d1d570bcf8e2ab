"""Texts in and out of short messages, against bytes made by others."""

import pytest

from services.sms.operators.port import PartOf
from services.sms.operators.smpp.constants import ESM_UDHI
from services.sms.operators.smpp.content import data_coding, read, short_messages
from services.sms.operators.smpp.pdu import DeliverSm, SubmitSm, decode
from services.sms.operators.smpp.wire import PduError
from services.sms.segments import segment
from tests.services.sms.operators.smpp import vectors


def submit(octets: str) -> SubmitSm:
    body = decode(bytes.fromhex(octets)).body
    assert isinstance(body, SubmitSm)
    return body


def test_a_long_persian_text_is_cut_as_smpplib_cuts_it() -> None:
    segments = segment(vectors.SMPPLIB_TEXT)
    theirs = [submit(octets) for octets in vectors.SMPPLIB_PARTS]
    assert short_messages(segments, 0xA5) == tuple(body.short_message for body in theirs)
    assert [body.data_coding for body in theirs] == [data_coding(segments.encoding)] * 2
    contents = [read(body) for body in theirs]
    assert [content.part for content in contents] == [PartOf(0xA5, 2, 1), PartOf(0xA5, 2, 2)]
    assert "".join(content.text for content in contents) == vectors.SMPPLIB_TEXT


def test_the_gsm_alphabet_and_its_extensions() -> None:
    body = submit(vectors.SMPPLIB_GSM)
    assert read(body).text == "Price {5€} ~ ok"
    assert short_messages(segment("Price {5€} ~ ok"), 0) == (body.short_message,)


def test_sar_parameters_name_the_part() -> None:
    content = read(submit(vectors.SMPPLIB_SAR))
    assert (content.text, content.part) == ("part two", PartOf(0x1234, 2, 2))


def test_a_text_in_the_payload_parameter() -> None:
    assert read(submit(vectors.SMPPLIB_PAYLOAD)).text == "سلام"


# 3GPP TS 23.040 9.2.3.24: ports (0x05) beside a concatenation element, and a 16-bit reference (0x08).
@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("0b 05040b8423f0 0003e10301", PartOf(0xE1, 3, 1)),
        ("06 080412340302", PartOf(0x1234, 3, 2)),
        ("06 05040b8423f0", None),
        ("05 0003e10300", None),
        ("05 0003e10304", None),
        ("00", None),
    ],
)
def test_user_data_headers(header: str, part: PartOf | None) -> None:
    octets = bytes.fromhex(header) + b"hello"
    content = read(DeliverSm("1", "2", octets, esm_class=ESM_UDHI))
    assert (content.text, content.part) == ("hello", part)


@pytest.mark.parametrize("octets", ["", "05", "0500", "050003a502", "030005a502"])
def test_a_header_beyond_the_message_is_refused(octets: str) -> None:
    with pytest.raises(PduError):
        read(DeliverSm("1", "2", bytes.fromhex(octets), esm_class=ESM_UDHI))


def test_other_alphabets_and_their_gaps() -> None:
    assert read(DeliverSm("1", "2", b"caf\xe9", data_coding=3)).text == "café"
    assert read(DeliverSm("1", "2", b"caf\xe9", data_coding=1)).text == "caf\ufffd"
    assert read(DeliverSm("1", "2", b"\x06\x33\x06", data_coding=8)).text == "س\ufffd"
