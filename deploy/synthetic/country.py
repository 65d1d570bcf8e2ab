"""Who files what, where and when: 31 provinces by population, categories by weight and season, and planted excesses.

All by a seed, so that the same count and day give the same country. Nothing is anybody's real case.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import cos, pi
from random import Random

import numpy as np

from shared.persian.calendar import TEHRAN, day_bounds, jalali, month_bounds
from shared.persian.places import PROVINCES

DAYS = 730
SETTLED_DAYS = 2
"""The last two days are left out: what was filed or decided just now is held to invariants that the past is not."""

_FREQUENT = (
    "labour-relations.unpaid-wages",
    "sso-insurance.missing-record",
    "sso-insurance.employer-nonpayment",
    "sso-pension.pension-amount",
    "social-welfare.cash-subsidy",
    "social-welfare.decile",
    "sso-medical.eprescription",
    "sso-pension.unemployment-payment",
    "behzisti.disability-pension",
    "labour-relations.dismissal",
    "hq.eservices",
    "hq.delay-referral",
)
_HOURS = (1, 1, 1, 1, 1, 2, 4, 8, 14, 20, 22, 21, 17, 14, 12, 11, 10, 9, 9, 10, 11, 9, 5, 3)
_WEEKDAYS = (1.1, 1.05, 1.0, 0.55, 0.4, 1.15, 1.1)  # Monday to Sunday
_MONTHS = (0.6, 0.95, 1.0, 1.05, 1.05, 1.0, 1.1, 1.1, 1.05, 1.05, 1.05, 1.1)  # Farvardin to Esfand
_KINDS = (("complaint", 70), ("request", 24), ("suggestion", 6))


@dataclass(frozen=True)
class Category:
    """A category that cases are filed under."""

    id: str
    department_id: str
    sla_days: int


@dataclass(frozen=True)
class Planted:
    """More cases than usual: ``factor`` times as many of a category in a province, ``months_ago`` Jalali months before
    this one."""

    category_id: str
    province: str
    months_ago: int
    factor: float


PLANTED = (
    Planted("labour-relations.unpaid-wages", "IR-06", 1, 6.0),
    Planted("sso-medical.drug-supplementary", "IR-23", 1, 5.0),
    Planted("social-welfare.kalabarg", "IR-11", 2, 8.0),
    Planted("behzisti.disability-pension", "IR-05", 3, 7.0),
    Planted("hq.eservices", "IR-10", 5, 5.0),
    Planted("sso-pension.unemployment-payment", "IR-09", 8, 6.0),
)


@dataclass(frozen=True)
class Filing:
    """One case as it is filed."""

    at: datetime
    category: Category
    province: str
    county: str
    kind: str
    channel: str


def month_ago(today: date, months: int) -> str:
    """The Jalali month (``1404-09``) so many before that of ``today``."""
    year, month = map(int, jalali(today).split("-")[:2])
    number = year * 12 + month - 1 - months
    return f"{number // 12:04}-{number % 12 + 1:02}"


def filings(
    categories: Sequence[Category], count: int, now: datetime, seed: int, part: range = range(DAYS)
) -> Iterator[Filing]:
    """About ``count`` filings over the two years before ``now`` (UTC), in the order of their time; of them those of the
    days ``part``, counted from the first. Each day is drawn by itself, so that the parts together are the whole."""
    end = now.astimezone(TEHRAN).date() - timedelta(days=SETTLED_DAYS)
    days = [end - timedelta(days=n) for n in range(DAYS, 0, -1)]
    codes = list(PROVINCES)
    expected = _expected(categories, codes, days)
    expected *= count / expected.sum()
    _plant(expected, categories, codes, days, now)
    for n in part:
        day, chance, numbers = days[n], Random(seed * DAYS + n), np.random.default_rng([seed, n])
        drawn = numbers.poisson(expected[:, :, n])
        cells = [(c, p) for c, p in np.argwhere(drawn) for _ in range(drawn[c, p])]
        share = (n / DAYS) ** 0.8
        moments = sorted(_moment(chance, day) for _ in cells)
        chance.shuffle(cells)
        for at, (c, p) in zip(moments, cells, strict=True):
            province = codes[p]
            counties = list(PROVINCES[province].counties)
            yield Filing(
                at=at,
                category=categories[c],
                province=province,
                county=counties[min(int(chance.expovariate(0.5)), len(counties) - 1)],
                kind="suggestion" if categories[c].id == "hq.suggestion" else _choice(chance, _KINDS),
                channel=_channel(chance, share),
            )


def _expected(categories: Sequence[Category], codes: Sequence[str], days: Sequence[date]) -> "np.ndarray":
    """The relative rate of each category in each province on each day."""
    order = {id: rank for rank, id in enumerate(_FREQUENT)}
    ranks = [order.get(category.id, len(order) + n // 2) for n, category in enumerate(categories)]
    weight = np.array([1 / (rank + 2) ** 0.8 for rank in ranks])
    people = np.array([PROVINCES[code].population for code in codes], dtype=float)
    phase = [n * 5 % 12 for n in range(len(categories))]
    months = [int(jalali(day)[5:7]) - 1 for day in days]
    season = np.array([[1 + 0.25 * cos(2 * pi * (month - at) / 12) for month in months] for at in phase])
    growth = [1 + 0.3 * n / DAYS for n in range(len(days))]
    daily = np.array(
        [g * _MONTHS[m] * _WEEKDAYS[day.weekday()] for g, m, day in zip(growth, months, days, strict=True)]
    )
    rate: np.ndarray = weight[:, None, None] * people[None, :, None] * (season * daily)[:, None, :]
    return rate


def _plant(
    expected: "np.ndarray", categories: Sequence[Category], codes: Sequence[str], days: Sequence[date], now: datetime
) -> None:
    places = {category.id: n for n, category in enumerate(categories)}
    for planted in PLANTED:
        since, until = month_bounds(month_ago(now.astimezone(TEHRAN).date(), planted.months_ago))
        inside = [n for n, day in enumerate(days) if since <= day_bounds(day)[0] < until]
        if planted.category_id in places:
            expected[places[planted.category_id], codes.index(planted.province), inside] *= planted.factor


def _moment(chance: Random, day: date) -> datetime:
    hour = chance.choices(range(24), _HOURS)[0]
    local = datetime(day.year, day.month, day.day, hour, chance.randrange(60), chance.randrange(60), tzinfo=TEHRAN)
    return local.astimezone(UTC) + timedelta(milliseconds=chance.randrange(1000))


def _choice(chance: Random, weighted: Sequence[tuple[str, int]]) -> str:
    return chance.choices([value for value, _ in weighted], [weight for _, weight in weighted])[0]


def _channel(chance: Random, share: float) -> str:
    """In person falls from 34 to 14 % over the two years; the app takes over."""
    in_person = round(34 - 20 * share)
    rest = (("web", 12), ("phone", 6), ("letter", 2))
    return _choice(chance, (("in_person", in_person), ("app", 80 - in_person), *rest))
