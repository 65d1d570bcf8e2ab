"""The monthly counts are what the cases say, whatever happens to a case, folded or not."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from services.routing.review import repository
from services.routing.review.domain import median
from shared.persian.calendar import jalali_month, tehran_day
from tests.services.routing.review.conftest import Routing

MEASURES = ("filed", "reopened", "decided", "in_time", "rated", "rating_sum")


def facts_of(case: Any) -> Counter[tuple[Any, ...]]:
    """What a case counts for, written a second time, in another language than the trigger's."""
    place = (case["department_id"] or "", case["category_id"] or "", case["province"], case["kind"], case["channel"])
    facts: Counter[tuple[Any, ...]] = Counter()
    facts[jalali_month(case["registered_at"]), *place, -1, "filed"] += 1
    if case["reopened_at"]:
        facts[jalali_month(case["reopened_at"]), *place, -1, "reopened"] += 1
    if case["decided_at"]:
        again = case["reopened_at"] and case["reopened_at"] < case["decided_at"]
        start = case["reopened_at"] if again else case["registered_at"]
        days = (tehran_day(case["decided_at"]) - tehran_day(start)).days
        key = (jalali_month(case["decided_at"]), *place, days)
        facts[*key, "decided"] += 1
        facts[*key, "in_time"] += bool(case["decided_in_time"])
        if case["rating"]:
            facts[*key, "rated"] += 1
            facts[*key, "rating_sum"] += case["rating"]
    return facts


async def counted(routing: Routing, table: str) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for row in await routing.sql.fetch(f"SELECT * FROM {table}"):
        for measure in MEASURES:
            found[*tuple(row)[:7], measure] += row[measure]
    return Counter({key: value for key, value in found.items() if value})


async def coarse(routing: Routing, table: str) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for row in await routing.sql.fetch(f"SELECT * FROM {table}"):
        for measure in MEASURES[:4]:
            found[*tuple(row)[:4], measure] += row[measure]
    return Counter({key: value for key, value in found.items() if value})


def coarsened(counts: Counter[tuple[Any, ...]]) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for key, value in counts.items():
        if key[-1] in MEASURES[:4]:
            found[*key[:4], key[-1]] += value
    return found


async def from_cases(routing: Routing) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for case in await routing.sql.fetch("SELECT * FROM cases"):
        found += facts_of(case)
    return Counter({key: value for key, value in found.items() if value})


async def test_whatever_happens_to_a_case_the_counts_follow(routing: Routing) -> None:
    choose = random.Random(14)
    ids = []
    for month in ("1404-11", "1404-12", "1405-01"):
        channel = choose.choice(["app", "in_person"])
        ids += await routing.cases(month, 8, department_id=None, category_id=None, channel=channel)
        ids += await routing.cases(month, 4, kind="request", province="IR-10")
    for turn in range(120):
        id = choose.choice(ids)
        case = await routing.sql.fetchrow("SELECT * FROM cases WHERE id = $1", id)
        later = (case["decided_at"] or case["registered_at"]) + timedelta(days=choose.randint(0, 40))
        change: dict[str, Any] = choose.choice(
            [
                {"department_id": "hq", "category_id": "hq.delay-referral", "due_at": later},
                {"department_id": "sso-medical"},
                {"decided_at": later, "due_at": later + timedelta(days=choose.choice([-1, 1]))},
                {"rating": choose.randint(1, 5)},
                {"status": "closed", "version": turn},
            ]
        )
        if case["decided_at"] and choose.random() < 0.3:
            change = {"reopened_at": later, "due_at": later + timedelta(days=30)}
        sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(change, start=2))
        await routing.sql.execute(f"UPDATE cases SET {sets} WHERE id = $1", id, *change.values())
        if turn % 40 == 20:
            await routing.reviewer.fold()
    expected = await from_cases(routing)
    assert {key[-1] for key in expected} == set(MEASURES)
    assert await counted(routing, "review_counts") == expected
    assert await coarse(routing, "review_cell_counts") == coarsened(expected)
    await routing.reviewer.fold()
    assert await routing.sql.fetchval("SELECT count(*) FROM review_deltas") == 0
    assert await counted(routing, "review_rollup") == expected
    assert await coarse(routing, "review_cells") == coarsened(expected)
    async with routing.database.transaction() as connection:
        await repository.rebuild(connection)
    assert await counted(routing, "review_rollup") == expected
    assert await coarse(routing, "review_cells") == coarsened(expected)


async def test_a_reopened_case_was_still_decided_in_time(routing: Routing) -> None:
    (id,) = await routing.cases("1405-01", 1)
    now = datetime(2026, 5, 1, tzinfo=UTC)
    await routing.sql.execute(
        "UPDATE cases SET decided_at = $2, due_at = $3 WHERE id = $1", id, now, now - timedelta(days=1)
    )
    await routing.sql.execute(
        "UPDATE cases SET reopened_at = $2, due_at = $3 WHERE id = $1", id, now, now + timedelta(days=30)
    )
    found = await counted(routing, "review_counts")
    assert sum(value for key, value in found.items() if key[-1] == "decided") == 1
    assert not any(key[-1] == "in_time" for key in found)


async def test_what_is_rolled_back_was_never_counted(routing: Routing) -> None:
    transaction = routing.sql.transaction()
    await transaction.start()
    await routing.cases("1405-01", 3)
    await transaction.rollback()
    assert not await counted(routing, "review_counts")


def test_the_median_is_exact() -> None:
    assert median({}) is None
    assert median({4: 1}) == 4
    assert median({0: 1, 3: 1}) == 1.5
    assert median({1: 10, 2: 10, 90: 1}) == 2
    assert median({1: 3, 7: 3}) == 4
