"""What a model makes of a text, as values."""

from dataclasses import dataclass

CORRUPTION = "integrity"
"""The department, and the beginning of the categories' names, of corruption reports."""


@dataclass(frozen=True)
class Guess:
    """A category that a text speaks for; ``score`` is its probability, ``reasons`` the words that say so most."""

    category_id: str
    department_id: str
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Opinion:
    """``top``: the best three categories, the most probable department's best one first. ``sure``: the first is above
    its category's threshold. ``corruption``: how probably it is about corruption, 0..1; ``smells`` when that is enough
    for a person to look. ``second``: another category that a part of the text is surely about. ``version`` and
    ``sha256`` name the model."""

    top: tuple[Guess, ...]
    sure: bool
    corruption: float
    smells: bool
    second: str | None
    version: str
    sha256: str
