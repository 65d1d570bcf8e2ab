"""What a text is recognised by: its words, pairs of words, and pieces of two to five letters, spelling evened out."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from shared.persian.text import fold

MOST_CHARACTERS = 4000
"""Of a longer text the beginning and the end are read: who writes at length says the matter there."""
_HEAD = 3000

# written apart, joined, or with a half-space: one word
_PREFIXES = frozenset(("می", "نمی", "بی"))
_SUFFIXES = frozenset(
    (
        "ها",
        "های",
        "هایی",
        "هایم",
        "هام",
        "هامون",
        "هاشون",
        "ام",
        "ات",
        "اش",
        "ایم",
        "اید",
        "اند",
        "ای",
        "تر",
        "ترین",
        "مان",
        "تان",
        "شان",
        "مون",
        "تون",
        "شون",
    )
)
_REPEATED = re.compile(r"(.)\1{2,}")
_LONG_NUMBER = re.compile(r"\d{4,}")


@dataclass(frozen=True)
class Token:
    """A word as it is recognised, and as it stands in the text."""

    word: str
    surface: str


def tokens(text: str) -> list[Token]:
    """The words of a text (any string), folded, prefixes and suffixes joined; long numbers tell nothing and are left
    out, so that no number of a person's can become a feature."""
    if len(text) > MOST_CHARACTERS:
        text = f"{text[:_HEAD]} {text[_HEAD - MOST_CHARACTERS :]}"
    found: list[Token] = []
    prefix: Token | None = None
    for surface in text.split():
        for piece in _folded(surface):
            token = Token(piece, surface)
            if prefix is not None:
                found.append(_joined(prefix, token))
                prefix = None
            elif piece in _PREFIXES:
                prefix = token
            elif piece in _SUFFIXES and found:
                found.append(_joined(found.pop(), token))
            else:
                found.append(token)
    if prefix is not None:
        found.append(prefix)
    return found


@lru_cache(maxsize=20_000)
def _folded(surface: str) -> tuple[str, ...]:
    return tuple(_REPEATED.sub(r"\1", piece) for piece in fold(surface).split() if not _LONG_NUMBER.search(piece))


def _joined(first: Token, second: Token) -> Token:
    surface = first.surface if first.surface == second.surface else f"{first.surface} {second.surface}"
    return Token(first.word + second.word, surface)


def word_features(words: list[str]) -> Iterable[str]:
    """Words and pairs of neighbours, each marked as what it is."""
    yield from ("w " + word for word in words)
    yield from (f"w {first} {second}" for first, second in pairwise(words))


@lru_cache(maxsize=20_000)
def piece_features(word: str) -> tuple[str, ...]:
    """All pieces of two to five letters of a word, its ends marked by spaces."""
    padded = f" {word} "
    length = len(padded)
    return tuple(
        padded[start : start + size]
        for size in range(2, 6)
        for start in range(max(1, length - size + 1))
        if size <= length or size == 2
    )
