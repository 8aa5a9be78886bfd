"""The tree against what others published, against the RFC's own words, and against whoever would cheat it."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import merkle
from audit.merkle import (
    EMPTY_ROOT,
    Peaks,
    consistency_proof,
    consistency_spans,
    inclusion_proof,
    inclusion_spans,
    leaf_hash,
    node_hash,
    root,
    span_root,
    verify_consistency,
    verify_inclusion,
)

# The reference vectors of Certificate Transparency (RFC 6962), published with its first implementation.
PUBLISHED = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAF_1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
LEAF_4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
PAIR_1 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
PAIR_2 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
PAIR_3 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
RIGHT_HALF = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
INCLUSIONS = {
    (0, 1): [],
    (0, 8): [LEAF_1, PAIR_1, RIGHT_HALF],
    (5, 8): [LEAF_4, PAIR_3, ROOTS[4]],
    (2, 3): [ROOTS[2]],
    (1, 5): [ROOTS[1], PAIR_1, LEAF_4],
}
CONSISTENCIES = {
    (1, 1): [],
    (1, 8): [LEAF_1, PAIR_1, RIGHT_HALF],
    (6, 8): [PAIR_2, PAIR_3, ROOTS[4]],
    (2, 5): [PAIR_1, LEAF_4],
}

hashes = st.binary(min_size=32, max_size=32)
sizes = st.integers(1, 300)


def leaves(size):
    return [leaf_hash(b"line %d" % n) for n in range(size)]


def published(size):
    return [leaf_hash(bytes.fromhex(entry)) for entry in PUBLISHED[:size]]


def unhexed(proof):
    return [bytes.fromhex(one) for one in proof]


def as_the_rfc_says(entries):
    """MTH(D[n]) of RFC 6962, section 2.1."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return entries[0]
    k = halves(len(entries))
    return hashlib.sha256(b"\x01" + as_the_rfc_says(entries[:k]) + as_the_rfc_says(entries[k:])).digest()


def path(m, entries):
    """PATH(m, D[n]) of RFC 6962, section 2.1.1."""
    if len(entries) == 1:
        return []
    k = halves(len(entries))
    if m < k:
        return [*path(m, entries[:k]), as_the_rfc_says(entries[k:])]
    return [*path(m - k, entries[k:]), as_the_rfc_says(entries[:k])]


def subproof(m, entries, whole=True):
    """SUBPROOF(m, D[n], b) of RFC 6962, section 2.1.2."""
    if m == len(entries):
        return [] if whole else [as_the_rfc_says(entries)]
    k = halves(len(entries))
    if m <= k:
        return [*subproof(m, entries[:k], whole), as_the_rfc_says(entries[k:])]
    return [*subproof(m - k, entries[k:], False), as_the_rfc_says(entries[:k])]


def halves(n):
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


@pytest.mark.parametrize("size", range(9))
def test_the_published_roots_come_out(size):
    assert root(published(size)).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSIONS)
def test_the_published_inclusion_proofs_come_out_and_verify(index, size):
    proof = unhexed(INCLUSIONS[index, size])
    assert inclusion_proof(index, published(size)) == proof
    assert verify_inclusion(index, size, published(8)[index], proof, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "size"), CONSISTENCIES)
def test_the_published_consistency_proofs_come_out_and_verify(old, size):
    proof = unhexed(CONSISTENCIES[old, size])
    assert consistency_proof(old, published(size)) == proof
    assert verify_consistency(old, size, bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[size]), proof)


def test_leaves_and_nodes_are_hashed_apart():
    assert leaf_hash(b"") == bytes.fromhex(ROOTS[1])
    pair = leaf_hash(b"a") + leaf_hash(b"b")
    assert node_hash(leaf_hash(b"a"), leaf_hash(b"b")) != leaf_hash(pair)


def test_every_small_tree_is_as_the_rfc_says():
    for size in range(34):
        tree = leaves(size)
        assert root(tree) == as_the_rfc_says(tree)
        for index in range(size):
            assert inclusion_proof(index, tree) == path(index, tree)
        for old in range(1, size + 1):
            assert consistency_proof(old, tree) == subproof(old, tree)


@settings(deadline=None)
@given(st.data(), sizes)
def test_every_leaf_can_be_proved_in_a_tree_of_any_size(data, size):
    tree, index = leaves(size), data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, tree)
    assert proof == path(index, tree)
    assert verify_inclusion(index, size, tree[index], proof, root(tree))
    assert verify_inclusion(index, size, tree[index], tuple(proof), root(tree))


