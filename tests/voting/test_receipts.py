"""What a voter keeps: a promise at once, the proof of their line, and a file that needs nobody's word."""

import base64
import json

import pytest
from sqlalchemy import delete, select, update

from audit import entries, guard, merkle
from audit.keys import PROMISE, keys_of_this_site
from audit.models import Entry
from audit.notes import BadNote, Checkpoint, VerifierKey, note_text, vouched
from audit.queries import log_size
from audit.tiles import log_folder, tile_path
from audit.verify import verify
from core import clock
from core.db import db, transaction
from core.errors import Clash, Unavailable
from opendata.bundle import write_bundle
from regulations.rules import Split
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_ballot,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    how_many,
    settle_the_record,
    the_record,
)
from tests.voting.test_assisted import entered
from voting.models import Pseudonym, Receipt, Vote
from voting.receipts import PROMISED_WITHIN, Promise, new_receipt, standing_of
from voting.rules import Choice
from voting.services import cast_vote


def the_keys():
    """As the first line of the record names them."""
    (opened,) = the_record("log.open")
    origin = opened["origin"]
    named = {"log": (origin, opened["log_key"]), "promise": (f"{origin}/promise", opened["promise_key"])}
    return {which: VerifierKey(name, 1, base64.b64decode(key)) for which, (name, key) in named.items()}


def page_of(client, receipt):
    db.session.rollback()
    return client.get(f"/receipts/{receipt.secret}").text


def file_of(client, receipt):
    db.session.rollback()
    return client.get(f"/receipts/{receipt.secret}/receipt.json").json


def unaudited(statement):
    """What somebody with the database's password may do, past every guard of ours."""
    db.session.rollback()
    with transaction(), guard.placing_entries():
        db.session.connection().execute(statement)


@both_databases
def test_a_vote_gets_a_promise_of_its_line_in_the_same_transaction(app):
    receipt = a_vote(a_regulation())
    promise = Promise.read(receipt.promise, [the_keys()["promise"]])
    (said,) = the_record("vote")
    body = db.session.scalars(select(Entry.body).filter_by(id=said["id"])).one()
    assert promise == Promise("test.example/log", said["id"], merkle.leaf_hash(body), NOON + PROMISED_WITHIN)
    assert note_text(receipt.promise) == (
        "regulation-review.promise/v1\n"
        "test.example/log\n"
        f"entry {said['id']}\n"
        f"leaf {base64.b64encode(merkle.leaf_hash(body)).decode()}\n"
        f"by {int((NOON + DAY).timestamp())}\n"
    )


def test_a_false_promise_is_not_taken_for_ours(app):
    note = a_vote(a_regulation()).promise
    keys = the_keys()
    with pytest.raises(BadNote):
        Promise.read(note.replace("by 1", "by 2"), [keys["promise"]])
    with pytest.raises(BadNote):
        Promise.read(note, [keys["log"]])
    with pytest.raises(BadNote, match="no promise"):
        Promise.read(keys_of_this_site().promise_signer("test.example/log").note("I promise.\n"), [keys["promise"]])


def test_what_staff_enter_is_promised_too(app):
    receipt = entered(a_regulation())
    assert Promise.read(receipt.promise, [the_keys()["promise"]]).entry_id == receipt.entry_id


def test_without_a_key_that_the_record_names_nothing_is_promised_and_no_vote_taken(app):
    regulation, voter, path = a_regulation(), a_voter(), keys_of_this_site().folder / f"{PROMISE}.key"
    kept = path.read_text()
    app.extensions.pop("promise_signers", None)
    try:
        for content in (None, base64.b64encode(b"another key of thirty-two bytes!").decode()):
            path.unlink() if content is None else path.write_text(content)
            with pytest.raises(Unavailable, match="No receipt can be promised"):
                a_vote(regulation, voter=voter)
            db.session.rollback()
            assert how_many(Vote) == 0
    finally:
        path.write_text(kept)
    a_vote(regulation, voter=voter)


def test_nobody_is_handed_the_line_of_another(app):
    regulation = a_regulation()
    mine, theirs = a_vote(regulation), a_vote(regulation)
    assert mine.entry_id != theirs.entry_id
    vote = theirs.vote
    with pytest.raises(Clash), transaction():
        vote.entry_id = mine.entry_id
        new_receipt(vote, NOON)
    db.session.rollback()
    assert sorted(db.session.scalars(select(Receipt.entry_id))) == sorted([mine.entry_id, theirs.entry_id])


def test_a_line_is_provably_one_persons_by_their_address_and_their_file(client):
    regulation = a_regulation()
    receipt = a_vote(regulation, voter=a_voter("kim@example.org"))
    kept = file_of(client, receipt)
    assert "kim@example.org" not in json.dumps(kept)
    who = kept["pseudonym"]
    assert (who["kind"], who["item"], who["of"]) == ("voter", regulation.slug, "email")
    codes = [
        entries.pseudonym(who["kind"], bytes.fromhex(who["salt"]), {who["of"]: email, "item": who["item"]})
        for email in ("kim@example.org", "lee@example.org")
    ]
    assert [code == json.loads(kept["entry"])["voter"] for code in codes] == [True, False]


