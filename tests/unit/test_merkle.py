"""The Merkle tree against published and own vectors, and the proofs a verifier must reject."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.canonical import canonical
from gateway.domain.errors import MisuseError
from gateway.settlement.merkle import (
    EMPTY_ROOT,
    Frontier,
    Tree,
    is_consistent,
    is_included,
    leaf_hash,
)
from tests.metering import DATA

VECTORS = json.loads((DATA / "evidence_vectors.json").read_text())
LEAVES = [bytes.fromhex(leaf) for leaf in VECTORS["leaf_hashes"]]
ROOTS = [bytes.fromhex(root) for root in VECTORS["roots_by_size"]]


def path_of(proof: dict[str, list[str]]) -> list[bytes]:
    return [bytes.fromhex(node) for node in proof["path"]]


@pytest.mark.spec("RFC 8785")
def test_records_have_the_canonical_bytes_and_leaf_hashes_of_the_vectors() -> None:
    for record, text, leaf in zip(
        VECTORS["records"], VECTORS["leaf_bytes_utf8"], LEAVES, strict=True
    ):
        assert canonical(record) == text.encode()
        assert leaf_hash(canonical(record)) == leaf


@pytest.mark.spec("RFC 6962 section 2.1")
def test_roots_agree_for_every_size() -> None:
    frontier = Frontier()
    for size, root in enumerate(ROOTS):
        assert Tree(LEAVES[:size]).root() == root
        assert Tree(LEAVES).root(size) == root
        assert frontier.root == root
        if size < len(LEAVES):
            frontier = frontier.append(VECTORS["leaf_bytes_utf8"][size].encode())


@pytest.mark.spec("RFC 6962 section 2.1")
def test_the_reference_tree_of_eight_leaves_has_its_published_root() -> None:
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
    leaves.append("606162636465666768696a6b6c6d6e6f")

    root = Frontier().extend(bytes.fromhex(leaf) for leaf in leaves).root

    assert root.hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@pytest.mark.spec("RFC 9162 section 2.1.3.2")
@pytest.mark.parametrize("proof", VECTORS["inclusion"])
def test_inclusion_proofs_of_the_vectors_are_made_and_accepted(proof: dict[str, object]) -> None:
    index, size = proof["index"], proof["size"]
    assert isinstance(index, int)
    assert isinstance(size, int)
    path = path_of(proof)  # type: ignore[arg-type]  # JSON object, checked by use

    assert list(Tree(LEAVES).inclusion(index, size)) == path
    assert is_included(LEAVES[index], index, size, path, ROOTS[size])


@pytest.mark.spec("RFC 9162 section 2.1.4.2")
@pytest.mark.parametrize("proof", VECTORS["consistency"])
def test_consistency_proofs_of_the_vectors_are_made_and_accepted(proof: dict[str, object]) -> None:
    old, new = proof["from"], proof["to"]
    assert isinstance(old, int)
    assert isinstance(new, int)
    path = path_of(proof)  # type: ignore[arg-type]  # JSON object, checked by use

    assert list(Tree(LEAVES).consistency(old, new)) == path
    assert is_consistent(old, new, path, ROOTS[old], ROOTS[new])


@pytest.mark.parametrize("bad", VECTORS["must_reject"], ids=lambda bad: bad["why"])
def test_what_must_be_rejected_is(bad: dict[str, object]) -> None:
    assert not is_included(
        leaf_hash(str(bad["leaf_bytes_utf8"]).encode()),
        int(str(bad["index"])),
        int(str(bad["size"])),
        path_of(bad),  # type: ignore[arg-type]  # JSON object, checked by use
        bytes.fromhex(str(bad["root"])),
    )


@given(st.integers(0, 70), st.data())
def test_every_proof_of_every_small_tree_holds_and_no_other(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(bytes([n])) for n in range(size)]
    tree = Tree(leaves)
    old = data.draw(st.integers(0, size))

    assert is_consistent(old, size, tree.consistency(old), tree.root(old), tree.root())
    if old < size:
        path = tree.inclusion(old)
        assert is_included(leaves[old], old, size, path, tree.root())
        other = data.draw(
            st.integers(0, size - 1).filter(lambda n: n != old) if size > 1 else st.just(-1)
        )
        assert not is_included(leaves[old], other, size, path, tree.root())
        assert not is_included(leaves[old], old, size, (*path, leaves[old]), tree.root())
        assert not is_included(leaves[old], old, size, path, leaf_hash(b"other"))
        if path:
            assert not is_included(leaves[old], old, size, path[1:], tree.root())
    if 0 < old < size:
        proof = tree.consistency(old)
        assert not is_consistent(old, size, (*proof, leaves[0]), tree.root(old), tree.root())
        assert not is_consistent(old, size, proof[:-1], tree.root(old), tree.root())
        assert not is_consistent(old, size, proof, leaf_hash(b"fork"), tree.root())
        assert not is_consistent(old, size, proof, tree.root(old), leaf_hash(b"fork"))


@given(st.lists(st.binary(max_size=8), max_size=40), st.integers(0, 40))
def test_a_stored_frontier_goes_on_where_it_stopped(records: list[bytes], cut: int) -> None:
    stored = Frontier().extend(records[:cut])

    again = Frontier(stored.size, stored.peaks).extend(records[cut:])

    assert again == Frontier().extend(records)
    assert again.root == Tree(map(leaf_hash, records)).root()


def test_a_true_path_for_another_size_is_no_proof() -> None:
    leaves = [leaf_hash(bytes([n])) for n in range(8)]
    tree = Tree(leaves)

    assert not is_included(leaves[0], 0, 8, tree.inclusion(0, 4), tree.root(4))
    assert not is_included(leaves[0], 0, 4, tree.inclusion(0, 8), tree.root(8))
    assert not is_included(leaves[7], 3, 4, tree.inclusion(7, 8), tree.root(8))


def test_the_edges_of_proofs_are_refused() -> None:
    tree = Tree(LEAVES)
    for call in (
        lambda: tree.inclusion(7),
        lambda: tree.inclusion(-1),
        lambda: tree.root(8),
        lambda: tree.consistency(8),
        lambda: Frontier(3, (LEAVES[0],)),
    ):
        with pytest.raises(MisuseError):
            call()

    assert not is_included(LEAVES[0], 0, 0, [], EMPTY_ROOT)
    assert not is_included(LEAVES[0], 0, 2, [b"short"], ROOTS[2])
    assert not is_consistent(3, 2, [], ROOTS[3], ROOTS[2])
    assert not is_consistent(1, 2, [b"short"], ROOTS[1], ROOTS[2])
    assert not is_consistent(3, 7, [], ROOTS[3], ROOTS[7])
    assert not is_consistent(7, 7, [LEAVES[0]], ROOTS[7], ROOTS[7])
    assert not is_consistent(0, 7, [], ROOTS[1], ROOTS[7])
    assert is_consistent(0, 7, [], EMPTY_ROOT, ROOTS[7])
