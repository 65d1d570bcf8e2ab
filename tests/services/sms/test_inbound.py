"""What a text from a phone asks for, in the spellings of real phones."""

import pytest

from services.sms.inbound.domain import NotSolved, Track, command

CODE = "TQEPCKVVZQT"


@pytest.mark.parametrize(
    "text", [CODE, CODE.lower(), f"پیگیری {CODE}", f"پيگيري {CODE[:5]}-{CODE[5:]}", f"Track {CODE}"]
)
def test_tracking(text: str) -> None:
    assert command(text) == Track(CODE)


@pytest.mark.parametrize(
    "text", ["حل نشد", "حل‌نشد.", "حلنشد", "حل نشده است", "مشکل من حل نشد!", "Not solved", "NOT SOLVED."]
)
def test_not_solved(text: str) -> None:
    assert command(text) == NotSolved(None)
    assert command(f"{text} {CODE}") == NotSolved(CODE)
    assert command(f"{CODE} {text}") == NotSolved(CODE)


@pytest.mark.parametrize(
    "text", ["", "سلام", "حل شد", "solved", "حل نشد و دیگر چه کنم", f"حل نشد {CODE[:-1]}", "a" * 500]
)
def test_anything_else_is_no_command(text: str) -> None:
    assert command(text) is None
