"""What the record's pages say of its signing, and the proof that stands beside every line."""

import base64
import html
import re
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, update

from audit import merkle
from audit.models import Entry, LogHead
from audit.notes import COSIGNATURE, Checkpoint, Signer, note_text, vouched
from audit.tiles import log_folder
from core.db import db, transaction
from pages.proof import proof_of, signing
from tests.conftest import both_databases
from tests.factories import (
    NOON,
    a_decision,
    a_frozen_theme,
    a_regulation,
    a_theme,
    a_vote,
    settle_the_record,
    the_record,
)
from tests.pages.readers import words_of


def signed_votes(number):
    regulation = a_regulation()
    for _ in range(number):
        a_vote(regulation)
    settle_the_record()
    return [vote["id"] for vote in the_record("vote")]


def placed(id):
    return db.session.execute(select(Entry.idx, Entry.leaf).filter_by(id=id)).one()


def commands_on(text):
    """What a reader would paste from a page, in its order."""
    found = re.findall(r'<pre class="command"[^>]*aria-label="[^"]*command to paste"><code>(.*?)</code>', text, re.S)
    return [html.unescape(one) for one in found]


def tampered(id):
    """One byte of a line, changed where the database keeps it."""
    with transaction():
        connection = db.session.connection().connection.cursor()
        connection.execute("UPDATE entry SET leaf = zeroblob(32) WHERE id = ?", (id,))


def test_the_record_says_how_far_it_is_signed_when_and_with_which_key(client):
    signed_votes(3)
    words = words_of(client.get("/record").text)
    now = signing()
    assert f"{now.size} lines" in words
    assert "Last signed 12:00pm on 2 March 2026" in words
    assert f"test.example/log {now.key.id.hex()}" in words
    text = client.get("/record").text
    for href in ("/help/verify", "/log/checkpoint", "/log/vkey", "/data#record"):
        assert f'href="{href}"' in text
    assert "is not being signed" not in words


def test_a_record_that_was_never_signed_says_that_it_will_be(client):
    assert "Not yet: that happens within seconds of the first line" in words_of(client.get("/record").text)


def test_while_the_record_is_not_signed_its_page_says_so_and_why(client):
    signed_votes(1)
    with transaction():
        db.session.execute(update(LogHead).values(refusal="The key at hand is not the one it names."))
    words = words_of(client.get("/record").text)
    assert "The record is not being signed" in words
    assert "It was last signed at 12:00pm on 2 March 2026" in words
    assert "The key at hand is not the one it names." in words


def test_a_page_kept_from_before_a_refusal_is_not_taken_for_fresh(client):
    signed_votes(1)
    tag = client.get("/record").headers["ETag"]
    assert client.get("/record", headers={"If-None-Match": tag}).status_code == 304
    with transaction():
        db.session.execute(update(LogHead).values(refusal="It does not continue what was signed."))
    assert client.get("/record", headers={"If-None-Match": tag}).status_code == 200


@both_databases
def test_every_line_shows_a_proof_that_leads_to_the_signed_root(app):
    signed_votes(4)
    client, now = app.test_client(), signing()
    checkpoint = Checkpoint.read(note_text(now.note))
    assert vouched(now.note, [now.key])
    for id, idx, leaf in db.session.execute(select(Entry.id, Entry.idx, Entry.leaf)).all():
        proof = proof_of(idx, leaf, now)
        siblings = [bytes.fromhex(each.hash) for each in proof.siblings]
        assert merkle.verify_inclusion(idx, checkpoint.size, leaf, siblings, checkpoint.root)
        text = client.get(f"/record/{id}").text
        assert f"Checked just now: this line is line {idx} of the {checkpoint.size}" in words_of(text)
        assert all(each.hash in text for each in proof.siblings)
        assert html.escape(now.note, quote=False).strip() in text
        assert f'data-vkey="{now.key.text}"' in html.unescape(text)


def test_the_hash_at_the_place_a_page_names_is_that_of_the_line(client):
    for id in signed_votes(4):
        idx, leaf = placed(id)
        proof = proof_of(idx, leaf, signing())
        tile = client.get(f"/log/{proof.tile}").data
        assert tile[proof.from_byte - 1 : proof.from_byte + 31] == leaf


