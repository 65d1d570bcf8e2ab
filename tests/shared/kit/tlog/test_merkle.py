from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kit.tlog import merkle
from shared.kit.tlog.merkle import (
    EMPTY_ROOT,
    CompactRange,
    ProofInvalid,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    nodes_in_memory,
    root,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.shared.kit.tlog import rfc6962

trees = st.lists(st.binary(max_size=40), min_size=1, max_size=70, unique=True)


def _hashes(data: list[bytes]) -> list[bytes]:
    return [leaf_hash(item) for item in data]


def _flipped(value: bytes, bit: int) -> bytes:
    bit %= len(value) * 8
    return value[: bit // 8] + bytes([value[bit // 8] ^ 1 << bit % 8]) + value[bit // 8 + 1 :]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    hashes = _hashes(rfc6962.LEAVES[:size])
    assert root_of(hashes).hex() == rfc6962.ROOTS[size]
    assert root(size, nodes_in_memory(hashes)).hex() == rfc6962.ROOTS[size]


def test_a_published_inclusion_path() -> None:
    # leaf 0 of 8, google/certificate-transparency, cpp/merkletree/merkle_tree_test.cc
    nodes = nodes_in_memory(_hashes(rfc6962.LEAVES))
    assert [node.hex() for node in inclusion_proof(0, 8, nodes)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]


@pytest.mark.parametrize("size", [*range(1, 34), 63, 64, 65, 100])
def test_every_proof_is_the_one_that_the_rfc_defines(size: int) -> None:
    data = [str(n).encode() for n in range(size)]
    hashes = _hashes(data)
    nodes = nodes_in_memory(hashes)
    whole = rfc6962.mth(data)
    for index in range(size):
        inclusion = inclusion_proof(index, size, nodes)
        assert inclusion == rfc6962.path(index, data)
        verify_inclusion(hashes[index], index, size, inclusion, whole)
    for old in range(1, size + 1):
        consistency = consistency_proof(old, size, nodes)
        assert consistency == rfc6962.proof(old, data)
        verify_consistency(old, rfc6962.mth(data[:old]), size, whole, consistency)


@given(trees)
def test_a_compact_range_has_the_root_of_every_size(data: list[bytes]) -> None:
    tree = CompactRange()
    assert tree.root() == EMPTY_ROOT
    for size, item in enumerate(data, start=1):
        tree.append(leaf_hash(item))
        assert tree.root() == rfc6962.mth(data[:size])
        tree = CompactRange(tree.size, tree.edge)
    assert tree.size == len(data)


def test_an_edge_of_another_size_is_refused() -> None:
    tree = CompactRange()
    tree.extend(_hashes(rfc6962.LEAVES[:3]))
    for size in (-1, 4, 7):
        with pytest.raises(ValueError, match="edge"):
            CompactRange(size, tree.edge)


@given(trees, st.data())
def test_inclusion_with_one_flipped_bit_is_refused(data: list[bytes], draw: st.DataObject) -> None:
    size = len(data)
    index = draw.draw(st.integers(0, size - 1))
    hashes = _hashes(data)
    proof = inclusion_proof(index, size, nodes_in_memory(hashes))
    whole = root_of(hashes)
    verify_inclusion(hashes[index], index, size, proof, whole)
    bit = draw.draw(st.integers(0, 255))
    wrong = [
        (_flipped(hashes[index], bit), index, size, proof, whole),
        (hashes[index], index, size, proof, _flipped(whole, bit)),
        *(
            (hashes[index], index, size, [*proof[:n], _flipped(proof[n], bit), *proof[n + 1 :]], whole)
            for n in range(len(proof))
        ),
        (hashes[index], index, size, [*proof, whole], whole),
        (hashes[index], size, size, proof, whole),
        (hashes[index], -1, size, proof, whole),
    ]
    if proof:
        wrong.append((hashes[index], index, size, proof[1:], whole))
        wrong.append((hashes[index], index, size, proof[:-1], whole))
        wrong.append((hashes[index], index ^ 1, size, proof, whole))
    for case in wrong:
        with pytest.raises(ProofInvalid):
            verify_inclusion(*case)


@given(trees, st.data())
def test_consistency_with_one_flipped_bit_is_refused(data: list[bytes], draw: st.DataObject) -> None:
    new = len(data)
    old = draw.draw(st.integers(1, new))
    hashes = _hashes(data)
    proof = consistency_proof(old, new, nodes_in_memory(hashes))
    before, after = root_of(hashes[:old]), root_of(hashes)
    bit = draw.draw(st.integers(0, 255))
    wrong = [
        (old, _flipped(before, bit), new, after, proof),
        (old, before, new, _flipped(after, bit), proof),
        *((old, before, new, after, [*proof[:n], _flipped(proof[n], bit), *proof[n + 1 :]]) for n in range(len(proof))),
        (old, before, new, after, [*proof, after]),
        (new + 1, before, new, after, proof),
        (-1, before, new, after, proof),
    ]
    if proof:
        wrong.append((old, before, new, after, proof[1:]))
        wrong.append((old, before, new, after, proof[:-1]))
    for case in wrong:
        with pytest.raises(ProofInvalid):
            verify_consistency(*case)


@given(trees, st.data())
def test_a_tree_with_a_changed_past_has_no_proof(data: list[bytes], draw: st.DataObject) -> None:
    old = draw.draw(st.integers(1, len(data)))
    changed = draw.draw(st.integers(0, old - 1))
    before = root_of(_hashes(data[:old]))
    forged = _hashes([*data[:changed], data[changed] + b"!", *data[changed + 1 :]])
    proof = consistency_proof(old, len(forged), nodes_in_memory(forged))
    with pytest.raises(ProofInvalid):
        verify_consistency(old, before, len(forged), root_of(forged), proof)


def test_the_empty_tree_is_consistent_with_every_tree_and_takes_no_proof() -> None:
    whole = root_of(_hashes(rfc6962.LEAVES))
    verify_consistency(0, EMPTY_ROOT, 8, whole, [])
    verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    for case in ((0, whole, 8, whole, []), (0, EMPTY_ROOT, 8, whole, [whole]), (0, EMPTY_ROOT, 0, whole, [])):
        with pytest.raises(ProofInvalid):
            verify_consistency(*case)


def test_what_a_tree_does_not_have_cannot_be_proven() -> None:
    nodes = nodes_in_memory(_hashes(rfc6962.LEAVES))
    for index, size in ((8, 8), (-1, 8), (0, 0)):
        with pytest.raises(ValueError, match="no such leaf"):
            inclusion_proof(index, size, nodes)
    with pytest.raises(ValueError, match="smaller"):
        consistency_proof(9, 8, nodes)


@given(st.integers(1, 5000), st.data())
def test_ranges_of_proofs_are_complete_subtrees(size: int, draw: st.DataObject) -> None:
    index = draw.draw(st.integers(0, size - 1))
    old = draw.draw(st.integers(0, size))
    parts = merkle.inclusion_ranges(index, size)
    assert sum(end - start for start, end in parts) == size - 1
    for part in parts + merkle.consistency_ranges(old, size):
        covered = [(n << level, (n + 1) << level) for level, n in merkle.nodes_of(part)]
        assert covered[0][0] == part[0]
        assert covered[-1][1] == part[1]
        assert all(left[1] == right[0] for left, right in pairwise(covered))
