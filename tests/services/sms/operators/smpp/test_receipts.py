"""Delivery receipts as SMSCs really wrote them (texts of cloudhopper-smpp's DeliveryReceiptTest, Apache-2.0)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.sms.operators.port import Report, ReportState
from services.sms.operators.smpp.pdu import DeliverSm, decode
from services.sms.operators.smpp.receipts import is_receipt, report, state_of
from services.sms.operators.smpp.wire import PduError
from tests.services.sms.operators.smpp import vectors


def receipt(text: str, tlvs: tuple[tuple[int, bytes], ...] = ()) -> DeliverSm:
    return DeliverSm("989121234567", "30001000", text.encode("latin-1"), esm_class=0x04, tlvs=tlvs)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (
            vectors.CLOUDHOPPER_RECEIPT,
            Report("38601fa", ReportState.DELIVERED, datetime(2010, 2, 10, 17, 31, tzinfo=UTC)),
        ),
        (vectors.MOZES_RECEIPT, Report("70BA8A69", ReportState.DELIVERED, datetime(2013, 5, 5, 8, 26, tzinfo=UTC))),
    ],
)
def test_recorded_receipts_with_parameters(octets: str, expected: Report) -> None:
    body = decode(bytes.fromhex(octets)).body
    assert isinstance(body, DeliverSm)
    assert is_receipt(body)
    assert report(body, UTC) == expected


MINUTE = datetime(2010, 5, 24, 23, 39, tzinfo=UTC)
TEXTS = [
    (
        "id:0123456789 sub:002 dlvrd:001 submit date:1005232039 done date:1005242339 stat:DELIVRD err:012"
        " text:This is a sample mes",
        Report("0123456789", ReportState.DELIVERED, MINUTE, "12"),
    ),
    (
        "id:4 sub:001 dlvrd:001 submit date:1006020051 done date:1006020051 stat:DELIVRD err:000 Text:Hello",
        Report("4", ReportState.DELIVERED, datetime(2010, 6, 2, 0, 51, tzinfo=UTC)),
    ),
    (
        "sub:001 id:74e02ee1-4e2f-4a6e-a78b-4b247d756a22 err:000 dlvrd:001 done date:110206193110"
        " submit date:110206193041 stat:DELIVRD text:",
        Report(
            "74e02ee1-4e2f-4a6e-a78b-4b247d756a22",
            ReportState.DELIVERED,
            datetime(2011, 2, 6, 19, 31, 10, tzinfo=UTC),
        ),
    ),
    (
        "id:2E179B310EDE971B2760C72B7F026E1B submit date:20110314181534 done date:20110314181741 stat:DELIVRD err:0",
        Report(
            "2E179B310EDE971B2760C72B7F026E1B",
            ReportState.DELIVERED,
            datetime(2011, 3, 14, 18, 17, 41, tzinfo=UTC),
        ),
    ),
    (
        "id:98765432101 sub:000 dlvrd:000 submit date:1001010000 done date:1001010000 stat:ENROUTE err:000 text:",
        Report("98765432101", ReportState.SENT, datetime(2010, 1, 1, tzinfo=UTC)),
    ),
    (
        "id:7 stat:UNDELIV done date:0000000000 err:1A text:id:8 stat:DELIVRD",
        Report("7", ReportState.UNDELIVERABLE, error="1A"),
    ),
    ("id:7 stat:EXPIRED", Report("7", ReportState.EXPIRED)),
    ("id:7 stat:DELETED", Report("7", ReportState.UNDELIVERABLE)),
    ("id:7 stat:rejectd", Report("7", ReportState.REJECTED)),
    ("id:7 stat:ACCEPTD", Report("7", ReportState.SENT)),
    ("id:7 stat:UNKNOWN", Report("7", ReportState.UNKNOWN)),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_texts_of_receipts(text: str, expected: Report) -> None:
    assert report(receipt(text), UTC) == expected


def test_the_time_is_the_smscs() -> None:
    at = report(receipt("id:7 stat:DELIVRD done date:2512091230"), ZoneInfo("Asia/Tehran")).at
    assert at == datetime(2025, 12, 9, 9, 0, tzinfo=UTC)


def test_our_reference_comes_back() -> None:
    assert report(receipt("id:7 stat:DELIVRD", ((0x0204, b"\x12\x34"),)), UTC).reference == 0x1234


@pytest.mark.parametrize(
    "text", ["", "stat:DELIVRD", "id:7", "id: stat:DELIVRD", "id:7 stat:BADSTAT", "سلام".encode().decode("latin-1")]
)
def test_a_receipt_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(PduError):
        report(receipt(text), UTC)


def test_a_text_from_a_phone_is_no_receipt() -> None:
    assert not is_receipt(DeliverSm("989121234567", "30001000", b"id:7 stat:DELIVRD"))


def test_every_state_of_the_standard_has_a_word() -> None:
    assert [state_of(number) for number in (0, 9)] == [None, None]
    assert None not in [state_of(number) for number in range(1, 9)]
