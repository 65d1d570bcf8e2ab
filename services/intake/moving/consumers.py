"""A case that is a matter of corruption: what it holds goes to integrity, sealed, and is forgotten here."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.attachments import repository as attachments
from services.intake.attachments.repository import AttachmentRow
from services.intake.cases.repository import CaseRow, case_by_id
from services.intake.keys import IntakeKeys
from services.intake.moving import repository
from shared.contracts.envelope import Event
from shared.contracts.intake import CaseHandedOver, CaseHandedOverData
from shared.contracts.routing import CaseMoved
from shared.kit.bus import Permanent, Transient
from shared.kit.files import SealedFiles
from shared.kit.outbox import append, new_event
from shared.kit.sealing import SealError, open_sealed, seal

_GONE = "—"
"""What stands in the place of subject, text, name and address."""
_CLAIM_BYTES = 32


class HandingOver:
    """Handles the queue ``intake.moves``."""

    def __init__(self, keys: IntakeKeys, files: SealedFiles, handover: Path, *, claim_days: int) -> None:
        """``files``: those of cases; ``handover``: the folder from which integrity takes them; ``claim_days``: how long
        the citizen may fetch their receipt code."""
        self._keys = keys
        self._files = files
        self._handed = SealedFiles(handover, keys.move)
        self._claim_days = claim_days

    async def handle(self, connection: AsyncConnection, event: Event) -> None:
        """One moved case, in its transaction."""
        if not isinstance(event, CaseMoved) or event.case_id is None:
            raise Permanent("no moved case")
        case = await case_by_id(connection, event.case_id, lock=True)
        if case is None:
            raise Transient("the case has not come yet")
        sequence = case.sequence + 1
        handed_over = new_event(
            CaseHandedOver,
            subject=str(case.id),
            sequence=sequence,
            case_id=case.id,
            causation_id=event.id,
            data=CaseHandedOverData(
                organisation_id=event.data.organisation_id,
                province=case.province,
                language=case.language,
                content_sealed=await self._content(connection, case),
            ),
        )
        await append(connection, handed_over)
        await repository.forget(connection, case.id, sequence=sequence, **self._left(case.id))

    async def _content(self, connection: AsyncConnection, case: CaseRow) -> str:
        """All that the citizen wrote, and how they are reached, for integrity alone."""
        text = self._keys.text_of(case.id, case.text_sealed)
        added = await repository.messages_of(connection, case.id)
        parts = [text["body"], *(self._keys.text_of(message.id, message.text_sealed)["body"] for message in added)]
        files = [await self._hand(file) for file in await attachments.of_case(connection, case.id)]
        contact = orjson.loads(open_sealed(self._keys.contact, case.contact_sealed, _contact(case.id)))
        content: dict[str, Any] = {
            "subject": text["subject"],
            "narrative": "\n\n".join(parts),
            "files": files,
            "claim": await self._claim(connection, case),
            "contact": {
                "name": contact["full_name"],
                "mobile": contact["mobile"],
                "postal_address": contact["postal_address"],
            },
        }
        return seal(self._keys.move, orjson.dumps(content), b"move:" + str(case.id).encode())

    async def _claim(self, connection: AsyncConnection, case: CaseRow) -> str | None:
        """The new secret with which the citizen fetches the report's receipt code from integrity; None for a case that
        nobody can log in for."""
        if case.citizen_id is None:
            return None
        claim = secrets.token_urlsafe(_CLAIM_BYTES)
        await repository.add_claim(
            connection,
            case_id=case.id,
            claim_sealed=self._keys.keep_claim(case.id, claim),
            expires_at=datetime.now(UTC) + timedelta(days=self._claim_days),
        )
        return claim

    async def _hand(self, file: AttachmentRow) -> dict[str, str]:
        """A file of the case, where integrity finds it by its hash."""
        try:
            content = await asyncio.to_thread(self._files.get, file.sha256)
        except (FileNotFoundError, SealError):
            raise Transient("a file of the case is not in the store") from None
        return {"media_type": file.media_type, "sha256": await asyncio.to_thread(self._handed.put, content)}

    def _left(self, case_id: UUID) -> dict[str, str]:
        nobody = {"full_name": _GONE, "national_id": None, "mobile": None, "postal_address": None}
        words = orjson.dumps({"subject": _GONE, "body": _GONE})
        return {
            "contact_sealed": seal(self._keys.contact, orjson.dumps(nobody), _contact(case_id)),
            "text_sealed": seal(self._keys.text, words, b"text:" + str(case_id).encode()),
        }


def _contact(case_id: UUID) -> bytes:
    return b"contact:" + str(case_id).encode()
