"""A letter's number: ``year/office/n``, of which none is missing and none is there twice."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from shared.persian.calendar import jalali
from shared.persian.digits import to_latin

_NUMBER = re.compile(r"(1[3-5][0-9]{2})/([0-9]{1,6})/(0|[1-9][0-9]{0,8})")


@dataclass(frozen=True)
class LetterNumber:
    """The n-th letter of an office (its code in the registry, digits) in a Jalali year. ``str()`` is as it is kept:
    ``1405/110/34``, Latin digits."""

    year: int
    office: str
    n: int

    def __str__(self) -> str:
        return f"{self.year}/{self.office}/{self.n}"

    @classmethod
    def trial(cls, moment: datetime, office: str) -> Self:
        """What stands in the rendering that is tried before a number is taken: the 0th, which no letter gets."""
        return cls(jalali_year(moment), office, 0)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The number in what was typed, Persian digits or Latin. Raises ValueError, which does not hold the text."""
        found = _NUMBER.fullmatch(to_latin(text.strip()))
        if found is None:
            raise ValueError("not a letter's number")
        return cls(int(found[1]), found[2], int(found[3]))


def jalali_year(moment: datetime) -> int:
    """The Jalali year in Tehran at that instant, in which a letter of that instant is counted."""
    return int(jalali(moment)[:4])
