"""Recording a step in the log, and the receipt of it once it stands there.

A step writes its leaf in its own transaction (``record``); the sequencer appends it to the log within a second, signs,
and has it countersigned; then ``receipt_of`` has the proof.
"""

import time
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from weakref import WeakKeyDictionary

from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.log import repository
from services.integrity.log.leaf import Leaf, commit_actor, commit_case, hour_of, new_nonce
from services.integrity.log.lookout import Lookout
from services.integrity.log.proof import LogProof
from services.integrity.log.receipt import Receipt
from services.integrity.log.tiles import nodes_in_tiles, tiles_for
from shared.kit.db import Database
from shared.kit.tlog.cosignature import timestamp_of
from shared.kit.tlog.merkle import inclusion_proof, inclusion_ranges
from shared.kit.tlog.notes import Note, Signature

QUORUM = 2
"""Both of our own witnesses, or two of three with one from outside."""

_STALE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """A leaf that is on its way into the log; ``nonce`` opens its commitments."""

    leaf: Leaf
    nonce: bytes = field(repr=False)
    hash: bytes


async def record(
    connection: AsyncConnection,
    *,
    chain: str,
    seq: int,
    type: str,
    at: datetime,
    actor: str,
    ciphertext: bytes | None,
    previous: bytes | None,
) -> Recorded:
    """Makes the leaf of a step and queues it, in the caller's transaction.

    ``chain``: the reference of the report (or of another chain of leaves: a holder's keys, ``zrm``) whose leaves are
    numbered by ``seq`` from 1; ``previous``: the hash of the leaf before, None for the first. ``at``: an aware time.
    ``ciphertext``: the sealed file that the step brought. Malformed if these do not make a leaf; IntegrityError, and
    the transaction lost, if the chain has another leaf of that number or not this one before it.
    """
    nonce = new_nonce()
    leaf = Leaf(
        case_commit=commit_case(nonce, chain),
        seq=seq,
        type=type,
        hour=hour_of(at),
        actor_commit=commit_actor(nonce, actor),
        ciphertext_sha256=None if ciphertext is None else sha256(ciphertext).hexdigest(),
        prev_case_leaf=None if previous is None else previous.hex(),
    )
    recorded = Recorded(leaf, nonce, leaf.hash())
    await repository.add_leaf(
        connection,
        chain=chain,
        seq=seq,
        previous=previous,
        leaf_hash=recorded.hash,
        leaf=leaf.encode(),
        nonce=nonce,
    )
    return recorded


async def receipt_of(
    source: Database | AsyncConnection, leaf_hash: bytes, *, quorum: int = QUORUM
) -> dict[str, object] | None:
    """The receipt of a leaf as its JSON object (``Receipt``); None while no checkpoint is over it.

    By the checkpoint that the most witnesses countersigned, at least ``quorum``; while there is none, by the newest,
    with the countersignatures that have come: the receipt is asked for again later and is whole then, and a witness
    that was away is in it once it is back. None, too, for a leaf whose nonce was forgotten, and for none of ours.
    """
    if isinstance(source, Database):
        async with source.reading() as connection:
            return await receipt_of(connection, leaf_hash, quorum=quorum)
    row = await repository.leaf_by_hash(source, leaf_hash)
    if row is None or row.nonce is None:
        return None
    proof = None if row.place is None else await proof_of(source, row.place, quorum=quorum)
    return None if proof is None else Receipt(Leaf.decode(row.leaf), row.nonce, proof).document()


async def proof_of(connection: AsyncConnection, index: int, *, quorum: int = QUORUM) -> LogProof | None:
    """The proof that the leaf ``index`` is in the log, by the checkpoint that ``receipt_of`` says; None before that."""
    checkpoint = await repository.best_witnessed(connection, index, quorum)
    if checkpoint is None:
        checkpoint = await repository.newest_checkpoint(connection)
    if checkpoint is None or checkpoint.size <= index:
        return None
    tiles = await repository.tiles(connection, tiles_for(inclusion_ranges(index, checkpoint.size)))
    hashes = inclusion_proof(index, checkpoint.size, nodes_in_tiles(tiles))
    return LogProof(index, tuple(hashes), await countersigned(connection, checkpoint.size, checkpoint.note))


async def countersigned(connection: AsyncConnection, size: int, note: str) -> Note:
    """The checkpoint of a size with the countersignatures that have come."""
    lines = await repository.cosignature_lines(connection, size)
    return Note.parse(note).signed(*(Signature.parse(line) for line in lines))


async def shown_checkpoint(connection: AsyncConnection, quorum: int) -> Note | None:
    """The checkpoint to show: the newest one that ``quorum`` witnesses countersigned, or, once their signatures are
    old, the newest of all; None while nothing was signed."""
    newest = await repository.newest_checkpoint(connection)
    if newest is None:
        return None
    witnessed = await repository.newest_witnessed(connection, quorum)
    if witnessed is not None and witnessed.size < newest.size:
        note = await countersigned(connection, witnessed.size, witnessed.note)
        signed = max(timestamp_of(signature.value) for signature in note.signatures[1:])
        if time.time() - signed < _STALE_SECONDS:
            return note
    return await countersigned(connection, newest.size, newest.note)


async def wait_for_receipt(
    database: Database, leaf_hash: bytes, *, seconds: float, quorum: int = QUORUM
) -> dict[str, object] | None:
    """As ``receipt_of``, waiting up to ``seconds`` for it, and within them a second for the countersignatures.

    The leaf's transaction is committed already. Nothing is held while waiting.
    """
    lookouts = _LOOKOUTS.setdefault(database, {})
    if quorum not in lookouts:
        lookouts[quorum] = Lookout(database, quorum)
    await lookouts[quorum].wait(leaf_hash, seconds)
    return await receipt_of(database, leaf_hash, quorum=quorum)


_LOOKOUTS: WeakKeyDictionary[Database, dict[int, Lookout]] = WeakKeyDictionary()
