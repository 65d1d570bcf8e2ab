"""Sending: takes texts that are due from the table, hands them to the operator, and writes down what it said.

Nothing is sent while a transaction is open, and nothing is sent twice on a doubt: a text whose outcome is unknown, or
whose worker died, is first asked for at the operator.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.sms.delivery import repository
from services.sms.delivery.quiet import QuietHours
from services.sms.delivery.repository import Claimed, Settlement
from services.sms.keys import SmsKeys
from services.sms.operators.port import (
    Accepted,
    CannotTell,
    Operator,
    OutcomeUnknown,
    Outgoing,
    Rejected,
    Transient,
    Urgency,
)
from services.sms.segments import segment
from shared.contracts.sms import SmsData, SmsDelivered, SmsSent, SmsUndelivered, SmsUndeliveredData
from shared.kit.db import Database
from shared.kit.outbox import append_many, new_event
from shared.kit.telemetry import log, span
from shared.kit.wake import Wake
from shared.kit.writer import GroupWriter

POLL_SECONDS = 0.2
ASK_AGAIN_SECONDS = 15.0
LONGEST_PAUSE_SECONDS = 300.0


class Settler:
    """Writes down what became of attempts, many in one transaction, with the events that tell of it."""

    def __init__(self, database: Database) -> None:
        self.writer: GroupWriter[Settlement, None] = GroupWriter(database, _settle, writers=1)

    async def settle(self, settlement: Settlement) -> None:
        """Returns when it is durable."""
        await self.writer.submit(settlement)


async def _settle(connection: asyncpg.Connection, settlements: Sequence[Settlement]) -> Sequence[None]:
    rows = await repository.settle(connection, settlements)
    await append_many(connection, [event for row in rows if (event := event_of(row)) is not None])
    accepted = [row["id"] for row in rows if row["state"] == "accepted"]
    if accepted:
        # reports that were faster than we
        folded = await repository.fold(connection, messages=accepted)
        await append_many(connection, [event for row in folded if (event := event_of(row)) is not None])
    return [None] * len(settlements)


def event_of(row: asyncpg.Record) -> Any:
    """The event that tells of a text's new state; None for states that nobody is told, and for login codes."""
    if row["case_id"] is None:
        return None
    kind: Any = {
        "accepted": SmsSent,
        "delivered": SmsDelivered,
        "undeliverable": SmsUndelivered,
        "expired": SmsUndelivered,
        "rejected": SmsUndelivered,
    }.get(row["state"])
    if kind is None:
        return None
    data = {
        "message_id": row["id"],
        "step_event_id": row["event_id"],
        "template": row["template"],
        "at": row.get("at") or datetime.now(UTC),
    }
    return new_event(
        kind,
        subject=str(row["id"]),
        sequence=row["sequence"],
        case_id=row["case_id"],
        causation_id=row["event_id"],
        data=SmsUndeliveredData(**data, state=row["state"]) if kind is SmsUndelivered else SmsData(**data),
    )


class Pump:
    """Sends the texts of some urgencies; ``at_once`` of them may be on their way at a time, none in ``quiet`` hours."""

    def __init__(
        self,
        name: str,
        urgencies: Sequence[Urgency],
        *,
        database: Database,
        operator: Operator,
        settler: Settler,
        keys: SmsKeys,
        wake: Wake,
        at_once: int,
        quiet: QuietHours | None = None,
    ) -> None:
        self.name = name
        self._quiet = quiet
        self._urgencies = [int(urgency) for urgency in urgencies]
        self._database = database
        self._operator = operator
        self._settler = settler
        self._keys = keys
        self._wake = wake
        self._at_once = at_once
        self._on_the_way: dict[asyncio.Task[None], UUID] = {}

    async def run(self) -> None:
        """Sends until cancelled; what is on its way then stays leased, and is asked for later."""
        pause = 0.2
        while True:
            try:
                connection = await self._database.direct()
                try:
                    await self._serve(connection)
                finally:
                    await connection.close(timeout=5)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                log.warning("pump_interrupted", job=self.name, error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    async def _serve(self, connection: asyncpg.Connection) -> None:
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while True:
            if self._on_the_way and loop.time() - renewed > repository.LEASE_SECONDS / 3:
                await repository.renew(connection, list(self._on_the_way.values()))
                renewed = loop.time()
            room = self._at_once - len(self._on_the_way)
            held = self._quiet is not None and self._quiet.hold(datetime.now(UTC))
            sends = room and self._operator.ready and not held
            claimed = await repository.claim(connection, self._urgencies, room) if sends else []
            for message in claimed:
                task = asyncio.create_task(self._deliver(message))
                self._on_the_way[task] = message.id
                task.add_done_callback(self._arrived)
            if len(claimed) < room or not room:
                await self._wake.wait(POLL_SECONDS)

    def _arrived(self, task: asyncio.Task[None]) -> None:
        self._on_the_way.pop(task, None)
        self._wake.set()  # the next text to the same phone may go now
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("text_not_settled", job=self.name, error=type(error).__name__)

    async def _deliver(self, message: Claimed) -> None:
        with span("send sms", message.traceparent):
            text = self._keys.read(message.id, message.text_sealed)
            taken = message.taken
            if message.unsure:
                found = await self._operator.find_by_client_id(str(message.id), len(segment(text).parts))
                if isinstance(found, CannotTell):
                    await self._settle(message, "outcome_unknown", taken, again=ASK_AGAIN_SECONDS)
                    return
                taken = {**taken, **found.provider_ids}
            outcome = await self._operator.send(
                Outgoing(
                    client_id=str(message.id),
                    recipient=self._keys.read(message.id, message.recipient_sealed),
                    text=text,
                    urgency=Urgency(message.urgency),
                    accepted=taken,
                )
            )
            match outcome:
                case Accepted(provider_ids):
                    await self._settle(message, "accepted", dict(enumerate(provider_ids, start=1)))
                case Rejected(code):
                    log.warning("sms_rejected", code=code)
                    await self._settle(message, "rejected", taken)
                case Transient(_, retry_after, accepted):
                    again = min(max(retry_after, 0.2) * 2 ** min(message.attempts - 1, 8), LONGEST_PAUSE_SECONDS)
                    await self._settle(message, "queued", {**taken, **accepted}, again=again)
                case OutcomeUnknown(accepted):
                    await self._settle(message, "outcome_unknown", {**taken, **accepted}, again=ASK_AGAIN_SECONDS)

    async def _settle(self, message: Claimed, state: str, taken: dict[int, str], *, again: float = 0.0) -> None:
        await self._settler.settle(
            Settlement(id=message.id, state=state, taken=taken, operator=self._operator.name, again=again)
        )