@settings(deadline=None)
@given(st.data(), sizes)
def test_every_tree_can_be_proved_to_begin_as_an_earlier_one(data, size):
    tree, old = leaves(size), data.draw(st.integers(1, size))
    proof = consistency_proof(old, tree)
    assert proof == subproof(old, tree)
    assert verify_consistency(old, size, root(tree[:old]), root(tree), proof)


def tampered(data, proof):
    """A proof that differs from the given one in one way."""
    ways = ["added"]
    if proof:
        ways += ["dropped", "flipped", "shortened"]
    if len(set(proof)) > 1:
        ways += ["swapped"]
    way, wrong = data.draw(st.sampled_from(ways)), list(proof)
    at = data.draw(st.integers(0, max(len(proof) - 1, 0)))
    if way == "added":
        wrong.insert(at, data.draw(hashes))
    elif way == "dropped":
        del wrong[at]
    elif way == "shortened":
        wrong[at] = wrong[at][:-1]
    elif way == "flipped":
        bit = data.draw(st.integers(0, 255))
        wrong[at] = (int.from_bytes(wrong[at]) ^ 1 << bit).to_bytes(32)
    else:
        other = data.draw(st.integers(0, len(proof) - 1).filter(lambda n: n != at))
        wrong[at], wrong[other] = wrong[other], wrong[at]
    return wrong


@settings(deadline=None)
@given(st.data(), sizes)
def test_an_inclusion_proof_with_anything_changed_is_refused(data, size):
    tree, index = leaves(size), data.draw(st.integers(0, size - 1))
    proof, top, leaf = inclusion_proof(index, tree), root(tree), tree[index]
    assert not verify_inclusion(index, size, leaf, tampered(data, proof), top)
    assert not verify_inclusion(index, size, data.draw(hashes), proof, top)
    assert not verify_inclusion(index, size, leaf, proof, data.draw(hashes))
    elsewhere = data.draw(st.integers(0, 2 * size).filter(lambda n: n != index))
    assert not verify_inclusion(elsewhere, size, leaf, proof, top)
    larger = leaves(size + data.draw(st.integers(1, 40)))
    assert not verify_inclusion(index, len(larger), leaf, proof, root(larger))


@settings(deadline=None)
@given(st.data(), sizes)
def test_a_consistency_proof_with_anything_changed_is_refused(data, size):
    tree, old = leaves(size), data.draw(st.integers(1, size))
    proof, before, after = consistency_proof(old, tree), root(tree[:old]), root(tree)
    assert not verify_consistency(old, size, before, after, tampered(data, proof))
    assert not verify_consistency(old, size, data.draw(hashes), after, proof)
    assert not verify_consistency(old, size, before, data.draw(hashes), proof)
    assert not verify_consistency(0, size, EMPTY_ROOT, after, proof)
    if old != size:
        assert not verify_consistency(size, old, after, before, proof)
        assert not verify_consistency(old, size, after, before, proof)
        other = data.draw(st.integers(1, size - 1).filter(lambda n: n != old) if size > 2 else st.just(old + 1))
        assert not verify_consistency(other, size, root(leaves(other)), after, proof) or proof == consistency_proof(
            other, tree
        )


@settings(deadline=None)
@given(st.data(), st.integers(2, 200))
def test_a_past_that_was_rewritten_has_no_proof(data, size):
    tree, old = leaves(size), data.draw(st.integers(1, size - 1))
    rewritten = list(tree)
    rewritten[data.draw(st.integers(0, old - 1))] = leaf_hash(b"another past")
    for proof in (consistency_proof(old, tree), consistency_proof(old, rewritten)):
        assert not verify_consistency(old, size, root(tree[:old]), root(rewritten), proof)


def test_nothing_is_proved_from_an_empty_tree():
    tree = leaves(5)
    for proof in ([], tree[:1], [root(tree)]):
        assert verify_consistency(0, 5, EMPTY_ROOT, root(tree), proof) is False
    assert verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, []) is False
    assert verify_inclusion(0, 0, EMPTY_ROOT, [], EMPTY_ROOT) is False
    for impossible in (0, -1, 6):
        with pytest.raises(ValueError, match="Nothing leads"):
            consistency_proof(impossible, tree)
    for impossible in (-1, 5):
        with pytest.raises(ValueError, match="no leaf"):
            inclusion_proof(impossible, tree)


