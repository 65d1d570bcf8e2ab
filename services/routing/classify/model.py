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
from typing import Any, Self

import numpy as np
import orjson
from numpy.typing import NDArray

from services.routing.classify.features import Token, piece_features, tokens, word_features
from services.routing.classify.opinion import CORRUPTION, Guess, Opinion

FORMAT = 1
"""Of the file; a reader refuses any other."""

MOST_REASONS = 4
_CLAUSE_END = re.compile(r"[.!?؟؛،,:\n]+")
_SHORTEST_CLAUSE = 3
_SURE_OF_CLAUSE = 0.6
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
    then corruption, then each of ``handling``: whether the text speaks of it at all."""

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
        smells = corruption >= self.corruption_threshold
        sure = bool(found) and top[0].score >= self.thresholds[top[0].category_id]
        second = self._mentioned(scores, top[0].category_id) or self._second(text, top[0].category_id)
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
        return name if score > 0 else None

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

    def _second(self, text: str, first: str) -> str | None:
        """The category, other than the first, that a clause of the text is surely about."""
        categories = list(self.departments)
        best: tuple[float, str] | None = None
        for clause in _CLAUSE_END.split(text[:2000]):
            found = tokens(clause)
            if len(found) < _SHORTEST_CLAUSE:
                continue
            shares = self._shares(self.scores(found))
            at = int(shares.argmax())
            if categories[at] != first and shares[at] >= _SURE_OF_CLAUSE and (best is None or shares[at] > best[0]):
                best = (float(shares[at]), categories[at])
        return best[1] if best else None

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
