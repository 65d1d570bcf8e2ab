"""What a count is compared with: the same season of earlier years, a trend with a yearly wave, or the last year.

``farrington`` is the plain variant of Farrington et al. 1996 with the bound of Noufaily et al. 2013, equal to R
``surveillance`` 1.20 ``farringtonFlexible(thresholdMethod = "nbPlugin", noPeriods = 1)``, its surprises included.
``harmonic`` is for histories of three years and more, ``rolling`` for one to three.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from services.routing.review.excess.bound import p_value, upper_bound
from services.routing.review.excess.fit import Array, robust_fit

Method = Literal["farrington", "harmonic", "rolling"]

FARRINGTON_ALPHA = 0.05
HARMONIC_ALPHA = 0.01
ROLLING_ALPHA = 0.025
MIN_COUNT = 5
"""Fewer cases than this are no excess, however few were expected."""

_LIMIT_PERIODS = 4
_TREND_SIGNIFICANCE = 0.05
_TREND_YEARS = 3
_HARMONIC_YEARS = 5
_HARMONIC_LEAST = 3


@dataclass(frozen=True)
class Verdict:
    """What one period's count is worth. ``period`` counts from 1; ``upper`` is None where ``farrington`` sees too few
    cases for an alarm; ``p`` is P(Y ≥ observed)."""

    period: int
    observed: int
    expected: float
    upper: int | None
    p: float
    alarm: bool

    @property
    def score(self) -> float | None:
        """How far the count is on the way from what is expected to the bound: above 1 is beyond it."""
        if self.upper is None or self.upper <= self.expected:
            return None
        return (self.observed - self.expected) / (self.upper - self.expected)


def farrington(
    counts: Sequence[int],
    period: int,
    *,
    years: int = 5,
    window: int = 3,
    periods: int = 12,
    skip_recent: int | None = None,
    alpha: float = FARRINGTON_ALPHA,
    min_count: int = MIN_COUNT,
) -> Verdict | None:
    """Compares with the ``window`` periods around the same one in each of the last ``years`` years.

    ``periods`` are those of a year (12 or 52), ``skip_recent`` how many before the present one are left out (None:
    ``window``, as in R). The trend stays only if it is significant (p < 0.05), ``years`` ≥ 3, and it predicts no more
    than the baseline's highest count. No alarm if fewer than ``min_count`` cases came in the last four periods. None
    without enough history or where the model does not converge.
    """
    if period < periods * years + window + 1:
        return None
    skipped = window if skip_recent is None else skip_recent
    marked = {period - back for back in range(window + 1)}
    for year in range(1, years + 1):
        same = period - year * periods
        marked.update(range(same - window, same + window + 1))
    times = sorted(t for t in marked if t < period - skipped)
    trend = np.column_stack([np.ones(len(times)), np.array(times, dtype=float)])
    if len(times) <= trend.shape[1]:
        return None
    y = np.array([counts[t - 1] for t in times], dtype=float)
    found = robust_fit(trend, y)
    row = np.array([1.0, float(period)])
    if (
        found is None
        or years < _TREND_YEARS
        or not found.model.significance(1, found.weights) < _TREND_SIGNIFICANCE
        or np.exp(found.model.at(row)) > y.max()
    ):
        found, row = robust_fit(trend[:, :1], y), row[:1]
    if found is None:
        return None
    eta = found.model.at(row)
    mu, phi, observed = float(np.exp(eta)), found.model.dispersion, counts[period - 1]
    upper = upper_bound(mu, phi, alpha)
    enough = sum(counts[max(period - _LIMIT_PERIODS, 0) : period]) >= min_count
    # R's score has log μ where μ is meant; whether it is above 1 is the same question wherever the bound is above log μ
    alarm = enough and observed > 0 and upper != eta and (observed - eta) / (upper - eta) > 1
    return Verdict(period, observed, mu, upper if enough else None, p_value(observed, mu, phi), alarm)


def harmonic(
    counts: Sequence[int],
    period: int,
    *,
    years: int = _HARMONIC_YEARS,
    periods: int = 12,
    skip_recent: int = 0,
    alpha: float = HARMONIC_ALPHA,
    min_count: int = MIN_COUNT,
) -> Verdict | None:
    """Compares with a log-linear trend and one yearly wave through up to the last ``years`` years, at least three.
    None without enough history or where the model does not converge."""
    last = period - 1 - skip_recent
    if last < _HARMONIC_LEAST * periods:
        return None
    first = max(1, last - years * periods + 1)
    times = np.arange(first, last + 1, dtype=float)
    found = robust_fit(_wave(times, period, periods), np.array(counts[first - 1 : last], dtype=float))
    if found is None or not found.model.converged:
        return None
    mu = float(np.exp(found.model.at(_wave(np.array([float(period)]), period, periods)[0])))
    return _verdict(counts, period, mu, found.model.dispersion, alpha, min_count)


def _wave(times: Array, origin: int, periods: int) -> Array:
    angle = 2 * np.pi * times / periods
    return np.column_stack([np.ones_like(times), (times - origin) / periods, np.cos(angle), np.sin(angle)])


def rolling(
    counts: Sequence[int],
    *,
    since: int = 1,
    periods: int = 12,
    skip_recent: int = 0,
    alpha: float = ROLLING_ALPHA,
    min_count: int = MIN_COUNT,
) -> list[Verdict]:
    """Compares each period with the mean of the year before it, from the first that has one, and from ``since``, on.

    A count beyond its bound stands in later baselines as that bound, so that one excess does not hide the next; the
    variance is φμ(1 + 1/n), since the mean of so few periods is itself uncertain.
    """
    kept: list[int] = []
    verdicts = []
    for period, observed in enumerate(counts, start=1):
        last = period - 1 - skip_recent
        kept.append(observed)
        if last < periods:
            continue
        mu, phi = _moments(kept[last - periods : last])
        # the bound lies above the mean
        if period < since and observed <= mu:
            continue
        verdict = _verdict(counts, period, mu, phi, alpha, min_count)
        if verdict.alarm and verdict.upper is not None:
            kept[-1] = verdict.upper
        if period >= since:
            verdicts.append(verdict)
    return verdicts


def _moments(baseline: Sequence[int]) -> tuple[float, float]:
    n = len(baseline)
    mu = sum(baseline) / n
    if mu == 0:
        return 0.0, 1.0
    variance = sum((count - mu) ** 2 for count in baseline) / (n - 1)
    return mu, max(1.0, variance / mu) * (1 + 1 / n)


def _verdict(counts: Sequence[int], period: int, mu: float, phi: float, alpha: float, min_count: int) -> Verdict:
    observed = counts[period - 1]
    upper = upper_bound(mu, phi, alpha)
    alarm = observed > upper and observed >= min_count
    return Verdict(period, observed, mu, upper, p_value(observed, mu, phi), alarm)
