"""Bringing checkpoints to the witnesses (https://c2sp.org/tlog-witness) and their countersignatures home."""

import asyncio

import httpx
from sqlalchemy.exc import SQLAlchemyError

from services.integrity.log import metrics, repository
from services.integrity.log.tiles import TileMissing, nodes_in_tiles, tiles_for
from shared.kit.db import Database
from shared.kit.telemetry import log
from shared.kit.tlog.checkpoint import decimal_of
from shared.kit.tlog.cosignature import CosignatureVerifier
from shared.kit.tlog.merkle import consistency_proof, consistency_ranges
from shared.kit.tlog.notes import Malformed, Note, SignatureInvalid
from shared.kit.tlog.witness import Submission, cosigned
from shared.kit.wake import Wake

_IDLE_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 30.0


class Courier:
    """Brings the newest checkpoint to one witness, again and again; a witness that is down misses none for good,
    because the next checkpoint is over all that came before it."""

    def __init__(self, witness: CosignatureVerifier, url: str, ledger: Database, client: httpx.AsyncClient) -> None:
        self.name = witness.name
        self.wake = Wake()
        self.disputes = False
        """The witness has seen a log that ours does not continue."""
        self._witness = witness
        self._url = f"{url.rstrip('/')}/add-checkpoint"
        self._ledger = ledger
        self._client = client
        self._old: int | None = None
        self._tried = asyncio.Event()

    async def first_word(self, seconds: float) -> None:
        """Returns once the witness was asked for the first time, or after ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await self._tried.wait()
        except TimeoutError:
            return

    async def run(self) -> None:
        """Delivers until cancelled; after a failure with a growing pause."""
        pause = 0.5
        while True:
            try:
                delivered = await self.deliver()
            except (httpx.HTTPError, SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("witness_unreachable", error=type(error).__name__)
                delivered = False
            self._tried.set()
            metrics.cosignatures.labels("given" if delivered else "missing").inc()
            if delivered:
                pause = 0.5
                await self.wake.wait(_IDLE_SECONDS)
            else:
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def deliver(self) -> bool:
        """Has the newest checkpoint countersigned; whether it now is. Raises what HTTP client and database raise."""
        async with self._ledger.reading() as connection:
            head = await repository.newest_checkpoint(connection)
            if head is None:
                return False
            if await repository.is_cosigned(connection, head.size, self.name):
                if self._old is None:
                    self._old = head.size  # once more after a start: does the witness still know what we know?
                elif self._old == head.size:
                    return True
            elif self._old is None:
                self._old = await repository.last_cosigned(connection, self.name)
        note = Note.parse(head.note)
        answer = await self._submit(head.size, note)
        if answer.status_code == 409 and self._begin_from(answer.text, head.size):
            answer = await self._submit(head.size, note)
        if answer.status_code in (409, 422):
            self._dispute(answer.status_code)
            return False
        if answer.status_code != 200:
            log.warning("witness_refused", status=answer.status_code)
            return False
        try:
            signatures = cosigned(note, answer.text, self._witness).signatures[len(note.signatures) :]
        except (Malformed, SignatureInvalid) as error:
            log.warning("witness_answered_nonsense", error=type(error).__name__)
            return False
        async with self._ledger.transaction(wakes=False) as connection:
            await repository.add_cosignature(connection, head.size, self.name, str(signatures[0]))
        self._old, self.disputes = head.size, False
        return True

    def _begin_from(self, answered: str, size: int) -> bool:
        """Takes over what the witness says it has seen; False if that is more than there is."""
        try:
            seen = decimal_of(answered.strip())
        except Malformed:
            return False
        if seen > size:
            return False
        self._old = seen
        return True

    def _dispute(self, status: int) -> None:
        if not self.disputes:
            log.error("witness_saw_another_log", status=status)
        self.disputes = True

    async def _submit(self, size: int, note: Note) -> httpx.Response:
        old = self._old or 0
        async with self._ledger.reading() as connection:
            tiles = await repository.tiles(connection, tiles_for(consistency_ranges(old, size)))
        try:
            proof = consistency_proof(old, size, nodes_in_tiles(tiles))
        except TileMissing as error:
            raise OSError("the tiles do not reach") from error
        body = str(Submission(old, tuple(proof), note))
        return await self._client.post(self._url, content=body.encode(), headers={"Content-Type": "text/plain"})
