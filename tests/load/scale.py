"""``make bench-scale``: the desk with many cases against an empty one, with the plans of its slowest queries.

A private PostgreSQL, the synthetic country by COPY, and routing's API and consumers in this process, asked one after
the other: the times are those of the whole request without the network. Aims are for a million cases.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
from sqlalchemy import event as sqlalchemy_event

from deploy.local.ports import free_port
from deploy.local.postgres import PrivatePostgres
from deploy.synthetic.country import month_ago
from deploy.synthetic.load import Country, load
from services.routing.review.closing import Reviewer
from shared.kit.auth import Principal
from shared.kit.migrate import upgrade
from shared.kit.settings import ServiceSettings
from shared.kit.telemetry import setup_telemetry
from tests.load.__main__ import machine
from tests.services.routing.desk.routing import Routing, running, staff

REQUESTS = 40
"""For each kind of list and each word."""
ASSIGNED, ROUNDS = 250, 7
"""Cases whose way from the event to the department is timed in each round."""
AT_ONCE = 8
MOST_SECONDS = 1200

DEPARTMENTS = ("sso-insurance", "labour-relations", "hq", "affiliates", "rural-fund")
CATEGORIES = ("labour-relations.unpaid-wages", "sso-insurance.missing-record", "hq.access", "affiliates.shasta")
PROVINCES = ("IR-23", "IR-10", "IR-16", "IR-05")
WORDS = (
    *("بیمه", "سابقه", "حقوق", "کارفرما", "مستمری معلولیت", "سامانه خدمات", "دهک خانوار", "تعاونی مسکن"),
    *("می‌شود", "میشود", "همسان‌سازی", "همسانسازی", "خانه‌دار", "خانهدار", "نوبت کمیسیون", "ویلچر", "زعفران", "ژژژ"),
)
Choice = Callable[[Random], Mapping[str, Any]]

FILTERS: dict[str, Choice] = {
    "none": lambda _: {},
    "status": lambda c: {"status": c.choice(("assigned", "in_progress", "awaiting_citizen", "decided", "closed"))},
    "rare status": lambda c: {"status": c.choice(("reopened", "withdrawn", "registered"))},
    "department": lambda c: {"department": c.choice(DEPARTMENTS)},
    "category": lambda c: {"category": c.choice(CATEGORIES)},
    "province": lambda c: {"province": c.choice(PROVINCES)},
    "kind": lambda c: {"kind": c.choice(("complaint", "suggestion"))},
    "overdue": lambda _: {"overdue": True},
    "not overdue": lambda _: {"overdue": False},
    "escalated": lambda c: {"escalated": c.choice(("officer", "manager", "centre"))},
    "pending": lambda _: {"pending": True},
    "assignee": lambda c: {"assignee": f"officer.{c.choice(DEPARTMENTS)}"},
    "assignee none": lambda _: {"assignee": "nobody"},
    "unassigned": lambda _: {"unassigned": True},
    "category, province": lambda c: {"category": c.choice(CATEGORIES), "province": c.choice(PROVINCES)},
    "status, category, province": lambda c: {
        "status": c.choice(("assigned", "in_progress")),
        "category": c.choice(CATEGORIES),
        "province": c.choice(PROVINCES),
    },
    "overdue, province, kind": lambda c: {"overdue": True, "province": c.choice(PROVINCES), "kind": "request"},
    "reopened suggestions": lambda _: {"status": "reopened", "kind": "suggestion"},
}
CALLERS: dict[str, Principal] = {
    "centre": staff("cyra", "centre", None),
    "manager": staff("bob", "manager", "labour-relations"),
    "officer": staff("ann", "officer", "sso-insurance", "IR-05"),
}
SORTS = ("-registered_at", "registered_at", "due_at", "-due_at")


Asked = tuple[float, str, list[tuple[str, Any]]]
"""How long a request took in ms, what it was, and its statements with their parameters."""


class Statements:
    """What the API asks the database since it was last cleared, to be explained."""

    def __init__(self, routing: Routing) -> None:
        self.heard: list[tuple[str, Any]] = []
        sqlalchemy_event.listen(routing.database.engine.sync_engine, "before_cursor_execute", self._heard)

    def _heard(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        self.heard.append((statement, parameters))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench-scale")
    parser.add_argument("--count", type=int, default=1_000_000)
    arguments = parser.parse_args()
    setup_telemetry("bench", ServiceSettings(log_level="warning"))
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        base.chmod(0o755)  # PostgreSQL's user goes through it
        postgres = PrivatePostgres(base / "postgres", free_port())
        postgres.start()
        try:
            asyncio.run(_measure(base, postgres.url, arguments.count))
        finally:
            postgres.stop()


async def _measure(base: Path, url: str, count: int) -> None:
    started = time.perf_counter()
    say(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine()}, {count:,} cases")
    dsns = {}
    server = await asyncpg.connect(f"{url}/postgres")
    for name in ("intake", "routing", "sms", "letters", "empty"):
        await server.execute(f"CREATE DATABASE seda_{name}")
        dsns[name] = f"{url}/seda_{name}"
        service = "routing" if name == "empty" else name
        await asyncio.to_thread(upgrade, f"services.{service}", dsns[name])
    await server.close()
    async with AsyncExitStack() as stack:
        routing = await stack.enter_async_context(running(dsns["routing"], base / "keys"))
        empty = await stack.enter_async_context(running(dsns.pop("empty"), base / "keys"))
        await load(dsns, base / "keys", Country(count, 1405, datetime.now(UTC)), tell=say)
        await _close_months(routing)
        await routing.sql.execute("VACUUM ANALYZE")
        await routing.sql.execute("CHECKPOINT")
        await _assigning(empty, routing)
        await _lists(routing)
        await _searches(routing)
        await _others(routing)
    whole = time.perf_counter() - started
    say(f"the whole took {whole:,.0f} s; aim ≤ {MOST_SECONDS:,} s {'met' if whole <= MOST_SECONDS else 'MISSED'}")


async def _close_months(routing: Routing) -> None:
    """What the clocks do in the night: the counts are folded into the rollup, and the months that are over closed."""
    reviewer = Reviewer(routing.database)
    started = time.perf_counter()
    await reviewer.fold()
    say(f"counts folded in {time.perf_counter() - started:,.0f} s")
    started = time.perf_counter()
    closed = await reviewer.close()
    say(f"{len(closed)} months closed in {time.perf_counter() - started:,.0f} s")


async def _assigning(empty: Routing, full: Routing) -> None:
    """Turn by turn, so that what else the machine does weighs on both alike."""
    rates: dict[str, list[float]] = {"empty": [], "full": []}
    for _ in range(ROUNDS):
        for name, routing in (("empty", empty), ("full", full)):
            rates[name].append(await _assigned_a_second(routing))
    before, after = (statistics.median(rates[name]) for name in ("empty", "full"))
    aim = "aim ±10 % " + ("met" if after >= before * 0.9 else "MISSED")
    say(f"event to department: {before:,.0f}/s empty, {after:,.0f}/s full ({after / before:.0%}); {aim}")


async def _assigned_a_second(routing: Routing) -> float:
    """How many cases a second the consumer registers and assigns, eight at a time."""
    events = [routing.registered() for _ in range(ASSIGNED)]

    async def work(lane: list[Any]) -> None:
        for one in lane:
            await routing.hear(one)

    started = time.perf_counter()
    await asyncio.gather(*(work(events[n::AT_ONCE]) for n in range(AT_ONCE)))
    return ASSIGNED / (time.perf_counter() - started)


async def _timed(routing: Routing, caller: Principal, path: str, **query: Any) -> tuple[float, Any]:
    started = time.perf_counter()
    answer = await routing.get(caller, path, **query)
    took = (time.perf_counter() - started) * 1000
    return took, answer


async def _lists(routing: Routing) -> None:
    chance, statements = Random(1), Statements(routing)
    asked: list[Asked] = []
    for role, caller in CALLERS.items():
        for name, choose in FILTERS.items():
            for sort in SORTS:
                for n in range(max(4, REQUESTS // 4)):
                    query = {**choose(chance), "sort": sort, "limit": 50}
                    following = await _asked(routing, caller, f"{role}: {name}", query, statements, asked)
                    if n == 0 and following:
                        query["cursor"] = following
                        await _asked(routing, caller, f"{role}: {name}, next page", query, statements, asked)
    _row("desk list, any filter, any order", [took for took, *_ in asked], 100)
    await _explain(routing, asked)


async def _searches(routing: Routing) -> None:
    statements = Statements(routing)
    asked: list[Asked] = []
    for role, caller in CALLERS.items():
        for word in WORDS:
            for _ in range(max(4, REQUESTS // 8)):
                await _asked(routing, caller, role, {"q": word}, statements, asked)
    _row("search", [took for took, *_ in asked], 200)
    await _explain(routing, asked)


async def _asked(
    routing: Routing,
    caller: Principal,
    what: str,
    query: Mapping[str, Any],
    statements: Statements,
    asked: list[Asked],
) -> str | None:
    """Asks for a list, and keeps how long it took; the next page's cursor."""
    statements.heard.clear()
    took, answer = await _timed(routing, caller, "/v1/desk/cases", **query)
    if answer.status_code != 200:
        raise SystemExit(answer.text)
    shown = ", ".join(f"{name}={value}" for name, value in query.items() if name not in ("cursor", "limit"))
    asked.append((took, f"{what} ({shown})", list(statements.heard)))
    following: str | None = answer.json()["next"]
    return following


