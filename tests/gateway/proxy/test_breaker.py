import time

import pytest

from gateway.proxy.breaker import Breaker


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_it_opens_after_failures_in_a_row_alone(clock: list[float]) -> None:
    breaker = Breaker(failures=3, seconds=2)
    for _ in range(2):
        breaker.failed()
    breaker.answered()
    for _ in range(2):
        breaker.failed()
    assert not breaker.refuses()
    breaker.failed()
    assert breaker.refuses()


def test_after_a_while_one_may_try_and_decides_for_all(clock: list[float]) -> None:
    breaker = Breaker(failures=1, seconds=2)
    breaker.failed()
    clock[0] += 2.1
    assert [breaker.refuses() for _ in range(3)] == [False, True, True]
    breaker.failed()
    assert breaker.refuses()
    clock[0] += 2.1
    assert not breaker.refuses()
    breaker.answered()
    assert not any(breaker.refuses() for _ in range(3))
