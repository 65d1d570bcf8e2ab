import pytest

from services.letters.verification import grouped, new_code, read_code


def test_a_code_has_eighty_bits_and_none_comes_twice() -> None:
    codes = {new_code() for _ in range(2000)}
    assert len(codes) == 2000
    assert all(len(code) == 16 for code in codes)
    # each character tells five bits: all 32 occur at each place
    assert all(len({code[place] for code in codes}) == 32 for place in range(16))


def test_what_is_printed_is_read() -> None:
    code = new_code()
    assert read_code(grouped(code)) == code
    assert grouped("9F3KQ2M7XT4B0DWE") == "9F3K-Q2M7-XT4B-0DWE"


@pytest.mark.parametrize(
    "typed", ["9f3k q2m7 xt4b 0dwe", "9F3K-Q2M7-XT4B-ODWE", "۹F۳K-Q۲M۷-XT۴B-۰DWE", "9F3KQ2M7XT4B0DWE"]
)
def test_a_code_is_read_as_people_type_it(typed: str) -> None:
    assert read_code(typed) == "9F3KQ2M7XT4B0DWE"


@pytest.mark.parametrize("typed", ["", "9F3K", "9F3KQ2M7XT4B0DWE1", "9F3KQ2M7XT4B0DWU", "' OR 1=1 --------", "۹" * 15])
def test_what_is_no_code_is_none(typed: str) -> None:
    assert read_code(typed) is None
