"""Whom a checkpoint must be signed by before it is believed: the log's key, and so many of the witnesses.

Whoever verifies *pins* the policy, that is, has it from elsewhere than from the log. As a file:
``{"origin": "…", "logs": ["<vkey>"], "witnesses": ["<vkey>", …], "quorum": 2}``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from shared.kit.tlog.checkpoint import Checkpoint
from shared.kit.tlog.cosignature import CosignatureVerifier, timestamp_of
from shared.kit.tlog.notes import Malformed, Note, NoteVerifier, Signature, SignatureInvalid, open_note, verified

_FIELDS = {"origin", "logs", "witnesses", "quorum"}


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A checkpoint that the log signed, and which witnesses countersigned it when (UTC)."""

    checkpoint: Checkpoint
    witnesses: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class Policy:
    """``quorum`` of ``witnesses`` must have countersigned a checkpoint of the log ``origin``."""

    origin: str
    logs: tuple[NoteVerifier, ...]
    witnesses: tuple[CosignatureVerifier, ...]
    quorum: int

    def __post_init__(self) -> None:
        """Malformed if the quorum cannot be met by different witnesses, or one key stands twice.

        A cosignature says which key made it, not which name: one key under two names would count twice.
        """
        keys = [log.key.public for log in self.logs] + [witness.key.public for witness in self.witnesses]
        if not self.origin or not self.logs or len(set(keys)) != len(keys):
            raise Malformed("a policy needs an origin and keys that differ")
        if len({witness.name for witness in self.witnesses}) != len(self.witnesses):
            raise Malformed("a policy names a witness twice")
        if not 1 <= self.quorum <= len(self.witnesses):
            raise Malformed("a policy's quorum cannot be met")

    @classmethod
    def parse(cls, document: object) -> Self:
        """From the parsed JSON object; else Malformed."""
        if not isinstance(document, Mapping) or set(document) != _FIELDS:
            raise Malformed("not a policy")
        origin, quorum = document["origin"], document["quorum"]
        if not isinstance(origin, str) or type(quorum) is not int:
            raise Malformed("not a policy")
        return cls(
            origin,
            tuple(NoteVerifier.parse(vkey) for vkey in _texts(document["logs"])),
            tuple(CosignatureVerifier.parse(vkey) for vkey in _texts(document["witnesses"])),
            quorum,
        )

    def document(self) -> dict[str, object]:
        """The policy as a JSON object."""
        return {
            "origin": self.origin,
            "logs": [str(log.key) for log in self.logs],
            "witnesses": [str(witness.key) for witness in self.witnesses],
            "quorum": self.quorum,
        }

    def witnessed(self, note: Note) -> Witnessed:
        """The checkpoint that the log's key signed, and its valid countersignatures; the quorum is not asked for.

        SignatureInvalid if the log did not sign it, if a countersignature of a known witness does not verify, or it is
        of another log; Malformed if the note is no checkpoint.
        """
        checkpoint = Checkpoint.parse(note.text)
        if checkpoint.origin != self.origin:
            raise SignatureInvalid("the checkpoint is of another log")
        open_note(note, self.logs)
        times = {signature.name: _time_of(signature) for signature in verified(note, self.witnesses)}
        return Witnessed(checkpoint, times)

    def met_by(self, witnessed: Witnessed) -> bool:
        """Whether enough witnesses countersigned."""
        return len(witnessed.witnesses) >= self.quorum


def _time_of(signature: Signature) -> datetime:
    try:
        return datetime.fromtimestamp(timestamp_of(signature.value), UTC)
    except (OverflowError, ValueError, OSError):
        raise SignatureInvalid(f"the signature of {signature.name} is of an impossible time") from None


def _texts(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Malformed("not a list of verifier keys")
    return value
