"""One proof for receipts and for the record's pages, and in which way it fails."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from audit.inclusion import NotProved, inclusion_of
from audit.merkle import verify_inclusion
from audit.models import Entry
from audit.notes import Signer, note_text
from audit.queries import head, log_keys
from audit.tiles import log_folder, tile_path
from core.db import db
from tests.factories import a_regulation, a_vote, settle_the_record


@pytest.fixture
def asked(app):
    """What a proof is asked with, on a record with a few signed lines."""
    regulation = a_regulation()
    for _ in range(3):
        a_vote(regulation)
    settle_the_record()
    return {"note": log_folder().checkpoint(), "origin": head().origin, "keys": log_keys()}


def leaf_at(index):
    return db.session.scalar(select(Entry.leaf).filter_by(idx=index))


def test_a_proof_leads_from_the_line_to_the_root_that_was_signed(asked):
    found = inclusion_of(2, leaf_at(2), **asked)
    assert found.fault == ""
    assert verify_inclusion(2, found.size, leaf_at(2), found.hashes, found.root)
    assert found.key.public == asked["keys"][-1]


def test_a_line_at_another_place_than_its_own_is_not_proved(asked):
    assert "does not stand at its place" in inclusion_of(1, leaf_at(2), **asked).fault


def test_a_checkpoint_that_somebody_else_signed_proves_nothing(asked):
    forged = Signer(asked["origin"], Ed25519PrivateKey.generate()).note(note_text(asked["note"]))
    found = inclusion_of(2, leaf_at(2), **asked | {"note": forged})
    assert "does not bear its signature" in found.fault
    with pytest.raises(NotProved, match="does not bear its signature"):
        inclusion_of(found.size, leaf_at(2), **asked | {"note": forged})


def test_a_checkpoint_of_another_log_under_the_same_key_proves_nothing(asked):
    text = note_text(asked["note"]).replace(asked["origin"], "example.org/another", 1)
    own = Ed25519PrivateKey.generate()
    note = Signer(asked["origin"], own).note(text)
    keys = [own.public_key().public_bytes_raw()]
    assert "that of another log" in inclusion_of(2, leaf_at(2), note=note, origin=asked["origin"], keys=keys).fault


def test_what_no_checkpoint_covers_yet_has_no_proof(asked):
    size = inclusion_of(0, leaf_at(0), **asked).size
    assert inclusion_of(size, leaf_at(0), **asked) is None


def test_a_missing_tile_an_unreadable_note_and_a_log_without_keys_are_said(asked):
    for wrong in ({"note": "not a note"}, {"keys": []}):
        with pytest.raises(NotProved):
            inclusion_of(2, leaf_at(2), **asked | wrong)
    size = inclusion_of(2, leaf_at(2), **asked).size
    (log_folder().path / tile_path(0, 0, size)).unlink()
    with pytest.raises(NotProved, match="is missing"):
        inclusion_of(2, leaf_at(2), **asked)
