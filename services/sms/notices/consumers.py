"""A phone is told that there is something new; not of what, and not from whom."""

from sqlalchemy.ext.asyncio import AsyncConnection

from services.sms.delivery import repository
from services.sms.delivery.repository import NewText
from services.sms.keys import SmsKeys
from services.sms.operators.port import Urgency
from services.sms.templates import notice_text
from shared.contracts.envelope import Event
from shared.contracts.integrity import NoticeRequested
from shared.kit.bus import Permanent
from shared.kit.ids import uuid7


class NoticeTexts:
    """Handles the queue ``sms.notices``."""

    def __init__(self, keys: SmsKeys) -> None:
        self._keys = keys

    async def handle(self, connection: AsyncConnection, event: Event) -> None:
        """One event, in its transaction."""
        if not isinstance(event, NoticeRequested):
            raise Permanent("not a notice")
        message_id = uuid7()
        mobile = self._keys.number_of(event.subject, event.data.notify_sealed)
        await repository.queue(
            connection,
            NewText(
                id=message_id,
                event_id=event.id,
                template="notice",
                urgency=Urgency.STEP,
                case_id=None,
                recipient_index=self._keys.blind.index(mobile),
                recipient_sealed=self._keys.keep(message_id, mobile),
                text_sealed=self._keys.keep(message_id, notice_text(event.data.language)),
                traceparent=None,
            ),
        )