async def _others(routing: Routing) -> None:
    caller = CALLERS["centre"]
    times = [(await _timed(routing, caller, "/v1/desk/summary"))[0] for _ in range(5)]
    _row("summary of the whole country", times, None)
    ids = await routing.sql.fetch("SELECT id FROM cases TABLESAMPLE SYSTEM (1) LIMIT 100")
    times = [(await _timed(routing, caller, f"/v1/desk/cases/{row['id']}"))[0] for row in ids]
    _row("a case with what resembles it", times, None)
    today = datetime.now(UTC).date()
    await _review(routing, "the last closed month's review", month_ago(today, 1))
    await _review(routing, "the running month's, judged on request", month_ago(today, 0), aim=None)
    started = time.perf_counter()
    await Reviewer(routing.database).look()
    say(f"the running month looked at, as each minute: {time.perf_counter() - started:.1f} s")
    await _review(routing, "the running month's review", month_ago(today, 0))


async def _review(routing: Routing, what: str, month: str, aim: float | None = 1000) -> None:
    times = []
    for _ in range(3):
        took, answer = await _timed(routing, CALLERS["centre"], f"/v1/desk/reviews/{month}")
        if answer.status_code != 200:
            raise SystemExit(answer.text)
        times.append(took)
    _row(what, times, aim)


