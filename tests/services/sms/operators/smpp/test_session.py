"""The session against an SMSC that does only what each test says: windows, turns, silence, nonsense."""

import asyncio

import pytest

from services.sms.operators.port import Accepted, CannotTell, Found, OutcomeUnknown, Outgoing, Transient, Urgency
from services.sms.operators.smpp.constants import Status, Tag
from services.sms.operators.smpp.pdu import (
    BindTransceiver,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Pdu,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
    encode,
)
from services.sms.operators.smpp.session import doubled
from tests.services.sms.operators.smpp import vectors
from tests.services.sms.operators.smpp.conftest import Scripted, connected, scripted, until

PHONE = "+989121234567"


def text(name: str, urgency: Urgency = Urgency.STEP) -> Outgoing:
    return Outgoing(name, PHONE, name, urgency)


def submitted(smsc: Scripted) -> list[str]:
    return [pdu.body.short_message.decode() for pdu in smsc.got(SubmitSm) if isinstance(pdu.body, SubmitSm)]


def accept(smsc: Scripted, index: int) -> None:
    smsc.link.send(Pdu(smsc.got(SubmitSm)[index].sequence, SubmitSmResp(f"id-{index}")))


async def accept_next(smsc: Scripted, index: int) -> None:
    await until(lambda: len(submitted(smsc)) > index)
    accept(smsc, index)


async def answer_enquiry(smsc: Scripted, index: int) -> None:
    await until(lambda: len(smsc.got(EnquireLink)) > index)
    smsc.link.send(Pdu(smsc.got(EnquireLink)[index].sequence, EnquireLinkResp()))


async def test_no_more_than_the_window_is_unanswered_and_an_otp_goes_first() -> None:
    async with scripted() as (smsc, port), connected(port, window=3) as client:
        sending = [asyncio.create_task(client.operator.send(text(f"step-{number}"))) for number in range(5)]
        sending.append(asyncio.create_task(client.operator.send(text("bulk", Urgency.BULK))))
        sending.append(asyncio.create_task(client.operator.send(text("otp", Urgency.OTP))))
        await until(lambda: len(submitted(smsc)) == 3)
        smsc.link.send(Pdu(900, EnquireLink()))
        await until(lambda: smsc.got(EnquireLinkResp) != [])
        assert submitted(smsc) == ["step-0", "step-1", "step-2"]
        for index in range(7):
            await accept_next(smsc, index)
        outcomes = await asyncio.gather(*sending)
    assert submitted(smsc) == ["step-0", "step-1", "step-2", "otp", "step-3", "step-4", "bulk"]
    assert outcomes[6] == Accepted(("id-3",))


async def test_a_text_that_nobody_waits_for_any_more_is_not_sent() -> None:
    async with scripted() as (smsc, port), connected(port, window=1) as client:
        first = asyncio.create_task(client.operator.send(text("first")))
        second = asyncio.create_task(client.operator.send(text("second")))
        third = asyncio.create_task(client.operator.send(text("third")))
        await until(lambda: len(submitted(smsc)) == 1)
        second.cancel()
        await asyncio.wait([second])
        accept(smsc, 0)
        await until(lambda: len(submitted(smsc)) == 2)
        accept(smsc, 1)
        assert isinstance(await first, Accepted)
        assert isinstance(await third, Accepted)
    assert submitted(smsc) == ["first", "third"]


async def test_a_window_of_refusals_pauses_the_session_once_and_grows() -> None:
    async with scripted() as (smsc, port), connected(port, window=4) as client:
        sending = [asyncio.create_task(client.operator.send(text(str(number)))) for number in range(8)]
        await until(lambda: len(submitted(smsc)) == 4)
        for pdu in smsc.got(SubmitSm):
            smsc.link.send(Pdu(pdu.sequence, SubmitSmResp(), Status.ESME_RMSGQFUL))
        outcomes = await asyncio.gather(*sending[:4])
        assert all(isinstance(outcome, Transient) and outcome.reason == "ESME_RMSGQFUL" for outcome in outcomes)
        assert len(submitted(smsc)) == 4
        await until(lambda: len(submitted(smsc)) == 8)
        for index in range(4, 8):
            accept(smsc, index)
        assert all(isinstance(outcome, Accepted) for outcome in await asyncio.gather(*sending[4:]))


async def test_a_late_answer_tells_what_the_operator_cannot_be_asked() -> None:
    async with scripted() as (smsc, port), connected(port, response_timeout=0.1) as client:
        assert isinstance(await client.operator.send(text("slow")), OutcomeUnknown)
        assert await client.operator.find_by_client_id("slow", 1) == CannotTell("not_supported")
        accept(smsc, 0)
        smsc.link.send(Pdu(901, EnquireLink()))
        await until(lambda: smsc.got(EnquireLinkResp) != [])
        assert await client.operator.find_by_client_id("slow", 1) == Found({1: "id-0"})


async def test_our_own_ids_go_only_to_an_smsc_that_knows_them() -> None:
    for abilities, known in (((), False), (((int(Tag.CLIENT_MESSAGE_ID), b"\1"),), True)):
        async with scripted(abilities) as (smsc, port), connected(port) as client:
            sending = asyncio.create_task(client.operator.send(text("name")))
            await accept_next(smsc, 0)
            await sending
            [pdu] = smsc.got(SubmitSm)
            assert isinstance(pdu.body, SubmitSm)
            assert ((Tag.CLIENT_MESSAGE_ID, b"name.1") in pdu.body.tlvs) is known
            assert pdu.body.tlvs[0][0] == Tag.USER_MESSAGE_REFERENCE


