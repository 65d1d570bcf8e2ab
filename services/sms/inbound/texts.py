"""Texts from phones: «پیگیری CODE» is answered with how the case stands, «حل نشد» opens a decided case again.

Only the number that filed a case is answered, and a text that asks for nothing we know is not, so that nobody can probe
codes.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.sms.delivery import repository
from services.sms.delivery.repository import NewText
from services.sms.inbound.domain import NotSolved, Track, command
from services.sms.keys import SmsKeys
from services.sms.operators.port import Inbound, Urgency
from services.sms.templates import reply_text
from shared.contracts.envelope import Actor
from shared.contracts.sms import SmsNotSolved, SmsNotSolvedData
from shared.kit.db import Database
from shared.kit.ids import uuid7
from shared.kit.outbox import append, new_event
from shared.kit.telemetry import log
from shared.persian.identifiers import IdentifierError, mobile

_LAST_TOLD = text(
    "SELECT m.id, m.text_sealed FROM contacts c JOIN messages m ON m.case_id = c.case_id"
    " WHERE c.tracking_code = :code AND c.mobile_index = :index AND m.text_sealed IS NOT NULL"
    " AND m.template NOT IN ('tracking', 'topic.decided') ORDER BY m.ordinal DESC LIMIT 1"
)
_BY_CODE = text("SELECT case_id FROM contacts WHERE tracking_code = :code AND mobile_index = :index")
_OF_NUMBER = text(
    "SELECT c.case_id, c.language, bool_or(coalesce(m.template = 'case.decided', false)) AS decided FROM contacts c"
    " LEFT JOIN messages m ON m.case_id = c.case_id AND m.created_at > now() - interval '30 days'"
    " WHERE c.mobile_index = :index GROUP BY c.case_id, c.language ORDER BY c.case_id DESC"
)


class InboundTexts:
    """Takes texts from phones."""

    def __init__(self, database: Database, keys: SmsKeys) -> None:
        self._database = database
        self._keys = keys

    async def take(self, inbound: Inbound) -> None:
        """Returns when what follows of the text is durable, or nothing does."""
        asked = command(inbound.text)
        try:
            sender = mobile(inbound.sender)
        except IdentifierError:
            asked = None
        if asked is None:
            log.info("inbound_text_not_a_command")
            return
        async with self._database.transaction() as connection:
            if isinstance(asked, Track):
                await self._track(connection, sender, asked.code)
            else:
                await self._not_solved(connection, sender, asked)

    async def _track(self, connection: AsyncConnection, sender: str, code: str) -> None:
        row = await self._one(connection, _LAST_TOLD, sender, code=code)
        if row is not None:
            await self._answer(connection, sender, "tracking", self._keys.read(row.id, row.text_sealed))

    async def _not_solved(self, connection: AsyncConnection, sender: str, asked: NotSolved) -> None:
        """Tells routing, which opens the case again or says by SMS why not. Without a code the number must have just
        one case that was decided in the last thirty days; else the answer asks for the code."""
        if asked.code is not None:
            row = await self._one(connection, _BY_CODE, sender, code=asked.code)
            if row is not None:
                await self._tell(connection, row.case_id)
            return
        cases = (await connection.execute(_OF_NUMBER, {"index": self._keys.blind.index(sender)})).all()
        decided = [case.case_id for case in cases if case.decided]
        if len(decided) == 1:
            await self._tell(connection, decided[0])
        elif cases:
            words = reply_text("which" if decided else "none", cases[0].language)
            await self._answer(connection, sender, "not_solved", words)

    async def _tell(self, connection: AsyncConnection, case_id: UUID) -> None:
        event = new_event(
            SmsNotSolved,
            subject=str(uuid7()),
            sequence=1,
            actor=Actor(kind="citizen"),
            case_id=case_id,
            data=SmsNotSolvedData(at=datetime.now(UTC)),
        )
        await append(connection, event)

    async def _one(self, connection: AsyncConnection, query: Any, sender: str, **values: object) -> Any:
        parameters: Mapping[str, object] = {"index": self._keys.blind.index(sender), **values}
        return (await connection.execute(query, parameters)).one_or_none()

    async def _answer(self, connection: AsyncConnection, sender: str, template: str, words: str) -> None:
        answer_id = uuid7()
        await repository.queue(
            connection,
            NewText(
                id=answer_id,
                event_id=answer_id,
                template=template,
                urgency=Urgency.STEP,
                case_id=None,
                recipient_index=self._keys.blind.index(sender),
                recipient_sealed=self._keys.keep(answer_id, sender),
                text_sealed=self._keys.keep(answer_id, words),
                traceparent=None,
            ),
        )
