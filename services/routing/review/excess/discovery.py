"""Looking at many cells at once: which method a history is long enough for, and how many findings may be chance."""

from collections.abc import Sequence

from services.routing.review.excess.methods import Verdict, harmonic, rolling

FALSE_DISCOVERIES = 0.1
"""At most this share of the findings of a month may be false ones (Benjamini and Hochberg 1995)."""

HARMONIC_MONTHS = 36
ROLLING_MONTHS = 12


def judge(counts: Sequence[int]) -> Verdict | None:
    """The verdict on the last of a cell's monthly counts, by the method that the months before it are enough for; None
    for less than a year: not enough history."""
    history = len(counts) - 1
    if history >= HARMONIC_MONTHS:
        return harmonic(counts, len(counts))
    if history >= ROLLING_MONTHS:
        return rolling(counts, since=len(counts))[-1]
    return None


def discoveries(p_values: Sequence[float], share: float = FALSE_DISCOVERIES) -> list[bool]:
    """Which of the p values are findings by Benjamini and Hochberg's step-up rule: up to the largest p(i) ≤ i/m · q."""
    ranked = sorted(range(len(p_values)), key=p_values.__getitem__)
    reached = 0
    for rank, place in enumerate(ranked, start=1):
        if p_values[place] <= rank / len(ranked) * share:
            reached = rank
    found = set(ranked[:reached])
    return [place in found for place in range(len(p_values))]
