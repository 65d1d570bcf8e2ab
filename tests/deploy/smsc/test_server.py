"""The simulator as an SMSC, talked to in bytes that other implementations made."""

import pytest

from deploy.smsc.faults import Faults, Throttle
from services.sms.operators.smpp.constants import Status, Tag
from services.sms.operators.smpp.pdu import (
    BindTransceiver,
    DeliverSm,
    DeliverSmResp,
    EnquireLinkResp,
    GenericNack,
    Pdu,
    QuerySm,
    QuerySmResp,
    SubmitSm,
    SubmitSmResp,
    UnbindResp,
    encode,
)
from services.sms.operators.smpp.wire import Tlvs, tlv
from tests.deploy.smsc.conftest import Simulator
from tests.services.sms.operators.smpp import vectors

PHONE = "+989121234567"


def submit(
    text: str,
    *,
    source: str = "30001000",
    destination: str = PHONE[1:],
    destination_ton: int = 1,
    esm_class: int = 0,
    registered_delivery: int = 0,
    tlvs: Tlvs = (),
) -> bytes:
    body = SubmitSm(
        source,
        destination,
        text.encode("ascii"),
        destination_ton=destination_ton,
        esm_class=esm_class,
        registered_delivery=registered_delivery,
        tlvs=tlvs,
    )
    return encode(Pdu(7, body))


async def test_a_conversation_of_smpplib(simulator: Simulator) -> None:
    client = await simulator.client()
    await client.bind()
    ids = []
    for octets in vectors.SMPPLIB_PARTS:
        assert await simulator.texts(PHONE) == []
        answer = await client.ask(octets)
        assert isinstance(answer.body, SubmitSmResp)
        assert (answer.sequence, answer.status) == (int(octets[24:32], 16), Status.ESME_ROK)
        ids.append(answer.body.message_id)
        receipt = await client.read()
        assert isinstance(receipt.body, DeliverSm)
        assert receipt.body.short_message.startswith(f"id:{ids[-1]} sub:001 dlvrd:001 submit date:".encode())
        assert b" stat:DELIVRD err:000 text:" in receipt.body.short_message
        assert tlv(receipt.body.tlvs, Tag.RECEIPTED_MESSAGE_ID) == ids[-1].encode() + b"\0"
        assert tlv(receipt.body.tlvs, Tag.USER_MESSAGE_REFERENCE) == bytes.fromhex(octets[-4:])
        assert (receipt.body.source, receipt.body.destination) == (PHONE[1:], "30001000")
        client.answer(receipt, DeliverSmResp())
    assert len(set(ids)) == 2
    assert await simulator.texts(PHONE) == [vectors.SMPPLIB_TEXT]
    assert (await client.ask("00000010000000150000000000000008")).body == EnquireLinkResp()
    assert await client.ask(vectors.SMPPLIB_UNBIND) == Pdu(9, UnbindResp())
    assert simulator.smsc.bound == 0


async def test_parts_in_any_order_make_one_text(simulator: Simulator) -> None:
    client = await simulator.client()
    await client.bind()
    simulator.smsc.faults = Faults(withhold_receipts=True)
    second, first = vectors.SMPPLIB_PARTS[1], vectors.SMPPLIB_PARTS[0]
    for octets in (second, second, first):
        await client.ask(octets)
    assert await simulator.texts(PHONE) == [vectors.SMPPLIB_TEXT]


@pytest.mark.parametrize(
    ("system_id", "password", "status"),
    [("seda", "wrong", Status.ESME_RINVPASWD), ("other", "secret1", Status.ESME_RINVSYSID)],
)
async def test_strangers_are_not_bound(simulator: Simulator, system_id: str, password: str, status: Status) -> None:
    client = await simulator.client()
    assert (await client.ask(encode(Pdu(1, BindTransceiver(system_id, password))))).status == status
    assert await client.ended()
    assert simulator.smsc.bound == 0


