"""What does not continue what was signed is neither signed nor added to; it is said, and the site goes on reading."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import queries
from audit.notes import Checkpoint, Signer, note_text
from audit.publishing import Publisher, RefusesToSign, publisher_of_this_site
from audit.services import check_writable
from audit.tiles import log_folder
from commands import Sequencer
from core.db import db, transaction
from core.errors import Unavailable
from tests.audit.crashes import (
    append,
    check_all,
    check_database_agrees,
    copied,
    look,
    place_all,
    put_back,
    sign,
    sign_in_rounds,
)
from tests.conftest import both_databases


@pytest.fixture
def signed(app, tmp_path):
    """A record that was signed a few times."""
    sign_in_rounds([40, 300, 7])
    return app


def path_of(app, name):
    return Path(app.config["DATA_DIR"]) / name


def in_the_database(*statements):
    """What somebody with the database's own password does, past everything that is ours."""
    db.session.rollback()
    with db.engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
        connection.commit()


def refuses(client, *words):
    """The sequencer starts, finds it wrong, and leaves everything as it was, whatever waits."""
    before, places = look(), queries.log_size()
    append(3)
    Sequencer().step()
    assert look() == before
    assert (queries.log_size(), queries.some_wait()) == (places, True)
    db.session.rollback()
    probe = client.get("/readyz")
    assert probe.status_code == 503
    reason = " ".join(probe.json["reasons"])
    assert "not signed any more" in reason
    for word in words:
        assert word in reason
    for address in ("/", "/regulations", "/log/checkpoint", "/log/vkey", "/healthz"):
        assert client.get(address).status_code == 200, address
    page = client.get("/record")
    assert page.status_code == 200
    for word in words:
        assert word in page.text
    with pytest.raises(RefusesToSign):
        publisher_of_this_site().rebuild()
    assert look() == before


def goes_on(client):
    """Once what is right is back, the next start signs what waited, and says nothing of a refusal."""
    signed_before = queries.head().size
    append(2)
    Sequencer().step()
    assert look().checkpoint.size > signed_before
    assert not queries.some_wait()
    db.session.rollback()
    assert client.get("/readyz").status_code == 200
    check_all([])
    check_database_agrees()


def test_an_older_copy_of_the_database_is_not_signed(signed, client):
    older = copied()
    sign_in_rounds([5])
    newer = copied()
    put_back(older)
    refuses(client, "348 lines in their places, fewer than the 353 that were signed", "It may be an older copy.")
    put_back(newer)
    goes_on(client)


def test_an_older_copy_takes_nothing_even_before_a_sequencer_has_looked_at_it(signed, client):
    older = copied()
    sign_in_rounds([5])
    newer = copied()
    put_back(older)
    with pytest.raises(Unavailable), transaction():
        check_writable()
    probe = client.get("/readyz")
    assert (probe.status_code, queries.refusal()) == (503, None)
    assert "348 lines in their places, and 353 are signed" in probe.json["reasons"][0]
    put_back(newer)
    with transaction():
        check_writable()
    assert client.get("/readyz").status_code == 200


def test_an_older_copy_that_grew_past_what_was_signed_is_not_signed(signed, client):
    older = copied()
    sign_in_rounds([5])
    newer = copied()
    put_back(older)
    append(50)
    place_all()
    refuses(client, "The first 353 lines in the database are not those that were signed")
    put_back(newer)
    goes_on(client)


@pytest.mark.parametrize("lost", ["keys/last-signed", "log/checkpoint"])
def test_either_of_the_two_copies_outside_is_enough_to_know_an_older_database(signed, client, lost):
    older = copied()
    sign_in_rounds([5])
    newer, kept = copied(), path_of(signed, lost).read_bytes()
    path_of(signed, lost).unlink()
    put_back(older)
    append(3)
    assert publisher_of_this_site().check() is False
    assert "older copy" in queries.refusal()
    path_of(signed, lost).write_bytes(kept)
    put_back(newer)
    goes_on(client)


def test_a_sequencer_that_runs_while_the_database_is_put_back_signs_nothing_either(signed, client):
    older = copied()
    running = Sequencer()
    append(5)
    running.step()
    signed_last, newer = look(), copied()
    assert signed_last.checkpoint.size == 353
    put_back(older)
    append(50)
    for _ in range(3):
        running.step()
    assert look() == signed_last
    assert queries.refusal()
    put_back(newer)
    running.looks_again_at = 0
    append(1)
    running.step()
    assert look().checkpoint.size == 354
    check_all([signed_last])
    check_database_agrees()


def test_a_copy_that_lacks_only_the_signature_goes_on(signed):
    append(9)
    place_all()
    unsigned = copied()
    sign()
    before = look()
    assert before.checkpoint.size == 357
    put_back(unsigned)
    assert queries.head().size == 348
    assert sign()
    check_database_agrees()
    sign_in_rounds([4])
    check_all([before])
    check_database_agrees()


