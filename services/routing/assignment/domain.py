"""Which department a case goes to: ordered rules, else the citizen's choice, else the classifier, else a person.

Pure: what the directory holds and what the classifier makes of the text come in as values, a decision with its reason
goes out.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from services.routing.classify.opinion import Guess, Opinion
from shared.persian.calendar import TEHRAN
from shared.persian.text import fold

Method = Literal["citizen", "rule", "classifier", "triage"]

CONDUCT = "hq.staff-conduct"
"""The category of complaints about how people of ours behaved."""

PROBABLE = 0.5
"""From here a text is more probably about corruption than not, whatever category its citizen chose."""

_OF_CONDUCT_S_OWN_DEPARTMENT = (
    "وزارتخانه",
    "وزارت خانه",
    "حوزه وزارتی",
    "ستاد وزارت",
    "دفتر بازرسی",
    "پاسخگویی به شکایات",
)


@dataclass(frozen=True)
class Category:
    """A category in use, its department, that department's body and pipeline, and what its cases are recognised by."""

    id: str
    department_id: str
    pipeline: Literal["zrm", "irm"]
    organisation_id: str | None = None
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
class Assignment:
    """Where a case goes. Without a department it waits in triage; ``restricted``: only the centre may see it there, and
    is offered to move it to the corruption reports. ``second_category_id``: another topic of the same text."""

    method: Method
    department_id: str | None
    category_id: str | None
    confidence: float
    top: tuple[Guess, ...] = ()
    rule: str | None = None
    restricted: bool = field(default=False)
    second_category_id: str | None = None


def assign(filing: Filing, rules: Sequence[Rule], categories: Mapping[str, Category], opinion: Opinion) -> Assignment:
    """Decides, or says that a person must.

    What is, or smells of, corruption goes to restricted triage and nowhere else. Then the first rule that matches
    decides; then a valid category that the citizen chose; then the classifier, if it is sure. A complaint about
    conduct never goes to those complained about. ``categories``: those in use.
    """
    top = tuple(_in_use(opinion.top, categories))
    chosen = categories.get(filing.category_id or "")
    rule = first_match(filing, rules)
    if _is_corruption(opinion, chosen, categories.get(rule.to_category_id or "") if rule else None):
        return Assignment("triage", None, None, 0.0, top, restricted=True)
    decided = (
        (rule and _by_rule(rule, chosen, categories))
        or (chosen and Assignment("citizen", chosen.department_id, chosen.id, 1.0))
        or _by_classifier(filing, rules, categories, opinion)
        or Assignment("triage", None, None, 0.0)
    )
    decided = _not_to_the_accused(decided, filing, categories, opinion)
    return replace(decided, top=top, second_category_id=_second(decided, categories, opinion))


def hinted(filing: Filing, categories: Mapping[str, Category], learnt: Collection[str], opinion: Opinion) -> Opinion:
    """The opinion with, as its last guess, the category whose keywords stand in the text most, of those that the model
    has not learnt yet (``learnt`` are those that it has). Its score is 0: the model itself knows nothing of it, and so
    it cannot be sure of another."""
    text = _padded(f"{filing.subject} {filing.body}")
    hints = []
    for category in categories.values():
        if category.id not in learnt:
            found = tuple(word for word in category.keywords if f" {fold(word)} " in text)
            hints.append(Guess(category.id, category.department_id, 0.0, found))
    best = max(hints, key=lambda hint: len(hint.reasons), default=None)
    return replace(opinion, top=(*opinion.top[:2], best), sure=False) if best and best.reasons else opinion


def _in_use(guesses: Sequence[Guess], categories: Mapping[str, Category]) -> list[Guess]:
    """The guesses that the directory knows, each with the department that its category belongs to now."""
    return [
        replace(guess, department_id=categories[guess.category_id].department_id)
        for guess in guesses
        if guess.category_id in categories
    ]


def _is_corruption(opinion: Opinion, chosen: Category | None, ruled: Category | None) -> bool:
    """A citizen who chose a category knows best, unless the text is more probably about corruption than not."""
    if any(category is not None and category.pipeline == "irm" for category in (chosen, ruled)):
        return True
    return opinion.smells and (chosen is None or opinion.corruption >= PROBABLE)


def _by_rule(rule: Rule, chosen: Category | None, categories: Mapping[str, Category]) -> Assignment | None:
    category_id = rule.to_category_id or (chosen.id if chosen else None)
    category = categories.get(category_id or "")
    department_id = rule.to_department_id or (category.department_id if category else None)
    if department_id is None:
        return None
    return Assignment("rule", department_id, category_id, 1.0, rule=rule.name)


def _by_classifier(
    filing: Filing, rules: Sequence[Rule], categories: Mapping[str, Category], opinion: Opinion
) -> Assignment | None:
    """The best guess if the classifier is sure; a rule about that category then has its word, too."""
    best = opinion.top[0] if opinion.top else None
    category = categories.get(best.category_id) if best and opinion.sure else None
    if best is None or category is None or category.pipeline == "irm":
        return None
    about = [rule for rule in rules if rule.category_id == category.id]
    rule = first_match(replace(filing, category_id=category.id), about)
    ruled = _by_rule(rule, category, categories) if rule else None
    return ruled or Assignment("classifier", category.department_id, category.id, best.score)


def _not_to_the_accused(
    decided: Assignment, filing: Filing, categories: Mapping[str, Category], opinion: Opinion
) -> Assignment:
    """A complaint about conduct goes to the office for it, and to the centre if that is the one complained about.

    It is one if that is its category, or if the classifier is sure of it and the category chosen is not even among its
    guesses.
    """
    conduct = categories.get(CONDUCT)
    if conduct is None:
        return decided
    sure = opinion.sure and opinion.top[0].category_id == CONDUCT
    unlike = decided.category_id not in {guess.category_id for guess in opinion.top}
    if decided.category_id != CONDUCT and not (sure and unlike):
        return decided
    against = filing.organisation_id is not None and filing.organisation_id == conduct.organisation_id
    text = _padded(f"{filing.subject} {filing.body}")
    if against or any(f" {fold(name)} " in text for name in _OF_CONDUCT_S_OWN_DEPARTMENT):
        return Assignment("triage", None, None, 0.0)
    if decided.department_id == conduct.department_id:
        return decided
    return Assignment("classifier", conduct.department_id, CONDUCT, opinion.top[0].score)


def _second(decided: Assignment, categories: Mapping[str, Category], opinion: Opinion) -> str | None:
    """Another topic than the one decided: what a part of the text is about, or the classifier's best guess."""
    for other in (opinion.second, opinion.top[0].category_id if opinion.top and opinion.sure else None):
        category = categories.get(other or "")
        if category is not None and category.id != decided.category_id and category.pipeline == "zrm":
            return category.id
    return None


def first_match(filing: Filing, rules: Sequence[Rule]) -> Rule | None:
    """The first of the ordered rules whose conditions all hold."""
    return next((rule for rule in rules if _matches(rule, filing)), None)


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
