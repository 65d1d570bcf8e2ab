"""What the others tell: to whom a case's letters go, that a decision asks for one, that a case is ours no more, and
what the transparency log says of a day."""

from sqlalchemy.ext.asyncio import AsyncConnection

from services.letters import repository
from shared.contracts.envelope import Event
from shared.contracts.intake import CaseRegistered, ContactChanged
from shared.contracts.integrity import LogRooted
from shared.contracts.routing import CaseDecided, CaseMoved
from shared.kit.bus import Permanent, Transient
from shared.kit.ids import uuid7
from shared.kit.telemetry import current_traceparent


async def keep(connection: AsyncConnection, event: Event) -> None:
    """Handles the queue ``letters.cases``. A draft waits, as a row, for its recipient if that comes later."""
    if event.case_id is None:
        raise Permanent("no case is named")
    if isinstance(event, CaseRegistered):
        await repository.put_recipient(
            connection,
            case_id=event.case_id,
            tracking_code=event.data.tracking_code,
            citizen_id=event.data.citizen_id,
            language=event.data.language,
            kind=event.data.kind,
            registered_at=event.data.registered_at,
            contact_sealed=event.data.contact_sealed,
            sequence=event.sequence,
        )
    elif isinstance(event, ContactChanged):
        if not await repository.change_recipient(
            connection, event.case_id, contact_sealed=event.data.contact_sealed, sequence=event.sequence
        ):
            raise Transient("the registration has not come yet")
    elif isinstance(event, CaseMoved):
        if not await repository.forget_recipient(connection, event.case_id):
            raise Transient("the registration has not come yet")
    elif isinstance(event, CaseDecided):
        department = event.data.department
        if department is None:
            raise Permanent("no department decided")
        await repository.add_draft(
            connection,
            id=uuid7(),
            case_id=event.case_id,
            decision_no=event.data.decision_no,
            cause_id=event.id,
            outcome=event.data.outcome,
            letter_sealed=event.data.letter_sealed,
            department_fa=department.name_fa,
            department_en=department.name_en,
            decided_at=event.data.decided_at,
            traceparent=current_traceparent(),
        )


async def keep_log(connection: AsyncConnection, event: Event) -> None:
    """Handles the queue ``letters.log``: a row a day, for what is printed and verified."""
    if isinstance(event, LogRooted):
        told = event.data
        await repository.put_log_root(
            connection,
            day=told.day,
            leaf=bytes.fromhex(told.leaf),
            index=told.index,
            size=told.size,
            root=bytes.fromhex(told.root),
        )