def test_the_file_proves_its_line_by_recomputation_alone(client):
    regulation = a_regulation()
    receipts = [a_vote(regulation, choice) for choice in Choice for _ in range(3)]
    settle_the_record()
    keys = the_keys()
    for receipt in receipts:
        kept = file_of(client, receipt)
        assert kept["format"] == "regulation-review.receipt/v1"
        assert (kept["log_vkey"], kept["promise_vkey"]) == (keys["log"].text, keys["promise"].text)
        leaf = merkle.leaf_hash(kept["entry"].encode())
        assert Promise.read(kept["promise"], [VerifierKey.read(kept["promise_vkey"])]).leaf == leaf
        vouched(kept["checkpoint"], [VerifierKey.read(kept["log_vkey"])])
        checkpoint = Checkpoint.read(note_text(kept["checkpoint"]))
        assert (checkpoint.origin, checkpoint.size) == (kept["origin"], kept["size"])
        proof = [base64.b64decode(one) for one in kept["proof"]]
        assert merkle.verify_inclusion(kept["index"], kept["size"], leaf, proof, checkpoint.root)
        assert not merkle.verify_inclusion(kept["index"] - 1, kept["size"], leaf, proof, checkpoint.root)


def test_the_file_satisfies_the_verifier_that_strangers_use(client, tmp_path):
    receipt = a_vote(a_regulation(), voter=a_voter("kim@example.org"))
    a_vote(a_regulation(a_theme(split=Split.KEPT)))
    settle_the_record()
    bundle, kept = tmp_path / "record.zip", tmp_path / "receipt.json"
    write_bundle(bundle, log_folder())
    kept.write_text(json.dumps(file_of(client, receipt)), "utf-8")
    assert verify(str(bundle), receipt=str(kept), identity="kim@example.org").failures == []
    assert verify(str(bundle), receipt=str(kept), identity="lee@example.org").failures
    kept.write_text(kept.read_text("utf-8").replace("keep", "scrap"), "utf-8")
    assert verify(str(bundle), receipt=str(kept)).failures


