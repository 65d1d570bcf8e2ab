"""Proofs to keep (https://c2sp.org/tlog-proof): inclusion proof and checkpoint in one text, verified offline."""

from dataclasses import dataclass
from typing import Self

from shared.kit.tlog.checkpoint import Checkpoint, decimal_of, hash_of
from shared.kit.tlog.merkle import verify_inclusion
from shared.kit.tlog.notes import Malformed, Note, base64_of, bytes_of

_HEADER = "c2sp.org/tlog-proof@v1"
_MOST_HASHES = 63


@dataclass(frozen=True, slots=True)
class LogProof:
    """Shows that the leaf at ``index`` is in the tree of the checkpoint in ``note``. ``extra`` is not authenticated."""

    index: int
    hashes: tuple[bytes, ...]
    note: Note
    extra: bytes | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a ``.tlog-proof``; Malformed if it is none."""
        head, blank, note = text.partition("\n\n")
        lines = head.split("\n")
        if not blank or lines.pop(0) != _HEADER:
            raise Malformed("not a proof of a transparency log")
        extra = bytes_of(lines.pop(0).removeprefix("extra ")) if lines and lines[0].startswith("extra ") else None
        if not lines or not lines[0].startswith("index "):
            raise Malformed("the proof names no leaf")
        index = decimal_of(lines.pop(0).removeprefix("index "))
        if len(lines) > _MOST_HASHES:
            raise Malformed("the inclusion proof is too long")
        return cls(index, tuple(hash_of(line) for line in lines), Note.parse(note), extra)

    def checkpoint(self) -> Checkpoint:
        """The checkpoint, whose signatures nobody has verified; Malformed if the note is none."""
        return Checkpoint.parse(self.note.text)

    def verify_leaf(self, leaf: bytes) -> None:
        """Accepts the leaf (by its hash) as being where the proof says; else ProofInvalid. Looks at no signature."""
        checkpoint = self.checkpoint()
        verify_inclusion(leaf, self.index, checkpoint.size, self.hashes, checkpoint.root)

    def __str__(self) -> str:
        extra = "" if self.extra is None else f"extra {base64_of(self.extra)}\n"
        hashes = "".join(f"{base64_of(node)}\n" for node in self.hashes)
        return f"{_HEADER}\n{extra}index {self.index}\n{hashes}\n{self.note}"