async def test_nothing_is_taken_from_who_is_not_bound(simulator: Simulator) -> None:
    client = await simulator.client()
    assert (await client.ask(submit("hello"))).status == Status.ESME_RINVBNDSTS
    assert (await client.ask(encode(Pdu(2, QuerySm("1", "30001000"))))).status == Status.ESME_RINVBNDSTS
    assert await simulator.texts(PHONE) == []


async def test_a_number_that_is_none_is_refused(simulator: Simulator) -> None:
    client = await simulator.client()
    await client.bind()
    for destination in ("", "abc", "12"):
        assert (await client.ask(submit("hello", destination=destination))).status == Status.ESME_RINVDSTADR
    assert (await client.ask(submit("hello", destination="09121234567", destination_ton=2))).status == 0
    assert await simulator.texts(PHONE) == ["hello"]


async def test_broken_content_and_unknown_commands_are_refused(simulator: Simulator) -> None:
    client = await simulator.client()
    await client.bind()
    assert (await client.ask(submit("A", esm_class=0x40))).status == Status.ESME_RINVMSGLEN
    assert await client.ask("00000010000001020000000000000007") == Pdu(7, GenericNack(), Status.ESME_RINVCMDID)
    assert (await client.ask("00000010000000040000000000000009")).status != Status.ESME_ROK
    assert (await client.ask(submit("hello"))).status == Status.ESME_ROK


async def test_a_stream_that_is_no_smpp_is_ended(simulator: Simulator) -> None:
    client = await simulator.client()
    nack = await client.ask(b"GET / HTTP/1.1\r\n\r\n")
    assert nack == Pdu(0, GenericNack(), Status.ESME_RINVCMDLEN)
    assert await client.ended()


async def test_messages_are_found_by_both_ids_but_only_by_their_sender(simulator: Simulator) -> None:
    client = await simulator.client()
    await client.bind()
    named = ((int(Tag.CLIENT_MESSAGE_ID), b"ours.1"),)
    taken = await client.ask(submit("hello", tlvs=named))
    assert isinstance(taken.body, SubmitSmResp)
    by_id = await client.ask(encode(Pdu(8, QuerySm(taken.body.message_id, "30001000"))))
    by_name = await client.ask(encode(Pdu(8, QuerySm("", "30001000", tlvs=named))))
    assert isinstance(by_id.body, QuerySmResp)
    assert by_id == by_name
    assert (by_id.body.message_id, by_id.body.message_state, len(by_id.body.final_date)) == (
        taken.body.message_id,
        2,
        16,
    )
    for query in (QuerySm("nobody", "30001000"), QuerySm(taken.body.message_id, "30002000")):
        assert (await client.ask(encode(Pdu(9, query)))).status == Status.ESME_RQUERYFAIL


async def test_a_report_goes_to_the_next_client_until_one_has_it(simulator: Simulator) -> None:
    first = await simulator.client()
    await first.bind()
    await first.ask(submit("hello", registered_delivery=1))
    receipt = await first.read()
    first.writer.close()
    second = await simulator.client()
    await second.bind()
    again = await second.read()
    assert again.body == receipt.body
    second.answer(again, DeliverSmResp(), Status.ESME_RX_T_APPN)
    third = await second.read()
    assert third.body == receipt.body
    second.answer(third, DeliverSmResp())
    # Nothing of it is left: the next thing to come is the answer to the next question.
    assert (await second.ask(submit("more"))).status == Status.ESME_ROK


def test_the_throttle_lets_one_seconds_worth_through() -> None:
    throttle = Throttle()
    assert [throttle.allows(3, 100.0) for _ in range(4)] == [True, True, True, False]
    assert [throttle.allows(3, 100.4) for _ in range(2)] == [True, False]
    assert [throttle.allows(3, 200.0) for _ in range(4)] == [True, True, True, False]
    assert throttle.allows(None, 200.0)
    assert [throttle.allows(0.5, now) for now in (300.0, 301.0, 302.0)] == [True, False, True]