async def test_an_smsc_that_fell_silent_is_left_and_found_again() -> None:
    async with scripted() as (smsc, port), connected(port, keepalive=0.05, response_timeout=0.1) as client:
        await until(lambda: smsc.got(EnquireLink) != [])
        await until(lambda: smsc.lost == 1)
        await until(lambda: len(smsc.links) == 2)
        await client.operator.wait_ready()


async def test_an_smsc_that_answers_is_kept() -> None:
    async with scripted() as (smsc, port), connected(port, keepalive=0.02, response_timeout=0.5) as client:
        for index in range(5):
            await answer_enquiry(smsc, index)
        assert smsc.lost == 0
        assert client.operator.ready


async def test_an_smsc_that_unbinds_is_answered_and_called_again() -> None:
    async with scripted() as (smsc, port), connected(port):
        smsc.link.send(Pdu(77, Unbind()))
        await until(lambda: smsc.got(UnbindResp) == [Pdu(77, UnbindResp())])
        await until(lambda: len(smsc.links) == 2)


async def test_what_we_do_not_understand_is_refused_and_the_session_lives() -> None:
    async with scripted() as (smsc, port), connected(port) as client:
        link = smsc.link
        raw = link._transport
        assert raw is not None
        raw.write(bytes.fromhex("00000010000001020000000000000007"))
        await until(lambda: smsc.got(GenericNack) == [Pdu(7, GenericNack(), Status.ESME_RINVCMDID)])
        raw.write(bytes.fromhex(vectors.CLOUDHOPPER_BROKEN_RECEIPT))
        await until(lambda: smsc.got(DeliverSmResp) == [Pdu(5, DeliverSmResp(), Status.ESME_RINVOPTPARSTREAM)])
        link.send(Pdu(9, BindTransceiver("who", "me")))
        await until(lambda: len(smsc.got(GenericNack)) == 2)
        link.send(Pdu(4242, SubmitSmResp("nobody asked")))
        link.send(Pdu(10, DeliverSm("989121234567", "1", b"no receipt at all", esm_class=0x04)))
        await until(lambda: smsc.got(DeliverSmResp)[-1] == Pdu(10, DeliverSmResp(), Status.ESME_RX_R_APPN))
        assert client.operator.ready
        assert smsc.lost == 0
        assert client.reports == []


async def test_a_stream_that_is_no_smpp_is_left() -> None:
    async with scripted() as (smsc, port), connected(port) as client:
        raw = smsc.link._transport
        assert raw is not None
        sending = asyncio.create_task(client.operator.send(text("under way")))
        await until(lambda: smsc.got(SubmitSm) != [])
        raw.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        assert isinstance(await sending, OutcomeUnknown)
        await until(lambda: len(smsc.links) == 2)


async def test_a_malformed_answer_is_no_answer() -> None:
    async with scripted() as (smsc, port), connected(port, response_timeout=0.2) as client:
        sending = asyncio.create_task(client.operator.send(text("name")))
        await until(lambda: smsc.got(SubmitSm) != [])
        answer = bytearray(encode(Pdu(smsc.got(SubmitSm)[0].sequence, SubmitSmResp("id"))))
        answer[-1] = ord("x")
        raw = smsc.link._transport
        assert raw is not None
        raw.write(bytes(answer))
        assert isinstance(await sending, OutcomeUnknown)
        assert smsc.lost == 0


@pytest.mark.parametrize("before_bind", [True, False])
async def test_nobody_there_or_hanging_up_at_once(before_bind: bool) -> None:
    calls = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        if not before_bind:
            await reader.read(16)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with connected(server.sockets[0].getsockname()[1], wait=False, response_timeout=0.2) as client:
        await until(lambda: calls >= 3)
        assert not client.operator.ready
        server.close()
        await server.wait_closed()
        outcome = await client.operator.send(text("name"))
        assert isinstance(outcome, Transient)
        assert outcome.reason == "not_bound"


async def test_the_log_names_no_phone_text_or_password(capsys: pytest.CaptureFixture[str]) -> None:
    async with scripted() as (smsc, port), connected(port, response_timeout=0.1) as client:
        await client.operator.send(Outgoing("name", PHONE, "کد ورود 482913"))
        smsc.link.send(Pdu(1, DeliverSm(PHONE[1:], "1", b"id: 482913", esm_class=0x04)))
        await until(lambda: smsc.got(DeliverSmResp) != [])
        smsc.link.abort()
        await until(lambda: len(smsc.links) == 2)
    lines = capsys.readouterr().out
    assert "smpp_delivery_unusable" in lines
    assert "smpp_connection_lost" in lines
    for secret in (PHONE[1:], PHONE[3:], "482913", "secret1", "127.0.0.1"):
        assert secret not in lines


def test_waits_grow_to_their_bound_and_stay_there() -> None:
    assert [doubled(0.2, times, 30) for times in (0, 1, 2, 7, 8, 5_000)] == [0.2, 0.4, 0.8, 25.6, 30, 30]
