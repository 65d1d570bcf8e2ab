"""The classifier's pure rules: who is drawn for an audit, when a new model wins, and how far the world has drifted."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from uuid import UUID

AUDIT_PER_MILLE = 40
"""Of a thousand cases that a machine decides, so many are checked by the centre."""

FEWEST_JUDGED = 50
"""No promotion is decided by fewer cases."""

SURELY = 1.645
"""A win by chance happens once in twenty (one-sided normal quantile of .95)."""


def drawn_for_audit(case_id: UUID) -> bool:
    """Whether a case is in the random sample: by its id alone, so that nobody chooses."""
    return int.from_bytes(hashlib.sha256(case_id.bytes).digest()[:8]) % 1000 < AUDIT_PER_MILLE


def wins(current: Sequence[bool], candidate: Sequence[bool]) -> bool:
    """Whether the candidate is better on the same cases (right or wrong, in the same order) by more than chance.

    McNemar's test, one-sided at 5 %: of the cases on which the two differ, the candidate's must outnumber the
    current's by 1.645 times the root of their count.
    """
    gained = sum(new and not old for old, new in zip(current, candidate, strict=True))
    lost = sum(old and not new for old, new in zip(current, candidate, strict=True))
    return len(current) >= FEWEST_JUDGED and gained - lost > SURELY * math.sqrt(gained + lost)


def population_stability(before: Mapping[str, int], now: Mapping[str, int]) -> float | None:
    """The population stability index Σ(p−q)·ln(p/q) of two counts by label; None if either is empty.

    Under .1 is calm, over .25 a shift that somebody must look at. Half a case is added to each label, so that one
    unseen before is no infinity.
    """
    if not sum(before.values()) or not sum(now.values()):
        return None
    labels = sorted(set(before) | set(now))
    all_before = sum(before.values()) + len(labels) / 2
    all_now = sum(now.values()) + len(labels) / 2
    index = 0.0
    for label in labels:
        old, new = (before.get(label, 0) + 0.5) / all_before, (now.get(label, 0) + 0.5) / all_now
        index += (new - old) * math.log(new / old)
    return index
