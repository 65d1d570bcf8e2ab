from dataclasses import replace
from datetime import date

import pytest

from services.letters.press.content import KINDS, OUTCOMES, UnrenderableText
from shared.contracts.envelope import CaseKind, Language, Outcome
from shared.persian.bidi import FSI, PDI
from tests.services.letters.papers import BEFORE_THE_LOG, ENGLISH, LETTER, groups


def test_a_persian_page_has_persian_digits_and_jalali_dates() -> None:
    page = LETTER.page()
    assert page["number"] == "۱۴۰۵/۱۲/۳۴"
    assert page["date"] == "۱۴۰۵/۰۹/۰۳"
    assert page["registered_on"] == "۱۹ آبان ۱۴۰۵"
    assert page["decided_on"] == "۲ آذر ۱۴۰۵"
    assert page["tracking_code"] == "7K3MZ0Q1XAB"  # as in the SMS


def test_an_english_page_has_latin_digits_and_gregorian_dates() -> None:
    page = ENGLISH.page()
    assert page["number"] == "1405/12/34"
    assert (page["date"], page["registered_on"]) == ("24 November 2026", "10 November 2026")


def test_the_root_of_the_log_is_printed_with_its_day_and_kept_for_machines() -> None:
    assert LETTER.log
    root = groups(LETTER.log.root)
    assert LETTER.page()["log"] == {"day": "۱ آذر ۱۴۰۵", "index": "۴۱۲۰۷", "size": "۴۱۳۱۶", "root": root}
    assert ENGLISH.page()["log"] == {"day": "22 November 2026", "index": "41207", "size": "41316", "root": root}
    assert LETTER.record()["log"] == {
        "day": "2026-11-22",
        "day_jalali": "1405-09-01",
        "index": 41_207,
        "size": 41_316,
        "root": "".join(root),
    }
    assert BEFORE_THE_LOG.page()["log"] is BEFORE_THE_LOG.record()["log"] is None


@pytest.mark.parametrize("language", ["fa", "en"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_kind_and_outcome_has_words(language: Language, kind: CaseKind, outcome: Outcome) -> None:
    page = replace(LETTER, language=language, kind=kind, outcome=outcome).page()
    assert page["kind"]
    assert page["outcome"]


def test_foreign_runs_are_isolated_in_the_text() -> None:
    text = replace(LETTER, body="شبا IR06 0170 0000 0012 3456 7890 01 است.").page()["paragraphs"][0]["text"]
    assert f"{FSI}IR06 0170 0000 0012 3456 7890 01{PDI}" in text


def test_paragraphs_are_lines_with_text_and_know_their_direction() -> None:
    paragraphs = replace(LETTER, body="یک\n\n  \nABC 12\nدو").page()["paragraphs"]
    assert [(part["text"].strip(FSI + PDI), part["rtl"]) for part in paragraphs] == [
        ("یک", True),
        ("ABC 12", False),
        ("دو", True),
    ]


def test_arabic_letters_are_written_as_persian_ones_and_overrides_are_gone() -> None:
    page = replace(LETTER, recipient="علي \u202eكريمي\u202c", body="\u202eمتن").page()
    assert page["recipient"] == f"{FSI}علی کریمی{PDI}"
    assert page["paragraphs"][0]["text"] == "متن"


def test_endless_words_get_places_to_break_and_others_none() -> None:
    words = replace(LETTER, body="A" * 200).page()["paragraphs"][0]["text"]
    assert "\u200b" in words
    assert words.replace("\u200b", "").strip(FSI + PDI) == "A" * 200
    assert "\u200b" not in replace(LETTER, body="واژه " * 200).page()["paragraphs"][0]["text"]


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "e" + "\u0301" * 31])
def test_what_is_no_text_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(UnrenderableText) as refused:
        replace(LETTER, body=text).page()
    assert str(refused.value) == ""


def test_the_record_is_for_machines() -> None:
    record = replace(LETTER, issued_on=date(2026, 3, 21)).record()
    assert record["issued_on"] == "2026-03-21"
    assert record["issued_on_jalali"] == "1405-01-01"
    assert record["number"] == "1405/12/34"
    assert "مریم" not in str(record)  # the name and address are on the page alone