def test_the_file_is_its_holders_alone_and_has_a_name(client):
    receipt = a_vote(a_regulation())
    db.session.rollback()
    answer = client.get(f"/receipts/{receipt.secret}/receipt.json")
    assert answer.mimetype == "application/json"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="receipt-{receipt.entry_id[:8]}.json"'
    assert (answer.headers["Referrer-Policy"], answer.headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert client.get(f"/receipts/{'0' * 32}/receipt.json").status_code == 404


def test_until_it_is_published_the_file_holds_the_promise_and_the_page_says_by_when(client):
    receipt = a_vote(a_regulation())
    kept = file_of(client, receipt)
    assert kept["promise"] == receipt.promise
    assert not kept.keys() & {"index", "size", "proof", "checkpoint"}
    page = page_of(client, receipt)
    assert "It gets its place within seconds." in page
    assert "12:00pm on 3 March 2026" in page
    assert "its place is proved" not in page


def test_once_signed_the_page_says_where_it_stands_and_that_it_was_checked(client):
    receipt = a_vote(a_regulation())
    settle_the_record()
    page = page_of(client, receipt)
    index = db.session.scalars(select(Entry.idx).filter_by(id=receipt.entry_id)).one()
    assert f"Your vote to keep is <strong>line {index}</strong> of {log_size()} in the public record." in page
    assert "its place is proved under the signature" in page
    assert "12:00pm on 2 March 2026" in page


def test_what_is_sealed_until_the_close_is_opened_by_the_file_alone(client):
    receipt = a_vote(a_regulation(a_theme(split=Split.KEPT)), Choice.IMPROVE)
    kept = file_of(client, receipt)
    sealed = kept["opening"]
    assert (sealed["field"], sealed["kind"], sealed["text"]) == ("commit", "vote", "improve:clearer")
    opened = entries.commitment(sealed["kind"], bytes.fromhex(sealed["salt"]), sealed["text"])
    assert opened == json.loads(kept["entry"])["commit"]
    assert "opening" not in file_of(client, a_vote(a_regulation()))


def test_after_erasure_nothing_shows_whose_line_it_was(client):
    receipt = a_vote(a_regulation())
    unaudited(update(Pseudonym).values(salt=None, identity=None))
    assert "pseudonym" not in file_of(client, receipt)
    assert "What showed whose line this is has been deleted." in page_of(client, receipt)


def test_a_receipt_older_than_promises_is_proved_like_any_other(client):
    receipt = a_vote(a_regulation())
    with transaction():
        db.session.get_one(Receipt, receipt.id).promise = ""
    page = page_of(client, receipt)
    assert "It gets its place within seconds." in page
    assert "promise that it will be" not in page
    settle_the_record()
    assert "its place is proved" in page_of(client, receipt)
    kept = file_of(client, receipt)
    assert "promise" not in kept
    assert kept["promise_vkey"] == the_keys()["promise"].text


def spoil(path, at=0):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def tamper_entry(receipt):
    body = db.session.scalars(select(Entry.body).filter_by(id=receipt.entry_id)).one()
    unaudited(update(Entry).filter_by(id=receipt.entry_id).values(body=body.replace(b'"keep"', b'"scrap"')))


def tamper_entry_as_text(receipt):
    """SQL's own replace() turns the bytes into a text on SQLite."""
    with db.engine.connect() as connection:
        connection.exec_driver_sql(
            "UPDATE entry SET body = replace(body, 'keep', 'scrap') WHERE id = ?", (receipt.entry_id,)
        )
        connection.commit()


def write_over(receipt, body):
    unaudited(update(Entry).filter_by(id=receipt.entry_id).values(body=body))


def tamper_place(receipt):
    other = db.session.scalars(select(Entry).where(Entry.type == "vote", Entry.id != receipt.entry_id)).first()
    place, others = db.session.scalars(select(Entry.idx).filter_by(id=receipt.entry_id)).one(), other.idx
    unaudited(update(Entry).filter_by(id=other.id).values(idx=None))
    unaudited(update(Entry).filter_by(id=receipt.entry_id).values(idx=others))
    unaudited(update(Entry).filter_by(id=other.id).values(idx=place))


def tamper_tile(receipt):
    size = db.session.scalar(select(Entry.idx).order_by(Entry.idx.desc()).limit(1)) + 1
    spoil(log_folder().path / tile_path(0, 0, size))


def lose_tile(receipt):
    size = db.session.scalar(select(Entry.idx).order_by(Entry.idx.desc()).limit(1)) + 1
    (log_folder().path / tile_path(0, 0, size)).unlink()


def tamper_checkpoint(receipt):
    path = log_folder().path / "checkpoint"
    origin, size, rest = path.read_text().split("\n", 2)
    path.write_text(f"{origin}\n{int(size) + 1}\n{rest}")


def spoil_checkpoint(receipt):
    (log_folder().path / "checkpoint").write_bytes(b"\xff\xfe\n\n")


def swap_promise(receipt):
    other = db.session.scalars(select(Receipt.promise).where(Receipt.id != receipt.id)).first()
    unaudited(update(Receipt).filter_by(id=receipt.id).values(promise=other))


@pytest.mark.parametrize(
    ("tamper", "sentence"),
    [
        (tamper_entry, "is not the one that was promised: it has been changed"),
        (tamper_entry_as_text, "is not the one that was promised: it has been changed"),
        (lambda receipt: write_over(receipt, b"\xff no line"), "is not the one that was promised: it has been changed"),
        (lambda receipt: write_over(receipt, b"null"), "is not the one that was promised: it has been changed"),
        (lambda receipt: unaudited(delete(Entry).filter_by(id=receipt.entry_id)), "is not in the record any more"),
        (tamper_place, "does not stand at its place"),
        (tamper_tile, "does not stand at its place"),
        (lose_tile, "A file of the published record is missing"),
        (tamper_checkpoint, "does not bear its signature"),
        (spoil_checkpoint, "does not bear its signature"),
        (swap_promise, "is that of another line"),
        (lambda receipt: unaudited(update(Receipt).values(promise="junk")), "is not one that was signed"),
        (lambda receipt: unaudited(delete(Entry).filter_by(idx=0)), "is not one that was signed"),
    ],
    ids=[
        "entry",
        "entry as text",
        "no line",
        "null",
        "dropped",
        "place",
        "tile",
        "lost tile",
        "checkpoint",
        "checkpoint no text",
        "promise",
        "no promise",
        "no keys",
    ],
)
def test_what_the_record_does_not_bear_out_is_said_loudly(client, tamper, sentence):
    regulation = a_regulation()
    receipt = a_vote(regulation)
    a_vote(regulation, Choice.SCRAP)
    settle_the_record()
    assert "its place is proved" in page_of(client, receipt)
    tamper(receipt)
    page = page_of(client, receipt)
    assert "does not bear this receipt out" in page
    assert sentence in page
    assert "its place is proved" not in page
    assert client.get(f"/receipts/{receipt.secret}/receipt.json").status_code == 200


def test_a_promise_that_was_broken_is_said_loudly(client):
    receipt = a_vote(a_regulation())
    with clock.pretending(NOON + DAY):
        assert standing_of(receipt, clock.now()).wrong == ""
    with clock.pretending(NOON + DAY + DAY / 24):
        assert "promised its place by a time that has passed" in page_of(client, receipt)


@both_databases
def test_a_vote_said_again_keeps_its_promise(app):
    regulation, voter = a_regulation(), a_voter()
    first = a_vote(regulation, voter=voter)
    with transaction():
        again = cast_vote(voter=voter, regulation=regulation, ballot=a_ballot(), now=NOON + DAY)
    assert (again.id, again.promise) == (first.id, first.promise)
