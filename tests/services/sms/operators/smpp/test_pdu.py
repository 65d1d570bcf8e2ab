"""The codec against bytes made by others, against itself, and against whatever else may come."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sms.operators.smpp import pdu as codec
from services.sms.operators.smpp.constants import Command, Status
from services.sms.operators.smpp.pdu import Pdu, decode, encode, refusal
from services.sms.operators.smpp.wire import MAX_LENGTH, Framer, PduError
from tests.services.sms.operators.smpp import vectors


@pytest.mark.parametrize(("octets", "pdu"), [*vectors.CLOUDHOPPER, *vectors.MOZES, *vectors.SMPPLIB])
def test_both_ways_as_others_have_it(octets: str, pdu: Pdu) -> None:
    assert decode(bytes.fromhex(octets)) == pdu
    assert encode(pdu) == bytes.fromhex(octets)


@pytest.mark.parametrize(("octets", "pdu"), vectors.CLOUDHOPPER_WITHOUT_BODY)
def test_a_missing_body_is_an_empty_one(octets: str, pdu: Pdu) -> None:
    assert decode(bytes.fromhex(octets)) == pdu


@pytest.mark.parametrize("octets", [*vectors.MOZES_BROKEN, vectors.CLOUDHOPPER_BROKEN_RECEIPT])
def test_broken_bytes_are_refused(octets: str) -> None:
    with pytest.raises(PduError):
        decode(bytes.fromhex(octets))


def test_what_is_refused_is_named_to_its_sender() -> None:
    broken = bytes.fromhex(vectors.CLOUDHOPPER_BROKEN_RECEIPT)
    with pytest.raises(PduError) as caught:
        decode(broken)
    assert (caught.value.status, caught.value.sequence, caught.value.fatal) == (Status.ESME_RINVOPTPARSTREAM, 5, False)
    assert refusal(caught.value) == encode(Pdu(5, codec.DeliverSmResp(), Status.ESME_RINVOPTPARSTREAM))

    with pytest.raises(PduError) as caught:
        decode(bytes.fromhex("0000001000000110000000000a342ee7"))
    assert refusal(caught.value) == encode(Pdu(0x0A342EE7, codec.GenericNack(), Status.ESME_RINVCMDID))


def strings(limit: int) -> st.SearchStrategy[str]:
    """C-octet strings of at most ``limit`` octets with their NUL."""
    return st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=limit - 1)


octet = st.integers(0, 255)
tlvs = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=40)), max_size=4).map(tuple)
short_message = {
    "source": strings(21),
    "destination": strings(21),
    "short_message": st.binary(max_size=254),
    "source_ton": octet,
    "source_npi": octet,
    "destination_ton": octet,
    "destination_npi": octet,
    "esm_class": octet,
    "data_coding": octet,
    "registered_delivery": octet,
    "service_type": strings(6),
    "protocol_id": octet,
    "priority": octet,
    "schedule": strings(17),
    "validity": strings(17),
    "replace_if_present": octet,
    "default_message_id": octet,
    "tlvs": tlvs,
}
bodies = st.one_of(
    st.builds(codec.GenericNack),
    st.builds(codec.Unbind),
    st.builds(codec.UnbindResp),
    st.builds(codec.EnquireLink),
    st.builds(codec.EnquireLinkResp),
    st.builds(codec.BindTransceiver, strings(16), strings(9), strings(13), octet, octet, octet, strings(41)),
    st.builds(codec.BindTransceiverResp, strings(16), tlvs),
    st.builds(codec.SubmitSm, **short_message),
    st.builds(codec.DeliverSm, **short_message),
    st.builds(codec.SubmitSmResp, strings(65), tlvs),
    st.builds(codec.DeliverSmResp, strings(65), tlvs),
    st.builds(codec.QuerySm, strings(65), strings(21), octet, octet, tlvs),
    st.builds(codec.QuerySmResp, strings(65), strings(17), octet, octet, tlvs),
)
pdus = st.builds(Pdu, st.integers(0, 0xFFFFFFFF), bodies, st.integers(0, 0xFFFFFFFF))


def decoded(octets: bytes) -> Pdu | PduError:
    try:
        return decode(octets)
    except PduError as error:
        return error


@settings(deadline=None)
@given(pdus)
def test_decode_undoes_encode(pdu: Pdu) -> None:
    assert decode(encode(pdu)) == pdu


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_pdu_or_a_pdu_error(octets: bytes) -> None:
    assert isinstance(decoded(octets), Pdu | PduError)


@settings(deadline=None)
@given(st.sampled_from(list(Command)), st.binary(max_size=300))
def test_any_body_is_one_or_a_pdu_error(command: Command, body: bytes) -> None:
    head = (16 + len(body)).to_bytes(4) + command.to_bytes(4) + bytes(4) + (7).to_bytes(4)
    result = decoded(head + body)
    if isinstance(result, PduError):
        assert (result.command, result.sequence, len(refusal(result))) == (command, 7, 16)
    else:
        assert decode(encode(result)) == result


@settings(deadline=None)
@given(pdus, st.data())
def test_a_damaged_pdu_never_does_more(pdu: Pdu, data: st.DataObject) -> None:
    octets = bytearray(encode(pdu))
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    cut = bytes(octets[: data.draw(st.integers(0, len(octets)))])
    for damaged in (bytes(octets), cut, len(cut).to_bytes(4) + cut[4:]):
        assert isinstance(decoded(damaged), Pdu | PduError)


@settings(deadline=None)
@given(st.lists(pdus, max_size=6), st.data())
def test_a_stream_is_cut_as_it_was_joined(sent: list[Pdu], data: st.DataObject) -> None:
    stream = b"".join(map(encode, sent))
    framer, came, at = Framer(), [], 0
    while at < len(stream):
        step = data.draw(st.integers(1, 64))
        came += framer.feed(stream[at : at + step])
        at += step
    assert [decode(frame) for frame in came] == sent


@pytest.mark.parametrize("length", [0, 15, MAX_LENGTH + 1, 0xF0000011])
def test_a_length_that_no_pdu_has_ends_the_stream(length: int) -> None:
    with pytest.raises(PduError) as caught:
        Framer().feed(length.to_bytes(4))
    assert caught.value.fatal


@pytest.mark.parametrize(
    "body",
    [
        codec.BindTransceiver("x" * 16, "p"),
        codec.BindTransceiver("x", "123456789"),
        codec.SubmitSm("1", "2", b"x" * 255),
        codec.SubmitSm("1\0", "2", b""),
        codec.SubmitSm("۱", "2", b""),
        codec.SubmitSm("1", "2", b"", data_coding=256),
    ],
)
def test_what_cannot_be_written_is_an_error_of_the_caller(body: codec.BindTransceiver | codec.SubmitSm) -> None:
    with pytest.raises(ValueError, match=r"octets|ordinal|range"):
        encode(Pdu(1, body))


def test_a_password_and_a_text_are_not_shown() -> None:
    shown = repr(codec.BindTransceiver("seda", "hunter2")) + repr(codec.SubmitSm("1", "989121234567", b"geheim"))
    assert not any(secret in shown for secret in ("hunter2", "989121234567", "geheim"))
