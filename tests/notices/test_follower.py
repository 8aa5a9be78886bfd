"""A receipt for each vote, at once and once, whatever happens."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from audit.models import FollowerCursor
from core.db import db
from core.errors import Clash
from core.mail import Mail
from tests.conftest import application, both_databases
from tests.factories import (
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    how_many,
    open_the_record,
    settle_the_record,
)
from tests.queries_counted import queries_counted
from voting.rules import Choice, ReasonKind

ROOT = Path(__file__).parents[2]
SILENT = {"text": "", "reason_kind": ReasonKind.NOT_SAID}


def mails(kind: str) -> list[Mail]:
    return list(db.session.scalars(select(Mail).filter_by(kind=kind).order_by(Mail.id)))


@both_databases
def test_a_vote_brings_its_receipt_once_it_has_its_place(app):
    regulation = a_regulation()
    receipt = a_vote(regulation, Choice.KEEP, a_voter("ada@example.org"))
    assert how_many(Mail) == 0
    settle_the_record()
    (mail,) = mails("receipt")
    assert (mail.recipient, mail.cause) == ("ada@example.org", receipt.entry_id)
    assert f"/receipts/{receipt.secret}" in mail.text
    assert f"/receipts/{receipt.secret}" in mail.html


def test_a_receipt_does_not_say_what_was_chosen(app):
    a_vote(a_regulation(title="The Example Regulations 1992"), Choice.SCRAP)
    settle_the_record()
    (mail,) = mails("receipt")
    assert not re.search(r"\bscrap\b", mail.text + mail.html, re.IGNORECASE)


def test_a_changed_vote_brings_a_receipt_of_its_own(app):
    voter, regulation = a_voter(), a_regulation()
    a_vote(regulation, Choice.KEEP, voter)
    a_vote(regulation, Choice.SCRAP, voter)
    settle_the_record()
    assert len({mail.cause for mail in mails("receipt")}) == 2


def test_telling_many_takes_hardly_more_statements_than_telling_few(app):
    counted = []
    for people in (2, 60):
        regulation = a_regulation(a_theme())
        for n in range(people):
            a_vote(regulation, Choice.KEEP, a_voter(f"n{people}-{n}@example.org"), **SILENT)
        with queries_counted() as sent:
            settle_the_record()
        counted.append(sum("mail" in statement.lower() for statement in sent))
    assert counted[0] == counted[1] <= 4
    assert how_many(Mail) == 62


def test_what_was_half_told_when_it_failed_is_told_again_whole(app):
    """The mails and the cursor are one transaction: here the database refuses the second of three mails."""
    regulation = a_regulation()
    for n in range(3):
        a_vote(regulation, Choice.KEEP, a_voter(f"voter{n}@example.org"), **SILENT)
    refuse = "WHEN NEW.recipient = 'voter1@example.org' BEGIN SELECT RAISE(ABORT, 'refused'); END"
    run(f"CREATE TRIGGER refuses BEFORE INSERT ON mail {refuse}")
    try:
        with pytest.raises(Clash):
            settle_the_record()
    finally:
        run("DROP TRIGGER refuses")
    assert (how_many(Mail), db.session.get(FollowerCursor, "notices")) == (0, None)
    settle_the_record()
    assert len(mails("receipt")) == 3


def run(statement: str) -> None:
    db.session.rollback()
    with db.engine.connect() as connection:
        connection.exec_driver_sql(statement)
        connection.commit()


@pytest.mark.slow
def test_killed_while_it_tells_it_resumes_and_nobody_hears_twice(tmp_path):
    """A real process, killed without warning when the tally has been told and the people have not."""
    people = 150
    app = application(tmp_path)
    with app.app_context():
        open_the_record()
        regulation = a_regulation()
        for n in range(people):
            a_vote(regulation, Choice.KEEP, a_voter(f"voter{n}@example.org"), **SILENT)
        db.session.remove()
        first = a_worker(tmp_path)
        while db.session.get(FollowerCursor, "tally") is None and first.poll() is None:
            db.session.remove()
            time.sleep(0.005)
        first.kill()
        first.wait()
        db.session.remove()
        assert a_worker(tmp_path).wait() == 0
        written = sorted(mail.recipient for mail in mails("receipt"))
        db.session.remove()
        db.engine.dispose()
    assert written == sorted(f"voter{n}@example.org" for n in range(people))


def a_worker(folder: Path) -> subprocess.Popen[bytes]:
    told = "from app import create_app; import commands\nwith create_app().app_context(): commands.settle_record()"
    environ = {**os.environ, "DATA_DIR": str(folder), "SECRET_KEY": "a secret for tests"}
    return subprocess.Popen([sys.executable, "-c", told], cwd=ROOT, env=environ)
