"""The reporter's receipt: proves, without asking anybody, that a step of the report stands in the log.

``{"leaf": {…}, "nonce": "<64 hex digits>", "proof": "<.tlog-proof>", "checkpoint": "<signed note>"}``. ``proof`` ends
with the checkpoint, which stands beside it for those who want to compare heads only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Self

from services.integrity.log.leaf import NONCE_BYTES, Leaf, commit_case
from services.integrity.log.policy import Policy, Witnessed
from services.integrity.log.proof import LogProof
from shared.kit.tlog.merkle import ProofInvalid
from shared.kit.tlog.notes import Malformed, Note

_FIELDS = {"leaf", "nonce", "proof", "checkpoint"}


@dataclass(frozen=True, slots=True)
class Receipt:
    """A leaf, the nonce of its commitments, and the proof that it is in the log."""

    leaf: Leaf
    nonce: bytes = field(repr=False)
    proof: LogProof

    def __post_init__(self) -> None:
        """Malformed if the nonce is not of 32 bytes."""
        if len(self.nonce) != NONCE_BYTES:
            raise Malformed("a receipt's nonce has 32 bytes")

    @classmethod
    def parse(cls, document: object) -> Self:
        """From the parsed JSON object; else Malformed."""
        if not isinstance(document, Mapping) or not set(document) >= _FIELDS:
            raise Malformed("not a receipt")
        nonce, proof, checkpoint = document["nonce"], document["proof"], document["checkpoint"]
        if not isinstance(nonce, str) or not isinstance(proof, str) or not isinstance(checkpoint, str):
            raise Malformed("not a receipt")
        receipt = cls(Leaf.parse(document["leaf"]), _hex(nonce), LogProof.parse(proof))
        if Note.parse(checkpoint) != receipt.proof.note:
            raise Malformed("the receipt's checkpoint is not that of its proof")
        return receipt

    def document(self) -> dict[str, object]:
        """The receipt as a JSON object."""
        return {
            "leaf": self.leaf.document(),
            "nonce": self.nonce.hex(),
            "proof": str(self.proof),
            "checkpoint": str(self.proof.note),
        }

    def verify(self, policy: Policy) -> Witnessed:
        """Accepts the leaf as standing in a log that the policy knows, whether or not the witnesses are enough yet.

        SignatureInvalid, ProofInvalid or Malformed say what is wrong with it.
        """
        witnessed = policy.witnessed(self.proof.note)
        self.proof.verify_leaf(self.leaf.hash())
        return witnessed

    def verify_case(self, case: str) -> None:
        """Accepts the leaf as being about this case; else ProofInvalid."""
        if not compare_digest(self.leaf.case_commit, commit_case(self.nonce, case)):
            raise ProofInvalid("the leaf is about another case")


def _hex(text: str) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError:
        raise Malformed("a receipt's nonce is in hex") from None
    if data.hex() != text:
        raise Malformed("a receipt's nonce is in lowercase hex")
    return data