def test_the_command_that_folds_a_proof_prints_the_root_of_the_checkpoint(client):
    id = signed_votes(5)[2]
    text = client.get(f"/record/{id}").text
    digest, place, folding = commands_on(text)
    printed = subprocess.run(["bash", "-c", folding], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == log_folder().checkpoint().split("\n")[2]
    assert printed.strip() in words_of(text)
    assert (digest.endswith("| sha256sum"), "/log/tile/0/" in place) == (True, True)


def test_a_line_that_is_not_what_was_signed_is_said_to_be_false(client):
    id = signed_votes(2)[0]
    tampered(id)
    words = words_of(client.get(f"/record/{id}").text)
    assert "the proof does not hold" in words
    assert "Checked just now: this line is" not in words


@pytest.mark.parametrize("signature", ["forged", "another’s"])
def test_a_checkpoint_that_the_record_did_not_sign_proves_nothing(client, signature):
    id = signed_votes(2)[0]
    note = log_folder().checkpoint()
    text, _, line = note.rpartition("— ")
    name, encoded = line.split()
    raw = bytearray(base64.b64decode(encoded))
    raw[-1 if signature == "forged" else 0] ^= 1
    log_folder().replace("checkpoint", f"{text}— {name} {base64.b64encode(raw).decode()}\n".encode())
    assert "the proof does not hold" in words_of(client.get(f"/record/{id}").text)


def test_a_line_beyond_the_checkpoint_says_that_it_will_be_covered(client):
    id = signed_votes(1)[0]
    log_folder().replace("checkpoint", b"")
    words = words_of(client.get(f"/record/{id}").text)
    assert "No signed checkpoint covers this line yet." in words
    a_vote(a_regulation())
    waiting = the_record("vote")[-1]["id"]
    assert "This line has no place yet." in words_of(client.get(f"/record/{waiting}").text)


def a_decided_regulation():
    theme = a_theme()
    regulation = a_regulation(theme)
    a_vote(regulation)
    a_frozen_theme(theme)
    a_decision(regulation)
    return the_record("decision")[-1]


def test_a_decisions_line_shows_the_count_it_rests_on_and_that_its_lines_are_those(client):
    said = a_decided_regulation()
    text = client.get(f"/record/{said['id']}").text
    words = words_of(text)
    assert "The count became final: 1 person, 0 scrap, 0 improve, 1 keep." in words
    assert f'href="/record/{said["tally"]}"' in text
    assert said["root"] in words
    assert f"Checked just now: the first {said['at_size']} lines of the published log have this hash" in words


def test_a_decision_on_other_lines_than_were_published_is_said_to_be_false(client):
    said = a_decided_regulation()
    folder = log_folder()
    for tile in (folder.path / "tile" / "0").rglob("*"):
        if tile.is_file():
            content = bytearray(tile.read_bytes())
            content[0] ^= 1
            tile.write_bytes(content)
    words = words_of(client.get(f"/record/{said['id']}").text)
    assert "The published lines, or the count, are not those that the decision names." in words


WITNESS = Signer("witness.example/one", Ed25519PrivateKey.generate(), COSIGNATURE)
SEEN_AT = int(NOON.timestamp()) + 120


def cosigned(note, *, falsely=False):
    text = note_text(note)
    return note + WITNESS.line(text + "something else\n" if falsely else text, seconds=SEEN_AT)


def a_policy(folder):
    vkey = (folder.path / "vkey").read_text().strip()
    policy = f"log {vkey} https://test.example/log\nwitness university {WITNESS.key.text}\nquorum none\n"
    folder.replace("policy", policy.encode())


def test_the_record_says_which_witnesses_signed_it_and_when(client):
    signed_votes(1)
    folder = log_folder()
    a_policy(folder)
    assert "Also signed by" not in words_of(client.get("/record").text)
    folder.replace("checkpoint", cosigned(folder.checkpoint()).encode())
    size = signing().size
    assert f"Also signed by university , {size} lines at 12:02pm on 2 March 2026" in words_of(
        client.get("/record").text
    )
    assert "university" in words_of(client.get("/help/verify").text)


def test_the_last_that_a_witness_signed_is_shown_while_the_record_has_grown_beyond_it(client):
    signed_votes(1)
    folder, before = log_folder(), signing().size
    kept = cosigned(folder.checkpoint())
    signed_votes(2)
    a_policy(folder)
    folder.replace("cosigned", kept.encode())
    assert signing().size > before
    assert f"university , {before} lines at 12:02pm" in words_of(client.get("/record").text)


def test_a_false_cosignature_is_not_shown_and_breaks_no_page(client):
    signed_votes(1)
    folder = log_folder()
    a_policy(folder)
    folder.replace("checkpoint", cosigned(folder.checkpoint(), falsely=True).encode())
    folder.replace("cosigned", b"nothing that was ever signed")
    assert "Also signed by" not in words_of(client.get("/record").text)
