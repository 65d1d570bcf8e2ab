"""The text about a decision of the working group."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest

from services.sms.keys import SmsKeys
from services.sms.segments import segment
from services.sms.templates import step_text
from shared.contracts.envelope import CategoryRef, DepartmentRef
from shared.contracts.routing import TopicDecided, TopicDecidedData
from shared.kit.outbox import new_event
from shared.kit.sealing import BlindIndex, KeyRing

CODE = "7K3M9XQ2TBD"


@pytest.fixture(scope="module")
def keys() -> SmsKeys:
    ring = KeyRing.generate()
    return SmsKeys(contact=ring, step=ring, otp=ring, blind=BlindIndex(ring))


def decided(**changes: Any) -> TopicDecided:
    data = {
        "topic_id": uuid4(),
        "decision_id": uuid4(),
        "kind": "complaint",
        "cases": 214,
        "category": CategoryRef(id="a.b", name_fa="موضوع", name_en="Matter"),
        "title": "بازرسی ویژهٔ کارگاه‌های بدهکار",
        "owner": DepartmentRef(id="a", name_fa="بازرسی کار و ایمنی", name_en="Labour inspection"),
        "due_on": date(2027, 1, 20),
        "decided_at": datetime.now(UTC),
        **changes,
    }
    return new_event(TopicDecided, subject="x", sequence=1, case_id=uuid4(), data=TopicDecidedData(**data))


def test_it_says_that_theirs_was_one_of_many(keys: SmsKeys) -> None:
    text = step_text(decided(), CODE, "fa", keys)
    assert text is not None
    assert "شکایت شما یکی از ۲۱۴ پرونده‌ای بود" in text
    assert "بازرسی ویژه" in text
    assert "۳۰ دی ۱۴۰۵" in text
    assert CODE in text
    assert len(segment(text).parts) <= 5
    english = step_text(decided(kind="request"), CODE, "en", keys)
    assert english is not None
    assert "Your request was one of 214 cases" in english


def test_one_alone_is_not_one_of_one(keys: SmsKeys) -> None:
    text = step_text(decided(cases=1), CODE, "fa", keys)
    assert text is not None
    assert "دربارهٔ شکایت شما تصمیم گرفت" in text
    assert "۱ پرونده" not in text
