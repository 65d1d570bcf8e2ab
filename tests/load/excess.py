"""How well the detector finds what was planted: 24 months of counts, a month in the second year 4σ too high.

Means from 10 to 150, Poisson and overdispersed (φ up to 3), a mild season; judged month by month, as at the desk.
"""

from dataclasses import dataclass

import numpy as np

from services.routing.review.excess.methods import rolling

MONTHS = 24
FIRST = 13
SIGMAS = 4


@dataclass(frozen=True)
class Figures:
    """``found``: share of the planted excesses that raised an alarm; ``false_alarms``: share of the other months."""

    found: float
    false_alarms: float


def planted_years(*, units: int, seed: int) -> Figures:
    """Simulates so many units' 24 months and judges the second year of each."""
    random = np.random.default_rng(seed)
    found = false = 0
    for _ in range(units):
        base, phi = random.choice([10, 20, 40, 80, 150]), random.choice([1.0, 1.5, 2.0, 3.0])
        times = np.arange(1, MONTHS + 1)
        mu = base * np.exp(0.1 * np.cos(2 * np.pi * times / 12 + random.uniform(0, 2 * np.pi)))
        counts = random.poisson(mu) if phi == 1 else random.negative_binomial(mu / (phi - 1), 1 / phi)
        planted = int(random.integers(FIRST, MONTHS + 1))
        counts[planted - 1] = round(mu[planted - 1] + SIGMAS * np.sqrt(phi * mu[planted - 1]))
        alarms = {verdict.period for verdict in rolling(counts.tolist()) if verdict.alarm}
        found += planted in alarms
        false += len(alarms - {planted})
    return Figures(found / units, false / (units * (MONTHS - FIRST)))
