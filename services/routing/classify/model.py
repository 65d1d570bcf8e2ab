"""A trained model: read from a file that holds numbers and words only, it gives an opinion on a text."""

import hashlib
import io
import math
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Self

import numpy as np
import orjson
from numpy.typing import NDArray

from services.routing.classify.features import Token, piece_features, tokens, word_features
from services.routing.classify.opinion import CORRUPTION, Guess, Opinion

FORMAT = 2
"""Of the file; a reader refuses any other."""

MOST_REASONS = 4
_CLAUSE_END = re.compile(r"[.!?؟؛،,:\n]+")
_SHORTEST_CLAUSE, _LONGEST_CLAUSE, _PIECE = 3, 16, 12
"""In words; who writes without a stop is read in pieces."""
_OF_CLAUSE, _OF_WHOLE, _OF_FIRST, _SURE_OF_SECOND = 0.4, 0.5, 0.2, 0.6
"""How a second matter is recognised (``Model._second``): the weights of a logistic regression on pairs of texts set one
after the other against single texts, and the log-odds from which two of three were right there."""
_SURE_OF_HANDLING = 1.0
_LEAST = 1e-4
# said in every text, so no reason to anybody
_TELLS_NOTHING = frozenset(
    (
        "است",
        "این",
        "که",
        "من",
        "شما",
        "برای",
        "ولی",
        "هم",
        "هست",
        "بود",
        "شده",
        "کرده",
        "نیست",
        "همه",
        "خیلی",
        "یک",
        "هیچ",
        "چرا",
        "دارم",
        "سلام",
        "لطفا",
        "بعد",
        "تا",
        "الان",
        "ماه",
        "سال",
        "چند",
        "اما",
        "هنوز",
        "گفت",
        "میگن",
        "بار",
    )
)

Floats = NDArray[np.float32]


class ModelError(ValueError):
    """A file that is no model of ours; the message never holds its content."""


@dataclass(frozen=True)
class Vocabulary:
    """The features a model knows, each with its inverse document frequency."""

    index: dict[str, int]
    idf: Floats

    def vector(self, found: Sequence[Token]) -> tuple[NDArray[np.intp], Floats]:
        """The indices and weights of a text's features: sublinear tf-idf, words and pieces each of length one."""
        words = [token.word for token in found]
        indices: list[int] = []
        values: list[float] = []
        for counts in (
            Counter(word_features(words)),
            Counter(piece for word in words for piece in piece_features(word)),
        ):
            known = [(at, count) for name, count in counts.items() if (at := self.index.get(name)) is not None]
            weights = [(1.0 + math.log(count)) * float(self.idf[at]) for at, count in known]
            norm = math.sqrt(sum(weight * weight for weight in weights))
            indices.extend(at for at, _ in known)
            values.extend(weight / norm for weight in weights)
        return np.array(indices, dtype=np.intp), np.array(values, dtype=np.float32)


