"""The synthetic country: realistic in its figures, and its cases such as the service would have left them."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from deploy.local.keys import make_keys
from deploy.local.testservers import TestServers
from deploy.synthetic.country import Category, Filing
from deploy.synthetic.life import Life
from deploy.synthetic.load import Country, Databases, connected, load
from services.routing.clocks.domain import LEVELS, RUNNING
from shared.contracts.registry import CASE_STEPS
from shared.kit.migrate import upgrade
from shared.kit.sealing import KeyRing
from tests.services.routing.desk.routing import DEPARTMENT, MANAGER, OFFICER, Routing, running

NOW = datetime.now(UTC)
COUNT = 2000


@pytest.fixture(scope="module")
def dsns(servers: TestServers) -> dict[str, str]:
    """Four migrated databases."""
    made = {name: servers.create_database() for name in ("intake", "routing", "sms", "letters")}
    for name, dsn in made.items():
        upgrade(f"services.{name}", dsn)
    return made


@pytest.fixture
async def country(dsns: dict[str, str], tmp_path: Path) -> AsyncIterator[tuple[Databases, Routing]]:
    """A small country, and routing on it."""
    async with AsyncExitStack() as stack:
        routing = await stack.enter_async_context(running(dsns["routing"], tmp_path))
        databases = await stack.enter_async_context(connected(dsns))
        await databases.intake.execute("TRUNCATE cases, tracking_codes, timeline, messages, ratings")
        await databases.sms.execute("TRUNCATE contacts, inbox")
        await databases.letters.execute("TRUNCATE recipients")
        await load(dsns, tmp_path, Country(COUNT, 7, NOW), tell=str)
        yield databases, routing


async def test_every_case_stands_alike_in_both_and_has_its_clock(country: tuple[Databases, Routing]) -> None:
    databases, _ = country
    shape = "SELECT id, status, due_at, decided_at, tracking_code FROM cases ORDER BY id"
    intake, routing = await databases.intake.fetch(shape), await databases.routing.fetch(shape)
    assert intake == routing
    assert abs(len(routing) - COUNT) < COUNT * 0.1
    for case in await databases.routing.fetch("SELECT * FROM cases"):
        runs = case["status"] in RUNNING and case["escalation"] < len(LEVELS)
        assert (case["next_clock_at"] is not None) == runs
        assert case["next_clock_at"] is None or case["next_clock_at"] > NOW - timedelta(minutes=5)
        assert (case["paused_at"] is not None) == (case["status"] == "awaiting_citizen")
        assert case["department_id"] is not None
    told = "SELECT count(*) FROM steps WHERE event_id IS NOT NULL AND type NOT IN ('register', 'resume')"
    assert await databases.routing.fetchval(told) == await databases.intake.fetchval("SELECT count(*) FROM timeline")
    steps = {row["step"] for row in await databases.intake.fetch("SELECT DISTINCT step FROM timeline")}
    assert steps <= {kind.TYPE.split(".")[1] for kind in CASE_STEPS} | {"supplemented"}
    statuses = {row["status"] for row in await databases.routing.fetch("SELECT DISTINCT status FROM cases")}
    assert statuses >= {"assigned", "in_progress", "decided", "closed", "withdrawn"}


async def test_the_desk_works_on_them(country: tuple[Databases, Routing]) -> None:
    databases, routing = country
    query = "SELECT id FROM cases WHERE status = 'in_progress' AND decision IS NULL AND department_id = $1 LIMIT 1"
    case_id = await databases.routing.fetchval(query, DEPARTMENT)
    decision = {"outcome": "upheld", "letter_body": "به درخواست شما رسیدگی شد."}
    assert (await routing.step(OFFICER, case_id, "decide", **decision)).status_code == 200
    assert (await routing.step(MANAGER, case_id, "approve")).status_code == 200
    assert (await routing.get(OFFICER, "/v1/desk/cases", q="سابقه بیمه")).json()["items"]


async def test_a_life_leaves_the_columns_and_steps_that_the_service_leaves(country: tuple[Databases, Routing]) -> None:
    databases, routing = country
    made = await routing.file(at=NOW - timedelta(days=1))
    await routing.decided(made)
    await routing.step(OFFICER, made, "close")
    by_service = dict(await routing.case(made))
    alike = (
        "SELECT * FROM cases WHERE status = 'closed' AND escalation = 0 AND reopened_at IS NULL AND rating IS NULL"
        " AND NOT extended AND sequence = 4 AND id <> $1 LIMIT 1"
    )
    by_life = dict(await databases.routing.fetchrow(alike, made))
    own = {"county", "reachable"}
    for name in by_service.keys() - own:
        assert (by_service[name] is None) == (by_life[name] is None), name
        assert type(by_service[name]) is type(by_life[name]), name
    assert (by_service["version"], by_service["sequence"]) == (by_life["version"], by_life["sequence"])
    assert json.loads(by_service["routing"]).keys() == json.loads(by_life["routing"]).keys()
    pairs = zip(await routing.steps(made), await routing.steps(by_life["id"]), strict=True)
    for ours, its in pairs:
        for name in ("type", "actor_kind"):
            assert ours[name] == its[name] or ours["type"] == "register", (ours["type"], name)
        assert json.loads(ours["data"]).keys() == json.loads(its["data"]).keys(), ours["type"]
        assert (ours["event_id"] is None) == (its["event_id"] is None)


def test_the_same_seed_lives_the_same_life(tmp_path: Path) -> None:
    make_keys(tmp_path)
    step, text = (KeyRing.load(tmp_path / f"{name}.json") for name in ("step", "text"))
    filing = Filing(NOW - timedelta(days=100), Category("c", "d", 15), "IR-23", "2301", "complaint", "app")
    lives = [Life(Random(3), filing, NOW, step, text) for _ in range(2)]
    for life in lives:
        life.live()
    assert [(s["id"], s["type"]) for s in lives[0].steps] == [(s["id"], s["type"]) for s in lives[1].steps]
