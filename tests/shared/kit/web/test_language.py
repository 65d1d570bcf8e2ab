import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kit.web.language import persian_digits, preferred_language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "fa"),
        ("", "fa"),
        ("*", "fa"),
        ("de-DE,de;q=0.9", "fa"),
        ("fa-IR,fa;q=0.9,en;q=0.8", "fa"),
        ("en-GB,en;q=0.9,fa;q=0.8", "en"),
        ("en;q=0.5", "en"),
        ("en;q=0", "fa"),
        ("en;q=0.4, *;q=0.5", "fa"),
        ("fa;q=0.3,EN-us;q=0.7", "en"),
    ],
)
def test_the_language_preferred(header: str | None, language: str) -> None:
    assert preferred_language(header) == language


@given(st.text(max_size=700))
def test_junk_is_persian_or_english(header: str) -> None:
    assert preferred_language(header) in ("fa", "en")


def test_digits() -> None:
    assert persian_digits(10230) == "۱۰۲۳۰"
