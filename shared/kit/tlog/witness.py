"""Witnesses (https://c2sp.org/tlog-witness): ``add-checkpoint``, from the side of the witness and from that of the log.

Neither does HTTP or keeps anything: the service around brings the request's body and the place where the last
checkpoint of each log is kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from shared.kit.tlog.checkpoint import Checkpoint, decimal_of, hash_of
from shared.kit.tlog.cosignature import CosignatureVerifier, Cosigner
from shared.kit.tlog.merkle import EMPTY_ROOT, ProofInvalid, verify_consistency
from shared.kit.tlog.notes import (
    Malformed,
    Note,
    Signature,
    SignatureInvalid,
    Verifier,
    base64_of,
    open_note,
)

SIZE_CONTENT_TYPE = "text/x.tlog.size"
"""Content type of the answer that tells a log the size it should have begun from."""

_MOST_PROOF_LINES = 63


class Refused(Exception):
    """The witness does not cosign. ``status`` is the HTTP status that the protocol fixes for the reason.

    400 malformed · 403 no valid signature of the log · 404 unknown log · 409 begin from ``size``, or, asked from there,
    another tree of that size was seen · 422 not consistent.
    """

    def __init__(self, status: int, reason: str, size: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.size = size


@dataclass(frozen=True, slots=True)
class Seen:
    """The latest checkpoint of a log that this witness has cosigned."""

    size: int
    root: bytes


NOTHING_SEEN = Seen(0, EMPTY_ROOT)


class SeenCheckpoints(Protocol):
    """Where a witness keeps what it saw last of each log, durably."""

    async def latest(self, origin: str) -> Seen:
        """What was seen last, :data:`NOTHING_SEEN` if nothing was."""

    async def replace(self, origin: str, expected: Seen, seen: Seen) -> bool:
        """Writes ``seen`` if what is there is still ``expected``, in one step; whether it did."""


@dataclass(frozen=True, slots=True)
class Submission:
    """The body of ``add-checkpoint``: a checkpoint, and the proof from the tree of ``old`` leaves to it."""

    old: int
    proof: tuple[bytes, ...]
    note: Note

    @classmethod
    def parse(cls, body: str) -> Self:
        """Reads a request's body; Malformed if it is none."""
        head, blank, note = body.partition("\n\n")
        first, *proof = head.split("\n")
        if not blank or not first.startswith("old "):
            raise Malformed("not a submission to a witness")
        if len(proof) > _MOST_PROOF_LINES:
            raise Malformed("the consistency proof is too long")
        return cls(decimal_of(first.removeprefix("old ")), tuple(hash_of(line) for line in proof), Note.parse(note))

    def __str__(self) -> str:
        return f"old {self.old}\n" + "".join(f"{base64_of(node)}\n" for node in self.proof) + f"\n{self.note}"


class Witness:
    """Cosigns the checkpoints of the logs that it knows, each only if it adds to what this witness saw before."""

    def __init__(self, cosigner: Cosigner, logs: Mapping[str, Sequence[Verifier]], seen: SeenCheckpoints) -> None:
        """``logs``: the keys that are trusted for each origin."""
        self._cosigner = cosigner
        self._logs = dict(logs)
        self._seen = seen

    async def add_checkpoint(self, body: str, now: int) -> str:
        """Cosigns at ``now`` (seconds since the epoch, POSIX): the signature line, newline included; else Refused.

        What was seen is written before the answer, and only if nobody else wrote since it was read.
        """
        submission, checkpoint = self._verified(body)
        if submission.old > checkpoint.size:
            raise Refused(400, "the old size is above the checkpoint's")
        seen = await self._seen.latest(checkpoint.origin)
        if seen.size != submission.old:
            raise Refused(409, "the checkpoint does not begin from what was seen last", seen.size)
        if checkpoint.size == seen.size and checkpoint.root != seen.root:
            raise Refused(409, "another tree of this size was seen", seen.size)
        try:
            verify_consistency(seen.size, seen.root, checkpoint.size, checkpoint.root, submission.proof)
        except ProofInvalid as reason:
            raise Refused(422, str(reason)) from None
        # signed before it is written: what is seen but never told is harmless, and a key that fails writes nothing
        cosignature = self._cosigner.sign(submission.note.text, now)
        if not await self._seen.replace(checkpoint.origin, seen, Seen(checkpoint.size, checkpoint.root)):
            latest = await self._seen.latest(checkpoint.origin)
            raise Refused(409, "another checkpoint came in between", latest.size)
        return f"{cosignature}\n"

    def _verified(self, body: str) -> tuple[Submission, Checkpoint]:
        try:
            submission = Submission.parse(body)
            checkpoint = Checkpoint.parse(submission.note.text)
        except Malformed as reason:
            raise Refused(400, str(reason)) from None
        keys = self._logs.get(checkpoint.origin)
        if keys is None:
            raise Refused(404, "this log is not known here")
        try:
            open_note(submission.note, keys)
        except SignatureInvalid as reason:
            raise Refused(403, str(reason)) from None
        return submission, checkpoint


def cosigned(note: Note, answer: str, witness: CosignatureVerifier) -> Note:
    """A checkpoint with the cosignature that ``witness`` answered for it; lines of other keys are ignored.

    Malformed or SignatureInvalid if the answer holds no valid cosignature of this witness.
    """
    lines = answer.removesuffix("\n").split("\n")
    answered = Note(note.text, tuple(Signature.parse(line) for line in lines))
    return note.signed(*open_note(answered, [witness]))
