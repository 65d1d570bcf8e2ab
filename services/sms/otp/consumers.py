"""Login codes: a queue and a class of their own, so that they never wait behind notices."""

from sqlalchemy.ext.asyncio import AsyncConnection

from services.sms.delivery import repository
from services.sms.delivery.repository import NewText
from services.sms.keys import SmsKeys
from services.sms.operators.port import Urgency
from services.sms.templates import otp_text, template_of
from shared.contracts.envelope import Event
from shared.contracts.gateway import OtpRequested
from shared.kit.bus import Permanent
from shared.kit.ids import uuid7
from shared.kit.telemetry import current_traceparent


class OtpTexts:
    """Handles the queue ``sms.otp``."""

    def __init__(self, keys: SmsKeys) -> None:
        self._keys = keys

    async def handle(self, connection: AsyncConnection, event: Event) -> None:
        """One event, in its transaction."""
        if not isinstance(event, OtpRequested):
            raise Permanent("not a login code")
        otp = self._keys.otp_of(event.subject, event.data.otp_sealed)
        message_id = uuid7()
        await repository.queue(
            connection,
            NewText(
                id=message_id,
                event_id=event.id,
                template=template_of(event),
                urgency=Urgency.OTP,
                case_id=None,
                recipient_index=self._keys.blind.index(otp["mobile"]),
                recipient_sealed=self._keys.keep(message_id, otp["mobile"]),
                text_sealed=self._keys.keep(message_id, otp_text(otp["code"], event.data.language)),
                traceparent=current_traceparent(),
                expires_at=event.data.expires_at,
            ),
        )
