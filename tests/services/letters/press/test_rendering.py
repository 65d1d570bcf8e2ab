import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deploy.local.packages import ROOT
from services.letters.press.content import Letter, UnrenderableText
from services.letters.press.field import seal_box
from services.letters.press.rendering import CannotRender, Window, render
from tests.services.letters.papers import (
    BEFORE_THE_LOG,
    ENGLISH,
    LETTER,
    LONG,
    LOOK,
    attached,
    failures,
    fonts,
    groups,
    pages,
    shown,
    words,
)

MILLIMETRE = 72 / 25.4


def texts(pdf: bytes, number: int = 1) -> list[str]:
    return [word.text for word in words(pdf, number)]


# --- as it should be --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "letter", [LETTER, ENGLISH, LONG, BEFORE_THE_LOG], ids=["persian", "english", "long", "before the log"]
)
def test_it_conforms_to_the_archives_and_the_screen_readers_standards(letter: Letter) -> None:
    assert failures(render(letter, LOOK)) == []


def test_its_font_is_embedded_and_there_is_no_other() -> None:
    found = fonts(render(LETTER, LOOK))
    assert found
    assert all("Vazirmatn" in name and embedded == "yes" and subset == "yes" for name, embedded, subset in found)


def test_a_short_letter_is_one_page_and_a_long_one_says_which_page_it_is() -> None:
    assert pages(render(LETTER, LOOK)) == 1
    long = render(LONG, LOOK)
    count = pages(long)
    assert count == 3
    for number, digit in enumerate("۱۲۳", start=1):
        assert footer(long, number) == ["۳", shown("از"), digit, shown("صفحه")]


def footer(pdf: bytes, number: int) -> list[str]:
    line = [word for word in words(pdf, number) if word.top > 770 and word.left < 150]
    return [word.text for word in sorted(line, key=lambda word: word.left)]


def test_later_pages_say_to_which_letter_they_belong() -> None:
    long = render(LONG, LOOK)
    for number in (2, 3):
        head = [word.text for word in words(long, number) if word.top < 60]
        assert "۱۴۰۵/۱۲/۳۴" in head
        assert shown("ادامهٔ") in head


@pytest.mark.parametrize("paragraphs", [8, 9, 10, 11, 30, 40, 41, 42, 43])
def test_the_signature_never_stands_on_a_page_alone(paragraphs: int) -> None:
    long = render(replace(LETTER, body="\n".join(["پیرو شکایت شما پرونده بررسی شد. " * 3] * paragraphs)), LOOK)
    last = texts(long, pages(long))
    assert {shown("پیرو"), shown("اعتراض"), shown("مدیرکل"), shown("الکترونیکی")} <= set(last)


def test_the_same_letter_gives_the_same_bytes_in_every_process() -> None:
    program = (
        "import sys; from hashlib import sha256; from services.letters.press.rendering import render;"
        "from tests.services.letters.papers import ENGLISH, LETTER, LOOK;"
        "render(ENGLISH, LOOK); print(sha256(render(LETTER, LOOK)).hexdigest())"
    )
    done = [
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env={"TZ": zone}, capture_output=True, text=True, check=True
        )
        for zone in ("UTC", "Asia/Tehran")
    ]
    assert done[0].stdout == done[1].stdout
    assert render(LETTER, LOOK) == render(LETTER, LOOK)


def test_the_letter_for_machines_is_attached() -> None:
    assert attached(render(LETTER, LOOK)) == LETTER.record()


# --- which way things read ------------------------------------------------------------------------------------------


def test_number_date_code_and_telephone_read_from_the_left() -> None:
    seen = texts(render(LETTER, LOOK))
    for run in ("۱۴۰۵/۱۲/۳۴", "۱۴۰۵/۰۹/۰۳", "7K3MZ0Q1XAB", "9F3K-Q2M7-XT4B-0DWE"):
        assert run in seen
    assert in_order(render(LETTER, LOOK), "۰۲۱-۱۲۳۴", "۰۰۰۰")


