"""Recording a step in the log, and the receipt of it once it stands there.

A step writes its leaf in its own transaction (``record``); the sequencer appends it to the log within a second, signs,
and has it countersigned; then ``receipt_of`` has the proof.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
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
    """A leaf that is on its way into the log, in ``chain``; ``nonce`` opens its commitments."""

    chain: str = field(repr=False)
    leaf: Leaf
    nonce: bytes = field(repr=False)
    hash: bytes


def new_leaf(
    *,
    chain: str,
    seq: int,
    type: str,
    at: datetime,
    actor: str,
    ciphertext: bytes | None,
    previous: bytes | None,
) -> Recorded:
    """The leaf of a step, for ``record``.

    ``chain``: the reference of the report (or of another chain of leaves: a holder's keys, ``zrm``) whose leaves are
    numbered by ``seq`` from 1; ``previous``: the hash of the leaf before, None for the first. ``at``: an aware time.
    ``ciphertext``: the sealed file that the step brought. Malformed if these do not make a leaf.
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
    return Recorded(chain, leaf, nonce, leaf.hash())


async def record(connection: AsyncConnection, *leaves: Recorded) -> None:
    """Queues leaves for the log in their order, in the caller's transaction.

    IntegrityError, and the transaction lost, if a chain has another leaf of that number or not the one before it.
    """
    await repository.add_leaves(
        connection,
        [
            {
                "chain": one.chain,
                "seq": one.leaf.seq,
                "previous": None if one.leaf.prev_case_leaf is None else bytes.fromhex(one.leaf.prev_case_leaf),
                "hash": one.hash,
                "leaf": one.leaf.encode(),
                "nonce": one.nonce,
            }
            for one in leaves
        ],
    )


async def receipt_of(
    source: Database | AsyncConnection, leaf_hash: bytes, *, quorum: int = QUORUM
) -> dict[str, object] | None:
    """The receipt of one leaf, as ``receipts_of`` makes them."""
    if isinstance(source, Database):
        async with source.reading() as connection:
            return await receipt_of(connection, leaf_hash, quorum=quorum)
    return (await receipts_of(source, [leaf_hash], quorum=quorum)).get(leaf_hash)


async def receipts_of(
    connection: AsyncConnection, leaf_hashes: Collection[bytes], *, quorum: int = QUORUM
) -> dict[bytes, dict[str, object]]:
    """The receipts of leaves as their JSON objects (``Receipt``), by the leaf's hash; none while no checkpoint is over
    it.

    By the checkpoint that the most witnesses countersigned, at least ``quorum``; while there is none, by the newest,
    with the countersignatures that have come: the receipt is asked for again later and is whole then, and a witness
    that was away is in it once it is back. None, too, for a leaf whose nonce was forgotten, and for none of ours.
    """
    rows = [row for row in await repository.leaves_by_hash(connection, leaf_hashes) if row.nonce is not None]
    proofs = await proofs_of(connection, {row.place for row in rows if row.place is not None}, quorum=quorum)
    return {
        row.hash: Receipt(Leaf.decode(row.leaf), row.nonce, proofs[row.place]).document()
        for row in rows
        if row.place in proofs
    }


async def proof_of(connection: AsyncConnection, index: int, *, quorum: int = QUORUM) -> LogProof | None:
    """The proof that the leaf ``index`` is in the log, by the checkpoint that ``receipts_of`` says; None before."""
    return (await proofs_of(connection, {index}, quorum=quorum)).get(index)


async def proofs_of(connection: AsyncConnection, indexes: Collection[int], *, quorum: int) -> dict[int, LogProof]:
    """As ``proof_of`` for many, in four queries: those that there are."""
    if not indexes:
        return {}
    over = await repository.best_witnessed(connection, indexes, quorum)
    if len(over) < len(indexes) and (newest := await repository.newest_checkpoint(connection)) is not None:
        over |= {index: newest for index in indexes if index not in over and index < newest.size}
    wanted = {tile for index, head in over.items() for tile in tiles_for(inclusion_ranges(index, head.size))}
    nodes = nodes_in_tiles(await repository.tiles(connection, wanted))
    lines = await repository.cosignature_lines(connection, {head.size for head in over.values()})
    return {
        index: LogProof(
            index, tuple(inclusion_proof(index, head.size, nodes)), _signed(head.note, lines.get(head.size, ()))
        )
        for index, head in over.items()
    }


async def countersigned(connection: AsyncConnection, size: int, note: str) -> Note:
    """The checkpoint of a size with the countersignatures that have come."""
    return _signed(note, (await repository.cosignature_lines(connection, {size})).get(size, ()))


def _signed(note: str, lines: Sequence[str]) -> Note:
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
        lookouts[quorum] = Lookout(database, quorum, partial(receipts_of, quorum=quorum))
    return await lookouts[quorum].wait(leaf_hash, seconds) or await receipt_of(database, leaf_hash, quorum=quorum)


_LOOKOUTS: WeakKeyDictionary[Database, dict[int, Lookout]] = WeakKeyDictionary()