@dataclass(frozen=True)
class Model:
    """Weights, calibration and thresholds. The columns of ``weights``: the categories in the order of ``departments``,
    then corruption, then each of ``handling``: whether the text speaks of it at all. ``thresholds``: the ``lead`` from
    which a category's guess is sure."""

    version: str
    fingerprint: str
    departments: dict[str, str]
    vocabulary: Vocabulary
    weights: Floats
    bias: Floats
    temperature: float
    thresholds: dict[str, float]
    corruption_threshold: float
    figures: dict[str, Any]
    handling: tuple[str, ...] = ()
    sha256: str = field(default="")

    def opinion(self, text: str) -> Opinion:
        """What ``text`` (any string) is about."""
        found = tokens(text)
        scores = self.scores(found)
        shares = self._shares(scores)
        corruption = float(smell(scores[np.newaxis, :], shares[np.newaxis, :], self._corrupt())[0])
        ranked = self._ranked(shares)
        categories = list(self.departments)
        top = tuple(
            Guess(categories[at], self.departments[categories[at]], float(shares[at]), self._reasons(found, at))
            for at in ranked[:3]
        )
        # of a word or two, a greeting say, little can be known: then only what is more probable than not
        least = self.corruption_threshold if len(found) >= _SHORTEST_CLAUSE else max(self.corruption_threshold, 0.5)
        smells = corruption >= least
        sure = bool(found) and lead(shares, ranked[0]) >= self.thresholds[top[0].category_id]
        second = self._second(text, shares, ranked[0]) or self._mentioned(scores, top[0].category_id)
        return Opinion(top, sure, corruption, smells, second, self.version, self.sha256)

    def scores(self, found: Sequence[Token]) -> Floats:
        """Each column's score, uncalibrated."""
        indices, values = self.vocabulary.vector(found)
        raw: Floats = values @ self.weights[indices] + self.bias
        return raw

    def _shares(self, scores: Floats) -> Floats:
        """The categories' probabilities."""
        shares: Floats = softmax(scores[np.newaxis, : len(self.departments)], self.temperature)[0]
        return shares

    def _mentioned(self, scores: Floats, first: str) -> str | None:
        """How the matter was handled, if that is not what the text is about and more probably said than not."""
        told = zip(scores[len(self.departments) + 1 :], self.handling, strict=True)
        score, name = max(((float(score), name) for score, name in told if name != first), default=(0.0, ""))
        return name if score > _SURE_OF_HANDLING else None

    def _corrupt(self) -> NDArray[np.bool_]:
        return np.array([department == CORRUPTION for department in self.departments.values()])

    def _ranked(self, shares: Floats) -> list[int]:
        """Categories by probability, but the most probable department's best one first."""
        order = [int(at) for at in np.argsort(-shares, kind="stable")]
        totals: dict[str, float] = {}
        names = list(self.departments.values())
        for at, share in enumerate(shares):
            totals[names[at]] = totals.get(names[at], 0.0) + float(share)
        best = max(totals, key=lambda name: totals[name])
        first = next(at for at in order if names[at] == best)
        return [first, *(at for at in order if at != first)]

    def _reasons(self, found: Sequence[Token], category: int) -> tuple[str, ...]:
        """The words of the text that speak most for a category, as they stand there."""
        spoken: dict[str, float] = {}
        surfaces: dict[str, str] = {}
        for token in found:
            word = token.word
            if len(word) < 3 or word in _TELLS_NOTHING or word in spoken:
                continue
            own = [self.vocabulary.index.get(name) for name in (f"w {word}", *piece_features(word))]
            known = [at for at in own if at is not None]
            spoken[word] = float(np.dot(self.vocabulary.idf[known], self.weights[known, category]))
            surfaces[word] = token.surface.strip(" .،,:؛!؟?()«»\"'")
        best = sorted((word for word in spoken if spoken[word] > 0), key=lambda word: (-spoken[word], word))
        return tuple(dict.fromkeys(surfaces[word] for word in best[:MOST_REASONS]))

    def _second(self, text: str, shares: Floats, first: int) -> str | None:
        """Another matter than the first: one that a clause is about, that the whole text speaks of, too, while another
        clause is about the first. How a matter was handled is none."""
        clauses = np.array([self._shares(self.scores(one)) for one in _clauses(text)])
        if len(clauses) < 2:
            return None
        categories = list(self.departments)
        most = clauses.max(axis=0)
        most[[first, *(categories.index(name) for name in self.handling if name in self.departments)]] = 0
        found = int(most.argmax())
        elsewhere = float(np.delete(clauses[:, first], clauses[:, found].argmax()).max())
        sure = (
            _OF_CLAUSE * _log_odds(float(most[found]))
            + _OF_WHOLE * math.log(max(float(shares[found]), _LEAST))
            + _OF_FIRST * _log_odds(elsewhere)
        )
        return categories[found] if sure >= _SURE_OF_SECOND else None

    def dump(self) -> bytes:
        """The model as a file: a zip of arrays (``.npz``) without code; the same model gives the same bytes."""
        told = {
            "format": FORMAT,
            "version": self.version,
            "fingerprint": self.fingerprint,
            "departments": list(self.departments.items()),
            "temperature": self.temperature,
            "thresholds": self.thresholds,
            "corruption_threshold": self.corruption_threshold,
            "figures": self.figures,
            "handling": self.handling,
        }
        out = io.BytesIO()
        np.savez_compressed(
            out,
            told=np.frombuffer(orjson.dumps(told), dtype=np.uint8),
            words=np.frombuffer("\n".join(self.vocabulary.index).encode(), dtype=np.uint8),
            idf=self.vocabulary.idf.astype(np.float32),
            weights=self.weights.astype(np.float16),
            bias=self.bias.astype(np.float32),
        )
        return out.getvalue()

    @classmethod
    def load(cls, content: bytes) -> Self:
        """Reads a file; ModelError if it is none of ours. Nothing in it is ever run."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                told = orjson.loads(file["told"].tobytes())
                names = file["words"].tobytes().decode().split("\n")
                idf, bias = file["idf"], file["bias"]
                weights = file["weights"].astype(np.float32)
            columns = len(told["departments"]) + 1 + len(told["handling"])
            if told["format"] != FORMAT or weights.shape != (len(names), columns):
                raise ModelError("not a model of this format")
            if idf.shape != (len(names),) or bias.shape != (weights.shape[1],):
                raise ModelError("not a model of this format")
            return cls(
                version=told["version"],
                fingerprint=told["fingerprint"],
                departments=dict(told["departments"]),
                vocabulary=Vocabulary({name: at for at, name in enumerate(names)}, idf),
                weights=weights,
                bias=bias,
                temperature=told["temperature"],
                thresholds=told["thresholds"],
                corruption_threshold=told["corruption_threshold"],
                figures=told["figures"],
                handling=tuple(told["handling"]),
                sha256=hashlib.sha256(content).hexdigest(),
            )
        except ModelError:
            raise
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ModelError("not a model") from error


def _clauses(text: str) -> list[list[Token]]:
    """The parts of a text that may each be about something else, without those of a word or two."""
    found: list[list[Token]] = []
    for clause in _CLAUSE_END.split(text[:2000]):
        words = tokens(clause)
        pieces = 1 if len(words) <= _LONGEST_CLAUSE else math.ceil(len(words) / _PIECE)
        ends = [len(words) * piece // pieces for piece in range(pieces + 1)]
        found += [words[start:end] for start, end in pairwise(ends) if end - start >= _SHORTEST_CLAUSE]
    return found


def _log_odds(share: float) -> float:
    return math.log(max(share, _LEAST) / max(1 - share, _LEAST))


def lead(shares: Floats, first: int) -> float:
    """How far ahead of the next a category is, in log-odds. Says better whether it is right than its share does, which
    falls with the number of others that are not quite impossible."""
    best, following = float(shares[first]), float(np.delete(shares, first).max())
    return math.log(max(best, 1e-9) / max(following, 1e-9))


def softmax(scores: Floats, temperature: float) -> Floats:
    """Probabilities by rows."""
    scaled = scores / temperature
    grown = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares: Floats = grown / grown.sum(axis=1, keepdims=True)
    return shares


def smell(scores: Floats, shares: Floats, corrupt: NDArray[np.bool_]) -> Floats:
    """How probably each row is about corruption: the mean of what the question by itself says (the score after the
    categories') and of the share of corruption's categories among all. Two views that err differently are better than
    either."""
    alone = 1.0 / (1.0 + np.exp(-scores[:, len(corrupt)]))
    both: Floats = (alone + shares[:, corrupt].sum(axis=1)) / 2
    return both
