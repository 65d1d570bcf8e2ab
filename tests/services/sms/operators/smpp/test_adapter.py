"""Our operator against the simulator: every text once, whatever goes wrong on the way."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest

from deploy.smsc.faults import Faults
from services.sms.operators.port import (
    Accepted,
    Found,
    Outcome,
    OutcomeUnknown,
    Outgoing,
    PartOf,
    Rejected,
    Report,
    ReportState,
    Transient,
)
from services.sms.operators.smpp.adapter import SmppOperator, reference_of
from tests.services.sms.operators.smpp.conftest import PATIENCE, Simulator, connected, until

PHONE = "+989121234567"
LONG = (
    "شهروند گرامی، درخواست شما با کد رهگیری 7K3M9P2QXAB به اداره‌ی کل بیمه‌ی تأمین اجتماعی استان تهران ارجاع شد. "
    "پاسخ تا ۲۵ آذر ۱۴۰۴ به شما اعلام می‌شود؛ برای پیگیری، همین کد را به این شماره بفرستید. 🌱"
    " وزارت تعاون، کار و رفاه اجتماعی"
)


def text(number: int, words: str | None = None, accepted: Mapping[int, str] | None = None) -> Outgoing:
    return Outgoing(f"text-{number}", PHONE, words or f"گام شماره‌ی {number}", accepted=accepted or {})


async def deliver(operator: SmppOperator, message: Outgoing, seen: Counter[type] | None = None) -> Accepted:
    """What the service does with outcomes: waits, asks, and sends only what is surely missing. Counts in ``seen``."""
    async with asyncio.timeout(PATIENCE):
        while True:
            outcome: Outcome = await operator.send(message)
            if seen is not None:
                seen[type(outcome)] += 1
            if isinstance(outcome, Accepted):
                return outcome
            assert not isinstance(outcome, Rejected), outcome
            if isinstance(outcome, Transient):
                message = replace(message, accepted=outcome.accepted)
                await asyncio.sleep(min(outcome.retry_after, 0.05))
                continue
            await operator.wait_ready()
            found = await operator.find_by_client_id(message.client_id, 4)
            if isinstance(found, Found):
                message = replace(message, accepted=found.provider_ids)


async def test_a_long_persian_text_arrives_whole_and_is_reported_part_by_part(simulator: Simulator) -> None:
    async with connected(simulator.port) as client:
        outcome = await client.operator.send(Outgoing("long", PHONE, LONG))
        assert isinstance(outcome, Accepted)
        assert outcome.parts == 4
        assert simulator.texts(PHONE) == [LONG]
        await until(lambda: len(client.reports) == outcome.parts)
    assert {report.provider_id for report in client.reports} == set(outcome.provider_ids)
    assert {report.state for report in client.reports} == {ReportState.DELIVERED}
    references = {report.provider_id: report.reference for report in client.reports}
    assert [references[provider_id] for provider_id in outcome.provider_ids] == [
        reference_of("long", number) for number in range(1, 5)
    ]


async def test_texts_arrive_in_the_order_they_were_given(simulator: Simulator) -> None:
    simulator.smsc.faults = Faults(response_delay=0.005)
    messages = [text(number, LONG + str(number) if number % 5 == 0 else str(number)) for number in range(60)]
    async with connected(simulator.port) as client:
        outcomes = await asyncio.gather(*map(client.operator.send, messages))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert simulator.texts(PHONE) == [message.text for message in messages]


async def test_throttling_puts_texts_off_and_loses_none(simulator: Simulator) -> None:
    simulator.smsc.faults = Faults(throttle_per_second=40)
    async with connected(simulator.port) as client:
        first = await asyncio.gather(*(client.operator.send(text(number)) for number in range(60)))
        assert {type(outcome) for outcome in first} == {Accepted, Transient}
        refused = next(outcome for outcome in first if isinstance(outcome, Transient))
        assert refused.reason == "ESME_RTHROTTLED"
        assert refused.retry_after >= 0.5
        again = [number for number, outcome in enumerate(first) if isinstance(outcome, Transient)]
        await asyncio.gather(*(deliver(client.operator, text(number)) for number in again))
    assert Counter(simulator.texts(PHONE)) == Counter(text(number).text for number in range(60))


async def test_a_long_text_that_was_throttled_halfway_is_completed_not_repeated(simulator: Simulator) -> None:
    simulator.smsc.faults = Faults(throttle_per_second=2)
    async with connected(simulator.port) as client:
        outcome = await client.operator.send(Outgoing("long", PHONE, LONG))
        assert isinstance(outcome, Transient)
        assert set(outcome.accepted) == {1, 2}
        assert simulator.texts(PHONE) == []
        simulator.smsc.faults = Faults()
        done = await client.operator.send(Outgoing("long", PHONE, LONG, accepted=outcome.accepted))
        assert isinstance(done, Accepted)
        assert done.provider_ids[:2] == (outcome.accepted[1], outcome.accepted[2])
    assert simulator.texts(PHONE) == [LONG]


async def test_a_lost_response_is_asked_for_and_not_sent_again(simulator: Simulator) -> None:
    simulator.smsc.faults = Faults(drop_responses=1)
    async with connected(simulator.port, response_timeout=0.2) as client:
        outcome = await client.operator.send(Outgoing("long", PHONE, LONG))
        assert isinstance(outcome, OutcomeUnknown)
        assert set(outcome.accepted) == {2, 3, 4}
        found = await client.operator.find_by_client_id("long", 4)
        assert isinstance(found, Found)
        assert set(found.provider_ids) == {1, 2, 3, 4}
        done = await client.operator.send(Outgoing("long", PHONE, LONG, accepted=found.provider_ids))
        assert done == Accepted(tuple(found.provider_ids[number] for number in range(1, 5)))
    assert simulator.texts(PHONE) == [LONG]


async def test_a_part_that_never_arrived_is_sent_alone(simulator: Simulator) -> None:
    simulator.smsc.faults = Faults(swallow=1)
    async with connected(simulator.port, response_timeout=0.2) as client:
        outcome = await client.operator.send(Outgoing("long", PHONE, LONG))
        assert isinstance(outcome, OutcomeUnknown)
        found = await client.operator.find_by_client_id("long", 4)
        assert isinstance(found, Found)
        assert set(found.provider_ids) == {2, 3, 4}
        assert simulator.texts(PHONE) == []
        assert isinstance(
            await client.operator.send(Outgoing("long", PHONE, LONG, accepted=found.provider_ids)), Accepted
        )
    assert simulator.texts(PHONE) == [LONG]


async def test_a_text_the_operator_never_had_is_not_found(simulator: Simulator) -> None:
    async with connected(simulator.port) as client:
        assert await client.operator.find_by_client_id("nobody", 2) == Found({})


async def test_a_cut_connection_in_the_middle_of_a_window(simulator: Simulator) -> None:
    async with connected(simulator.port) as client:
        simulator.smsc.faults = Faults(disconnect_after=4)
        outcomes = await asyncio.gather(*(client.operator.send(text(number)) for number in range(25)))
        kinds = Counter(type(outcome) for outcome in outcomes)
        assert kinds[OutcomeUnknown] > 0
        assert kinds[Transient] > 0
        for number, outcome in enumerate(outcomes):
            if isinstance(outcome, OutcomeUnknown):
                await client.operator.wait_ready()
                found = await client.operator.find_by_client_id(text(number).client_id, 1)
                assert isinstance(found, Found)
                await deliver(client.operator, text(number, accepted=found.provider_ids))
            elif isinstance(outcome, Transient):
                await deliver(client.operator, text(number))
    assert Counter(simulator.texts(PHONE)) == Counter(text(number).text for number in range(25))


async def test_three_hundred_texts_through_everything_at_once(simulator: Simulator) -> None:
    async with connected(simulator.port, response_timeout=0.2) as client:

        async def trouble() -> None:
            while True:
                simulator.smsc.faults = Faults(
                    throttle_per_second=400,
                    drop_responses=3,
                    swallow=2,
                    disconnect_after=40,
                    response_delay=0.01,
                    duplicate_receipts=True,
                    receipts_out_of_order=True,
                    receipt_delay=0.02,
                )
                await asyncio.sleep(0.3)

        troublemaker = asyncio.create_task(trouble())
        messages = [text(number, LONG + str(number) if number % 7 == 0 else str(number)) for number in range(300)]
        seen = Counter[type]()
        async with asyncio.timeout(PATIENCE * 2):
            accepted = await asyncio.gather(*(deliver(client.operator, message, seen) for message in messages))
        troublemaker.cancel()
        assert seen[OutcomeUnknown] > 10
        assert seen[Transient] > 10
        assert Counter(simulator.texts(PHONE)) == Counter(message.text for message in messages)
        ids = {provider_id for outcome in accepted for provider_id in outcome.provider_ids}
        await until(
            lambda: {report.provider_id for report in client.reports if report.state is ReportState.DELIVERED} >= ids
        )


async def test_receipts_twice_and_out_of_order(simulator: Simulator) -> None:
    simulator.smsc.faults = Faults(duplicate_receipts=True, receipts_out_of_order=True, receipt_delay=0.05)
    async with connected(simulator.port) as client:
        outcomes = await asyncio.gather(*(client.operator.send(text(number)) for number in range(20)))
        ids = [outcome.provider_ids[0] for outcome in outcomes if isinstance(outcome, Accepted)]
        await until(lambda: len(client.reports) == 60)
    came = [report.provider_id for report in client.reports if report.state is ReportState.DELIVERED]
    assert came != sorted(came)
    assert Counter(came) == dict.fromkeys(ids, 2)
    last = {report.provider_id: report.state for report in client.reports}
    assert ReportState.SENT in last.values()


async def test_a_report_that_was_not_kept_comes_again(simulator: Simulator) -> None:
    tries = Counter[str]()

    async def fails_once(report: Report) -> None:
        tries[report.provider_id] += 1
        if tries[report.provider_id] == 1:
            raise RuntimeError("the database is away")

    async with connected(simulator.port, on_report=fails_once) as client:
        await client.operator.send(text(1))
        await until(lambda: len(client.reports) == 1)
    assert list(tries.values()) == [2]


async def test_reports_wait_for_us(simulator: Simulator) -> None:
    simulator.smsc.faults = Faults(receipt_delay=0.3)
    async with connected(simulator.port) as client:
        await client.operator.send(text(1))
    assert client.reports == []
    async with connected(simulator.port) as client:
        await until(lambda: len(client.reports) == 1)


async def test_a_phone_that_cannot_be_reached(simulator: Simulator) -> None:
    simulator.smsc.faults = Faults(unreachable=frozenset({PHONE}), receipt_delay=0.01)
    async with connected(simulator.port) as client:
        outcome = await client.operator.send(text(1))
        assert isinstance(outcome, Accepted)
        await until(lambda: len(client.reports) == 1)
        [report] = client.reports
        assert (report.state, report.error) == (ReportState.UNDELIVERABLE, "1")
        assert report.at is not None
        assert (await client.operator.status(outcome.provider_ids))[report.provider_id].state is report.state
    assert simulator.texts(PHONE) == []


async def test_the_state_of_ids_is_asked_for(simulator: Simulator) -> None:
    async with connected(simulator.port) as client:
        outcome = await client.operator.send(Outgoing("long", PHONE, LONG))
        assert isinstance(outcome, Accepted)
        states = await client.operator.status([*outcome.provider_ids, "nobody"])
    assert {name: report.state for name, report in states.items()} == dict.fromkeys(
        outcome.provider_ids, ReportState.DELIVERED
    )


async def test_a_refused_text_is_not_tried_again(simulator: Simulator) -> None:
    simulator.smsc.faults = Faults(refuse=1, refuse_status=0x0B)
    async with connected(simulator.port) as client:
        assert await client.operator.send(text(1)) == Rejected("ESME_RINVDSTADR")
        simulator.smsc.faults = Faults(refuse=1, refuse_status=0x412)
        assert await client.operator.send(text(2)) == Rejected("0x00000412")


async def test_a_text_from_a_phone(simulator: Simulator) -> None:
    async with connected(simulator.port) as client:
        assert simulator.smsc.text_from_phone(PHONE, "پیگیری 7K3M9P2QXAB", None) == 1
        assert simulator.smsc.text_from_phone(PHONE, "س" * 71, "30009999") == 2
        await until(lambda: len(client.inbound) == 3)
    first, *parts = client.inbound
    assert (first.sender, first.recipient, first.text, first.part) == (PHONE, "30001000", "پیگیری 7K3M9P2QXAB", None)
    assert [part.recipient for part in parts] == ["30009999"] * 2
    assert [part.part and (part.part.total, part.part.number) for part in parts] == [(2, 1), (2, 2)]
    assert isinstance(parts[0].part, PartOf)
    assert parts[0].part.reference == (parts[1].part and parts[1].part.reference)
    assert "".join(part.text for part in parts) == "س" * 71


async def test_without_a_bound_session_nothing_is_promised(simulator: Simulator) -> None:
    async with connected(simulator.port, password="wrong", wait=False) as client:
        assert not client.operator.ready
        outcome = await client.operator.send(text(1))
        assert isinstance(outcome, Transient)
        assert outcome.reason == "not_bound"
        await asyncio.sleep(0.1)
        assert not client.operator.ready
    assert simulator.texts(PHONE) == []


async def test_the_end_waits_for_answers_and_unbinds(simulator: Simulator) -> None:
    simulator.smsc.faults = Faults(response_delay=0.2)
    async with connected(simulator.port) as client:
        sending = asyncio.create_task(client.operator.send(text(1)))
        await until(lambda: simulator.texts(PHONE) != [])
        await client.stop()
        assert isinstance(await sending, Accepted)
        assert simulator.smsc.bound == 0
        assert not client.operator.ready
        late = await client.operator.send(text(2))
        assert isinstance(late, Transient)


async def test_numbers_that_are_none_are_the_callers_error(simulator: Simulator) -> None:
    async with connected(simulator.port) as client:
        for number in ("09121234567", "+98912", "+۹۸۹۱۲۱۲۳۴۵۶۷", "+9891212345678901"):
            with pytest.raises(ValueError, match=r"not an E\.164 number") as caught:
                await client.operator.send(Outgoing("name", number, "text"))
            assert number not in str(caught.value)
