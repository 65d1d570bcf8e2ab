import pytest

from services.integrity.log.proof import LogProof
from shared.kit.tlog.checkpoint import Checkpoint
from shared.kit.tlog.merkle import ProofInvalid, inclusion_proof, leaf_hash, nodes_in_memory, root_of
from shared.kit.tlog.notes import ED25519, Malformed, Note, NoteSigner, SigningKey

# written by hand after the format's description, https://c2sp.org/tlog-proof
EXAMPLE = (
    "c2sp.org/tlog-proof@v1\n"
    "extra YWdl\n"
    "index 70000\n"
    "ZqVm4IQc4dMeq4hMO8pXL8psxwGdw2SKMhXtmpMv8Ns=\n"
    "nXI9+eVgY5lYfa4zjk4TVhNU0RT6RbOaDpeh/7+ev4k=\n"
    "\n"
    "seda.test/log\n"
    "100000\n"
    "NMpsDPYdHBAV+Us0ERP+DhKdCBASym6YplWaGdImn3c=\n"
    "\n"
    "— seda.test/log AAAAAAA=\n"
)


def test_the_format() -> None:
    proof = LogProof.parse(EXAMPLE)
    assert (proof.index, len(proof.hashes), proof.extra) == (70000, 2, b"age")
    assert proof.checkpoint().size == 100000
    assert str(proof) == EXAMPLE
    assert LogProof.parse(EXAMPLE.replace("extra YWdl\n", "")).extra is None


@pytest.mark.parametrize(
    ("what", "by"),
    [
        ("@v1", "@v2"),
        ("extra YWdl\nindex", "index 1\nindex"),
        ("extra YWdl", "extra !!"),
        ("index 70000\n", ""),
        ("index 70000", "index -5"),
        ("index 70000", "index 070000"),
        ("ZqVm", ""),
        ("\n\nseda.test/log\n100000", "\nseda.test/log\n100000"),
        ("100000\n", ""),
        ("nXI9+eVgY5lYfa4zjk4TVhNU0RT6RbOaDpeh/7+ev4k=\n", "nXI9+eVgY5lYfa4zjk4TVhNU0RT6RbOaDpeh/7+ev4k=\n" * 63),
    ],
)
def test_what_is_no_proof_is_refused(what: str, by: str) -> None:
    changed = EXAMPLE.replace(what, by, 1)
    assert changed != EXAMPLE
    with pytest.raises(Malformed):
        LogProof.parse(changed).checkpoint()


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9])
def test_a_leaf_is_where_the_proof_says(size: int) -> None:
    signer = NoteSigner(SigningKey.generate("seda.test/log", ED25519))
    leaves = [leaf_hash(bytes([n])) for n in range(size)]
    text = str(Checkpoint("seda.test/log", size, root_of(leaves)))
    note = Note(text).signed(signer.sign(text))
    for index, leaf in enumerate(leaves):
        kept = str(LogProof(index, tuple(inclusion_proof(index, size, nodes_in_memory(leaves))), note))
        proof = LogProof.parse(kept)
        proof.verify_leaf(leaf)
        with pytest.raises(ProofInvalid):
            proof.verify_leaf(leaf_hash(b"another"))
