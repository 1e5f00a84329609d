"""The Merkle tree of the evidence log: SHA-256, leaf H(0x00 || data), node H(0x01 || left || right).

Spec: RFC 6962 section 2.1, RFC 9162 section 2.1 (checks: 2.1.3.2 and 2.1.4.2).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from gateway.domain.errors import MisuseError

EMPTY_ROOT: Final = sha256(b"").digest()
HASH_BYTES: Final = 32


def leaf_hash(data: bytes) -> bytes:
    """Hash one record."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into their parent."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that appending needs: the roots of the complete subtrees, largest first.

    ``len(peaks)`` is the number of one bits of ``size``, so the state of a log of 2^40 records is 40 hashes at most.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size.bit_count() != len(self.peaks):
            raise MisuseError(
                "BROKEN_FRONTIER", f"{self.size} leaves need as many peaks as one bits"
            )

    def append(self, data: bytes) -> "Frontier":
        """Add one record; the cost is amortised constant."""
        return self.extend((data,))

    def extend(self, records: Iterable[bytes]) -> "Frontier":
        """Add records in order."""
        return self.extend_hashes(map(leaf_hash, records))

    def extend_hashes(self, leaves: Iterable[bytes]) -> "Frontier":
        """Add records by their leaf hashes."""
        size, peaks = self.size, list(self.peaks)
        for leaf in leaves:
            carry, node = size, leaf
            while carry & 1:
                node = node_hash(peaks.pop(), node)
                carry >>= 1
            peaks.append(node)
            size += 1
        return Frontier(size, tuple(peaks))

    @property
    def root(self) -> bytes:
        """Root of the tree so far, in O(log n)."""
        if not self.peaks:
            return EMPTY_ROOT
        node = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            node = node_hash(peak, node)
        return node


class Tree:
    """Proofs over known leaf hashes; building costs one hash per leaf, a proof O(log n) look-ups."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        level = list(leaves)
        self.size = len(level)
        self._levels = [level]
        while len(level) > 1:
            level = [
                node_hash(level[i], level[i + 1]) for i in range(0, len(level) - len(level) % 2, 2)
            ]
            self._levels.append(level)
        self._ragged: dict[tuple[int, int], bytes] = {}

    def root(self, size: int | None = None) -> bytes:
        """Return the root over the first ``size`` leaves, all by default."""
        end = self._checked(self.size if size is None else size)
        return self._root_of(0, end) if end else EMPTY_ROOT

    def inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """Return the audit path of one leaf in the tree of the first ``size`` leaves.

        Raises:
            MisuseError: ``OUT_OF_TREE``.
        """
        end = self._checked(self.size if size is None else size)
        if not 0 <= index < end:
            raise MisuseError("OUT_OF_TREE", f"no leaf {index} in a tree of {end}")
        start, path = 0, []
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._root_of(middle, end))
                end = middle
            else:
                path.append(self._root_of(start, middle))
                start = middle
        return tuple(reversed(path))

    def consistency(self, old: int, size: int | None = None) -> tuple[bytes, ...]:
        """Return the proof that the first ``old`` leaves are a prefix of the first ``size``.

        Raises:
            MisuseError: ``OUT_OF_TREE``.
        """
        end = self._checked(self.size if size is None else size)
        if not 0 <= old <= end:
            raise MisuseError("OUT_OF_TREE", f"no prefix of {old} in a tree of {end}")
        if old in (0, end):
            return ()
        start, path, whole = 0, [], True
        while old != end:
            middle = start + _split(end - start)
            if old <= middle:
                path.append(self._root_of(middle, end))
                end = middle
            else:
                path.append(self._root_of(start, middle))
                start, whole = middle, False
        known = () if whole else (self._root_of(start, end),)
        return (*known, *reversed(path))

    def _root_of(self, start: int, end: int) -> bytes:
        length = end - start
        if length & (length - 1) == 0:
            return self._levels[length.bit_length() - 1][start // length]
        found = self._ragged.get((start, end))
        if found is None:
            middle = start + _split(length)
            found = node_hash(self._root_of(start, middle), self._root_of(middle, end))
            self._ragged[start, end] = found
        return found

    def _checked(self, size: int) -> int:
        if not 0 <= size <= self.size:
            raise MisuseError("OUT_OF_TREE", f"{size} leaves asked of {self.size}")
        return size


def _split(length: int) -> int:
    """Return the largest power of two less than ``length``."""
    return 1 << ((length - 1).bit_length() - 1)


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Check an inclusion proof; a path that is too short or too long fails.

    Spec: RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    fn, sn, found = index, size - 1, leaf
    for sibling in path:
        if sn == 0 or len(sibling) != HASH_BYTES:
            return False
        if fn & 1 or fn == sn:
            found = node_hash(sibling, found)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = node_hash(found, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and found == root


def is_consistent(
    old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes
) -> bool:
    """Check that the tree of ``old`` leaves is a prefix of the tree of ``new`` leaves.

    Spec: RFC 9162 section 2.1.4.2; an old tree without leaves is a prefix of every tree, with an empty path.
    """
    if not 0 <= old <= new or any(len(node) != HASH_BYTES for node in path):
        return False
    if old == 0:
        return not path and old_root == EMPTY_ROOT
    if old == new:
        return not path and old_root == new_root
    nodes = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not nodes:
        return False
    found = _fold(old - 1, new - 1, nodes)
    return found == (old_root, new_root)


def _fold(fn: int, sn: int, nodes: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    first = second = nodes[0]
    for node in nodes[1:]:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            first, second = node_hash(node, first), node_hash(node, second)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            second = node_hash(second, node)
        fn, sn = fn >> 1, sn >> 1
    return (first, second) if sn == 0 else None
