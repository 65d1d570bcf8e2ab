"""How well a model does on texts whose category is known: the figures that ``score`` prints."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self

from services.routing.classify.opinion import CORRUPTION, Opinion

OUT_OF_REMIT = "hq.out-of-scope"


@dataclass(frozen=True)
class Known:
    """A text with what is true of it; ``accept`` are all categories that would be right, ``second`` the other topic
    that it speaks of."""

    text: str
    category: str | None
    departments: frozenset[str]
    accept: frozenset[str]
    integrity: bool
    out_of_remit: bool
    second: str | None = None

    @classmethod
    def of(cls, line: dict[str, Any]) -> Self:
        """From a line ``{"text", "category", "department", "integrity", "out_of_remit", "accept", "second"}``, of which
        only ``text`` must be there. ``accept`` names categories or departments: one, a list, or an object of them.
        Raises KeyError, TypeError or AttributeError for a line that is none."""
        category, department = line.get("category"), line.get("department")
        accept = set(_names(line.get("accept")))
        accept |= {category} if category else set()
        out_of_remit = bool(line.get("out_of_remit")) or category == OUT_OF_REMIT
        if out_of_remit:
            accept.add(OUT_OF_REMIT)
        departments = {one.split(".", maxsplit=1)[0] for one in accept} | ({department} if department else set())
        integrity = bool(line.get("integrity")) or CORRUPTION in departments
        if integrity and not departments:
            departments = {CORRUPTION}
        return cls(
            str(line["text"]),
            category,
            frozenset(departments),
            frozenset(accept),
            integrity,
            out_of_remit,
            line.get("second"),
        )

    def is_category(self, category: str) -> bool:
        """Whether a category would be right; where only the department is known, any of its categories."""
        if any("." in one for one in self.accept):
            return category in self.accept
        return category.split(".", maxsplit=1)[0] in self.departments


def figures(known: Iterable[Known], judge: Callable[[str], Opinion]) -> dict[str, Any]:
    """The figures, shares rounded to four digits; None where there is nothing to divide by.

    Decided alone: above the category's threshold, and not corruption, which always goes to a person. ``right`` is
    by category and by department. Of second topics there are figures only if the file names any.
    """
    told = [(one, judge(one.text)) for one in known]
    placed = [(one, opinion) for one, opinion in told if one.departments]
    alone = [(one, opinion) for one, opinion in placed if decides(opinion)]
    corrupt = [opinion for one, opinion in told if one.integrity]
    smelling = [one for one, opinion in told if opinion.smells]
    outside = [opinion for one, opinion in told if one.out_of_remit]
    two = [(one, opinion) for one, opinion in told if one.second]
    said = [(one, opinion) for one, opinion in told if two and opinion.second]
    return {
        "texts": len(told),
        "top1_department": _share(_in_department(one, opinion) for one, opinion in placed),
        "top1_category": _share(one.is_category(opinion.top[0].category_id) for one, opinion in placed),
        "top3_category": _share(any(one.is_category(g.category_id) for g in opinion.top) for one, opinion in placed),
        "decided_alone": {
            "share": _share(decides(opinion) for _, opinion in told),
            "precision_category": _share(one.is_category(opinion.top[0].category_id) for one, opinion in alone),
            "precision_department": _share(_in_department(one, opinion) for one, opinion in alone),
            "count": len(alone),
        },
        "abstained": _share(not decides(opinion) for _, opinion in told),
        "corruption": {
            "recall": _share(opinion.smells for opinion in corrupt),
            "precision": _share(one.integrity for one in smelling),
            "innocent_flagged": _share(opinion.smells for one, opinion in told if not one.integrity),
            "decided_alone": sum(decides(opinion) for opinion in corrupt),
            "count": len(corrupt),
        },
        "out_of_remit": {
            "recall": _share(opinion.top[0].category_id == OUT_OF_REMIT for opinion in outside),
            "count": len(outside),
        },
        "second_topic": {
            "recall": _share(_speaks_of(one, opinion.second) for one, opinion in two),
            "precision": _share(_speaks_of(one, opinion.second) for one, opinion in said),
            "count": len(two),
        },
    }


def _names(given: object) -> Iterable[str]:
    """All names in a name, a list or an object of them, whatever else is there."""
    if isinstance(given, str):
        yield given
    elif isinstance(given, list | dict):
        for one in given.values() if isinstance(given, dict) else given:
            yield from _names(one)


def decides(opinion: Opinion) -> bool:
    """Whether the machine would decide alone."""
    return opinion.sure and not opinion.smells and opinion.top[0].department_id != CORRUPTION


def _in_department(one: Known, opinion: Opinion) -> bool:
    return opinion.top[0].department_id in one.departments


def _speaks_of(one: Known, topic: str | None) -> bool:
    """Whether a topic beside the first guess is one of the text's, whichever of the two was guessed first."""
    return topic is not None and topic in one.accept | {one.second}


def _share(hits: Iterable[bool]) -> float | None:
    found = list(hits)
    return round(sum(found) / len(found), 4) if found else None
