"""The desk's stream: in reach, replayed, and without a gap where a transaction that began earlier ends later."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from services.routing.feed import api, repository
from shared.kit.auth import Principal
from tests.services.routing.desk.routing import CENTRE, OFFICER, Routing, staff

ELSEWHERE = staff("ela", department="behzisti")

Seen = tuple[str, str, dict[str, Any]]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(api, "KEEP_ALIVE_SECONDS", 0.1)


async def watch(routing: Routing, who: Principal, after: str | None = None) -> AsyncIterator[Seen]:
    """The events of a reader: id, name, data."""
    async for piece in api._events(routing.database, who, api._position(after)):
        if not piece.startswith(b":"):
            lines = dict(line.split(": ", 1) for line in piece.decode().strip().split("\n"))
            yield lines["id"], lines["event"], orjson.loads(lines["data"])


async def next_of(reader: AsyncIterator[Seen]) -> Seen:
    """The next event, in good time."""
    return await asyncio.wait_for(anext(reader), 5)


async def steps_of(reader: AsyncIterator[Seen], case_id: object, count: int) -> list[dict[str, Any]]:
    """The next so many entries about a case; what else comes is passed over, since other databases' transactions on
    the same server may delay an earlier case's entries until now."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        _, _, entry = await next_of(reader)
        if entry.get("case_id") == str(case_id):
            found.append(entry)
    return found


async def test_steps_are_seen_by_whom_they_concern_and_can_be_replayed(routing: Routing) -> None:
    await routing.file()
    ours, theirs = watch(routing, OFFICER), watch(routing, ELSEWHERE)
    ready, name, _ = await next_of(ours)
    await next_of(theirs)
    assert name == "ready"
    case_id = await routing.file()
    await routing.step(OFFICER, case_id, "refer", department_id="behzisti", note="به شما مربوط است.")
    steps = await steps_of(ours, case_id, 2)
    assert [step["step"] for step in steps] == ["assign", "refer"]
    assert (steps[-1]["department_id"], steps[-1]["former_department_id"]) == ("behzisti", "sso-insurance")
    assert [step["step"] for step in await steps_of(theirs, case_id, 1)] == ["refer"]
    again = watch(routing, OFFICER, ready)
    assert (await next_of(again))[1] == "ready"
    assert await steps_of(again, case_id, 2) == steps
    assert (await next_of(watch(routing, OFFICER, "1-1")))[1] == "reset"


async def test_an_earlier_transaction_that_ends_later_is_not_skipped(routing: Routing) -> None:
    slow_case, quick_case = await routing.file(), await routing.file()
    reader = watch(routing, CENTRE)
    await next_of(reader)
    slow = routing.sql.transaction()
    await slow.start()
    insert = (
        "INSERT INTO desk_feed (case_id, tracking_code, step, status, province, restricted)"
        " VALUES ($1, 'X', 'note', 'assigned', 'IR-23', false)"
    )
    await routing.sql.execute(insert, slow_case)
    await routing.step(OFFICER, quick_case, "accept")
    async with routing.database.reading() as connection:
        entries, _ = await repository.entries(connection, CENTRE, (0, 0), limit=1000)
    assert (quick_case, "accept") not in {(entry.case_id, entry.step) for entry in entries}, (
        "what may still be overtaken waits"
    )
    await slow.commit()
    seen: set[tuple[str, str]] = set()
    while not seen >= {(str(slow_case), "note"), (str(quick_case), "accept")}:
        _, _, entry = await next_of(reader)
        seen.add((entry["case_id"], entry["step"]))


async def test_an_unknown_id_is_refused(routing: Routing) -> None:
    for id in ("x", "1-99999999999999999999", "1"):
        answer = await routing.send(OFFICER, "GET", "/v1/desk/stream", **{"Last-Event-ID": id})
        assert answer.status_code == 422
