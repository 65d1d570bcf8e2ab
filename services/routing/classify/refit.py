"""Every night: a new model from officers' decisions, used only if it wins on the latest weeks; and how far the cases
have drifted from what they were."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.routing.classify import metrics, repository
from services.routing.classify.domain import FEWEST_JUDGED, population_stability, wins
from services.routing.classify.examples import Corpus, Example, cold_corpus, described
from services.routing.classify.model import Model
from services.routing.classify.store import Models, in_a_process
from services.routing.classify.training import train
from shared.kit.db import Database
from shared.kit.telemetry import log
from shared.persian.calendar import TEHRAN

LATEST_DAYS = 28
"""The period that a new model is judged by and has not seen; it learns from what was decided before."""

MOST_CASES = 20_000
KEPT_MODELS = 3
NIGHT_HOURS = range(1, 6)
"""Of Tehran's day."""
WEEK, SEASON = timedelta(days=7), timedelta(days=90)


@dataclass(frozen=True)
class Refit:
    """How a refit ended; the shares are of ``judged`` cases, the right category first."""

    learnt: int
    judged: int
    current_right: float | None = None
    candidate_right: float | None = None
    candidate: str | None = None
    promoted: bool = False


async def nightly(database: Database, models: Models) -> None:
    """The worker's clock: once a night, in one process of all, refits and measures drift."""
    now = datetime.now(UTC).astimezone(TEHRAN)
    if now.hour not in NIGHT_HOURS:
        return
    async with database.transaction() as connection:
        if not await repository.begin_refit(connection, now.date()):
            return
    await measure_drift(database, models, now)
    await refit(database, models, now)


async def refit(database: Database, models: Models, now: datetime, texts: Sequence[Example] | None = None) -> Refit:
    """Trains on all decisions but the latest weeks', judges both models by those, and promotes the new one if it is
    better by more than chance. ``texts`` are learnt beside them, by default the repository's. Raises NoModel before the
    cold start's model is trained."""
    async with database.reading() as connection:
        current = await models.current(connection)
        rows = await repository.decided(connection, limit=MOST_CASES)
        categories = await repository.active_categories(connection)
    begin = now - timedelta(days=LATEST_DAYS)
    learnt = [_example(row) for row in rows if row.decided_at < begin]
    latest = [_example(row) for row in rows if row.decided_at >= begin]
    day = now.astimezone(TEHRAN).date()
    done, file = Refit(len(learnt), len(latest)), b""
    if learnt and len(latest) >= FEWEST_JUDGED:
        corpus = _corpus(categories, texts)
        done, file = await in_a_process(_contest, current.dump(), corpus, learnt, latest, f"refit-{day.isoformat()}")
    async with database.transaction() as connection:
        await repository.begin_refit(connection, day)
        await repository.end_refit(connection, day, **vars(done))
        if done.promoted:
            sha256 = Model.load(file).sha256
            await repository.promote(connection, sha256, done.candidate or "", file, keep=KEPT_MODELS)
    log.info("classifier_refitted", count=done.judged, outcome="promoted" if done.promoted else "kept")
    return done


def _corpus(categories: Sequence[Any], texts: Sequence[Example] | None) -> Corpus:
    """A category that the centre took out of use is no longer guessed; one that it added is learnt from its name and
    keywords at first."""
    ours = cold_corpus()
    departments = {row.id: row.department_id for row in categories}
    known = [one for one in (ours.examples if texts is None else texts) if one.category in departments]
    for row in categories:
        if row.id not in ours.departments:
            known += described(row.id, row.name_fa, row.keywords)
    return Corpus(tuple(known), departments)


def _example(row: Any) -> Example:
    return Example(f"{row.subject}\n{row.body}", row.category_id)


def _contest(
    current_file: bytes, corpus: Corpus, learnt: list[Example], latest: list[Example], version: str
) -> tuple[Refit, bytes]:
    """In a process of its own: the candidate, and whether it wins."""
    candidate = train(corpus, version=version, citizens=learnt)
    current = Model.load(current_file)
    before, after = (
        [model.opinion(one.text).top[0].category_id == one.category for one in latest] for model in (current, candidate)
    )
    promoted = wins(before, after)
    share = Refit(len(learnt), len(latest), sum(before) / len(latest), sum(after) / len(latest), version, promoted)
    return share, candidate.dump() if promoted else b""


async def measure_drift(database: Database, models: Models, now: datetime) -> None:
    """Keeps and shows the last week's share left to people, mean confidence, and the shift of the guesses against the
    ninety days before."""
    async with database.transaction() as connection:
        model = await models.current(connection)
        count, abstained, confidence = await repository.shares(connection, now - WEEK, now)
        shift = population_stability(
            await repository.guessed(connection, now - WEEK - SEASON, now - WEEK),
            await repository.guessed(connection, now - WEEK, now),
        )
        await repository.keep_drift(
            connection,
            now.astimezone(TEHRAN).date(),
            cases=count,
            abstained=abstained,
            confidence=confidence,
            psi=shift,
            model=model.version,
        )
    metrics.abstained.set(abstained)
    metrics.confidence.set(confidence)
    metrics.drift.set(shift or 0.0)
