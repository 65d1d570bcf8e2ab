"""Files of cases: from uploads, where they were cleaned, into the sealed store that the desk reads, too."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from services.intake.attachments import repository
from services.intake.attachments.repository import AttachmentRow
from services.intake.attachments.schemas import AttachmentOut
from services.intake.filing.faults import fault
from services.intake.keys import IntakeKeys
from services.intake.settings import IntakeSettings
from shared.contracts.intake import AttachmentRef
from shared.kit.cleaning import clean
from shared.kit.db import Database
from shared.kit.files import SealedFiles
from shared.kit.sealing import SealError, open_sealed, seal
from shared.kit.telemetry import log
from shared.kit.uploads import FolderStore, Uploads
from shared.kit.web.downloads import download, file_name
from shared.kit.web.problems import GONE, NOT_FOUND, Problem, invalid_fields

MOST_PER_CASE: Final = 50


@dataclass(frozen=True)
class Attachments:
    """Intake's uploads, and where what was claimed of them is kept."""

    uploads: Uploads
    files: SealedFiles
    keys: IntakeKeys

    @classmethod
    def make(cls, settings: IntakeSettings, database: Database, keys: IntakeKeys) -> "Attachments":
        """A file is cleaned when its last piece comes: whoever sends one that cannot be read learns of it while they
        can still send another, and no case ever holds one."""
        store = FolderStore(settings.uploads_dir)
        uploads = Uploads(database, store, settings.ring("uploads"), prepare=clean)
        return cls(uploads, SealedFiles(settings.attachments_dir, keys.text), keys)

    async def take(
        self,
        connection: AsyncConnection,
        case_id: UUID,
        names: Sequence[str],
        owner: str,
        *,
        message_id: UUID | None = None,
    ) -> tuple[AttachmentRef, ...]:
        """Claims uploads for a case, or for a message of it (then the caller holds the case's row lock); the files are
        in the store before the caller commits. Raises a 422 problem that names what cannot be had."""
        before = await repository.last_of(connection, case_id) if message_id else 0
        if before + len(names) > MOST_PER_CASE:
            raise invalid_fields(fault("/attachments", "too_many_attachments"))
        taken = []
        rows = []
        for n, file in enumerate(await self.uploads.claim(connection, names, owner), start=before + 1):
            digest = await asyncio.to_thread(self.files.put, await file.read())
            taken.append(AttachmentRef(n=n, media_type=file.media_type, size=file.size, sha256=digest))
            name = file_name(file.name, file.media_type, n)
            sealed = seal(self.keys.text, name.encode(), _context(case_id, n))
            rows.append({**taken[-1].model_dump(), "case_id": case_id, "message_id": message_id, "name_sealed": sealed})
        if rows:
            await repository.add(connection, rows)
        return tuple(taken)

    async def of_case(
        self, connection: AsyncConnection, case_id: UUID, *, message_id: UUID | None = None
    ) -> list[AttachmentOut]:
        """The files of a case, in order; of one of its messages alone, if that is named."""
        rows = await repository.of_case(connection, case_id)
        return [self._shown(row) for row in rows if message_id in (None, row.message_id)]

    async def download(self, connection: AsyncConnection, case_id: UUID, n: int) -> Response:
        """A file of a case that the caller may see. Raises a 404 problem if the case has none there, 410 if the store
        lost it."""
        row = await repository.one(connection, case_id, n)
        if row is None:
            raise Problem(NOT_FOUND)
        try:
            content = await asyncio.to_thread(self.files.get, row.sha256)
        except (FileNotFoundError, SealError) as error:
            log.error("attachment_lost", error=type(error).__name__)
            raise Problem(GONE) from None
        return download(content, row.media_type, self._shown(row).name)

    def _shown(self, row: AttachmentRow) -> AttachmentOut:
        name = open_sealed(self.keys.text, row.name_sealed, _context(row.case_id, row.n)).decode()
        return AttachmentOut(n=row.n, name=name, media_type=row.media_type, size=row.size, message_id=row.message_id)


def _context(case_id: UUID, n: int) -> bytes:
    return f"attachment:{case_id}:{n}".encode()
