"""The upper bound of a count and how unlikely it is: a negative binomial of mean μ and variance φμ, Poisson if φ = 1.

Noufaily et al. 2013: size μ/(φ − 1), probability 1/φ.
"""

import math

from scipy.special import betainc, gammainc, gammaincc

_FUZZ = 1e-13
"""So that a quantile that is met exactly is not missed by rounding."""


def p_value(count: int, mu: float, phi: float) -> float:
    """P(Y ≥ count)."""
    if count <= 0:
        return 1.0
    if phi > 1:
        return float(betainc(count, mu / (phi - 1), 1 - 1 / phi))
    return float(gammainc(count, mu))


def upper_bound(mu: float, phi: float, alpha: float) -> int:
    """The (1 − ``alpha``) quantile: the least x with P(Y ≤ x) ≥ 1 − ``alpha``."""
    wanted = (1 - alpha) * (1 - _FUZZ)
    high = max(1, math.ceil(mu))
    while _cumulative(high, mu, phi) < wanted:
        high *= 2
    low = -1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _cumulative(middle, mu, phi) >= wanted else (middle, high)
    return high


def _cumulative(count: int, mu: float, phi: float) -> float:
    if phi > 1:
        return float(betainc(mu / (phi - 1), count + 1, 1 / phi))
    return float(gammaincc(count + 1, mu))
