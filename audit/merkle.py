"""The Merkle tree of the record: roots, proofs, and their checks, exactly as RFC 6962 section 2.1 and RFC 9162.

Every hash is 32 raw bytes (SHA-256). Pure functions: no files, no database. A proof is a list of such hashes.
A tree that only grows is carried by its peaks, so that adding a batch costs the batch and the logarithm of the tree.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
LARGEST_SIZE = 2**63

Node = Callable[[int, int], bytes]
"""Answers (height, index) with the root of the complete subtree over leaves [index·2^height, (index+1)·2^height)."""

Span = tuple[int, int]
"""Leaves from the first up to, but without, the second."""


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256 of a zero byte and the entry (RFC 6962, section 2.1): 32 bytes."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 of a one byte and two hashes (RFC 6962, section 2.1): 32 bytes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True)
class Peaks:
    """A tree of ``size`` leaves, held as the roots of its largest complete subtrees, the leftmost first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def extended(self, leaf_hashes: Iterable[bytes]) -> "Peaks":
        """The tree with more leaves: O(number added + log size) hashes."""
        size, hashes = self.size, list(self.hashes)
        for added in leaf_hashes:
            hashes.append(added)
            size += 1
            for _ in range(_trailing_zeros(size)):
                right = hashes.pop()
                hashes[-1] = node_hash(hashes[-1], right)
        return Peaks(size, tuple(hashes))

    @property
    def root(self) -> bytes:
        if not self.hashes:
            return EMPTY_ROOT
        *rest, root = self.hashes
        for left in reversed(rest):
            root = node_hash(left, root)
        return root


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """The Merkle tree hash of any number of leaf hashes, none among them: 32 bytes."""
    return Peaks().extended(leaf_hashes).root


def inclusion_proof(index: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """The audit path of the leaf at ``index`` (RFC 6962, section 2.1.1), from the leaf up. Raises ValueError."""
    return [_root_of(leaf_hashes, span) for span in inclusion_spans(index, len(leaf_hashes))]


def consistency_proof(old: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """That the first ``old`` leaves are the start of all of them (RFC 6962, section 2.1.2).

    Raises ValueError for an ``old`` of 0, from which nothing can be proved, or beyond the tree.
    """
    return [_root_of(leaf_hashes, span) for span in consistency_spans(old, len(leaf_hashes))]


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The subtrees whose roots are an inclusion proof, in its order. Raises ValueError."""
    if not 0 <= index < size:
        raise ValueError(f"There is no leaf {index} in a tree of {size}.")
    return _siblings_on_the_way(index, size)


def consistency_spans(old: int, size: int) -> list[Span]:
    """The subtrees whose roots are a consistency proof, in its order. Raises ValueError."""
    if not 0 < old <= size:
        raise ValueError(f"Nothing leads from {old} leaves to {size}.")
    if old == size:
        return []
    start, end, spans = 0, size, []
    while old != end:
        middle = start + _largest_power_below(end - start)
        if old <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    if start:
        spans.append((start, end))
    return spans[::-1]


def span_root(span: Span, node: Node) -> bytes:
    """The Merkle tree hash over a span that starts where a subtree does, from the roots of complete subtrees.

    ``span`` as inclusion_spans() and consistency_spans() give them, or (0, size) for a whole tree.
    """
    start, end = span
    if start == end:
        return EMPTY_ROOT
    peaks = []
    while start < end:
        height = (end - start).bit_length() - 1
        peaks.append(node(height, start >> height))
        start += 1 << height
    return Peaks(end - span[0], tuple(peaks)).root


def verify_inclusion(index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether ``leaf_hash`` stands at ``index`` in the tree of ``size`` with ``root`` (RFC 9162, section 2.1.3.2).

    Anything malformed is False, never an exception.
    """
    if not (_is_place(index, size) and _are_hashes(leaf_hash, root) and _is_proof(proof)):
        return False
    step, last, found = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:
            return False
        if step & 1 or step == last:
            found = node_hash(sibling, found)
            while not step & 1 and step:
                step, last = step >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        step, last = step >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(size1: int, size2: int, root1: bytes, root2: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of ``size1`` is the beginning of that of ``size2`` (RFC 9162, section 2.1.4.2).

    From an empty tree nothing is proved, so a ``size1`` of 0 is False, as is anything malformed.
    """
    if not (_is_size(size1) and _is_size(size2) and 0 < size1 <= size2 and _are_hashes(root1, root2)):
        return False
    if not _is_proof(proof):
        return False
    if size1 == size2:
        return len(proof) == 0 and root1 == root2
    path = list(proof)
    if size1 & (size1 - 1) == 0:
        path.insert(0, root1)
    if not path:
        return False
    step, last = size1 - 1, size2 - 1
    while step & 1:
        step, last = step >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if step & 1 or step == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not step & 1 and step:
                step, last = step >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        step, last = step >> 1, last >> 1
    return last == 0 and old == root1 and new == root2


def _siblings_on_the_way(index: int, size: int) -> list[Span]:
    start, end, spans = 0, size, []
    while end - start > 1:
        middle = start + _largest_power_below(end - start)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def _root_of(leaf_hashes: Sequence[bytes], span: Span) -> bytes:
    return root(leaf_hashes[span[0] : span[1]])


def _largest_power_below(n: int) -> int:
    """The largest power of two smaller than n, which is 2 or more."""
    return 1 << ((n - 1).bit_length() - 1)


def _trailing_zeros(n: int) -> int:
    return (n & -n).bit_length() - 1


def _is_size(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= LARGEST_SIZE


def _is_place(index: object, size: object) -> bool:
    return _is_size(index) and _is_size(size) and index < size  # type: ignore[operator]


def _are_hashes(*given: object) -> bool:
    return all(isinstance(one, bytes) and len(one) == HASH_BYTES for one in given)


def _is_proof(given: object) -> bool:
    return isinstance(given, list | tuple) and _are_hashes(*given)
