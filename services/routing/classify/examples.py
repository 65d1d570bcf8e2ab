"""What a model learns from at the cold start: the taxonomy's examples and the texts written for it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

DATA = Path(__file__).parents[1] / "data"
TAXONOMY = DATA / "taxonomy.json"
TEXTS = DATA / "texts.jsonl"


@dataclass(frozen=True)
class Example:
    """A text, the category that it belongs to by ``docs/labelling.md``, and the second, if it has one."""

    text: str
    category: str
    second: str | None = None


@dataclass(frozen=True)
class Corpus:
    """Examples, and the department of each category that there is."""

    examples: tuple[Example, ...]
    departments: dict[str, str]

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of all that a model is trained from."""
        return fingerprint(self.examples, self.departments)


def fingerprint(examples: Sequence[Example], departments: dict[str, str]) -> str:
    """The SHA-256 of examples in their order and of the categories' departments."""
    held = [[[one.text, one.category, one.second] for one in examples], departments]
    return hashlib.sha256(orjson.dumps(held, option=orjson.OPT_SORT_KEYS)).hexdigest()


def described(category: str, name: str, keywords: Sequence[str]) -> tuple[Example, ...]:
    """What the directory itself says of a category, for one that nobody has written texts for yet; each word twice, so
    that a model keeps it."""
    words = " ".join(keywords)
    return tuple(Example(text, category) for text in (name, words, f"{name} {words}") if text)


def cold_corpus() -> Corpus:
    """The repository's: names, keywords and examples of ``data/taxonomy.json``, and ``data/texts.jsonl``."""
    taxonomy: dict[str, Any] = orjson.loads(TAXONOMY.read_bytes())
    examples: list[Example] = []
    departments: dict[str, str] = {}
    for department in taxonomy["departments"]:
        for category in department["categories"]:
            departments[category["id"]] = department["id"]
            told = (*category["examples_fa"], category["name_fa"], " ".join(category["keywords_fa"]))
            examples.extend(Example(text, category["id"]) for text in told)
    for line in TEXTS.read_bytes().splitlines():
        text = orjson.loads(line)
        examples.append(Example(text["text"], text["category"], text.get("second")))
    return Corpus(tuple(examples), departments)
