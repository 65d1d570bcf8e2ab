"""What the report says: Persian digits, exact words, and a note with anything in it."""

from pathlib import Path

import pytest

from deploy.local.fonts import FONTS
from services.routing.review.report.content import decimal, percent
from services.routing.review.report.pdf import CannotRender, render

PAGE = {
    "month": "آبان ۱۴۰۵",
    "scope": "همه",
    "state": "",
    "figures": [{"label": "ثبت‌شده", "value": "۱", "note": ""}],
    "trend": [],
    "excess": {"method": "", "history": "۳", "items": [], "more": ""},
    "kinds": [],
    "channels": [],
    "visits": "",
    "departments": [],
    "categories": [],
    "more_categories": "۰",
    "provinces": [],
    "notes": [],
}


def test_numbers_are_written_as_persian_readers_expect_them() -> None:
    assert (percent(0.874), percent(None), percent(12.5)) == ("۸۷٪", "–", "۱٬۲۵۰٪")
    assert (decimal(4.25), decimal(9.0), decimal(None)) == ("۴٫۲", "۹", "–")


@pytest.mark.parametrize("text", ["", '#import "x" $', "😀 漢字 𝔘", "IR06 0170 و +98 912", "\ufffe\x07\ue000"])
def test_a_note_may_hold_anything(text: str) -> None:
    note = {"department": "واحد", "by": text, "on": "۱ آذر ۱۴۰۵", "paragraphs": [text]}
    assert render({**PAGE, "notes": [note]}, FONTS).startswith(b"%PDF")


def test_without_its_font_nothing_is_rendered(tmp_path: Path) -> None:
    with pytest.raises(CannotRender):
        render(PAGE, tmp_path)