TAMPERINGS = {
    "altered": ["UPDATE entry SET body = {other} WHERE idx = 100"],
    "deleted": ["DELETE FROM entry WHERE idx = 100"],
    "the last one deleted": ["DELETE FROM entry WHERE idx = 347"],
    "the first one deleted": ["DELETE FROM entry WHERE idx = 0"],
    "the first one altered": ["UPDATE entry SET body = {other} WHERE idx = 0"],
    "deleted, and the rest moved up": [
        "DELETE FROM entry WHERE idx = 100",
        "UPDATE entry SET idx = -idx WHERE idx > 100",
        "UPDATE entry SET idx = -idx - 1 WHERE idx < 0",
    ],
    "inserted, and the rest moved down": [
        "UPDATE entry SET idx = -idx WHERE idx >= 100",
        "UPDATE entry SET idx = -idx + 1 WHERE idx < 0",
        "INSERT INTO entry (id, idx, t, type, body, leaf) SELECT 'inserted', 100, t, type, body, leaf FROM entry "
        "WHERE idx = 5",
    ],
    "two in each other's places": [
        "UPDATE entry SET idx = -1 WHERE idx = 100",
        "UPDATE entry SET idx = 100 WHERE idx = 101",
        "UPDATE entry SET idx = 101 WHERE idx = -1",
    ],
    "one twice, under its leaf": ["UPDATE entry SET body = (SELECT body FROM entry WHERE idx = 101) WHERE idx = 100"],
}


def written_out(statement):
    blob = "'{}'::bytea" if db.engine.dialect.name == "postgresql" else "CAST('{}' AS BLOB)"
    return statement.replace("{other}", blob.format("{}"))


@both_databases
@pytest.mark.parametrize("how", TAMPERINGS)
def test_a_database_with_one_signed_line_tampered_with_is_not_signed(app, client, how):
    sign_in_rounds([40, 300, 7])
    in_the_database("CREATE TABLE kept AS SELECT * FROM entry")
    try:
        in_the_database(*(written_out(statement) for statement in TAMPERINGS[how]))
        refuses(client)
        in_the_database("DELETE FROM entry", "INSERT INTO entry SELECT * FROM kept")
        goes_on(client)
    finally:
        in_the_database("DROP TABLE kept")


def another_key():
    return base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()


def test_another_key_signs_nothing(signed, client):
    key = path_of(signed, "keys/log.key")
    own = key.read_text("ascii")
    try:
        key.write_text(another_key(), "ascii")
        refuses(client, "The key at hand is not the one that the record names as its own.")
        key.write_text("no key at all", "ascii")
        refuses(client, "no base64 of 32 bytes")
        key.unlink()
        refuses(client, "log.key is not in its folder")
        assert not key.exists(), "a lost key is not replaced in silence"
    finally:
        key.write_text(own, "ascii")
    goes_on(client)


@pytest.mark.parametrize("where", ["keys/last-signed", "log/checkpoint"])
@pytest.mark.parametrize(
    "what", ["of another key", "of another log", "of another past", "forged", "cut", "empty", "no text"]
)
def test_what_was_kept_of_the_last_signature_must_be_of_this_log(signed, client, where, what):
    own = path_of(signed, where).read_text("utf-8")
    keys = publisher_of_this_site().keys
    origin = queries.head().origin
    db.session.rollback()
    signer, now = keys.log_signer(origin), Checkpoint.read(note_text(own))
    path_of(signed, where).write_bytes(
        {
            "of another key": Signer(origin, Ed25519PrivateKey.generate()).note(now.text),
            "of another log": signer.note(Checkpoint("other.example/log", now.size, now.root).text),
            "of another past": signer.note(Checkpoint(origin, 200, bytes(32)).text),
            "forged": own.replace("\n348\n", "\n347\n"),
            "cut": own[:-10],
            "empty": "",
            "no text": "\udcff\n\n",
        }[what].encode("utf-8", "surrogateescape")
    )
    readable = where != "log/checkpoint"
    append(1)
    assert publisher_of_this_site().check() is False
    assert queries.refusal()
    db.session.rollback()
    Sequencer().step()
    assert (queries.log_size(), queries.head().size) == (348, 348)
    db.session.rollback()
    if readable:
        refuses(client)
    path_of(signed, where).write_text(own, "utf-8")
    goes_on(client)


def test_a_lost_folder_is_made_anew_from_a_database_that_holds_what_was_signed(signed, client):
    before = look()
    for name in ("checkpoint", "vkey"):
        (log_folder().path / name).unlink()
    goes_on(client)
    check_all([before])


def test_nothing_is_signed_of_a_record_that_was_never_opened(app):
    in_the_database("DELETE FROM entry", "DELETE FROM log_head")
    publisher = Publisher(log_folder(), publisher_of_this_site().keys)
    assert publisher.check() is False
    with pytest.raises(RefusesToSign, match="not been opened"):
        publisher.rebuild()
