"""A case of ZRM that is a matter of corruption becomes a report: sealed here, its citizen's identity apart, and its
receipt code kept for them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.filing.schemas import ReportIn
from services.integrity.filing.service import Filing
from services.integrity.keys import IntegrityKeys
from services.integrity.moving.service import MovedReceipts
from shared.contracts.envelope import Event
from shared.contracts.intake import CaseHandedOver
from shared.kit.bus import Permanent, Transient
from shared.kit.files import SealedFiles
from shared.kit.sealing import SealError
from shared.kit.web.problems import Problem


class Moves:
    """Handles the queue ``integrity.moves``."""

    def __init__(self, keys: IntegrityKeys, filing: Filing, receipts: MovedReceipts, handover: Path) -> None:
        """``handover``: the folder in which intake puts the files of moved cases, sealed."""
        self._keys = keys
        self._filing = filing
        self._receipts = receipts
        self._handed = SealedFiles(handover, keys.move)

    async def handle(self, connection: AsyncConnection, event: Event) -> None:
        """One case that was handed over, in its transaction. Nothing of the report names the case."""
        if not isinstance(event, CaseHandedOver) or event.case_id is None:
            raise Permanent("no case that was handed over")
        content = self._keys.moved(event.case_id, event.data.content_sealed)
        identity = content.get("contact")  # always there, but where an older intake knew no mobile
        # checked when it was filed as a case; the messages added may make it longer than what is filed here
        report = ReportIn.model_construct(
            mode="confidential" if identity else "anonymous",
            organisation_id=event.data.organisation_id,
            province=event.data.province,
            language=event.data.language,
            subject=content["subject"],
            narrative=content["narrative"],
        )
        try:
            files = [(file["media_type"], self._reader(file["sha256"])) for file in content["files"]]
            code = await self._filing.take_over(connection, report, identity, files)
        except Problem as problem:  # too few who hold keys, for now, or a file that cannot be read
            raise Transient(problem.kind.slug) from None
        if (claim := content.get("claim")) is not None:
            await self._receipts.keep(connection, claim, code)

    def _reader(self, digest: str) -> Callable[[], Awaitable[bytes]]:
        async def read() -> bytes:
            try:
                return await asyncio.to_thread(self._handed.get, digest)
            except SealError:
                raise OSError("a file that was handed over was changed") from None

        return read
