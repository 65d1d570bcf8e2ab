"""A log of a few leaves with two witnesses, and receipts of it, for tests of what reads them."""

from services.integrity.log.leaf import Leaf, commit_actor, commit_case, new_nonce
from services.integrity.log.policy import Policy
from services.integrity.log.proof import LogProof
from services.integrity.log.receipt import Receipt
from shared.kit.tlog.checkpoint import Checkpoint
from shared.kit.tlog.cosignature import COSIGNATURE, Cosigner
from shared.kit.tlog.merkle import inclusion_proof, nodes_in_memory, root_of
from shared.kit.tlog.notes import ED25519, Note, NoteSigner, SigningKey

ORIGIN = "seda.test/log"
NOW = 1_764_000_000
REPORT = "R-1405-000007"


class SmallLog:
    """Seven first leaves of seven reports; the one at ``index`` is of :data:`REPORT`."""

    def __init__(self, size: int = 7, index: int = 4) -> None:
        self.signer = NoteSigner(SigningKey.generate(ORIGIN, ED25519))
        self.witnesses = [
            Cosigner(SigningKey.generate(f"seda.test/{who}", COSIGNATURE)) for who in ("gateway", "letters")
        ]
        self.index = index
        self.nonces = [new_nonce() for _ in range(size)]
        self.leaves = [self._leaf(n) for n in range(size)]

    def _leaf(self, n: int) -> Leaf:
        nonce, report = self.nonces[n], REPORT if n == self.index else f"R-{n}"
        return Leaf(
            commit_case(nonce, report),
            1,
            "registered",
            "2026-11-24T03:00:00Z",
            commit_actor(nonce, "x"),
            "3" * 64,
            None,
        )

    def policy(self, quorum: int = 2) -> Policy:
        return Policy(ORIGIN, (self.signer.verifier,), tuple(witness.verifier for witness in self.witnesses), quorum)

    def note(self, *witnesses: Cosigner) -> Note:
        text = str(Checkpoint(ORIGIN, len(self.leaves), root_of([leaf.hash() for leaf in self.leaves])))
        return Note(text).signed(self.signer.sign(text), *(witness.sign(text, NOW) for witness in witnesses))

    def receipt(self, *witnesses: Cosigner) -> Receipt:
        nodes = nodes_in_memory([leaf.hash() for leaf in self.leaves])
        hashes = tuple(inclusion_proof(self.index, len(self.leaves), nodes))
        return Receipt(
            self.leaves[self.index], self.nonces[self.index], LogProof(self.index, hashes, self.note(*witnesses))
        )

    def full_receipt(self) -> Receipt:
        return self.receipt(*self.witnesses)
