"""Fitting a model from examples, deterministically, on one thread: logistic regression, one category against the rest.

Calibration and thresholds come from predictions out of the fold: no text is judged by a model that has seen it or its
augmented copies.
"""

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.routing.classify.augment import HANDLING, augmented
from services.routing.classify.examples import Corpus, Example
from services.routing.classify.features import Token, piece_features, tokens, word_features
from services.routing.classify.model import Floats, Model, Vocabulary, lead, smell, softmax
from services.routing.classify.opinion import CORRUPTION

IN_TEXTS = 2
"""A feature is kept if it stands in so many different texts of the repository …"""
IN_CITIZENS_TEXTS = 3
"""… or in so many of citizens': what fewer wrote could point at one of them."""

FOLDS = 3
STRENGTH = 12.0
"""The inverse of the regularisation (scikit-learn's C)."""
RIGHT_ALONE = 0.975
"""Of what a machine would decide alone, so much must be right out of the fold; of others' texts it is a few less."""
FOUND_CORRUPTION = 0.91
"""The share of reports of corruption that must be found out of the fold, by models of two thirds of the texts; the
model of all finds more."""
FEWEST = 60
"""A category's threshold counts so many guesses of all categories' beside its own, which are few and say little."""
FEW = 20
"""Fewer guesses than these say nothing of all categories either."""
LEADS = np.arange(0.0, 12.25, 0.25)
NEVER = 100.0
"""The thresholds that are tried, and that of a category whose guesses are never right often enough."""

Matrix = Any
"""scipy's sparse matrix, which has no types."""


def train(corpus: Corpus, *, version: str | None = None, citizens: Sequence[Example] = ()) -> Model:
    """A model of the corpus, and of citizens' decided cases if there are any; the same input gives the same bytes.

    Takes seconds of one processor. ``version`` names it; by default it is named after what it was trained from.
    """
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    known = [one for one in citizens if one.category in corpus.departments]
    examples = [*corpus.examples, *known]
    fold_of = _folds(examples)
    # citizens' texts are written as people write already
    copies = list(augmented(corpus.examples))
    categories = list(corpus.departments)
    labels = np.array([categories.index(one.category) for one in examples])
    corrupt = np.array([corpus.departments[one.category] == CORRUPTION for one in examples])

    originals = [tokens(one.text) for one in examples]
    vocabulary = _vocabulary(originals, ours=len(corpus.examples))
    rows = _matrix(vocabulary, [*originals, *(tokens(copy.text) for copy in copies)])
    owners = np.concatenate([np.arange(len(examples)), np.arange(len(copies))])
    scores = np.zeros((len(examples), len(categories) + 1), dtype=np.float32)
    for fold in range(FOLDS):
        # without the copies, which would take three times as long and say little about how sure one may be
        inside = np.flatnonzero(fold_of != fold)
        outside = np.flatnonzero(fold_of == fold)
        weights, bias = _fit(rows[inside], labels[inside], corrupt[inside], len(categories))
        scores[outside] = rows[outside] @ weights + bias
    temperature = _temperature(scores[:, :-1], labels)
    shares = softmax(scores[:, :-1], temperature)
    smelt = smell(scores, shares, np.array([department == CORRUPTION for department in corpus.departments.values()]))
    corruption_threshold = round(float(np.quantile(smelt[corrupt], 1 - FOUND_CORRUPTION)), 3) if corrupt.any() else 1.0
    thresholds = _thresholds(shares, labels, smelt >= corruption_threshold, categories)

    weights, bias = _fit(rows, labels[owners], corrupt[owners], len(categories))
    topics = [*examples, *copies]
    mentions = [_column(rows, [name in (one.category, one.second) for one in topics]) for name in HANDLING]
    held = Corpus(tuple(examples), corpus.departments)
    model = Model(
        version=version or f"cold-{held.fingerprint[:8]}",
        fingerprint=held.fingerprint,
        departments=corpus.departments,
        vocabulary=vocabulary,
        weights=np.hstack([weights, *(column[:, np.newaxis] for column, _ in mentions)]),
        bias=np.append(bias, [np.float32(constant) for _, constant in mentions]),
        handling=HANDLING,
        temperature=temperature,
        thresholds=thresholds,
        corruption_threshold=corruption_threshold,
        figures={
            "examples": len(corpus.examples),
            "citizens": len(known),
            "out_of_fold_category": round(float((shares.argmax(axis=1) == labels).mean()), 4),
            "out_of_fold_false_smell": round(float((smelt[~corrupt] >= corruption_threshold).mean()), 4),
            "labels": {name: int(count) for name, count in sorted(Counter(one.category for one in examples).items())},
        },
    )
    return Model.load(model.dump())


