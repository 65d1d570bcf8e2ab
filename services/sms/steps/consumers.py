"""The SMS after a step: every event of a case that is told to its citizen becomes one text in the queue."""

from sqlalchemy.ext.asyncio import AsyncConnection

from services.sms.delivery import repository
from services.sms.delivery.repository import NewText
from services.sms.keys import SmsKeys
from services.sms.operators.port import Urgency
from services.sms.templates import step_text, template_of
from shared.contracts.envelope import Event
from shared.contracts.intake import CaseRegistered, ContactChanged
from shared.contracts.routing import CaseMoved
from shared.kit.bus import Permanent, Transient
from shared.kit.ids import uuid7
from shared.kit.telemetry import current_traceparent


class StepTexts:
    """Handles the queue ``sms.steps``; with another urgency, ``sms.topics``."""

    def __init__(self, keys: SmsKeys, urgency: Urgency = Urgency.STEP) -> None:
        self._keys = keys
        self._urgency = urgency

    async def handle(self, connection: AsyncConnection, event: Event) -> None:
        """One event, in its transaction."""
        if event.case_id is None:
            raise Permanent("no case is named")
        if isinstance(event, CaseRegistered):
            await self._keep_contact(connection, event, event.data.tracking_code, event.data.language)
        contact = await repository.contact(connection, event.case_id)
        if contact is None:
            raise Transient("the registration has not come yet")
        if isinstance(event, ContactChanged):
            await self._keep_contact(connection, event, contact.tracking_code, contact.language)
            return
        text = step_text(event, contact.tracking_code, contact.language, self._keys)
        if text is None:
            return
        message_id = uuid7()
        mobile = self._keys.read(contact.case_id, contact.mobile_sealed) if contact.mobile_sealed else None
        await repository.queue(
            connection,
            NewText(
                id=message_id,
                event_id=event.id,
                template=template_of(event),
                urgency=self._urgency,
                case_id=event.case_id,
                recipient_index=contact.mobile_index or b"",
                recipient_sealed=self._keys.keep(message_id, mobile) if mobile else None,
                text_sealed=self._keys.keep(message_id, text) if mobile else None,
                traceparent=current_traceparent(),
            ),
        )
        if isinstance(event, CaseMoved):  # the last that this case's citizen is told of it here
            await repository.forget_contact(connection, event.case_id)

    async def _keep_contact(
        self, connection: AsyncConnection, event: CaseRegistered | ContactChanged, code: str, language: str
    ) -> None:
        if event.case_id is None:
            raise Permanent("no case is named")
        mobile = self._keys.mobile_in(event.case_id, event.data.contact_sealed)
        await repository.put_contact(
            connection,
            case_id=event.case_id,
            tracking_code=code,
            language=language,
            mobile_sealed=self._keys.keep(event.case_id, mobile) if mobile else None,
            mobile_index=self._keys.blind.index(mobile) if mobile else None,
            sequence=event.sequence,
        )
