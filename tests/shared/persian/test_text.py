import sys
import time
from unicodedata import category, is_normalized

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.persian.text import TextError, canon, fold, spaceless

ZWNJ = "\u200c"
ASSIGNED = [chr(point) for point in range(1, sys.maxunicode + 1) if category(chr(point)) not in ("Cn", "Co", "Cs")]
PREPENDED_MARKS = set("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u0890\u0891\u08e2\U000110bd\U000110cd")
"""Format characters with a glyph of their own (Unicode's Prepended_Concatenation_Mark)."""

# what makes trouble, far more often than chance would bring it together
tangled = st.text(
    st.one_of(
        st.sampled_from(
            "آابپیيىكکهةەۀئؤأإ ٔ ٕ َ ّ ٓ ـ‌‌‌ \n\r\t\u0085\u2028\u200d\u200b\u200f\u202e\u2066\ufeff\u00ad۱٢3aÀ́ﻻﷲﹱﱞ"
        ),
        st.characters(exclude_categories=["Cs"], exclude_characters="\x00"),
    )
)


def line(text: str) -> str:
    return canon(text, multiline=False)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("مستمري بازنشستگي كارگران", "مستمری بازنشستگی کارگران"),
        ("مصطفى", "مصطفی"),
        ("فاطمة حیاة", "فاطمة حیاة"),
        ("مسئول تأمین رأی مؤسسه جزء", "مسئول تأمین رأی مؤسسه جزء"),
        ("مسي\u0654ول مسی\u0654ول", "مسئول مسئول"),
        ("نامۀ", "نامه\u0654"),
        ("ا\u0653ب", "آب"),
        ("عَلَیْهِ لطفاً", "عَلَیْهِ لطفاً"),
        ("ســـلام", "سلام"),
        ("ﺳﻼﻡ ﮐﺘﺎﺑﻲ", "سلام کتابی"),
        ("٪۱۲ ٣٤ 56", "٪۱۲ ۳۴ 56"),
        ("  یک\u00a0\u2003دو\t\r\nسه ", "یک دو سه"),
        ("\u202eبرعکس\u202c \u2067جدا\u2069 \u200eچپ\u200f", "برعکس جدا چپ"),
        ("\ufeffمت\u200bن\u00ad \u2060و\u200d", "متن و"),
        ("پنهان\U000e0041\U000e007f\ufe0f", "پنهان"),
        ("\u3164\u2800\u115f", ""),
        ("Hello,\x07 world", "Hello, world"),
        ("é e\u0301", "é é"),
    ],
)
def test_a_letter_has_one_spelling(typed: str, kept: str) -> None:
    assert line(typed) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (f"می{ZWNJ}شود", f"می{ZWNJ}شود"),
        (f"می{ZWNJ * 3}شود", f"می{ZWNJ}شود"),
        (f"خانه\u0654{ZWNJ}ما", f"خانه\u0654{ZWNJ}ما"),
        (f"می{ZWNJ}\u200d{ZWNJ}شود", f"می{ZWNJ}شود"),
        (f"{ZWNJ}می{ZWNJ} {ZWNJ}شود{ZWNJ}", "می شود"),
        (f"a{ZWNJ}b ۲{ZWNJ}نفر کار{ZWNJ}، تمام{ZWNJ}.", "ab ۲نفر کار، تمام."),
        (f"می\n{ZWNJ}\nشود", "می شود"),
    ],
)
def test_zwnj_stays_between_letters_alone(typed: str, kept: str) -> None:
    assert line(typed) == kept


def test_lines_stay_where_they_matter() -> None:
    typed = "\r\n سلام \r\n\r\n\n\n\u2028 خداحافظ\u0085بار  دیگر \n"
    assert canon(typed, multiline=True) == "سلام\n\nخداحافظ\nبار دیگر"
    assert canon(typed, multiline=False) == "سلام خداحافظ بار دیگر"


@pytest.mark.parametrize("text", ["\x00", "متن\x00", "abc\x00", "\ud800", "متن \udfff متن", "\ude00\ud83d"])
@pytest.mark.parametrize("multiline", [True, False])
def test_what_cannot_be_stored_is_refused_without_being_told(text: str, multiline: bool) -> None:
    with pytest.raises(TextError) as refused:
        canon(text, multiline=multiline)
    assert isinstance(refused.value, ValueError)
    assert refused.value.code == "text_not_clean"
    assert str(refused.value) == "text_not_clean"


HEAP = "\u0650\u0654"


