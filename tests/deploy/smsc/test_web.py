"""The simulator's HTTP side."""

from datetime import UTC, datetime, timedelta

import pytest

from services.sms.operators.smpp.pdu import DeliverSm
from tests.deploy.smsc.conftest import Simulator
from tests.deploy.smsc.test_server import PHONE, submit
from tests.services.sms.operators.smpp import vectors


async def test_a_phone_shows_its_texts_newest_last(simulator: Simulator) -> None:
    client = await simulator.client()
    await client.bind()
    for text in ("one", "two"):
        assert (await client.ask(submit(text))).status == 0
    await client.ask(submit("elsewhere", destination="989350000000"))
    answer = await simulator.http.get(f"/phones/{PHONE}/messages")
    items = answer.json()["items"]
    assert [(item["text"], item["from"]) for item in items] == [("one", "30001000"), ("two", "30001000")]
    assert set(items[0]) == {"text", "from", "received_at"}
    times = [datetime.fromisoformat(item["received_at"]) for item in items]
    assert times == sorted(times)
    assert all(time.utcoffset() == timedelta(0) and datetime.now(UTC) - time < timedelta(minutes=1) for time in times)
    assert (await simulator.http.get("/phones")).json() == {
        "items": [{"number": PHONE, "texts": 2}, {"number": "+989350000000", "texts": 1}]
    }


async def test_an_unknown_phone_shows_nothing(simulator: Simulator) -> None:
    answer = await simulator.http.get("/phones/+989390000000/messages")
    assert (answer.status_code, answer.json()) == (200, {"items": []})
    assert (await simulator.http.get("/phones/%2B989390000000/messages")).status_code == 200
    assert (await simulator.http.get("/phones/nobody/messages")).status_code == 422


async def test_a_text_is_written_at_a_phone(simulator: Simulator) -> None:
    client = await simulator.client()
    await client.bind()
    await client.ask(submit("hello", source="30002000"))
    answer = await simulator.http.post(f"/phones/{PHONE}/messages", json={"text": "سلام"})
    assert (answer.status_code, answer.json()) == (202, {"parts": 1})
    came = (await client.read()).body
    assert isinstance(came, DeliverSm)
    assert (came.source, came.destination, came.short_message) == (PHONE[1:], "30002000", "سلام".encode("utf-16-be"))
    for wrong in ('{"text": ""}', "{}", '{"text": "\\ud83d"}'):
        assert (await simulator.http.post(f"/phones/{PHONE}/messages", content=wrong)).status_code == 422


async def test_faults_are_set_as_a_whole(simulator: Simulator) -> None:
    at_start = (await simulator.http.get("/faults")).json()
    assert at_start["receipt_delay"] == 0
    answer = await simulator.http.post("/faults", json={"drop_responses": 2, "duplicate_receipts": True})
    assert answer.json() == at_start | {"drop_responses": 2, "duplicate_receipts": True}
    assert (await simulator.http.post("/faults", json={"disconnect_after": 1})).json()["drop_responses"] == 0
    assert (await simulator.http.post("/faults", json={})).json() == at_start


@pytest.mark.parametrize("wrong", [{"drop": 1}, {"failure_rate": 2}, {"receipt_delay": -1}, {"throttle_per_second": 0}])
async def test_faults_that_are_none_are_refused(simulator: Simulator, wrong: dict[str, float]) -> None:
    before = simulator.smsc.faults
    assert (await simulator.http.post("/faults", json=wrong)).status_code == 422
    assert simulator.smsc.faults is before


async def test_it_says_that_it_is_a_simulator(simulator: Simulator) -> None:
    client = await simulator.client()
    await client.bind()
    assert (await simulator.http.get("/healthz")).json() == {"status": "ok", "simulator": True, "bound": 1}
    page = await simulator.http.get("/")
    assert "شبیه‌ساز" in page.text
    assert "simulator" in page.text
    assert 'dir="rtl"' in page.text


async def test_every_answer_says_who_sent_a_long_text_once(simulator: Simulator) -> None:
    client = await simulator.client()
    await client.bind()
    await simulator.http.post("/faults", json={"withhold_receipts": True})
    for octets in vectors.SMPPLIB_PARTS:
        await client.ask(octets)
    [item] = (await simulator.http.get(f"/phones/{PHONE}/messages")).json()["items"]
    assert (item["text"], item["from"]) == (vectors.SMPPLIB_TEXT, "30001000")
