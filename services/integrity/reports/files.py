"""Files of reports: the original as evidence, a cleaned copy to be read, both sealed to the report.

They lie in a store under the hash of their ciphertext, which the step's leaf covers. A file whose transaction failed
lies there, too, where nobody can open it, until it is swept.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.reports import repository
from services.integrity.reports.story import NewFile
from services.integrity.sealing.age import seal
from shared.kit.cleaning import Unreadable, clean
from shared.kit.db import Database
from shared.kit.uploads import Damaged, Store, Uploads
from shared.kit.web.problems import unavailable

STRAY_SECONDS = 24 * 3600
"""So long a file lies there though no report has it."""

_WHOLE_AT_ONCE = 2
"""Files that are in memory as a whole at a time."""
_SWEPT_AT_ONCE = 1000
_NAME = re.compile(r"[0-9a-f]{64}")


class Files:
    """Takes uploads into reports, and gives back what was kept."""

    def __init__(self, uploads: Uploads, store: Store) -> None:
        self._uploads = uploads
        self._store = store
        self._whole = asyncio.Semaphore(_WHOLE_AT_ONCE)

    async def take(
        self,
        connection: AsyncConnection,
        names: Sequence[str],
        owner: str,
        recipient: str,
        epoch: int,
        *,
        report_id: UUID | None = None,
        pointer: str = "/attachments",
    ) -> list[NewFile]:
        """The owner's uploads as files of a step, sealed to ``recipient``, the report's key of ``epoch``.

        ``report_id`` None: a report's first files. The caller's transaction holds the report's row. Raises a 422
        problem that names, under ``pointer``, each upload that is unknown, unfinished or used; 503 if it may be tried
        again.
        """
        if not names:
            return []
        await repository.keep_files(connection)
        first = 1 if report_id is None else await repository.next_file(connection, report_id)
        files = []
        for n, upload in enumerate(await self._uploads.claim(connection, names, owner, pointer=pointer), first):
            files.append(await self._file(n, epoch, upload.media_type, upload.read, recipient))
        return files

    async def adopt(
        self,
        connection: AsyncConnection,
        handed: Sequence[tuple[str, Callable[[], Awaitable[bytes]]]],
        recipient: str,
        epoch: int,
    ) -> list[NewFile]:
        """Files that came otherwise than as uploads (media type, and what reads it), as a report's first ones. Raises a
        503 problem if one cannot be read now."""
        if handed:
            await repository.keep_files(connection)
        return [
            await self._file(n, epoch, media_type, read, recipient) for n, (media_type, read) in enumerate(handed, 1)
        ]

    async def _file(
        self, n: int, epoch: int, media_type: str, read: Callable[[], Awaitable[bytes]], recipient: str
    ) -> NewFile:
        async with self._whole:
            try:
                original = await read()
                try:
                    cleaned = await clean(original, media_type)
                except Unreadable:  # evidence all the same, but at the reader's own risk
                    cleaned = None
            except (Damaged, TimeoutError, OSError):
                raise unavailable() from None
            size, hash = await asyncio.to_thread(self._keep, original, recipient)
            clean_size, clean_hash = (
                (None, None) if cleaned is None else await asyncio.to_thread(self._keep, cleaned, recipient)
            )
        return NewFile(n, epoch, media_type, size, clean_size, hash, clean_hash)

    def _keep(self, content: bytes, recipient: str) -> tuple[int, bytes]:
        """The size and the hash of the sealed file; durable when this returns."""
        sealed = seal(content, [recipient])
        hash = sha256(sealed).digest()
        self._store.append(hash.hex(), 0, sealed)
        return len(sealed), hash

    async def sweep(self, database: Database, seconds: float = STRAY_SECONDS) -> int:
        """Removes the files that nobody has written to for so long and that no report has; how many. Whoever takes
        files in has ended meanwhile, or comes afterwards, so that what they bring is never removed."""
        names = await asyncio.to_thread(lambda: list(filter(_NAME.fullmatch, self._store.names(seconds))))
        removed = 0
        for first in range(0, len(names), _SWEPT_AT_ONCE):
            hashes = [bytes.fromhex(name) for name in names[first : first + _SWEPT_AT_ONCE]]
            async with database.transaction(wakes=False) as connection:
                if not await repository.strays(connection, hashes):
                    continue
                await repository.keep_files(connection, away=True)
                strays = await repository.strays(connection, hashes)
                for hash in strays:
                    await asyncio.to_thread(self._store.delete, hash.hex())
            removed += len(strays)
        return removed

    async def sealed(self, hash: bytes, size: int) -> bytes:
        """A sealed file by the hash of its ciphertext. Raises ``Damaged`` if it is not what was kept."""
        data = await asyncio.to_thread(self._store.read, hash.hex(), size)
        if sha256(data).digest() != hash:
            raise Damaged(hash.hex())
        return data
