"""Which of a month's counts are an excess: the detector on every category, in the country and in each province.

Pure. The country's cells and the provinces' are two families of tests, so that a nationwide excess need not stand out
among two thousand provincial counts.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.routing.review.excess.discovery import HARMONIC_MONTHS, ROLLING_MONTHS, discoveries, judge
from services.routing.review.excess.methods import MIN_COUNT, Verdict

MOST_HISTORY = 60
"""Months before the judged one that are looked at."""

COUNTRY = ""
"""Stands for all provinces together."""

Cell = tuple[str, str]
"""Category and province."""


@dataclass(frozen=True)
class Finding:
    """A count beyond its bound. ``province`` is ``COUNTRY`` for the whole country; ``score`` is above 1."""

    category_id: str
    province: str
    observed: int
    expected: float
    upper: int
    p: float
    score: float


def method_of(history: int) -> str | None:
    """The method that so many months before the judged one are enough for; None: not enough history."""
    if history >= HARMONIC_MONTHS:
        return "harmonic"
    return "rolling" if history >= ROLLING_MONTHS else None


def detect(counts: Mapping[Cell, Sequence[int]]) -> list[Finding]:
    """The findings of the last month of the counts, the highest score first. All cells' series are equally long."""
    country: dict[Cell, list[int]] = defaultdict(list)
    for (category, _), series in counts.items():
        held = country[(category, COUNTRY)]
        country[(category, COUNTRY)] = [a + b for a, b in zip(held, series, strict=True)] if held else list(series)
    found = [*_findings(country), *_findings(counts)]
    return sorted(found, key=lambda finding: -finding.score)


def _findings(family: Mapping[Cell, Sequence[int]]) -> list[Finding]:
    # a cell with too few cases for an alarm is one of the tests, too, but need not be computed
    verdicts = {cell: judge(series) for cell, series in family.items() if series[-1] >= MIN_COUNT}
    tests = [(cell, verdicts.get(cell)) for cell in family]
    real = discoveries([verdict.p if verdict else 1.0 for _, verdict in tests])
    return [
        _finding(cell, verdict)
        for (cell, verdict), is_real in zip(tests, real, strict=True)
        if is_real and verdict
        if verdict.alarm
    ]


def _finding(cell: Cell, verdict: Verdict) -> Finding:
    upper = verdict.upper if verdict.upper is not None else verdict.observed
    return Finding(
        category_id=cell[0],
        province=cell[1],
        observed=verdict.observed,
        expected=verdict.expected,
        upper=upper,
        p=verdict.p,
        score=verdict.score or 1.0,
    )
