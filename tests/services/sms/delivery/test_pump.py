"""Sending: in the order of the steps for each phone, and never twice on a doubt."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.local.keys import make_keys
from services.sms.delivery import repository
from services.sms.delivery.pump import Pump, Settler
from services.sms.delivery.quiet import QuietHours
from services.sms.delivery.reports import Reports
from services.sms.delivery.repository import NewText
from services.sms.keys import SmsKeys
from services.sms.operators.port import (
    Accepted,
    CannotTell,
    Found,
    Outcome,
    OutcomeUnknown,
    Outgoing,
    Rejected,
    Report,
    ReportState,
    Transient,
    Urgency,
)
from shared.kit.db import Database
from shared.kit.ids import uuid7
from shared.kit.migrate import upgrade
from shared.kit.settings import ServiceSettings
from shared.persian.calendar import TEHRAN
from tests.shared.kit.chassis import running, until

PHONE, OTHER_PHONE = "+989121230001", "+989121230002"


@dataclass
class ScriptedOperator:
    """An operator's end of the line: answers as told, accepts when nothing was told, and remembers what came."""

    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    findings: list[Found | CannotTell] = field(default_factory=list)
    holds: asyncio.Event | None = None
    sent: list[str] = field(default_factory=list)
    taken: list[dict[int, str]] = field(default_factory=list)
    asked: int = 0
    name: str = "scripted"
    ready: bool = True

    async def run(self) -> None:
        """Nothing to keep."""

    async def send(self, message: Outgoing) -> Outcome:
        """What was scripted for this text, else Accepted."""
        self.sent.append(message.text)
        self.taken.append(dict(message.accepted))
        if self.holds is not None:
            await self.holds.wait()
        scripted = self.outcomes.get(message.text)
        return scripted.pop(0) if scripted else Accepted((f"id-{message.client_id}",))

    async def find_by_client_id(self, client_id: str, parts: int) -> Found | CannotTell:
        """The next of what was scripted."""
        self.asked += 1
        return self.findings.pop(0)

    async def status(self, provider_ids: Sequence[str]) -> Mapping[str, Report]:
        """Knows nothing."""
        return {}


@dataclass
class Desk:
    """The sms service's database and keys, and how texts get into it."""

    database: Database
    keys: SmsKeys

    async def queue(self, text: str, phone: str = PHONE, urgency: Urgency = Urgency.STEP) -> None:
        """A text for a phone."""
        id = uuid7()
        new = NewText(
            id=id,
            event_id=uuid7(),
            template="case.progressed",
            urgency=urgency,
            case_id=uuid7(),
            recipient_index=self.keys.blind.index(phone),
            recipient_sealed=self.keys.keep(id, phone),
            text_sealed=self.keys.keep(id, text),
            traceparent=None,
        )
        async with self.database.transaction() as connection:
            assert await repository.queue(connection, new)

    async def states(self) -> list[str]:
        """The texts' states, in the order they were queued."""
        return [row["state"] for row in await self._fetch("SELECT state FROM messages ORDER BY ordinal")]

    async def told(self) -> list[str]:
        """The events that were appended, in order."""
        return [row["type"] for row in await self._fetch("SELECT type FROM outbox ORDER BY id")]

    async def execute(self, statement: str) -> None:
        """Changes something behind the service's back."""
        connection = await self.database.direct()
        await connection.execute(statement)
        await connection.close()

    async def _fetch(self, query: str) -> list[Any]:
        connection = await self.database.direct()
        rows: list[Any] = await connection.fetch(query)
        await connection.close()
        return rows

    async def all_are(self, *states: str) -> bool:
        """Whether the texts have these states."""
        return await self.states() == list(states)


@pytest.fixture(scope="module")
def dsn(postgres_database: str) -> str:
    upgrade("services.sms", postgres_database)
    return postgres_database


@pytest.fixture
async def desk(dsn: str, tmp_path: Path) -> AsyncIterator[Desk]:
    make_keys(tmp_path)
    database = Database.connect(dsn, pool_size=2)
    desk = Desk(database, SmsKeys.load(ServiceSettings(keys_dir=tmp_path)))
    await desk.execute("TRUNCATE messages, parts, reports, outbox")
    yield desk
    await database.close()


@asynccontextmanager
async def pumping(
    desk: Desk, operator: ScriptedOperator, urgency: Urgency = Urgency.STEP, quiet: QuietHours | None = None
) -> AsyncIterator[None]:
    """A worker that sends."""
    settler = Settler(desk.database)
    pump = Pump(
        "pump",
        [urgency],
        database=desk.database,
        operator=operator,
        settler=settler,
        keys=desk.keys,
        wake=desk.database.wake.another(),
        at_once=8,
        quiet=quiet,
    )
    async with settler.writer, running(pump):
        yield


