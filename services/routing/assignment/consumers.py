"""What the others tell of a case: filed, added to, rated, answered in writing, and how far the texts came."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.assignment.service import Assigner
from services.routing.attachments import repository as attachments
from services.routing.citizen.service import reopen_by_text
from services.routing.classify.store import Models
from services.routing.clocks.domain import TRIAGE, TriageDays
from services.routing.desk import repository
from services.routing.desk.moves import resumed
from services.routing.desk.story import Move, take
from services.routing.keys import RoutingKeys
from shared.contracts.envelope import SYSTEM, Event
from shared.contracts.intake import CaseRated, CaseRegistered, CaseSupplemented, ContactShown
from shared.contracts.letters import LetterIssued
from shared.contracts.routing import CaseResumed
from shared.contracts.sms import SmsData, SmsDelivered, SmsNotSolved, SmsSent, SmsUndelivered
from shared.kit.bus import Permanent, Transient
from shared.kit.ids import uuid7

_SMS = {SmsSent: ("sent", 1), SmsUndelivered: ("undelivered", 2), SmsDelivered: ("delivered", 3)}


class CaseEvents:
    """Handles the queue ``routing.cases``."""

    def __init__(self, keys: RoutingKeys, models: Models, triage: TriageDays = TRIAGE) -> None:
        self._keys = keys
        self._assigner = Assigner(keys, models, triage)

    async def handle(self, connection: AsyncConnection, event: Event) -> None:
        """One event, in its transaction."""
        if isinstance(event, CaseRegistered):
            await self._assigner.register(connection, event)
            return
        if event.case_id is None:
            raise Permanent("no case is named")
        case = await repository.case_for_event(connection, event.case_id)
        if case is None:
            raise Transient("the case has not come yet")
        if isinstance(event, CaseSupplemented):
            await self._supplement(connection, case, event)
        elif isinstance(event, CaseRated):
            await repository.change_case(connection, case.id, rating=event.data.score)
        elif isinstance(event, ContactShown):
            reason = self._keys.open_text(event.data.shown_id, event.data.reason_sealed)["body"]
            move = Move("contact_shown", {}, note=reason)
            await take(connection, case, move, actor=event.actor, at=event.data.shown_at)
        elif isinstance(event, SmsNotSolved):
            await reopen_by_text(connection, case, event)
        elif isinstance(event, LetterIssued):
            await repository.change_case(connection, case.id, letter_number=event.data.number, last_event_id=event.id)

    def _words(self, case: Any, event: CaseSupplemented) -> str | None:
        """What the citizen wrote; nothing of it is kept of a case that was moved meanwhile."""
        if case.status == "moved":
            return None
        return str(self._keys.open_text(event.data.message_id, event.data.text_sealed)["body"])

    async def _supplement(self, connection: AsyncConnection, case: Any, event: CaseSupplemented) -> None:
        """The citizen's words and files join the case; if they were asked for, the clock runs again."""
        if case.status != "moved":
            await attachments.keep(connection, case.id, event.data.attachments, at=event.data.supplemented_at)
        await repository.add_step(
            connection,
            id=uuid7(),
            case_id=case.id,
            at=event.data.supplemented_at,
            type="supplement",
            actor_kind=event.actor.kind,
            note=self._words(case, event),
            event_id=event.id,
        )
        await repository.change_case(connection, case.id, last_event_id=event.id)
        if case.status != "awaiting_citizen":
            return
        now = datetime.now(UTC)
        again = await repository.case_for_event(connection, case.id)
        await take(connection, again, Move("resume", resumed(case, now), CaseResumed), actor=SYSTEM, at=now)


async def keep_sms_status(connection: AsyncConnection, event: Event) -> None:
    """Handles the queue ``routing.sms``: how far the text about a step came."""
    data = getattr(event, "data", None)
    if not isinstance(data, SmsData) or event.case_id is None:
        raise Permanent("no text about a case")
    status, rank = _SMS[type(event)]
    await repository.raise_sms_status(
        connection, event_id=data.step_event_id, case_id=event.case_id, status=status, rank=rank
    )
