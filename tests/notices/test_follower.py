"""Who hears: a receipt for each vote, and the decision for everyone whose vote stands. Once, whatever happens."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from accounts.models import Account
from audit import followers
from audit.models import FollowerCursor
from core.db import db, transaction
from core.errors import Clash
from core.mail import Mail
from decisions.rules import Outcome
from notices.follower import NoticesFollower
from tests.conftest import application, both_databases
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_frozen_theme,
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
from voting.services import withdraw_vote

ROOT = Path(__file__).parents[2]
SILENT = {"text": "", "reason_kind": ReasonKind.NOT_SAID}


def mails(kind: str) -> list[Mail]:
    return list(db.session.scalars(select(Mail).filter_by(kind=kind).order_by(Mail.id)))


def a_decided_regulation(voters: int = 1, outcome: Outcome = Outcome.KEEP, **given):
    theme = a_theme()
    regulation = a_regulation(theme, title="The Workplace Regulations 1992")
    for n in range(voters):
        a_vote(regulation, Choice.KEEP, a_voter(f"voter{n}@example.org"), **SILENT)
    a_frozen_theme(theme)
    return a_decision(regulation, outcome, **given)


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


@both_databases
def test_everyone_who_voted_hears_the_decision_once(app):
    decision = a_decided_regulation(voters=3)
    followers.start_again(NoticesFollower())
    settle_the_record()
    heard = mails("decision")
    assert sorted(mail.recipient for mail in heard) == [f"voter{n}@example.org" for n in range(3)]
    assert len({mail.message_id for mail in heard}) == 3
    assert {mail.cause for mail in heard} == {decision.entry_id}
    assert {mail.subject for mail in heard} == {"Demonstration: Decided: keep – The Workplace Regulations 1992"}


def test_the_decision_mail_says_how_it_compares_and_leaves_what_they_chose_to_their_own_page(app):
    decision = a_decided_regulation(outcome=Outcome.IMPROVE)
    (mail,) = mails("decision")
    for said in (
        "Decided: improve (clearer)", decision.statement, f"/decisions/{decision.reference}", "/my/contributions",
        "Differs from the largest group, who chose keep: 1 of 1.", "approved by",
    ):  # fmt: skip
        assert said in mail.text, said
    assert "Decided: improve (clearer)" in mail.html
    assert "You voted on" in mail.text
    assert not re.search(r"you (voted|chose|said)[^.]{0,40}\b(keep|scrap|improve)\b", mail.text, re.IGNORECASE)


def test_a_demonstration_says_so_in_every_part(app):
    a_decided_regulation()
    (mail,) = mails("decision")
    assert mail.subject.startswith("Demonstration: ")
    assert "no such decision was made" in mail.text
    assert "no such decision was made" in mail.html


def test_who_withdrew_or_left_no_address_is_not_written_to(app):
    theme = a_theme()
    regulation = a_regulation(theme)
    stays, withdrew, gone = (a_voter(f"{name}@example.org") for name in ("stays", "withdrew", "gone"))
    for voter in (stays, withdrew, gone):
        a_vote(regulation, Choice.KEEP, voter)
    with transaction():
        withdraw_vote(voter=withdrew, regulation=regulation, now=NOON)
    with transaction():
        db.session.get_one(Account, gone.id).email = None
    a_frozen_theme(theme)
    a_decision(regulation)
    assert [mail.recipient for mail in mails("decision")] == ["stays@example.org"]
    assert "gone@example.org" not in {mail.recipient for mail in mails("receipt")}


def test_a_later_decision_is_told_as_one_that_takes_an_earlier_ones_place(app):
    theme = a_theme()
    regulation = a_regulation(theme)
    a_vote(regulation)
    a_frozen_theme(theme)
    a_decision(regulation)
    a_decision(regulation, Outcome.SCRAP, now=NOON + 60 * DAY)
    first, second = mails("decision")
    assert ("takes the place" in first.text, "takes the place" in second.text) == (False, True)


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
