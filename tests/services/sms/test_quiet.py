"""Quiet hours in Tehran's time."""

from datetime import UTC, datetime, timedelta

import pytest

from services.sms.delivery.quiet import QuietHours

MIDNIGHT = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)  # in Tehran


@pytest.mark.parametrize(
    ("begin", "end", "quiet"),
    [(21, 8, {21, 22, 23, *range(8)}), (13, 16, {13, 14, 15}), (0, 0, set()), (8, 8, set())],
)
def test_texts_are_held_from_the_first_hour_to_the_last(begin: int, end: int, quiet: set[int]) -> None:
    hours = QuietHours(begin, end)
    assert {n for n in range(24) if hours.hold(MIDNIGHT + timedelta(hours=n, minutes=59))} == quiet