@pytest.mark.parametrize(
    "text",
    [
        "ا" + HEAP * 16,
        "ا" + HEAP * 12 + "\u200d" + HEAP * 12,  # joined by what is removed
        "ا" + "\u0344" * 16,  # two marks each, once decomposed
        "ا" + "ﹼﹺ" * 16,  # presentation forms of marks
        "a" + "\U0001d165" * 31,
        "سلام" + HEAP * 20000,
    ],
)
def test_a_heap_of_marks_is_refused_at_once(text: str) -> None:
    begun = time.perf_counter()
    with pytest.raises(TextError):
        line(text)
    assert time.perf_counter() - begun < 0.2


def test_marks_that_a_reader_can_see_stay() -> None:
    assert line("ا" + "\u0650" * 30 + "😀" * 100) == "ا" + "\u0650" * 30 + "😀" * 100


def test_every_control_and_format_character_goes() -> None:
    kept = [
        hex(ord(one))
        for one in ASSIGNED
        if category(one) in ("Cc", "Cf")
        and one not in PREPENDED_MARKS
        and one != ZWNJ
        and line(f"ا{one}ب") not in ("اب", "ا ب")
    ]
    assert kept == []


def test_what_has_a_glyph_stays() -> None:
    for mark in PREPENDED_MARKS:
        assert mark in line(f"ا{mark}ب")
    assert line("😀 ﷼ ﷺ ﴾آیه﴿ ½ ™") == "😀 ﷼ ﷺ ﴾آیه﴿ ½ ™"


@given(tangled, st.booleans())
@example(f"ە\u200d\u0654 ی{ZWNJ}\u0654", False)
@example("ۀ\u0650", False)
def test_canon_is_at_rest_after_once(text: str, multiline: bool) -> None:
    kept = canon(text, multiline=multiline)
    assert canon(kept, multiline=multiline) == kept
    assert is_normalized("NFC", kept)
    assert kept.encode().decode() == kept
    assert kept == kept.strip()
    assert "  " not in kept
    assert "\n\n\n" not in kept
    assert multiline or "\n" not in kept


@given(tangled)
def test_one_line_is_the_lines_joined(text: str) -> None:
    assert " ".join(canon(text, multiline=True).split()) == canon(text, multiline=False)


def test_canon_is_at_rest_for_every_character() -> None:
    restless = [hex(ord(one)) for one in ASSIGNED if line(line(f"ا{one}ب")) != line(f"ا{one}ب")]
    assert restless == []


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        (f"می{ZWNJ}شود", "می شود"),
        ("إصلاح أمر آب ٱلله", "اصلاح امر اب الله"),
        ("فاطمة نامۀ نامه\u0654", "فاطمه نامه نامه"),
        ("مؤسسه مسئول رأی", "موسسه مسیول رای"),
        ("اعضاء و امضاء", "اعضا و امضا"),
        ("مستمري كارگر مصطفى", "مستمری کارگر مصطفی"),
        ("عَلَیْهِ لطفاً ســلام", "علیه لطفا سلام"),
        ("۱۴۰۴/٠۹/１８", "1404 09 18"),
        ("۱٬۲۳۴٬۵۶۷ ریال", "1234567 ریال"),
        ("بیمه،بازنشستگی؛(مستمری)!", "بیمه بازنشستگی مستمری"),
        ("Straße ÉTÉ İstanbul", "strasse ete istanbul"),
        ("ﺳﻼﻡ ﷲ ﷼", "سلام الله ریال"),
        ("ھۆڵی کوردی ێ", "هولی کوردی ی"),
        ("\u202eسلام\u200f\x00\ud800", "سلام"),
    ],
)
def test_fold_gives_up_what_readers_do_without(written: str, folded: str) -> None:
    assert fold(written) == folded


@given(st.one_of(tangled, st.text(st.characters())))
def test_fold_is_at_rest_after_once(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert folded == " ".join(folded.split())
    assert spaceless(text) == folded.replace(" ", "")
    assert spaceless(spaceless(text)) == spaceless(text)


def test_fold_is_at_rest_for_every_character() -> None:
    restless = [hex(ord(one)) for one in ASSIGNED if fold(fold(one)) != fold(one)]
    assert restless == []


@given(tangled)
def test_both_roads_to_the_trigram_column_meet(text: str) -> None:
    assert spaceless(canon(text, multiline=True)) == spaceless(text)


def test_the_three_spellings_of_a_word_are_one_for_trigrams() -> None:
    assert spaceless(f"می{ZWNJ}شود") == spaceless("می شود") == spaceless("میشود") == "میشود"