def test_the_same_tree_needs_no_proof_and_takes_none():
    top = root(leaves(7))
    assert verify_consistency(7, 7, top, top, [])
    assert not verify_consistency(7, 7, top, top, [top])
    assert not verify_consistency(7, 7, top, root(leaves(6)), [])


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=40)
    | st.binary(max_size=70)
    | hashes
    | st.just(float("nan"))
    | st.just(10**400)
    | st.just(object())
    | st.just(bytearray(32)),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner) | st.sets(st.integers(), max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(anything, anything, anything, anything, anything)
def test_junk_of_any_kind_is_false_and_never_an_exception(one, two, three, four, five):
    assert verify_inclusion(one, two, three, four, five) is False
    assert verify_consistency(one, two, three, four, five) is False


@settings(deadline=None)
@given(st.data())
def test_one_piece_of_junk_in_a_sound_proof_is_false(data):
    tree = leaves(13)
    for check, sound in (
        (verify_inclusion, [6, 13, tree[6], inclusion_proof(6, tree), root(tree)]),
        (verify_consistency, [6, 13, root(tree[:6]), root(tree), consistency_proof(6, tree)]),
    ):
        assert check(*sound) is True
        spoiled, at = list(sound), data.draw(st.integers(0, 4))
        spoiled[at] = data.draw(anything.filter(lambda junk, was=sound[at]: junk != was))
        assert check(*spoiled) is False


def test_true_is_no_number_and_a_huge_one_ends_at_once():
    tree = leaves(2)
    assert not verify_inclusion(True, 2, tree[1], inclusion_proof(1, tree), root(tree))
    assert not verify_inclusion(1, 10**400, tree[1], inclusion_proof(1, tree), root(tree))
    assert not verify_consistency(1, 2**64, tree[0], root(tree), [tree[1]])


@settings(deadline=None)
@given(st.data(), sizes)
def test_proofs_from_complete_subtrees_are_those_from_all_leaves(data, size):
    tree = leaves(size)

    def node(height, index):
        assert (index + 1) << height <= size, "a subtree that is not complete was asked for"
        return root(tree[index << height : (index + 1) << height])

    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    assert span_root((0, size), node) == root(tree)
    assert [span_root(span, node) for span in inclusion_spans(index, size)] == inclusion_proof(index, tree)
    assert [span_root(span, node) for span in consistency_spans(old, size)] == consistency_proof(old, tree)
    assert span_root((0, 0), node) == EMPTY_ROOT


@settings(deadline=None)
@given(st.lists(st.integers(0, 70), max_size=8))
def test_growing_by_batches_ends_where_starting_anew_does(batches):
    tree, grown = leaves(sum(batches)), Peaks()
    for batch in batches:
        grown = grown.extended(tree[grown.size : grown.size + batch])
        assert grown.root == root(tree[: grown.size])
    assert grown == Peaks().extended(tree)
    assert (grown.size, len(grown.hashes)) == (len(tree), len(tree).bit_count())


@pytest.fixture
def hashed(monkeypatch):
    """Every pair of hashes that was hashed, in order."""
    pairs = []
    monkeypatch.setattr(merkle, "node_hash", lambda left, right: pairs.append(1) or node_hash(left, right))
    return pairs


@pytest.mark.parametrize("size", [1_000, 2**20 - 1, 2**40 + 12_345])
def test_a_batch_costs_itself_and_the_height_of_the_tree_however_large_that_is(size, hashed):
    before = Peaks(size, tuple(leaves(size.bit_count())))
    after = before.extended(leaves(1_000))
    assert after.root
    assert len(hashed) <= 1_000 + 2 * size.bit_length()
    assert after.size == size + 1_000


@pytest.mark.parametrize("size", [1_000, 2**20 - 1, 2**40 + 12_345])
def test_a_proof_asks_for_few_subtrees_however_large_the_tree_is(size, hashed):
    asked = []

    def node(height, index):
        asked.append((height, index))
        return bytes(32)

    for spans in (inclusion_spans(size // 3, size), consistency_spans(size // 3, size)):
        asked.clear()
        hashed.clear()
        for span in spans:
            span_root(span, node)
        assert len(spans) <= size.bit_length() + 1
        assert len(asked) <= 2 * size.bit_length() + 2
        assert len(hashed) <= 2 * size.bit_length()
