"""The model's file, and what spelling may not change."""

import io
import pickle
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.classify.examples import Corpus, Example
from services.routing.classify.features import tokens
from services.routing.classify.model import Model, ModelError
from services.routing.classify.training import train


def test_the_file_says_version_and_hash_and_reads_back_to_the_same_bytes(model: Model, model_file: Path) -> None:
    content = model_file.read_bytes()
    assert len(content) < 8_000_000
    assert model.version.startswith("cold-")
    assert len(model.sha256) == 64
    assert Model.load(content).dump() == content


def test_training_again_gives_the_same_bytes() -> None:
    examples = [
        Example(f"{word} را {verb} و ندادند", category)
        for category, words in {
            "a.one": ("حقوق", "دستمزد", "مزد"),
            "b.two": ("ویلچر", "سمعک", "عصا"),
            "integrity.bribery": ("رشوه", "پول", "شیرینی"),
        }.items()
        for word in words
        for verb in ("خواستم", "گرفتند", "بریدند", "قطع کردند")
    ]
    corpus = Corpus(tuple(examples), {"a.one": "a", "b.two": "b", "integrity.bribery": "integrity"})
    first = train(corpus)
    assert first.dump() == train(corpus).dump()
    assert first.opinion("ویلچر خواستم و ندادند").top[0].category_id == "b.two"


def test_a_file_that_is_no_model_is_refused_and_nothing_in_it_is_run(model: Model, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    trapped = io.BytesIO()
    np.savez(trapped, told=np.array([Trap()], dtype=object), words=np.array([1]))
    whole = model.dump()
    for content in (b"", b"no zip", pickle.dumps(Trap()), trapped.getvalue(), whole[: len(whole) // 2]):
        with pytest.raises(ModelError):
            Model.load(content)
    assert not (tmp_path / "sprung").exists()


SPELLINGS = [
    ("کارفرما حقوق و دستمزد ما را نمی‌دهد", "كارفرما حقوق و دستمزد ما را نمي دهد"),
    ("مستمری معلولیت قطع شده و نمی‌دهند", "مستمري معلوليت قطع شده و نميدهند"),
    ("سابقه‌های بیمه‌ام ناقص است", "سابقه های بیمه ام ناقص است"),
    ("دهک‌بندی اشتباه است", "دهـــک بندی اشتبااااااه است!!!"),
]


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_arabic_letters_half_spaces_and_stretched_words_change_nothing(model: Model, one: str, other: str) -> None:
    here, there = model.opinion(one), model.opinion(other)
    assert here.top[0].category_id == there.top[0].category_id
    assert here.top[0].score == pytest.approx(there.top[0].score, abs=0.15)


def test_reasons_are_words_of_the_text_as_they_stand_there(model: Model) -> None:
    text = "سلام. «مستمری» معلولیت فرزندم سه ماه است واریز نمی‌شود!"
    reasons = model.opinion(text).top[0].reasons
    assert "مستمری" in reasons
    assert all(reason in text for reason in reasons)


def test_a_matter_and_how_it_was_handled(model: Model) -> None:
    told = model.opinion("مقرری بیمه بیکاری‌ام سه ماه است واریز نشده. هر بار می‌روم می‌گویند فردا بیا و کسی جواب نمی‌دهد.")
    assert told.top[0].category_id == "sso-pension.unemployment-payment"
    assert told.second == "hq.delay-referral"


def test_no_number_of_a_person_s_is_a_feature() -> None:
    assert [token.word for token in tokens("کد ملی 0499370899 و موبایل ۰۹۱۲۱۲۳۴۵۶۷ ماده ۲۷")] == [
        "کد", "ملی", "و", "موبایل", "ماده", "27"
    ]  # fmt: skip


@given(st.text(max_size=300))
def test_any_text_gets_an_opinion(model: Model, text: str) -> None:
    told = model.opinion(text)
    assert len(told.top) == 3
    assert 0 <= told.corruption <= 1
    assert sum(guess.score for guess in told.top) <= 1.001


def test_nothing_said_is_nothing_decided(model: Model) -> None:
    for text in ("", "سلام", "لطفاً به کار من رسیدگی کنید.", "Hello, please help me", "🙂"):
        told = model.opinion(text)
        assert not told.sure, text
        assert not told.smells, text


def test_a_text_takes_milliseconds_and_the_longest_not_many(model: Model) -> None:
    text = "کارفرما سه ماه حقوق ما را نداده و بیمه هم رد نکرده است. "
    for times, most in ((5, 0.02), (200, 0.15)):
        taken = []
        for _ in range(5):
            began = time.perf_counter()
            model.opinion(text * times)
            taken.append(time.perf_counter() - began)
        assert min(taken) < most
