"""The log over HTTP: what c2sp.org/tlog-tiles asks of addresses, contents and headers."""

import gzip

import pytest
from sqlalchemy import select

from audit import merkle
from audit.keys import keys_of_this_site
from audit.models import Entry
from audit.notes import Checkpoint, VerifierKey, note_text, vouched
from audit.tiles import log_folder, tile_path, unpacked
from commands import settle_record
from core.db import db
from tests.factories import a_long_record

HASH = merkle.HASH_BYTES


def leaves():
    return list(db.session.scalars(select(Entry.leaf).where(Entry.idx.is_not(None)).order_by(Entry.idx)))


def test_the_checkpoint_is_a_note_by_the_key_that_is_served_beside_it(app, client):
    settle_record()
    answer = client.get("/log/checkpoint")
    key = VerifierKey.read(client.get("/log/vkey").text)
    assert vouched(answer.text, [key]) == [key]
    assert key == keys_of_this_site().log_signer("test.example/log").key
    checkpoint = Checkpoint.read(note_text(answer.text))
    assert (checkpoint.origin, checkpoint.size) == ("test.example/log", len(leaves()))
    assert checkpoint.root == merkle.root(leaves())
    assert answer.content_type == "text/plain; charset=utf-8"
    assert "max-age=0" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    again = client.get("/log/checkpoint", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_before_anything_is_signed_there_is_no_checkpoint(app, client):
    assert client.get("/log/checkpoint").status_code == 404


def test_tiles_hold_the_hashes_and_bundles_the_entries_and_never_change(app, client):
    a_long_record(600)
    settle_record()
    size = len(leaves())
    hashes = client.get(f"/log/{tile_path(0, 1)}")
    assert hashes.data == b"".join(leaves()[256:512])
    assert "immutable" in hashes.headers["Cache-Control"]
    assert hashes.content_type == "application/octet-stream"
    assert hashes.headers["Access-Control-Allow-Origin"] == "*"
    bundle = client.get(f"/log/{tile_path('entries', 2, size - 512)}")
    assert [merkle.leaf_hash(entry) for entry in unpacked(bundle.data)] == leaves()[512:]
    above = client.get(f"/log/{tile_path(1, 0, 2)}")
    assert above.data == merkle.root(leaves()[:256]) + merkle.root(leaves()[256:512])


def test_an_entry_bundle_travels_compressed_to_whoever_takes_it_so(app, client):
    a_long_record(300)
    settle_record()
    plain = client.get(f"/log/{tile_path('entries', 0)}")
    packed = client.get(f"/log/{tile_path('entries', 0)}", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["Vary"] == "Accept-Encoding"


def test_a_partial_tile_is_still_answered_once_its_tile_is_full(app, client):
    settle_record()
    width = len(leaves())
    partial, entries = (client.get(f"/log/{tile_path(level, 0, width)}").data for level in (0, "entries"))
    a_long_record(300)
    settle_record()
    assert not (log_folder().path / tile_path(0, 0, width)).exists()
    assert client.get(f"/log/{tile_path(0, 0, width)}").data == partial
    assert client.get(f"/log/{tile_path('entries', 0, width)}").data == entries


@pytest.mark.parametrize(
    "place",
    ["0/1", "0/0001", "0/x000/001", "0/001.p/0", "0/001.p/256", "0/001.p/007", "64/000", "0/../vkey", "entries/x1/000"],
)
def test_each_tile_has_one_spelling(app, client, place):
    a_long_record(600)
    settle_record()
    assert client.get(f"/log/tile/{place}").status_code == 404


def test_what_is_beside_the_log_in_its_folder_is_not_served(app, client):
    settle_record()
    (log_folder().path / "secret").write_text("no")
    for name in (".lock", "secret", "../keys/log.key", "%2e%2e/keys/log.key"):
        assert client.get(f"/log/{name}").status_code == 404, name


def test_the_key_of_the_log_is_private_to_the_site(app):
    settle_record()
    folder = keys_of_this_site().folder
    assert {oct(path.stat().st_mode)[-3:] for path in folder.glob("*.key")} == {"600"}
