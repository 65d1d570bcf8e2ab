import time

import pytest

from gateway.limits import Limiter, address_of
from shared.kit.auth import Principal
from shared.kit.web.buckets import Buckets
from shared.kit.web.problems import Problem


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def refused(buckets: Buckets, key: str) -> dict[str, str] | None:
    try:
        buckets.take(key)
    except Problem as problem:
        return dict(problem.headers or {})
    return None


def test_as_many_as_allowed_and_then_as_they_refill(clock: list[float]) -> None:
    buckets = Buckets("login", 30, 60)
    assert [refused(buckets, "a") for _ in range(30)] == [None] * 30
    assert refused(buckets, "a") == {
        "Retry-After": "2",
        "RateLimit": '"login";r=0;t=2',
        "RateLimit-Policy": '"login";q=30;w=60',
    }
    assert refused(buckets, "b") is None
    clock[0] += 2
    assert refused(buckets, "a") is None
    assert refused(buckets, "a") is not None
    clock[0] += 3600
    assert [refused(buckets, "a") for _ in range(31)].count(None) == 30


def test_callers_have_a_limit_of_their_own_and_strangers_one_by_address(clock: list[float]) -> None:
    limiter = Limiter(1)
    public = Principal("public", "public")
    limiter.take("10.0.0.1", public)
    limiter.take("10.0.0.2", public)
    limiter.take("10.0.0.1", Principal("citizen", "a"))
    limiter.take("10.0.0.1", Principal("staff", "a"))
    with pytest.raises(Problem):
        limiter.take("10.0.0.3", Principal("citizen", "a"))
    with pytest.raises(Problem):
        limiter.take_stranger("10.0.0.2")


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        (("10.0.0.1", 5), "10.0.0.1"),
        (("2001:db8:1:2:3:4:5:6", 5), "2001:db8:1:2::/64"),
        (("2001:db8:1:2:ffff::1", 5), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 5), "fe80::/64"),
        (("::ffff:10.0.0.1", 5), "10.0.0.1"),
        (None, ""),
    ],
)
def test_addresses_are_counted_by_what_one_subscriber_has(client: object, counted: str) -> None:
    assert address_of({"type": "http", "client": client}) == counted
