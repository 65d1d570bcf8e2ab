"""The classifier's pure rules."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.classify.domain import AUDIT_PER_MILLE, drawn_for_audit, population_stability, wins
from shared.kit.ids import uuid7

COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 500), min_size=1).filter(lambda c: sum(c.values()))


def test_about_four_in_a_hundred_are_drawn_and_always_the_same() -> None:
    ids = [uuid7() for _ in range(20_000)]
    drawn = [id for id in ids if drawn_for_audit(id)]
    assert 0.85 * AUDIT_PER_MILLE < len(drawn) / 20 < 1.15 * AUDIT_PER_MILLE
    assert all(drawn_for_audit(id) for id in drawn)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=50, max_size=300))
def test_never_both_win_and_nobody_wins_against_itself(pairs: list[tuple[bool, bool]]) -> None:
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    assert not (wins(one, other) and wins(other, one))
    assert not wins(one, one)
    assert not wins(other, one) or sum(one) > sum(other)


def test_a_win_by_chance_is_rare_and_a_real_one_is_seen() -> None:
    dice = random.Random(1)
    chance = sum(
        wins([dice.random() < 0.8 for _ in range(200)], [dice.random() < 0.8 for _ in range(200)]) for _ in range(2000)
    )
    assert chance / 2000 < 0.07
    better = sum(
        wins([dice.random() < 0.7 for _ in range(300)], [dice.random() < 0.85 for _ in range(300)]) for _ in range(300)
    )
    assert better / 300 > 0.95
    assert not wins([False] * 49, [True] * 49)


@given(COUNTS, COUNTS)
def test_the_stability_index_is_symmetric_and_never_negative(before: dict[str, int], now: dict[str, int]) -> None:
    index = population_stability(before, now)
    assert index is not None
    assert index >= 0
    assert index == pytest.approx(population_stability(now, before))
    assert population_stability(before, before) == pytest.approx(0)


def test_the_stability_index_of_a_known_shift() -> None:
    # (.7−.5)·ln(.7/.5) + (.3−.5)·ln(.3/.5) = .1695
    assert population_stability({"a": 50_000, "b": 50_000}, {"a": 70_000, "b": 30_000}) == pytest.approx(
        0.1695, abs=1e-4
    )
    assert population_stability({}, {"a": 1}) is None
