import hashlib
import json

import pytest

from audit import entries, merkle
from audit.entries import CommentEntry, VoteEntry


def test_an_entry_is_canonical_json_with_its_keys_sorted_and_nothing_empty():
    vote = VoteEntry(item="uksi-1992-2792", voter="ab", capacity="public", level=1, choice="keep")
    written = entries.canonical(vote, id="0" * 32, t=1_772_452_800)
    assert written == (
        b'{"capacity":"public","choice":"keep","id":"00000000000000000000000000000000","item":"uksi-1992-2792",'
        b'"level":1,"t":1772452800,"type":"vote","v":1,"voter":"ab"}'
    )


def test_a_leaf_is_hashed_with_a_zero_byte_before_it():
    assert merkle.leaf_hash(b"") == hashlib.sha256(b"\x00").digest()
    # The hash of an empty leaf as the Certificate Transparency reference tests give it.
    assert merkle.leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


def test_an_entry_over_eight_kilobytes_is_refused():
    with pytest.raises(ValueError, match="8192"):
        entries.canonical(VoteEntry(item="x", voter="y" * 9000, capacity="public", level=1), id="1", t=0)


def test_a_commitment_cannot_be_told_from_another_without_its_salt():
    one, other = (entries.commitment("comment", bytes([n]) * 32, "It works") for n in (1, 2))
    assert one != other
    assert one == entries.commitment("comment", bytes([1]) * 32, "It works")
    assert one != entries.commitment("vote", bytes([1]) * 32, "It works")


def test_one_person_has_unlinkable_pseudonyms():
    identity = {"email": "a@example.org", "item": "uksi-1992-2792"}
    salt = bytes(32)
    assert entries.pseudonym("voter", salt, identity) != entries.pseudonym("author", salt, identity)
    assert entries.pseudonym("voter", salt, identity) == entries.pseudonym(
        "voter", salt, dict(reversed(identity.items()))
    )


def test_every_type_is_listed_once_and_refers_only_by_fields_it_has():
    for name, body in entries.ALL.items():
        assert body.type == name
        assert set(body.refers) <= set(body.__dataclass_fields__)


def test_texts_never_stand_in_a_comment_entry():
    comment = CommentEntry(item="x", author="a", capacity="public", vote="keep", body_commit="c")
    assert "text" not in json.loads(entries.canonical(comment, id="1", t=0))
