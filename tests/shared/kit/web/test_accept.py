"""Choosing a format by ``Accept``."""

import pytest

from shared.kit.web.accept import preferred

OFFERED = ("application/pdf", "text/csv")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, "application/pdf"),
        ("", "application/pdf"),
        ("*/*", "application/pdf"),
        ("text/csv", "text/csv"),
        ("TEXT/CSV; charset=utf-8", "text/csv"),
        ("text/*, application/pdf;q=0.5", "text/csv"),
        ("text/csv;q=0.2, application/*;q=0.3", "application/pdf"),
        ("*/*;q=0.1, application/pdf;q=0", "text/csv"),
        ("application/json", None),
        ("application/pdf;q=0", None),
        ("text/csv;q=nan-ish", None),
        (",;,/", None),
    ],
)
def test_the_most_specific_range_decides(accept: str | None, chosen: str | None) -> None:
    assert preferred(accept, OFFERED) == chosen
