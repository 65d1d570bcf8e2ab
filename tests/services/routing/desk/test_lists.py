"""The desk's list holds what its filters say, in its order, whichever way the database finds it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from asyncpg import Record

from deploy.synthetic.life import uuid7_at
from services.routing.clocks.domain import LEVELS, RUNNING
from services.routing.desk import domain, list_repository
from shared.kit.auth import Principal
from shared.kit.ids import uuid7
from shared.persian.text import fold, spaceless
from tests.services.routing.desk.routing import CENTRE, MANAGER, Routing, staff

CALLERS = (CENTRE, MANAGER, staff("tara", province="IR-23"))
SORTS = ("-registered_at", "registered_at", "due_at", "-due_at")
STATUSES = ("registered", "assigned", "in_progress", "awaiting_citizen", "decided", "closed", "reopened", "withdrawn")
CATEGORIES = {
    "sso-insurance.missing-record": "sso-insurance",
    "sso-insurance.employer-nonpayment": "sso-insurance",
    "behzisti.equipment-rehab": "behzisti",
}
TEXTS = ("همسان‌سازی حقوق", "همسان سازی حقوق", "همسانسازی حقوق", "سابقهٔ بیمه", "بیمه و سابقه", "حق بیمه")
WORDS = ("همسان‌سازی", "همسان سازی", "همسانسازی", "سابقه بیمه", "بیمه", "حقوق", "حق", "ویلچر")
CASES, QUERIES = 60, 100


@pytest.fixture
async def rows(routing: Routing) -> list[Record]:
    """Cases of all kinds, most filed on one busy day."""
    chance, now = Random(4), datetime.now(UTC)
    for n in range(CASES):
        at = now - timedelta(days=chance.choice((0, 0, 0, 3, 40, 400)), seconds=n)
        status, text = chance.choice(STATUSES), chance.choice(TEXTS)
        category = chance.choice((None, *CATEGORIES)) if status == "registered" else chance.choice(tuple(CATEGORIES))
        row = {
            "id": uuid7_at(at, chance),
            "tracking_code": str(n),
            "kind": chance.choice(("complaint", "suggestion")),
            "channel": "app",
            "language": "fa",
            "province": chance.choice(("IR-23", "IR-10")),
            "reachable": False,
            "subject": text,
            "body": text,
            "folded": fold(text),
            "spaceless": spaceless(text),
            "registered_at": at,
            "registered_event_id": uuid7(),
            "last_event_id": uuid7(),
            "status": status,
            "category_id": category,
            "department_id": CATEGORIES[category] if category else None,
            "assignee": chance.choice((None, "ann", "dora")),
            "routing": "{}",
            "restricted": chance.random() < 0.1,
            "due_at": chance.choice((now - timedelta(days=1), now + timedelta(days=n % 3))) if category else None,
            "escalation": chance.randrange(4),
            "decision": "{}" if status in ("in_progress", "awaiting_citizen") and chance.random() < 0.4 else None,
        }
        places = ", ".join(f"${n}" for n in range(1, len(row) + 1))
        await routing.sql.execute(f"INSERT INTO cases ({', '.join(row)}) VALUES ({places})", *row.values())
    found: list[Record] = await routing.sql.fetch("SELECT * FROM cases")
    return found


@pytest.mark.parametrize("searching", [False, True])
async def test_a_list_holds_what_its_filters_say_in_its_order(
    routing: Routing, rows: list[Record], searching: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_repository, "WALKED", 4)
    monkeypatch.setattr(list_repository, "NEAR", 9)
    monkeypatch.setattr(list_repository, "FURTHER", 2)
    chance, found = Random(7), 0
    for _ in range(QUERIES):
        caller, sort = chance.choice(CALLERS), chance.choice(SORTS)
        query = {name: value for name, value in _choice(chance).items() if chance.random() < 0.2}
        if searching:
            query["q"] = chance.choice(WORDS)
        expected = _expected(rows, caller, query, sort)
        assert await _listed(routing, caller, {**query, "sort": sort}) == expected, (caller.subject, query, sort)
        found += len(expected)
    assert found > QUERIES


def _choice(chance: Random) -> dict[str, Any]:
    return {
        "status": chance.choice(STATUSES),
        "department": chance.choice(tuple(CATEGORIES.values())),
        "category": chance.choice(tuple(CATEGORIES)),
        "province": "IR-23",
        "kind": "suggestion",
        "assignee": "ann",
        "overdue": chance.choice((True, False)),
        "escalated": chance.choice([level for level, _ in LEVELS]),
        "pending": chance.choice((True, False)),
        "unassigned": chance.choice((True, False)),
    }


async def _listed(routing: Routing, caller: Principal, query: Mapping[str, Any]) -> list[str]:
    ids: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await routing.get(caller, "/v1/desk/cases", limit=5, **query, **cursor)
        assert answer.status_code == 200, answer.text
        ids += [item["id"] for item in answer.json()["items"]]
        if answer.json()["next"] is None:
            return ids
        cursor = {"cursor": answer.json()["next"]}


def _expected(rows: list[Record], caller: Principal, query: Mapping[str, Any], sort: str) -> list[str]:
    """The same by plain Python. Without a status, what has nobody and an order by date are of what is to be done."""
    only_open = ("due_at" in sort or query.get("unassigned")) and "status" not in query
    found = [
        row
        for row in rows
        if _in_reach(row, caller) and _is_asked_for(row, query) and (not only_open or row["status"] in domain.OPEN)
    ]
    never = datetime.max.replace(tzinfo=UTC)
    found.sort(
        key=lambda row: (row["due_at"] or never, row["id"]) if "due_at" in sort else (never, row["id"]),
        reverse=sort.startswith("-"),
    )
    return [str(row["id"]) for row in found]


def _in_reach(row: Record, caller: Principal) -> bool:
    return caller is CENTRE or (
        row["department_id"] == caller.department_id
        and not row["restricted"]
        and caller.province in (None, row["province"])
    )


def _is_asked_for(row: Record, query: Mapping[str, Any]) -> bool:
    runs, levels = row["status"] in RUNNING, [level for level, _ in LEVELS]
    late = bool(runs and row["due_at"] and row["due_at"] < datetime.now(UTC))
    columns = {"department": "department_id", "category": "category_id"}
    says: dict[str, Callable[[Any], bool]] = {
        "overdue": lambda value: late is value,
        "escalated": lambda value: (runs or row["status"] == "registered") and row["escalation"] > levels.index(value),
        "unassigned": lambda value: (row["assignee"] is None) is value,
        "pending": lambda value: (row["decision"] is not None) is value,
        "q": lambda value: _speaks(row, value),
    }
    return all(
        says[name](value) if name in says else row[columns.get(name, name)] == value for name, value in query.items()
    )


def _speaks(row: Record, q: str) -> bool:
    """Its words, in any order, or all of it, however it is spaced."""
    words = set(fold(q).split()) <= set(row["folded"].split())
    return words if len(spaceless(q)) < 3 else spaceless(q) in row["spaceless"] or (" " in fold(q) and words)