@pytest.mark.parametrize(
    ("text", "run"),
    [
        ("به شبای IR06 0170 0000 0012 3456 7890 01 واریز شد.", "IR06 0170 0000 0012 3456 7890 01"),
        ("با شمارهٔ +98 21 6449 1000 تماس بگیرید.", "+98 21 6449 1000"),
        ("با شمارهٔ ۰۲۱ ۶۴۴۹ ۱۰۰۰ تماس بگیرید.", "۰۲۱ ۶۴۴۹ ۱۰۰۰"),
        ("سامانهٔ Open Government Portal را ببینید.", "Open Government Portal"),
    ],
)
def test_groups_in_the_officers_text_keep_their_order(text: str, run: str) -> None:
    assert in_order(render(replace(LETTER, body=text), LOOK), *run.split())


def in_order(pdf: bytes, *groups: str) -> bool:
    """Whether the groups stand on one line, one after the other from left to right."""
    seen = sorted(words(pdf), key=lambda word: (round(word.bottom), word.left))
    line = [word.text for word in seen]
    return any(line[at : at + len(groups)] == list(groups) for at in range(len(line)))


def test_persian_words_read_from_the_right() -> None:
    pdf = render(replace(LETTER, body="نخست دوم سوم"), LOOK)
    assert in_order(pdf, shown("سوم"), shown("دوم"), shown("نخست"))


def test_digits_on_a_persian_page_are_persian_but_for_codes() -> None:
    latin = [word for word in texts(render(LETTER, LOOK)) if re.search("[0-9]", word)]
    assert LETTER.log
    assert sorted(latin) == sorted(["7K3MZ0Q1XAB", "9F3K-Q2M7-XT4B-0DWE", *groups(LETTER.log.root)])


def test_an_english_page_has_no_persian() -> None:
    assert not re.search("[آ-ی۰-۹]", " ".join(texts(render(ENGLISH, LOOK))))


# --- how the log stood -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("letter", [LETTER, ENGLISH], ids=["persian", "english"])
def test_the_logs_root_is_printed_in_two_lines_that_read_from_the_left(letter: Letter) -> None:
    assert letter.log
    pdf, root = render(letter, LOOK), groups(letter.log.root)
    assert in_order(pdf, *root[:4])
    assert in_order(pdf, *root[4:])
    numbers = ("۴۱۲۰۷", "۴۱۳۱۶") if letter is LETTER else ("41207", "41316")
    assert all(any(number in seen for seen in texts(pdf)) for number in numbers)


def test_it_stands_between_the_code_and_the_seal_on_the_last_page() -> None:
    assert LETTER.log
    pdf, root = render(LONG, LOOK), groups(LETTER.log.root)
    seen = {word.text: word for word in words(pdf, pages(pdf))}
    _, bottom, right, top = seal_box("fa")
    height = 297 * MILLIMETRE
    for group in root:
        assert seen[group].left > right
        assert height - top - 1 <= seen[group].top
        assert seen[group].bottom <= height - bottom + 1


def test_before_there_is_a_root_nothing_is_said_of_it() -> None:
    pdf = render(BEFORE_THE_LOG, LOOK)
    assert shown("برگ") not in texts(pdf)
    assert shown("برگ") in texts(render(LETTER, LOOK))
    assert attached(pdf)["log"] is None


# --- the window ------------------------------------------------------------------------------------------------------

ENDLESS = replace(
    LETTER,
    recipient="شرکت تعاونی تولیدی و خدماتی کارگران بازنشستهٔ شهرستان یاسوج و حومه با مسئولیت محدود",
    address=(
        "استان کهگیلویه و بویراحمد، یاسوج",
        "خیابان شهید دستغیب شرقی، روبه‌روی ادارهٔ کل تعاون، " * 5,
        "کد پستی ۱۴۵۶۷۸۹۰۱۲",
    ),
)