async def _explain(routing: Routing, asked: list[Asked]) -> None:
    """Of the three slowest kinds of request the plan of the statement that takes longest, without its details."""
    slowest = {name: (took, name, statements) for took, name, statements in sorted(asked, key=lambda entry: entry[0])}
    for took, name, statements in sorted(slowest.values(), key=lambda entry: -entry[0])[:3]:
        plans: list[tuple[float, list[str]]] = []
        async with routing.database.reading() as connection:
            for statement, parameters in statements:
                if "cases" not in statement:  # it sets how the others are planned
                    await connection.exec_driver_sql(statement, parameters)
                    continue
                explain = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) {statement}"
                plan = [row[0] for row in await connection.exec_driver_sql(explain, parameters)]
                plans.append((float(plan[-1].removeprefix("Execution Time: ").removesuffix(" ms")), plan))
        say(f"    {took:.0f} ms  {name}; its {len(plans)} statements, done again, {sum(ms for ms, _ in plans):.0f} ms")
        for n, line in enumerate(max(plans)[1]):
            if n < 2 or any(word in line for word in ("->", "Time", "Removed", "Fetches", "Lossy")):
                say(f"        {line[:150]}")


def _row(what: str, times: list[float], aim: float | None) -> None:
    p99 = statistics.quantiles(times, n=100, method="inclusive")[98] if len(times) > 1 else times[0]
    verdict = "" if aim is None else f"aim p99 ≤ {aim:g} ms {'met' if p99 <= aim else 'MISSED'}"
    say(f"{what:<40} {len(times):>6} requests  p50 {statistics.median(times):6.1f} ms  p99 {p99:6.1f} ms  {verdict}")


def say(line: str) -> None:
    """Prints at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