def _folds(examples: Sequence[Example]) -> NDArray[np.intp]:
    """Each category's examples, in the order in which they were written, cut into stretches: what was written at one
    sitting, or by one hand, is judged by what others wrote."""
    counts = Counter(one.category for one in examples)
    met: Counter[str] = Counter()
    folds = []
    for one in examples:
        folds.append(met[one.category] * FOLDS // counts[one.category])
        met[one.category] += 1
    return np.array(folds)


def _vocabulary(found: Sequence[list[Token]], *, ours: int) -> Vocabulary:
    """The features that stand in enough different texts, the first ``ours`` of which are the repository's."""
    in_ours: Counter[str] = Counter()
    in_citizens: Counter[str] = Counter()
    for at, one in enumerate(found):
        words = [token.word for token in one]
        features = {*word_features(words), *(piece for word in words for piece in piece_features(word))}
        (in_ours if at < ours else in_citizens).update(features)
    in_all = in_ours + in_citizens
    kept = sorted(
        name
        for name, count in in_all.items()
        if in_ours[name] >= IN_TEXTS or in_citizens[name] >= IN_CITIZENS_TEXTS or (in_ours[name] and count > IN_TEXTS)
    )
    idf = np.log((1 + len(found)) / (1 + np.array([in_all[name] for name in kept]))) + 1
    return Vocabulary({name: at for at, name in enumerate(kept)}, idf.astype(np.float32))


def _matrix(vocabulary: Vocabulary, found: Sequence[list[Token]]) -> Matrix:
    from scipy.sparse import csr_matrix  # noqa: PLC0415 (only who trains pays for it)

    rows = [vocabulary.vector(one) for one in found]
    starts = np.concatenate([[0], np.cumsum([len(indices) for indices, _ in rows])])
    indices = np.concatenate([indices for indices, _ in rows])
    values = np.concatenate([values for _, values in rows]).astype(np.float64)
    return csr_matrix((values, indices, starts), shape=(len(rows), len(vocabulary.index)))


def _fit(rows: Matrix, labels: NDArray[np.intp], corrupt: NDArray[np.bool_], count: int) -> tuple[Floats, Floats]:
    """Weights and biases of each category against the rest, and last of corruption against the rest."""
    columns = [_column(rows, labels == number) for number in range(count)]
    columns.append(_column(rows, corrupt))
    weights = np.stack([column for column, _ in columns], axis=1)
    return weights, np.array([constant for _, constant in columns], dtype=np.float32)


def _column(rows: Matrix, wanted: Sequence[bool] | NDArray[np.bool_]) -> tuple[Floats, float]:
    """One logistic regression, few examples counting as much as many; weights rounded as the file keeps them. What
    there is no example of is improbable."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    if not any(wanted):
        return np.zeros(rows.shape[1], dtype=np.float32), -10.0
    fit = LogisticRegression(
        C=STRENGTH, solver="liblinear", dual=True, tol=0.3, random_state=0, class_weight="balanced"
    )
    fit.fit(rows, wanted)
    return fit.coef_[0].astype(np.float16).astype(np.float32), float(fit.intercept_[0])


def _temperature(scores: Floats, labels: NDArray[np.intp]) -> float:
    """The temperature at which the true categories are likeliest out of the fold."""
    tried = [round(0.1 + 0.02 * step, 2) for step in range(70)]
    rows = np.arange(len(labels))
    return min(tried, key=lambda one: -float(np.log(softmax(scores, one)[rows, labels] + 1e-12).mean()))


def _thresholds(
    shares: Floats, labels: NDArray[np.intp], smells: NDArray[np.bool_], categories: Sequence[str]
) -> dict[str, float]:
    """For each category the lead (``model.lead``) from which, out of the fold, ``RIGHT_ALONE`` of its guesses are
    right."""
    best = shares.argmax(axis=1)
    ahead = np.array([lead(row, int(first)) for row, first in zip(shares, best, strict=True)])
    right = best == labels
    alone = ~smells & ~np.array([categories[at].startswith(f"{CORRUPTION}.") for at in best])
    overall: list[float] = []
    for least in LEADS:
        hits = right[alone & (ahead >= least)]
        overall.append(float(hits.mean()) if len(hits) >= FEW else overall[-1] if overall else 0.0)
    thresholds = {}
    for number, category in enumerate(categories):
        own = alone & (best == number)
        thresholds[category] = NEVER
        for least, share in zip(LEADS, overall, strict=True):
            above = own & (ahead >= least)
            if (right[above].sum() + FEWEST * share) / (above.sum() + FEWEST) >= RIGHT_ALONE:
                thresholds[category] = float(least)
                break
    return thresholds
