"""Learning from officers' decisions: promoted on a win alone, measured, and read by every worker."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from services.routing.assignment.consumers import CaseEvents
from services.routing.classify.examples import cold_corpus
from services.routing.classify.refit import measure_drift, nightly, refit
from services.routing.classify.repository import promote
from services.routing.classify.store import Models
from shared.kit.ids import uuid7
from tests.services.routing.desk.routing import CENTRE, Routing

KALABARG, ACCESS = "social-welfare.kalabarg", "hq.access"
NOW = datetime.now(UTC)
# a few of the repository's texts: the test is of the contest, not of the texts
TEXTS = [one for one in cold_corpus().examples if one.category in (KALABARG, ACCESS, "integrity.bribery")]


async def decided(routing: Routing, text: str, category: str, days_ago: float) -> None:
    """A case that an officer decided under a category."""
    at = NOW - timedelta(days=days_ago)
    await routing.sql.execute(
        "INSERT INTO cases (id, tracking_code, kind, channel, language, province, reachable, subject, body, folded,"
        " spaceless, registered_at, registered_event_id, status, category_id, department_id, routing, last_event_id,"
        " decided_at) VALUES ($1, $2, 'complaint', 'app', 'fa', 'IR-23', true, 'موضوع', $3, '', '', $4, $1, 'decided',"
        """ $5, $6, '{"method": "triage", "confidence": 0, "top": []}', $1, $4)""",
        id := uuid7(), id.hex[-11:], text, at, category, category.split(".", maxsplit=1)[0],
    )  # fmt: skip


async def new_words(routing: Routing) -> None:
    """A new scheme «سپیدار» that no text of ours knows: people write of it, officers decide."""
    words = ("اعتبار", "شارژ", "خرید", "فروشگاه", "نوبت", "کارت", "ثبت‌نام", "واریز")
    for number in range(160):
        text = f"طرح سپیدار {words[number % 8]} {words[number % 7]} برای ما انجام نشد شماره {number}"
        await decided(routing, text, KALABARG, 60 - number * 0.37)


async def test_a_model_is_promoted_when_it_wins_and_judges_the_cases_that_follow(
    routing: Routing, tmp_path: Path
) -> None:
    await new_words(routing)
    filed: dict[str, Any] = {
        "subject": "طرح سپیدار",
        "body": "طرح سپیدار خرید فروشگاه برای ما انجام نشد",
        "category_id": None,
    }
    before = await routing.case(await routing.file(**filed))
    assert orjson.loads(before["routing"])["model"].startswith("cold-")
    done = await refit(routing.database, routing.models, NOW, TEXTS)
    assert (done.promoted, done.learnt >= 50, done.judged >= 50) == (True, True, True)
    assert (done.candidate_right or 0) > (done.current_right or 0)
    row = await routing.sql.fetchrow("SELECT * FROM classifier_refits")
    assert (row["promoted"], row["judged"], row["ended_at"] is not None) == (True, done.judged, True)

    # on another machine, which has no file of it
    elsewhere = Models(tmp_path / "another machine")
    worker = Routing(**{**vars(routing), "events": CaseEvents(routing.keys, elsewhere)})
    case = await routing.case(case_id := await worker.file(**filed))
    sha256 = await routing.sql.fetchval("SELECT sha256 FROM classifier_models")
    why = orjson.loads(case["routing"])
    assert (why["method"], why["model"], why["model_sha256"]) == ("classifier", done.candidate, sha256)
    assert (case["status"], case["category_id"]) == ("assigned", KALABARG)
    told = orjson.loads(await routing.sql.fetchval("SELECT body FROM outbox WHERE case_id = $1", case_id))["data"]
    assert (told["method"], told["model"], told["category"]["id"]) == ("classifier", done.candidate, KALABARG)
    assert (tmp_path / "another machine" / f"{sha256}.npz").is_file()

    # against itself the next one does not win, and the promoted one stays
    again = await refit(routing.database, elsewhere, NOW, TEXTS)
    assert again.promoted is False
    assert await routing.sql.fetchval("SELECT count(*) FROM classifier_models WHERE content IS NOT NULL") == 1


async def test_a_category_that_the_centre_adds_is_hinted_at_at_once_and_learnt_at_night(
    routing: Routing, tmp_path: Path
) -> None:
    id = "tvto.green-skills"
    new = {
        "department_id": "tvto", "name_fa": "مهارت‌های سبز", "name_en": "Green skills", "sla_days": 10,
        "keywords": ["پنل خورشیدی", "بازیافت پسماند"],
    }  # fmt: skip
    path = f"/v1/desk/directory/categories/{id}"
    assert (await routing.send(CENTRE, "PUT", path, new, **{"If-Match": "*"})).status_code == 200
    case_id = await routing.file(subject="سلام", body="پنل‌ خورشیدی را کجا یاد بدهند؟", category_id=None)
    item = next(
        item for item in (await routing.get(CENTRE, "/v1/desk/triage")).json()["items"] if item["id"] == str(case_id)
    )
    assert [guess["category_id"] for guess in item["routing"]["top"]][2] == id
    await new_words(routing)  # so that the night's model wins; nobody decided a case of the new category yet
    done = await refit(routing.database, routing.models, NOW, TEXTS)
    assert done.promoted
    async with routing.database.reading() as connection:
        model = await Models(tmp_path / "fresh").current(connection)
    assert model.opinion("بازیافت پسماند و پنل خورشیدی").top[0].category_id == id


async def test_a_promoted_model_that_cannot_be_read_any_more_gives_way_to_the_cold_start_s(routing: Routing) -> None:
    old = b"of an older format"
    async with routing.database.transaction() as connection:
        await promote(connection, hashlib.sha256(old).hexdigest(), "refit-2020-01-01", old, keep=3)
    case = await routing.case(await routing.file(subject="کالابرگ", body="کالابرگ ما شارژ نشد", category_id=None))
    assert orjson.loads(case["routing"])["model"].startswith("cold-")


async def test_too_few_or_restricted_cases_teach_nothing(routing: Routing) -> None:
    for number in range(30):
        await decided(routing, f"طرح سپیدار {number}", KALABARG, number)
    await routing.sql.execute("UPDATE cases SET restricted = true WHERE decided_at > now() - interval '10 days'")
    done = await refit(routing.database, routing.models, NOW, TEXTS)
    assert (done.promoted, done.candidate) == (False, None)
    assert done.learnt + done.judged < 30


async def test_drift_is_measured_against_the_season_before(routing: Routing) -> None:
    for _ in range(3):
        await routing.file(
            subject="کالابرگ", body="کالابرگ خانوادهٔ ما این ماه شارژ نشده است و فروشگاه قبول نمی‌کند.", category_id=None
        )
    await routing.file(subject="سلام", body="به کار من رسیدگی کنید", category_id=None)
    await measure_drift(routing.database, routing.models, datetime.now(UTC))
    row = await routing.sql.fetchrow("SELECT * FROM classifier_drift")
    assert (row["cases"], row["psi"]) == (4, None)
    assert row["abstained"] in (0.25, 0.5, 0.75, 1.0)
    assert 0 < row["confidence"] <= 1


async def test_a_night_is_one_worker_s(routing: Routing) -> None:
    await routing.sql.execute("INSERT INTO classifier_refits (day) SELECT (now() AT TIME ZONE 'Asia/Tehran')::date")
    await nightly(routing.database, routing.models)
    assert await routing.sql.fetchval("SELECT count(*) FROM classifier_drift") == 0
