"""Taking steps: what changes with one, what its leaf covers, and that no two are taken at once."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from services.integrity.reports.content import seal_content
from services.integrity.reports.manifest import manifest
from services.integrity.reports.repository import report_by_id
from services.integrity.reports.story import NewEpoch, NewGrant, Step, take
from services.integrity.sealing.age import ReportKey
from tests.services.integrity.people import CONTACT, Irm

AT = datetime(2026, 11, 24, 9, 12, 30, tzinfo=UTC)


async def taken(irm: Irm, report_id: Any, step: Step) -> Any:
    """The report's row after a step in a transaction of its own."""
    async with irm.database_of_service.transaction() as connection:
        row = await report_by_id(connection, report_id, lock=True)
        after, _ = await take(connection, row, step, irm.resources.keys)
        return after


async def test_a_step_moves_the_report_and_a_reading_leaves_its_etag_alone(irm: Irm) -> None:
    before = (await irm.file())["row"]
    read = await taken(irm, before["id"], Step("read", "supervisor.a", AT, counts=False))
    assert (read.seq, read.version) == (before["seq"] + 1, before["version"])
    assert read.last_leaf != before["last_leaf"]
    assert read.state_since == before["state_since"]
    moved = await taken(irm, before["id"], Step("acknowledge", "tehran.a", AT, changes={"state": "acknowledged"}))
    assert (moved.state, moved.state_since, moved.version) == ("acknowledged", AT, before["version"] + 1)
    left = await taken(irm, before["id"], Step("recuse", "tehran.a", AT, changes={"assignee": None}))
    assert (left.unassigned_since, left.state_since) == (AT, AT)
    again = await taken(irm, before["id"], Step("assign", "supervisor.a", AT, changes={"assignee": "tehran.b"}))
    assert (again.assignee, again.unassigned_since) == ("tehran.b", None)


async def test_a_new_epoch_ends_grants_and_begins_others(irm: Irm) -> None:
    row = (await irm.file())["row"]
    key = ReportKey.first(str(row["id"])).next_epoch()
    holder = await irm.database.fetchrow("SELECT * FROM holders WHERE username = 'supervisor.a'")
    step = Step(
        "recuse",
        row["assignee"],
        AT,
        epoch=NewEpoch(2, key.key.recipient),
        revoked=[row["assignee"]],
        grants=[NewGrant(2, "supervisor.a", holder["key_id"], key.grant(holder["recipient"]))],
        sealed=seal_content({"reason": "آشنایی"}, [key.key.recipient]),
    )
    after = await taken(irm, row["id"], step)
    assert (after.epoch, after.recipient) == (2, key.key.recipient)
    grants = await irm.database.fetch("SELECT holder, epoch, revoked_seq FROM grants WHERE report_id = $1", row["id"])
    assert {(g["holder"], g["epoch"]) for g in grants if g["revoked_seq"]} == {(row["assignee"], 1)}
    assert {(g["holder"], g["epoch"]) for g in grants if g["revoked_seq"] is None} == {
        ("supervisor.a", 1),
        ("supervisor.b", 1),
        ("supervisor.a", 2),
    }
    kept = await irm.database.fetchrow(
        "SELECT epoch, state FROM report_steps WHERE report_id = $1 AND seq = $2", row["id"], after.seq
    )
    assert tuple(kept) == (2, "received")


async def test_only_steps_that_bring_news_are_told_by_sms_and_each_notice_is_its_own(irm: Irm) -> None:
    row = (await irm.file(mode="confidential", contact=CONTACT))["row"]
    await irm.database.execute("DELETE FROM outbox WHERE type = 'notice.requested.v1'")
    for type in ("acknowledge", "message", "evidence", "outcome_told"):
        await taken(irm, row["id"], Step(type, "tehran.a", AT))
    notices = await irm.database.fetch("SELECT subject, body FROM outbox WHERE type = 'notice.requested.v1'")
    assert len({notice["subject"] for notice in notices}) == 2
    assert len({json.loads(notice["body"])["data"]["notify_sealed"] for notice in notices}) == 2
    told = await irm.database.fetch("SELECT body FROM outbox WHERE subject = $1 ORDER BY id", str(row["id"]))
    assert [json.loads(event["body"])["sequence"] for event in told] == [1, 2, 3, 4, 5, 6]
    assert all(json.loads(event["body"])["time"].endswith(":00:00Z") for event in told)


async def test_a_step_that_did_not_see_the_one_before_it_is_refused(irm: Irm) -> None:
    row = (await irm.file())["row"]
    async with irm.database_of_service.reading() as connection:
        stale = await report_by_id(connection, row["id"])
    await taken(irm, row["id"], Step("evidence", "tehran.a", AT))

    async def late() -> None:
        async with irm.database_of_service.transaction() as connection:
            await take(connection, stale, Step("evidence", "tehran.b", AT), irm.resources.keys)

    with pytest.raises(IntegrityError):
        await late()
    await asyncio.gather(*(taken(irm, row["id"], Step("evidence", "tehran.a", AT)) for _ in range(8)))
    numbers = await irm.database.fetch("SELECT seq FROM report_steps WHERE report_id = $1 ORDER BY seq", row["id"])
    assert [number["seq"] for number in numbers] == list(range(1, 12))


def test_the_manifest_does_not_depend_on_the_rows_order_and_does_on_everything_else() -> None:
    class Row:
        def __init__(self, **values: Any) -> None:
            self.__dict__.update(values)

    step = Row(at=AT, visible=True, state="received", epoch=1, data={"b": 1, "a": "متن"}, sealed=b"s", boxed=None)
    one, two = (NewGrant(1, holder, uuid4(), b"g") for holder in ("a", "b"))
    whole = manifest(step, grants=[one, two])
    assert manifest(step, grants=[two, one]) == whole
    others = [
        manifest(step, grants=[one]),
        manifest(step, grants=[one, two], revoked=["c"]),
        manifest(step, grants=[one, replace(two, sealed=b"h")]),
        *(
            manifest(Row(**{**step.__dict__, name: value}), grants=[one, two])
            for name, value in (
                ("visible", False),
                ("state", "closed"),
                ("epoch", 2),
                ("data", {"b": 2, "a": "متن"}),
                ("sealed", b"t"),
                ("sealed", None),
                ("boxed", b"s"),
                ("at", AT.replace(minute=13)),
            )
        ),
    ]
    assert whole not in others
    assert len(set(others)) == len(others)
