"""Which department a case goes to: the citizen's choice, else ordered rules, else words, else a person decides.

Pure: what the directory holds comes in as values, a decision with its reason goes out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from shared.persian.calendar import TEHRAN
from shared.persian.text import fold

Method = Literal["citizen", "rule", "triage"]

CLEAR_LEAD = 1.5
"""The best category's words must weigh this many times the next department's before a machine decides alone."""


@dataclass(frozen=True)
class Category:
    """A category with what its cases are recognised by; ``keywords`` as they are written, in Persian."""

    id: str
    department_id: str
    sla_days: int
    pipeline: Literal["zrm", "irm"]
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """One of the ordered rules; a condition that is None matches everything, ``words`` match if any occurs. ``hours``
    of Tehran's day (22, 6) go over midnight, the second not included; ``from_on`` and ``to_on`` are days in Tehran,
    both included."""

    name: str
    category_id: str | None = None
    province: str | None = None
    county: str | None = None
    kind: str | None = None
    organisation_id: str | None = None
    words: tuple[str, ...] | None = None
    hours: tuple[int, int] | None = None
    from_on: date | None = None
    to_on: date | None = None
    to_department_id: str | None = None
    to_category_id: str | None = None


@dataclass(frozen=True)
class Filing:
    """What is known of a case when it comes in."""

    kind: str
    province: str
    subject: str
    body: str
    category_id: str | None
    organisation_id: str | None
    county: str | None = None
    registered_at: datetime | None = None


@dataclass(frozen=True)
class Guess:
    """A category that the words speak for; ``score`` is its share of all that was recognised, ``reasons`` the words."""

    category_id: str
    department_id: str
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Assignment:
    """Where a case goes. Without a department it waits in triage; ``restricted``: only the centre may see it there."""

    method: Method
    department_id: str | None
    category_id: str | None
    confidence: float
    top: tuple[Guess, ...] = ()
    rule: str | None = None
    restricted: bool = field(default=False)


class Recogniser:
    """Finds categories by their keywords. Made once per version of the directory."""

    def __init__(self, categories: Iterable[Category]) -> None:
        self.categories = {category.id: category for category in categories}
        self._words: list[tuple[str, str, str]] = [
            (f" {fold(word)} ", word, category.id)
            for category in self.categories.values()
            for word in dict.fromkeys(category.keywords)
        ]
        self._shared: dict[str, int] = {}
        for pattern, _, _ in self._words:
            self._shared[pattern] = self._shared.get(pattern, 0) + 1

    def guesses(self, subject: str, body: str) -> list[Guess]:
        """The categories whose words occur, the best first. A longer phrase tells more than a short word, one that
        several categories share tells less, and the subject counts twice."""
        head, text = _padded(subject), _padded(f"{subject} {body}")
        weights: dict[str, float] = {}
        reasons: dict[str, list[str]] = {}
        for pattern, word, category_id in self._words:
            if pattern in text:
                weight = len(pattern.split()) / self._shared[pattern] * (2 if pattern in head else 1)
                weights[category_id] = weights.get(category_id, 0.0) + weight
                reasons.setdefault(category_id, []).append(word)
        total = sum(weights.values())
        ranked = sorted(weights, key=lambda id: (-weights[id], id))
        return [Guess(id, self.categories[id].department_id, weights[id] / total, tuple(reasons[id])) for id in ranked]


def assign(filing: Filing, rules: Sequence[Rule], recogniser: Recogniser) -> Assignment:
    """Decides, or says that a person must.

    A valid category that the citizen chose decides at once; then the first rule that matches; then the words, if they
    clearly speak for one department. What is, or smells of, corruption goes to restricted triage and nowhere else.
    """
    guesses = recogniser.guesses(filing.subject, filing.body)
    top = tuple(guesses[:3])
    chosen = recogniser.categories.get(filing.category_id or "")
    smells = bool(guesses) and recogniser.categories[guesses[0].category_id].pipeline == "irm"
    if (chosen is not None and chosen.pipeline == "irm") or (chosen is None and smells):
        return Assignment("triage", None, None, 0.0, top, restricted=True)
    rule = first_match(filing, rules)
    if rule is not None:
        category_id = rule.to_category_id or (chosen.id if chosen else None)
        category = recogniser.categories.get(category_id or "")
        department_id = rule.to_department_id or (category.department_id if category else None)
        if department_id is not None:
            return Assignment("rule", department_id, category_id, 1.0, top, rule=rule.name)
    if chosen is not None:
        return Assignment("citizen", chosen.department_id, chosen.id, 1.0, top)
    if guesses and _clear(guesses):
        best = guesses[0]
        return Assignment("rule", best.department_id, best.category_id, best.score, top, rule="keywords")
    return Assignment("triage", None, None, 0.0, top)


def first_match(filing: Filing, rules: Sequence[Rule]) -> Rule | None:
    """The first of the ordered rules whose conditions all hold."""
    return next((rule for rule in rules if _matches(rule, filing)), None)


def _clear(guesses: Sequence[Guess]) -> bool:
    best = guesses[0]
    others = [guess.score for guess in guesses if guess.department_id != best.department_id]
    return not others or best.score >= CLEAR_LEAD * max(others)


def _matches(rule: Rule, filing: Filing) -> bool:
    text = _padded(f"{filing.subject} {filing.body}")
    return (
        rule.category_id in (None, filing.category_id)
        and rule.province in (None, filing.province)
        and rule.county in (None, filing.county)
        and rule.kind in (None, filing.kind)
        and rule.organisation_id in (None, filing.organisation_id)
        and (rule.words is None or any(f" {fold(word)} " in text for word in rule.words))
        and _in_time(rule, filing.registered_at)
    )


def _in_time(rule: Rule, moment: datetime | None) -> bool:
    if rule.hours is None and rule.from_on is None and rule.to_on is None:
        return True
    if moment is None:
        return False
    local = moment.astimezone(TEHRAN)
    if rule.hours is not None:
        first, end = rule.hours
        in_hours = first <= local.hour < end if first < end else not end <= local.hour < first
        if not in_hours:
            return False
    day = local.date()
    return (rule.from_on is None or rule.from_on <= day) and (rule.to_on is None or day <= rule.to_on)


def _padded(text: str) -> str:
    return f" {' '.join(fold(text).split())} "
