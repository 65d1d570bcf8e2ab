"""The texts of the steps: one for each told event, in both languages, with the code as in the API and no raw figure."""

import re
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from deploy.local.keys import make_keys
from services.sms.keys import SmsKeys
from services.sms.segments import segment
from services.sms.templates import otp_text, step_text
from shared.contracts.envelope import CategoryRef, DepartmentRef, Event, Language
from shared.contracts.registry import SMS_STEPS
from shared.contracts.routing import CaseReopeningRefused, TopicDecided, TopicDecidedData
from shared.kit.ids import uuid7
from shared.kit.outbox import new_event
from shared.kit.sealing import seal
from shared.kit.settings import ServiceSettings

CODE = "M00YBB2YE79"
NOTE = "پروندهٔ شما به شعبهٔ ۱۲ تهران فرستاده شد."
SILENT = {"contact.changed.v1", "case.resumed.v1"}
"""Heard, since a chain of causes goes through them, but not told."""

TOLD = [kind for kind in SMS_STEPS.events if kind.TYPE not in SILENT]

_VALUES: dict[str, Any] = {
    "status": "assigned",
    "due_at": datetime(2026, 12, 26, 20, 29, 59, tzinfo=UTC),
    "due_on": date(2026, 12, 26),
    "department": DepartmentRef(id="d", name_fa="تأمین اجتماعی – بیمه‌ای و سوابق", name_en="SSO – Insurance"),
    "category": CategoryRef(id="c", name_fa="نقص سابقه", name_en="Missing record"),
    "outcome": "upheld",
    "days": 3,
    "number": "1405/110/7",
    "reason": "unknown_address",
    "reachable": True,
}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> SmsKeys:
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder)
    return SmsKeys.load(ServiceSettings(keys_dir=folder))


def event_of(kind: type[Event], keys: SmsKeys) -> Event:
    """An event of that kind, with what texts are made of; whatever else it holds is of no weight here."""
    case_id = uuid7()
    shape: type[BaseModel] = kind.model_fields["data"].annotation  # type: ignore[assignment]
    data = dict(_VALUES) | ({"reason": "once"} if kind is CaseReopeningRefused else {})
    data["note_sealed"] = seal(keys.step, orjson.dumps({"text": NOTE}), b"step:" + str(case_id).encode())
    known = {name: data[name] for name in shape.model_fields if name in data}
    missing = {
        name: None
        for name, field in shape.model_fields.items()
        if name not in known and field.default is PydanticUndefined
    }
    return new_event(
        kind, subject=str(case_id), sequence=1, case_id=case_id, data=shape.model_construct(**known, **missing)
    )


@pytest.mark.parametrize("language", ["fa", "en"])
@pytest.mark.parametrize("kind", TOLD, ids=lambda kind: kind.TYPE)
def test_every_told_step_has_a_text_of_few_parts(kind: type[Event], language: Language, keys: SmsKeys) -> None:
    text = step_text(event_of(kind, keys), CODE, language, keys)
    assert text is not None
    assert CODE in text.splitlines()[0], "the code stands as in the API, where a phone shows it first"
    assert "None" not in text
    assert "—" not in text
    assert len(segment(text).parts) <= 5
    figures = re.sub(re.escape(CODE), "", text)
    if language == "fa":
        assert not re.search(r"[0-9A-Za-z]", figures), "Persian digits and words in a Persian text"
    else:
        assert not re.search(r"[\u06f0-\u06f9]", figures.replace(NOTE, ""))


@pytest.mark.parametrize("type", sorted(SILENT))
def test_what_is_heard_and_not_told_has_no_text(type: str, keys: SmsKeys) -> None:
    kind = next(kind for kind in SMS_STEPS.events if type == kind.TYPE)
    assert step_text(event_of(kind, keys), CODE, "fa", keys) is None


@pytest.mark.parametrize("language", ["fa", "en"])
def test_a_login_code_is_the_only_run_of_six_digits(language: Language) -> None:
    text = otp_text("012345", language)
    assert re.findall(r"\d{6,}", text) == ["012345"]
    assert len(segment(text).parts) <= 2


def decided_topic(**changes: Any) -> TopicDecided:
    data = {
        "topic_id": uuid7(),
        "decision_id": uuid7(),
        "kind": "complaint",
        "cases": 214,
        "category": CategoryRef(id="a.b", name_fa="مزد معوق", name_en="Unpaid wages"),
        "title": "بازرسی ویژهٔ کارگاه‌های بدهکار",
        "owner": DepartmentRef(id="a", name_fa="بازرسی کار و ایمنی", name_en="Labour inspection"),
        "due_on": date(2027, 1, 20),
        "decided_at": datetime.now(UTC),
        **changes,
    }
    return new_event(TopicDecided, subject="t", sequence=1, case_id=uuid7(), data=TopicDecidedData(**data))


def test_a_decision_of_the_working_group_says_that_theirs_was_one_of_many(keys: SmsKeys) -> None:
    text = step_text(decided_topic(), CODE, "fa", keys)
    assert text is not None
    assert CODE in text.splitlines()[0]
    assert "شکایت شما یکی از ۲۱۴ پرونده‌ای بود" in text
    assert "بازرسی ویژه" in text
    assert "۳۰ دی ۱۴۰۵" in text
    assert len(segment(text).parts) <= 5
    english = step_text(decided_topic(kind="request"), CODE, "en", keys)
    assert english is not None
    assert "Your request was one of 214 cases" in english


def test_one_alone_is_not_one_of_one(keys: SmsKeys) -> None:
    text = step_text(decided_topic(cases=1), CODE, "fa", keys)
    assert text is not None
    assert "دربارهٔ شکایت شما تصمیم گرفت" in text
    assert "۱ پرونده" not in text
