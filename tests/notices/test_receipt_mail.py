"""The receipt that comes by mail: where the line stands, and the file that proves it, made as the letter leaves."""

import base64
import json
import re
from dataclasses import replace

import pytest
from sqlalchemy import delete, select

from audit import services as audit
from audit.followers import catch_up
from audit.merkle import leaf_hash, verify_inclusion
from audit.models import Entry
from audit.notes import Checkpoint, note_text
from core.db import db, transaction
from core.mail import Mail
from core.sending import deliver_due
from notices.follower import NoticesFollower
from tests.conftest import both_databases
from tests.factories import NOON, a_regulation, a_vote, a_voter, settle_the_record
from tests.smtp_sink import smtp_sink
from voting.models import Receipt
from voting.rules import Choice


@pytest.fixture
def delivered(app, monkeypatch):
    """Every letter that is due, as the mail server gets it."""

    def deliver():
        with smtp_sink() as sink:
            monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], mail_url=sink.url))
            deliver_due(NOON)
        return sink.letters

    return deliver


def enclosed(letter):
    (part,) = letter.iter_attachments()
    assert part.get_content_type() == "application/json"
    return part.get_filename(), json.loads(part.get_content())


@both_databases
def test_the_receipt_mail_says_the_line_and_brings_the_file_that_proves_it(app, delivered):
    receipt = a_vote(a_regulation(), Choice.SCRAP, a_voter("ada@example.org"))
    settle_the_record()
    (letter,) = delivered()
    name, file = enclosed(letter)
    assert name == f"receipt-{receipt.entry_id[:8]}.json"
    assert file["promise"] == receipt.promise
    root = Checkpoint.read(note_text(file["checkpoint"])).root
    proof = [base64.b64decode(one) for one in file["proof"]]
    assert verify_inclusion(file["index"], file["size"], leaf_hash(file["entry"].encode()), proof, root)
    text = letter.get_body(("plain",)).get_content()
    for said in (f"line {file['index']:,} of the public record", f"/record/{receipt.entry_id}", receipt.secret, name):
        assert said in text
        assert said in letter.get_body(("html",)).get_content()


def test_neither_subject_nor_letter_says_what_was_chosen(app, delivered):
    a_vote(a_regulation(title="The Example Regulations 1992"), Choice.SCRAP)
    settle_the_record()
    (letter,) = delivered()
    said = letter["Subject"] + "".join(letter.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert not re.search(r"\bscrap\b", said, re.IGNORECASE)


def test_a_letter_that_leaves_before_the_record_is_signed_brings_the_promise(app, delivered):
    receipt = a_vote(a_regulation())
    with transaction():
        audit.sequence_waiting()
    catch_up([NoticesFollower()])
    (letter,) = delivered()
    _, file = enclosed(letter)
    assert file["promise"] == receipt.promise
    assert "checkpoint" not in file


def test_what_was_forgotten_before_the_letter_left_is_not_enclosed(app, delivered):
    a_vote(a_regulation())
    settle_the_record()
    with transaction():
        db.session.execute(delete(Receipt))
    (letter,) = delivered()
    assert list(letter.iter_attachments()) == []


def test_the_file_is_kept_in_no_outbox(app):
    receipt = a_vote(a_regulation())
    settle_the_record()
    body = db.session.scalars(select(Entry.body).filter_by(id=receipt.entry_id)).one()
    (kept,) = db.session.scalars(select(Mail).filter_by(kind="receipt"))
    assert json.loads(body)["voter"] not in kept.text + kept.html


def test_the_demonstrations_mailbox_shows_what_comes_with_a_letter(client):
    receipt = a_vote(a_regulation())
    settle_the_record()
    (kept,) = db.session.scalars(select(Mail).filter_by(kind="receipt"))
    page = client.get(f"/dev/mailbox/{kept.id}").text
    assert f"receipt-{receipt.entry_id[:8]}.json" in page
    assert "regulation-review.receipt/v1" in page
