import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.persian.digits import group, to_latin, to_persian


def test_three_scripts_become_one() -> None:
    assert to_latin("۰۱۲۳۴۵۶۷۸۹ ٠١٢٣٤٥٦٧٨٩ ０１２３４５６７８９ 0123456789") == " ".join(["0123456789"] * 4)
    assert to_persian("۰۱۲۳۴۵۶۷۸۹ ٠١٢٣٤٥٦٧٨٩ ０１２３４５６７８９ 0123456789") == " ".join(["۰۱۲۳۴۵۶۷۸۹"] * 4)


def test_other_characters_stay() -> None:
    assert to_latin("کد ۱۲٪، x² १") == "کد 12٪، x² १"
    assert to_persian("IR12, کد") == "IR۱۲, کد"


@given(st.text())
def test_there_and_back(text: str) -> None:
    assert to_latin(to_persian(text)) == to_latin(text)
    assert to_latin(to_latin(text)) == to_latin(text)
    assert len(to_latin(text)) == len(text)


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "۰"), (999, "۹۹۹"), (1000, "۱٬۰۰۰"), (1234567, "۱٬۲۳۴٬۵۶۷"), (-4200, "\u200e\u2212۴٬۲۰۰")],
)
def test_numbers_are_grouped(number: int, shown: str) -> None:
    assert group(number) == shown


@given(st.integers())
def test_a_grouped_number_can_be_read_back(number: int) -> None:
    read = to_latin(group(number)).replace("٬", "").replace("\u200e\u2212", "-")
    assert int(read) == number
