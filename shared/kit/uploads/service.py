"""Uploads: created, continued, checked, and claimed by what they belong to.

A piece is in the store, durably, before the row says so; whatever lies beyond what the row says is cut off before the
next piece. So a process may be killed anywhere, and the client goes on from the offset that it is told.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Final, TypeVar
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import ClientDisconnect

from shared.kit.auth import Principal
from shared.kit.cleaning import Unreadable
from shared.kit.db import Database
from shared.kit.sealing import KeyRing, open_sealed, seal
from shared.kit.telemetry import log
from shared.kit.uploads import repository
from shared.kit.uploads.kinds import HEAD_BYTES, media_type_of
from shared.kit.uploads.protocol import (
    CHECKSUM_MISMATCH,
    FILE_UNREADABLE,
    UPLOAD_GONE,
    WRONG_OFFSET,
    Checksum,
    metadata_of,
    name_of,
    too_large,
    wrong_type,
)
from shared.kit.uploads.repository import Upload
from shared.kit.uploads.store import FRAME_BYTES, Damaged, Store, open_frames, seal_frames
from shared.kit.web.language import Text
from shared.kit.web.problems import NOT_FOUND, FieldFault, Problem, invalid_fields, too_many_requests, unavailable

T = TypeVar("T")

Prepare = Callable[[bytes, str], Awaitable[bytes]]
"""Makes what is kept of a complete file, by its bytes and media type. Raises ``Unreadable``."""

_KEEP_SECONDS: Final = 5.0
"""What came is kept at least so often, so that a slow phone loses little when a process is killed."""

_WHOLE_AT_ONCE: Final = 2
"""Files that are in memory as a whole at a time."""

_FAULTS: Final = {
    "unknown_upload": Text(
        "این پیوست پیدا نشد؛ لطفاً دوباره بارگذاری کنید.", "There is no such upload; please send it again."
    ),
    "unfinished_upload": Text(
        "بارگذاری این پیوست پایان نیافته است؛ لطفاً آن را کامل کنید.",
        "This upload is not complete; please finish it.",
    ),
    "used_upload": Text(
        "این پیوست پیش‌تر به کار رفته است؛ لطفاً دوباره بارگذاری کنید.",
        "This upload was used already; please send it again.",
    ),
}


@dataclass(frozen=True)
class Limits:
    """``file_bytes`` of one file; ``count`` and ``bytes`` of one owner's files under way or unused; ``hours`` without a
    new piece after which an upload expires."""

    file_bytes: int = 25 * 1024 * 1024
    count: int = 20
    bytes: int = 250 * 1024 * 1024
    hours: int = 24


@dataclass(frozen=True)
class ClaimedFile:
    """A file that was claimed: ``size`` bytes of ``media_type``; ``name`` as its sender called it, for showing."""

    media_type: str
    size: int
    name: str | None
    _object: str
    _stored: int
    _key: bytes = field(repr=False)
    _store: Store = field(repr=False)

    async def read(self) -> bytes:
        """The file; inside the claiming transaction, since it goes after its commit. Raises ``Damaged``."""
        return await asyncio.to_thread(_content, self._store, self._object, self._stored, self._key)


class Uploads:
    """A service's uploads. ``mark`` begins their ids, so that the door can tell whose they are."""

    def __init__(
        self,
        database: Database,
        store: Store,
        ring: KeyRing,
        *,
        limits: Limits | None = None,
        mark: str = "",
        prepare: Prepare | None = None,
    ) -> None:
        """``ring`` seals each upload's key; ``prepare`` is run once a file is complete, before it can be claimed."""
        self.limits = limits or Limits()
        self._database = database
        self._store = store
        self._ring = ring
        self._mark = mark
        self._prepare = prepare
        self._whole = asyncio.Semaphore(_WHOLE_AT_ONCE)

    def name(self, upload: Upload) -> str:
        """The upload's id in URLs and in ``attachments``."""
        return f"{self._mark}{upload.id.hex}"

    def metadata(self, upload: Upload) -> str | None:
        """``Upload-Metadata`` as it was sent."""
        if upload.metadata_sealed is None:
            return None
        return open_sealed(self._ring, upload.metadata_sealed, b"metadata:" + upload.id.bytes).decode()

    async def create(self, owner: str, *, length: int, metadata: str | None) -> Upload:
        """An empty upload of ``length`` bytes; ``metadata`` is the header's value, checked before.

        Raises a 413 problem for a length that is not taken, a 415 one for an empty file, a 429 one past the limits.
        """
        if length > self.limits.file_bytes:
            raise too_large()
        if length == 0:
            raise wrong_type()
        upload_id, owners = uuid4(), self._owners(owner)
        sealed = seal(self._ring, metadata.encode(), b"metadata:" + upload_id.bytes) if metadata else None
        async with self._database.transaction(wakes=False) as connection:
            count, size, seconds = await repository.under_way(connection, owners)
            if count >= self.limits.count or size + length > self.limits.bytes:
                raise too_many_requests(seconds)
            await repository.add(
                connection,
                id=upload_id,
                owner=owners[0],
                length=length,
                object=upload_id.hex,
                key_sealed=seal(self._ring, token_bytes(32), b"key:" + upload_id.bytes),
                metadata_sealed=sealed,
                hours=self.limits.hours,
            )
            return (await repository.find(connection, [upload_id], owners))[upload_id]

    async def find(self, owner: str, name: str) -> Upload:
        """The owner's upload. Raises a 404 problem for an unknown or foreign one, 410 for one expired or used."""
        upload_id = self._id_of(name)
        if upload_id is None:
            raise Problem(NOT_FOUND)
        async with self._database.reading() as connection:
            return _alive((await repository.find(connection, [upload_id], self._owners(owner))).get(upload_id))

    async def append(
        self, owner: str, name: str, offset: int, pieces: AsyncIterator[bytes], checksum: Checksum | None = None
    ) -> Upload:
        """Takes what comes, at ``offset``, and the upload after it; a file that is now complete is prepared.

        Without a checksum what came is kept even if the client leaves; with one, only all of it or nothing. Raises
        problems: 404, 410; 409 for an offset where it does not stand; 413 for more than was announced; 415 for a kind
        of file that is not taken and 422 for one that cannot be read (both are removed); 460; 503 if it may be tried
        again.
        """
        upload = await self.find(owner, name)
        if offset != upload.received:
            raise _wrong_offset(upload)
        try:
            if checksum is None:
                upload = await self._take_as_it_comes(upload, owner, pieces)
            else:
                upload = await self._take_whole(upload, owner, pieces, checksum)
            await self._finish(upload, owner)
        except OSError as error:
            log.error("upload_store_failed", error=type(error).__name__)
            raise unavailable() from None
        return upload

    async def terminate(self, owner: str, name: str) -> None:
        """Removes an upload. Raises like ``find``."""
        await self._remove(await self.find(owner, name))

    async def finish(self, names: Sequence[str], owner: str) -> None:
        """Prepares those of the owner's complete uploads whose preparation was cut off; before ``claim``, outside of
        its transaction. One that cannot be read is removed, so that the claim does not find it."""
        ids = [known for name in names if (known := self._id_of(name)) is not None]
        if not ids:
            return
        async with self._database.reading() as connection:
            found = await repository.find(connection, ids, self._owners(owner))
        for upload in found.values():
            try:
                if upload.claimed_at is None and not upload.expired:
                    await self._finish(upload, owner)
            except Problem as problem:
                if problem.status_code >= 500:
                    raise

    async def claim(
        self, connection: AsyncConnection, names: Sequence[str], owner: str, *, pointer: str = "/attachments"
    ) -> list[ClaimedFile]:
        """The owner's complete uploads, in the order of ``names``, used by whatever the caller's transaction writes.

        Raises a 422 problem that names, under ``pointer``, each that is unknown or foreign, unfinished, or used.
        """
        if not names:
            return []
        ids = [self._id_of(name) for name in names]
        known = [one for one in ids if one is not None]
        found = await repository.find(connection, known, self._owners(owner), lock=True)
        faults = []
        for n, one in enumerate(ids):
            code = "used_upload" if one and one in ids[:n] else _fault(found.get(one) if one else None)
            if code is not None:
                faults.append(FieldFault(f"{pointer}/{n}", code, _FAULTS[code]))
        if faults:
            raise invalid_fields(*faults)
        files = [self._claimed(found[one]) for one in known]
        await repository.claim(connection, known)
        return files

    async def sweep(self) -> None:
        """Removes what is used, expired or left over."""
        async with self._database.transaction(wakes=False) as connection:
            ended = await repository.over(connection, 500)
            for name in ended.values():
                await asyncio.to_thread(self._store.delete, name)
            await repository.forget(connection, list(ended))
        await asyncio.to_thread(self._store.forget, (self.limits.hours + 1) * 3600)

    async def _take_as_it_comes(self, upload: Upload, owner: str, pieces: AsyncIterator[bytes]) -> Upload:
        buffer = bytearray()
        kept_at = time.monotonic()
        try:
            async for piece in pieces:
                buffer += piece
                if upload.received + len(buffer) > upload.length:
                    raise too_large()
                if len(buffer) >= FRAME_BYTES or time.monotonic() > kept_at + _KEEP_SECONDS:
                    data = bytes(buffer)
                    buffer.clear()
                    upload = await self._keep(upload, owner, data)
                    kept_at = time.monotonic()
        except ClientDisconnect:
            if buffer:
                await self._keep(upload, owner, bytes(buffer))
            raise
        return await self._keep(upload, owner, bytes(buffer)) if buffer else upload

    async def _take_whole(self, upload: Upload, owner: str, pieces: AsyncIterator[bytes], checksum: Checksum) -> Upload:
        """Into an object of its own first, in frames that are already those of the upload's."""
        key, aside = self._key_of(upload), uuid4().hex
        size, stored, head, buffer = 0, 0, b"", bytearray()

        async def put() -> None:
            nonlocal size, stored
            frames = seal_frames(key, upload.object, upload.received + size, bytes(buffer))
            size += len(buffer)
            buffer.clear()
            stored = await _unbroken(asyncio.to_thread(self._store.append, aside, stored, frames))

        try:
            async for piece in pieces:
                checksum.hash.update(piece)
                head = (head + piece[:HEAD_BYTES])[:HEAD_BYTES]
                buffer += piece
                if upload.received + size + len(buffer) > upload.length:
                    raise too_large()
                if len(buffer) >= FRAME_BYTES:
                    await put()
            if not checksum.is_met():
                raise Problem(CHECKSUM_MISMATCH)
            if not size and not buffer:
                return upload
            await put()
            async with self._whole:
                frames = await asyncio.to_thread(self._store.read, aside, stored)
                return await self._commit(upload, owner, size, frames, head)
        finally:
            await asyncio.to_thread(self._store.delete, aside)

    async def _keep(self, upload: Upload, owner: str, data: bytes) -> Upload:
        frames = seal_frames(self._key_of(upload), upload.object, upload.received, data)
        return await self._commit(upload, owner, len(data), frames, data[:HEAD_BYTES])

    async def _commit(self, upload: Upload, owner: str, size: int, frames: bytes, head: bytes) -> Upload:
        """``size`` more bytes of a file, as ``frames``, under the row's lock."""
        try:
            async with self._database.transaction(wakes=False) as connection:
                rows = await repository.find(connection, [upload.id], self._owners(owner), lock=True)
                now = _alive(rows.get(upload.id))
                if now.received != upload.received or now.object != upload.object:
                    raise _wrong_offset(now)
                received = now.received + size
                media_type = now.media_type
                if media_type is None:
                    before = _content(self._store, now.object, now.stored, self._key_of(now)) if now.received else b""
                    if len(before + head) >= HEAD_BYTES or received == now.length:
                        media_type = media_type_of(before + head)
                        if media_type is None:
                            raise wrong_type()
                stored = await _unbroken(asyncio.to_thread(self._store.append, now.object, now.stored, frames))
                return await repository.advance(
                    connection,
                    now.id,
                    received=received,
                    stored=stored,
                    media_type=media_type,
                    ready=received == now.length and self._prepare is None,
                    hours=self.limits.hours,
                )
        except Damaged:
            log.error("upload_damaged")
            await self._remove(upload)
            raise Problem(UPLOAD_GONE) from None
        except Problem as problem:
            if problem.status_code == wrong_type().status_code:
                await self._remove(upload)
            raise

    async def _finish(self, upload: Upload, owner: str) -> None:
        """Prepares a complete upload, once; whoever comes second, from another process, throws their work away."""
        if self._prepare is None or upload.ready or not upload.complete or upload.media_type is None:
            return
        async with self._whole:
            upload = await self.find(owner, self.name(upload))
            if upload.ready or upload.media_type is None:  # somebody else was first
                return
            key, name = self._key_of(upload), uuid4().hex
            try:
                content = await asyncio.to_thread(_content, self._store, upload.object, upload.stored, key)
                prepared = await self._prepare(content, upload.media_type)
            except (Unreadable, Damaged):
                await self._remove(upload)
                raise Problem(FILE_UNREADABLE) from None
            except TimeoutError:
                raise unavailable() from None
            frames = await asyncio.to_thread(seal_frames, key, name, 0, prepared)
            stored = await asyncio.to_thread(self._store.append, name, 0, frames)
        async with self._database.transaction(wakes=False) as connection:
            first = await repository.settle(connection, upload.id, object=name, stored=stored, size=len(prepared))
        await asyncio.to_thread(self._store.delete, upload.object if first else name)

    async def _remove(self, upload: Upload) -> None:
        async with self._database.transaction(wakes=False) as connection:
            name = await repository.remove(connection, upload.id)
        if name is not None:
            await asyncio.to_thread(self._store.delete, name)

    def _claimed(self, upload: Upload) -> ClaimedFile:
        name = name_of(metadata_of(self.metadata(upload)))
        key = self._key_of(upload)
        return ClaimedFile(upload.media_type or "", upload.size, name, upload.object, upload.stored, key, self._store)

    def _key_of(self, upload: Upload) -> bytes:
        return open_sealed(self._ring, upload.key_sealed or "", b"key:" + upload.id.bytes)

    def _owners(self, owner: str) -> list[bytes]:
        return self._ring.digests(b"owner:" + owner.encode())

    def _id_of(self, name: str) -> UUID | None:
        text = name.removeprefix(self._mark)
        if len(name) != len(self._mark) + 32 or not all(sign in "0123456789abcdef" for sign in text):
            return None
        return UUID(text)


def owner_of(principal: Principal) -> str:
    """In whose name uploads are told apart."""
    return f"{principal.kind}:{principal.subject}"


def _alive(upload: Upload | None) -> Upload:
    if upload is None:
        raise Problem(NOT_FOUND)
    if upload.claimed_at is not None or upload.expired:
        raise Problem(UPLOAD_GONE)
    return upload


def _fault(upload: Upload | None) -> str | None:
    """Why an upload cannot be claimed."""
    if upload is None or (upload.expired and upload.claimed_at is None):
        return "unknown_upload"
    if upload.claimed_at is not None:
        return "used_upload"
    return None if upload.ready else "unfinished_upload"


def _wrong_offset(upload: Upload) -> Problem:
    return Problem(WRONG_OFFSET, headers={"Upload-Offset": str(upload.received)})


def _content(store: Store, name: str, stored: int, key: bytes) -> bytes:
    return open_frames(key, name, store.read(name, stored))


async def _unbroken(work: Awaitable[T]) -> T:
    """Waits for work in a thread to its end even if we are cancelled: the row's lock must outlast the writing."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
