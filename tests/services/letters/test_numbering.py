from datetime import UTC, datetime

import pytest

from services.letters.numbering import LetterNumber, jalali_year


def test_a_number_is_year_office_and_n() -> None:
    assert str(LetterNumber(1405, "110", 34)) == "1405/110/34"


@pytest.mark.parametrize("text", ["1405/110/34", " ۱۴۰۵/۱۱۰/۳۴ ", "١٤٠٥/١١٠/٣٤"])
def test_a_number_is_read_in_any_digits(text: str) -> None:
    assert LetterNumber.parse(text) == LetterNumber(1405, "110", 34)


@pytest.mark.parametrize("text", ["", "1405/110", "1405-110-34", "2026/110/34", "1405/110/034", "1405/110/-1", "a/b/c"])
def test_what_is_no_number_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a letter's number$"):
        LetterNumber.parse(text)


def test_the_year_is_tehrans() -> None:
    # Nowruz 1405 is 21 March 2026; it begins in Tehran at 20:30 UTC of the 20th
    assert jalali_year(datetime(2026, 3, 20, 20, 29, tzinfo=UTC)) == 1404
    assert jalali_year(datetime(2026, 3, 20, 20, 30, tzinfo=UTC)) == 1405


def test_the_trial_bears_a_number_that_no_letter_gets() -> None:
    assert str(LetterNumber.trial(datetime(2026, 11, 24, tzinfo=UTC), "110")) == "1405/110/0"