@pytest.mark.parametrize("letter", [LETTER, ENGLISH, ENDLESS], ids=["persian", "english", "endless"])
@pytest.mark.parametrize(
    "window", [Window(20, 48, 90, 35), Window(105, 50, 85, 30), Window(15, 60, 120, 45)], ids=["left", "right", "wide"]
)
def test_the_address_is_in_the_window_and_nothing_else_is(letter: Letter, window: Window) -> None:
    seen = words(render(letter, replace(LOOK, window=window)))
    left, top = window.left * MILLIMETRE, window.top * MILLIMETRE
    right, bottom = left + window.width * MILLIMETRE, top + window.height * MILLIMETRE
    inside = {word.text for word in seen if left < (word.left + word.right) / 2 < right and top < word.bottom < bottom}
    whole = {
        word.text
        for word in seen
        if left <= word.left and word.right <= right and top <= word.top and word.bottom <= bottom
    }
    assert inside == whole
    wanted = " ".join([letter.recipient, *letter.address]).split()
    assert set(" ".join(inside).split()) == {
        word if word.isascii() or word.isdigit() else shown(word) for word in wanted
    }


# --- what nobody should write ----------------------------------------------------------------------------------------

MARKUP = '#import "a.typ": * #read("/etc/passwd") $x^2$ \\alpha *b* _i_ `r` <l> @ref // c /* d */ [e]{f} = g ~ --- --'


def test_markup_stays_text() -> None:
    pdf = render(replace(LETTER, body=MARKUP, recipient="#panic()", address=("$\\", "*"), signatory="#lorem(9)"), LOOK)
    seen = texts(pdf)
    together = "".join(seen).replace(" ", "")
    assert MARKUP.replace(" ", "") in together
    assert {"#panic()", "$\\", "#lorem(9)"} <= set(seen)
    assert failures(pdf) == []


@pytest.mark.parametrize("word", ["س" * 600, "A" * 900, "https://example.org/" + "abcdef/" * 60, "9" * 500])
def test_endless_words_stay_inside_the_margins(word: str) -> None:
    pdf = render(replace(LETTER, body=f"متن {word} متن", recipient=word[:90], address=(word[:60],)), LOOK)
    for number in range(1, pages(pdf) + 1):
        seen = words(pdf, number)
        assert min(found.left for found in seen) > 19 * MILLIMETRE
        assert max(found.right for found in seen) < 191 * MILLIMETRE


FIELDS = {
    "body": lambda text: replace(LETTER, body=text),
    "recipient": lambda text: replace(LETTER, recipient=text),
    "address": lambda text: replace(LETTER, address=(text,)),
    "signatory": lambda text: replace(LETTER, signatory=text),
}


@pytest.mark.parametrize("text", ["سلام 😀", "漢字", "שלום", "\ue000", "→", "a\x00b", "\ud800"])
@pytest.mark.parametrize("field", FIELDS)
def test_what_the_font_cannot_show_is_refused_without_being_repeated(text: str, field: str) -> None:
    with pytest.raises(UnrenderableText) as refused:
        render(FIELDS[field](text), LOOK)
    assert str(refused.value) == ""
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("text", ["● یک", "▪ دو", "\uf0b7 سه", "• چهار", "یک – دو — سه …", "۱۲٪ و ۳٫۵ و ½", "m² و €"])
def test_what_officers_paste_is_shown(text: str) -> None:
    assert failures(render(replace(LETTER, body=text), LOOK)) == []


@settings(max_examples=60)
@given(st.text(max_size=80))
@example("\u200b" * 80)
@example("\u2066\u2067")
@example("ﷺ")
def test_any_text_is_either_shown_or_refused(text: str) -> None:
    try:
        pdf = render(replace(LETTER, body=text, recipient=text, address=(text, "ب")), LOOK)
    except UnrenderableText:
        return
    assert failures(pdf) == []


def test_without_its_font_there_is_no_letter(tmp_path: Path) -> None:
    with pytest.raises(CannotRender, match="holds no Vazirmatn"):
        render(LETTER, replace(LOOK, fonts=tmp_path))
    (tmp_path / "Vazirmatn-Regular.ttf").write_bytes(b"half a file")
    with pytest.raises(CannotRender):
        render(LETTER, replace(LOOK, fonts=tmp_path))
