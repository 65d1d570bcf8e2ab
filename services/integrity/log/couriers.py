"""Bringing checkpoints to the witnesses (https://c2sp.org/tlog-witness) and their countersignatures home."""

import asyncio

import httpx
from sqlalchemy.exc import SQLAlchemyError

from services.integrity.log import metrics, repository
from services.integrity.log.asking import Refusal, SawOther, ask
from services.integrity.log.tiles import TileMissing, nodes_in_tiles, tiles_for
from shared.kit.db import Database
from shared.kit.telemetry import log
from shared.kit.tlog.cosignature import CosignatureVerifier
from shared.kit.tlog.merkle import consistency_proof, consistency_ranges
from shared.kit.tlog.notes import Malformed, Note, Signature, SignatureInvalid
from shared.kit.tlog.witness import Submission
from shared.kit.wake import Wake

_IDLE_SECONDS = 5.0
_TRIES = 3
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
        self._url = url
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
            except (Malformed, SignatureInvalid) as error:
                log.warning("witness_answered_nonsense", error=type(error).__name__)
                delivered = False
            self._tried.set()
            outcome = "given" if delivered else "disputed" if self.disputes else "missing"
            metrics.cosignatures.labels(self.name, outcome).inc()
            if delivered:
                pause = 0.5
                await self.wake.wait(_IDLE_SECONDS)
            else:
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def deliver(self) -> bool:
        """Has the newest checkpoint countersigned; whether it now is. Raises what ``ask`` and the database raise."""
        for _ in range(_TRIES):
            async with self._ledger.reading() as connection:
                head = await repository.newest_checkpoint(connection)
                if head is None:
                    return False
                if self._old is None:
                    # also where all is countersigned, once: does the witness still know what we know?
                    self._old = await repository.last_cosigned(connection, self.name)
                elif await repository.is_cosigned(connection, head.size, self.name):
                    return True
            if self._old > head.size:
                # not even the newest is so large; one that others brought to the witness would be in the database
                self._dispute(409)
                return False
            answer = await self._ask(self._old, head.size, Note.parse(head.note))
            if not isinstance(answer, SawOther):
                return await self._settle(head.size, answer)
            self._old = answer.size
        return False

    async def _settle(self, size: int, answer: Signature | Refusal) -> bool:
        if isinstance(answer, Refusal):
            if answer.disputes:
                self._dispute(answer.status)
            else:
                log.warning("witness_refused", status=answer.status)
            return False
        async with self._ledger.transaction(wakes=False) as connection:
            await repository.add_cosignature(connection, size, self.name, str(answer))
        self._old, self.disputes = size, False
        return True

    def _dispute(self, status: int) -> None:
        if not self.disputes:
            log.error("witness_saw_another_log", status=status)
        self.disputes = True
        self._old = None

    async def _ask(self, old: int, size: int, note: Note) -> Signature | SawOther | Refusal:
        async with self._ledger.reading() as connection:
            tiles = await repository.tiles(connection, tiles_for(consistency_ranges(old, size)))
        try:
            proof = consistency_proof(old, size, nodes_in_tiles(tiles))
        except TileMissing as error:
            raise OSError("the tiles do not reach") from error
        return await ask(self._client, self._url, self._witness, Submission(old, tuple(proof), note))
