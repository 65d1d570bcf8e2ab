"""A log of a few leaves that brings its checkpoints to witnesses, and leaves of another one."""

from shared.kit.tlog.checkpoint import Checkpoint
from shared.kit.tlog.merkle import consistency_proof, leaf_hash, nodes_in_memory, root_of
from shared.kit.tlog.notes import ED25519, Note, NoteSigner, SigningKey
from shared.kit.tlog.witness import Submission

ORIGIN = "seda.test/log"
LEAVES = [leaf_hash(str(n).encode()) for n in range(40)]
OTHER = [leaf_hash(str(n).encode()) for n in range(100, 140)]


class Log:
    """The log's side: signs checkpoints of these leaves and makes submissions."""

    def __init__(self, leaves: list[bytes] = LEAVES, signer: NoteSigner | None = None) -> None:
        self.leaves = leaves
        self.signer = signer or NoteSigner(SigningKey.generate(ORIGIN, ED25519))

    def note(self, size: int, root: bytes | None = None, origin: str = ORIGIN) -> Note:
        text = str(Checkpoint(origin, size, root_of(self.leaves[:size]) if root is None else root))
        return Note(text).signed(self.signer.sign(text))

    def submission(self, old: int, size: int) -> str:
        proof = consistency_proof(old, size, nodes_in_memory(self.leaves)) if old <= size else []
        return str(Submission(old, tuple(proof), self.note(size)))
