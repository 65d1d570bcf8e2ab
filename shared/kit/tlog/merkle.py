"""The Merkle tree of RFC 6962, section 2.1 (RFC 9162 keeps it): hashes, roots, proofs and their verification.

A *node* ``(level, index)`` is the root over the complete run of leaves ``[index << level, (index + 1) << level)``.
Nodes never change while a tree grows, which is why everything here is said in them: whoever has the nodes (a list in
memory, tiles in a database) can prove, and a proof is made by the same code from either.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves."""

NodeId = tuple[int, int]
"""``(level, index)``."""

Range = tuple[int, int]
"""Leaves ``[start, end)``, ``start`` a multiple of the smallest power of two that is not below ``end - start``."""

Nodes = Callable[[int, int], bytes]
"""Gives the hash of the node ``(level, index)``."""


class ProofInvalid(Exception):
    """A proof does not show what it is said to show. Says which part of it failed."""


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 ‖ data)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


class CompactRange:
    """The right edge of a growing tree: the roots of its complete subtrees, at most one of each size.

    Appends in O(log n) at worst and O(1) on average, and keeps 32 bytes for each bit that is set in the size.
    """

    __slots__ = ("_edge", "size")

    def __init__(self, size: int = 0, edge: Sequence[bytes] = ()) -> None:
        """An empty tree, or one taken up again: ``edge`` as :attr:`edge` gave it at ``size``, else ValueError."""
        if size < 0 or len(edge) != size.bit_count() or any(len(node) != HASH_BYTES for node in edge):
            raise ValueError("the edge does not belong to a tree of this size")
        self.size = size
        self._edge = list(edge)

    @property
    def edge(self) -> tuple[bytes, ...]:
        """The roots of the complete subtrees, the largest (leftmost) first."""
        return tuple(self._edge)

    def append(self, leaf: bytes) -> None:
        """Adds a leaf by its hash."""
        node = leaf
        rest = self.size
        while rest & 1:
            node = node_hash(self._edge.pop(), node)
            rest >>= 1
        self._edge.append(node)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Adds leaves by their hashes, in this order."""
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        """The root of the whole tree as it is now."""
        return _fold(self._edge) if self._edge else EMPTY_ROOT


def _fold(edge: Sequence[bytes]) -> bytes:
    """The root over neighbouring complete subtrees, each smaller than the one before."""
    root = edge[-1]
    for node in reversed(edge[:-1]):
        root = node_hash(node, root)
    return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes."""
    tree = CompactRange()
    tree.extend(leaves)
    return tree.root()


def nodes_in_memory(leaves: Sequence[bytes]) -> Nodes:
    """The nodes of a tree whose leaf hashes are all at hand: 64 bytes of memory per leaf."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])

    def node(level: int, index: int) -> bytes:
        return levels[level][index]

    return node


def nodes_of(leaves: Range) -> list[NodeId]:
    """The complete subtrees that a range falls into, the largest (leftmost) first."""
    start, end = leaves
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


def range_root(leaves: Range, nodes: Nodes) -> bytes:
    """MTH over a range that is not empty."""
    return _fold([nodes(level, index) for level, index in nodes_of(leaves)])


def root(size: int, nodes: Nodes) -> bytes:
    """The root of the tree of the first ``size`` leaves."""
    return range_root((0, size), nodes) if size else EMPTY_ROOT


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """What PATH(index, D[size]) consists of (RFC 6962, 2.1.1), from the leaf's sibling up to the root's child.

    ValueError if the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError("there is no such leaf in a tree of this size")
    path = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return path[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """What PROOF(old, D[new]) consists of (RFC 6962, 2.1.2); nothing if ``old`` is 0 or ``new``.

    ValueError unless 0 ≤ old ≤ new.
    """
    if not 0 <= old <= new:
        raise ValueError("a tree is consistent with a smaller one only")
    path = []
    start, end = 0, new
    while 0 < old < end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    if start:
        path.append((start, end))
    return path[::-1]


def _split(width: int) -> int:
    """The largest power of two below ``width``, which is at least 2."""
    return 1 << ((width - 1).bit_length() - 1)


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """Shows that leaf ``index`` (from 0) is in the tree of the first ``size`` leaves. ValueError if it is not."""
    return [range_root(part, nodes) for part in inclusion_ranges(index, size)]


def consistency_proof(old: int, new: int, nodes: Nodes) -> list[bytes]:
    """Shows that the tree of ``new`` leaves begins with that of ``old`` leaves. ValueError unless 0 ≤ old ≤ new."""
    return [range_root(part, nodes) for part in consistency_ranges(old, new)]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root_hash: bytes) -> None:
    """Accepts an inclusion proof of a leaf (by its hash), as RFC 9162, 2.1.3.2, says; else ProofInvalid."""
    if not 0 <= index < size:
        raise ProofInvalid("there is no such leaf in a tree of this size")
    found = leaf
    place, last = index, size - 1
    for sibling in proof:
        if not last:
            raise ProofInvalid("the inclusion proof is too long")
        if place & 1 or place == last:
            found = node_hash(sibling, found)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            found = node_hash(found, sibling)
        place >>= 1
        last >>= 1
    if last:
        raise ProofInvalid("the inclusion proof is too short")
    if found != root_hash:
        raise ProofInvalid("the inclusion proof does not lead to the root")


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Accepts a consistency proof of two trees, as RFC 9162, 2.1.4.2, says; else ProofInvalid.

    The empty tree is consistent with every tree and a tree with itself; both take an empty proof.
    """
    if not 0 <= old <= new:
        raise ProofInvalid("the tree has shrunk")
    if old in {0, new}:
        if proof:
            raise ProofInvalid("the consistency proof is too long")
        if (old == 0 and old_root != EMPTY_ROOT) or (old == new and old_root != new_root):
            raise ProofInvalid("two roots of one size differ")
        return
    _verify_growth(old, old_root, new, new_root, proof)


def _verify_growth(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    place, last = old - 1, new - 1
    while place & 1:
        place >>= 1
        last >>= 1
    # a complete old tree is itself the first node of the proof, and left out of it
    path = list(proof) if place else [old_root, *proof]
    if not path:
        raise ProofInvalid("the consistency proof is too short")
    found_old = found_new = path[0]
    for sibling in path[1:]:
        if not last:
            raise ProofInvalid("the consistency proof is too long")
        if place & 1 or place == last:
            found_old = node_hash(sibling, found_old)
            found_new = node_hash(sibling, found_new)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            found_new = node_hash(found_new, sibling)
        place >>= 1
        last >>= 1
    if last:
        raise ProofInvalid("the consistency proof is too short")
    if found_old != old_root:
        raise ProofInvalid("the consistency proof does not lead to the old root")
    if found_new != new_root:
        raise ProofInvalid("the consistency proof does not lead to the new root")