async def test_a_phones_texts_leave_in_order_and_another_phone_does_not_wait(desk: Desk) -> None:
    operator = ScriptedOperator(holds=asyncio.Event())
    for text in ("one", "two", "three"):
        await desk.queue(text)
    await desk.queue("elsewhere", OTHER_PHONE)
    async with pumping(desk, operator):
        await until(lambda: len(operator.sent) == 2, "the first text of each phone")
        assert sorted(operator.sent) == ["elsewhere", "one"]
        assert operator.holds is not None
        operator.holds.set()
        await until(lambda: desk.all_are(*["accepted"] * 4), "all texts")
    assert [text for text in operator.sent if text != "elsewhere"] == ["one", "two", "three"]
    assert await desk.told() == ["sms.sent.v1"] * 4


@pytest.mark.parametrize("held", [True, False])
async def test_on_a_doubt_the_operator_is_asked_before_anything_is_sent_again(desk: Desk, held: bool) -> None:
    operator = ScriptedOperator(
        outcomes={"doubt": [OutcomeUnknown()]},
        findings=[CannotTell("not bound"), Found({1: "theirs"} if held else {})],
    )
    await desk.queue("doubt")
    async with pumping(desk, operator):
        for asked in (1, 2):
            await until(lambda: desk.all_are("outcome_unknown"), "the doubt")
            await desk.execute("UPDATE messages SET next_attempt_at = now()")
            await until(lambda asked=asked: operator.asked == asked, "the question")  # type: ignore[misc]
        await until(lambda: desk.all_are("accepted"), "certainty")
    assert operator.taken == [{}, {1: "theirs"} if held else {}], "parts that it holds are not sent again"
    assert await desk.told() == ["sms.sent.v1"]


async def test_what_a_dead_worker_had_in_its_hands_is_asked_for_first(desk: Desk) -> None:
    operator = ScriptedOperator(findings=[Found({1: "theirs"})])
    await desk.queue("orphan")
    await desk.execute("UPDATE messages SET state = 'sending', attempts = 1, next_attempt_at = now() - interval '1 s'")
    async with pumping(desk, operator):
        await until(lambda: desk.all_are("accepted"), "certainty")
    assert operator.asked == 1


async def test_what_is_put_off_comes_back_and_what_is_refused_ends(desk: Desk) -> None:
    operator = ScriptedOperator(outcomes={"later": [Transient("throttled", 0.2)], "never": [Rejected("0x0B")]})
    await desk.queue("later")
    await desk.queue("never", OTHER_PHONE)
    async with pumping(desk, operator):
        await until(lambda: desk.all_are("accepted", "rejected"), "both ends")
    assert sorted(operator.sent) == ["later", "later", "never"]
    assert sorted(await desk.told()) == ["sms.sent.v1", "sms.undelivered.v1"]


async def test_a_report_that_is_faster_than_the_answer_counts(desk: Desk) -> None:
    operator = ScriptedOperator(outcomes={"fast": [Accepted(("part-1", "part-2"))]})
    reports = Reports(operator.name, desk.database)
    now = datetime.now(UTC)
    async with reports.writer:
        await reports.take(Report("part-1", ReportState.DELIVERED, now))
        await desk.queue("fast")
        async with pumping(desk, operator):
            await until(lambda: desk.all_are("sent"), "one of two parts")
            await reports.take(Report("part-2", ReportState.DELIVERED, now))
            await reports.take(Report("part-2", ReportState.SENT, now))
            await until(lambda: desk.all_are("delivered"), "both parts")
    assert await desk.told() == ["sms.sent.v1", "sms.delivered.v1"]


async def test_bulk_waits_for_the_end_of_the_quiet_hours_and_steps_do_not(desk: Desk) -> None:
    operator = ScriptedOperator()
    hour = datetime.now(TEHRAN).hour
    quiet = QuietHours(hour, (hour + 2) % 24)
    await desk.queue("can wait", urgency=Urgency.BULK)
    await desk.queue("at once")
    async with pumping(desk, operator, Urgency.BULK, quiet), pumping(desk, operator):
        await until(lambda: desk.all_are("queued", "accepted"), "the step's text")
    async with pumping(desk, operator, Urgency.BULK, QuietHours((hour + 3) % 24, (hour + 5) % 24)):
        await until(lambda: desk.all_are("accepted", "accepted"), "the other")
    assert operator.sent == ["at once", "can wait"]
