"""«پیگیری CODE», or the bare code, by SMS: answered with how the case stands, only to the number that filed it."""

import re

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.sms.delivery import repository
from services.sms.delivery.repository import NewText
from services.sms.keys import SmsKeys
from services.sms.operators.port import Inbound, Urgency
from shared.kit.db import Database
from shared.kit.ids import uuid7
from shared.kit.telemetry import log
from shared.persian.identifiers import IdentifierError, mobile, tracking_code

_ASKS = re.compile(r"\s*(?:پیگیری|پیگيری|track)?\s*(\S{11,20})\s*", re.IGNORECASE)

_LAST_TOLD = text(
    "SELECT m.id, m.text_sealed, c.case_id FROM contacts c JOIN messages m ON m.case_id = c.case_id"
    " WHERE c.tracking_code = :code AND c.mobile_index = :index AND m.text_sealed IS NOT NULL"
    " AND m.template NOT IN ('tracking', 'topic.decided') ORDER BY m.ordinal DESC LIMIT 1"
)


class TrackingByText:
    """Takes texts from phones; one that asks for nothing we know is not answered, so that nobody can probe codes."""

    def __init__(self, database: Database, keys: SmsKeys) -> None:
        self._database = database
        self._keys = keys

    async def take(self, inbound: Inbound) -> None:
        """Returns when the answer is queued, or none is due."""
        try:
            sender = mobile(inbound.sender)
            asked = _ASKS.fullmatch(inbound.text)
            code = tracking_code(asked[1]) if asked else None
        except IdentifierError:
            code = None
        if code is None:
            log.info("inbound_text_not_a_command")
            return
        async with self._database.transaction() as connection:
            await self._answer(connection, sender, code)

    async def _answer(self, connection: AsyncConnection, sender: str, code: str) -> None:
        index = self._keys.blind.index(sender)
        row = (await connection.execute(_LAST_TOLD, {"code": code, "index": index})).one_or_none()
        if row is None:
            return
        answer_id = uuid7()
        await repository.queue(
            connection,
            NewText(
                id=answer_id,
                event_id=answer_id,
                template="tracking",
                urgency=Urgency.STEP,
                case_id=None,
                recipient_index=index,
                recipient_sealed=self._keys.keep(answer_id, sender),
                text_sealed=self._keys.keep(answer_id, self._keys.read(row.id, row.text_sealed)),
                traceparent=None,
            ),
        )
