"""An address whose server refuses our mail for good is set aside, until its holder confirms it anew."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from accounts.services import send_way_in, use_link
from core.db import db, transaction
from core.mail import Mail, deliver_due, write_mail
from notices.models import Follow, Hearing, Notice
from notices.queries import heard_by
from notices.rules import BOUNCES
from notices.services import set_bounced_aside, take_back_confirmed
from tests.conftest import application, both_databases
from tests.factories import DAY, NOON, a_decision, a_frozen_theme, a_voter, how_many, open_the_record
from tests.notices.telling import MORNING, a_decided_regulation, a_voted_regulation, mails, tell
from tests.smtp_sink import smtp_sink
from voting.erasure import erase_person
from voting.rules import ErasureBasis

ROOT = Path(__file__).parents[2]


@pytest.fixture
def sink(app, monkeypatch):
    with smtp_sink() as server:
        monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], mail_url=server.url))
        yield server


def a_letter(to: str, cause: str, now=NOON) -> None:
    with transaction():
        write_mail(to=to, cause=cause, kind="password", subject="Hello", template="password", now=now)
    deliver_due(now)


def look(now=NOON) -> int:
    """What the chores do."""
    with transaction():
        take_back_confirmed()
        return set_bounced_aside(now)


@both_databases
def test_an_address_that_is_refused_again_and_again_is_set_aside_and_a_new_confirmation_takes_it_back(app, sink):
    ada = a_voter("ada@example.org")
    sink.answers_to_recipient = ["550 No such person"] * BOUNCES
    for n in range(BOUNCES):
        assert heard_by(ada.id).bounced_at is None
        a_letter(ada.email, f"cause {n}")
        look()
    assert heard_by(ada.id).bounced_at == NOON
    assert look(NOON + DAY) == 0, "once"

    with transaction():
        send_way_in(email=ada.email, about=None, confirm_url="c/{secret}", not_me_url="n/{secret}", now=NOON + DAY)
    deliver_due(NOON + DAY)
    look(NOON + DAY)
    assert heard_by(ada.id).bounced_at == NOON, "a mail that was taken shows nobody"
    secret = re.search(r"c/(\S+)", sink.letters[-1].get_body(("plain",)).get_content())[1]
    with transaction():
        use_link(secret=secret, now=NOON + DAY)
    look(NOON + DAY)
    assert heard_by(ada.id).bounced_at is None


def test_a_server_that_says_later_or_takes_the_next_one_costs_nobody_their_mail(app, sink):
    ada = a_voter("ada@example.org")
    sink.answers_to_recipient = ["550 No such person"]
    a_letter(ada.email, "one")
    a_letter(ada.email, "two")
    sink.answers_to_recipient = ["550 No such person"]
    a_letter(ada.email, "three", NOON + DAY)
    assert look(NOON + DAY) == 0
    sink.answers_to_recipient = ["450 Later"] * BOUNCES
    for n in range(BOUNCES):
        a_letter("bob@example.org", f"cause {n}", NOON + DAY)
    assert look(NOON + DAY) == 0


def test_nothing_is_sent_to_an_address_that_is_set_aside(app):
    ada = a_voter("voter0@example.org")
    with transaction():
        db.session.add(Hearing(account_id=ada.id, how="daily", secret="s", bounced_at=NOON))
    a_decided_regulation()
    tell()
    assert mails() == []
    assert how_many(Notice) == 0


def test_what_waits_when_it_is_set_aside_is_dropped(app):
    ada = a_voter("voter0@example.org")
    a_decided_regulation()
    with transaction():
        db.session.add(Hearing(account_id=ada.id, how="daily", secret="s", bounced_at=NOON))
    tell()
    assert (mails(), how_many(Notice)) == ([], 0)


def test_whoever_is_erased_hears_that_it_is_done_and_their_address_goes_with_that_letter(app, sink):
    ada = a_voter("ada@example.org")
    with transaction():
        erase_person(account=db.session.merge(ada), basis=ErasureBasis.COURT, now=NOON)
    (waiting,) = db.session.scalars(select(Mail))
    assert (waiting.recipient, waiting.unsubscribe_url) == ("ada@example.org", None)
    deliver_due(NOON)
    (letter,) = sink.letters
    assert "What we held about you is deleted" in letter["Subject"]
    said = letter.get_body(("plain",)).get_content()
    assert "because a court or the data protection regulator ordered it" in " ".join(said.split())
    assert how_many(Mail) == 0


@pytest.mark.parametrize(
    ("answer", "after", "left"), [("451 Later", DAY, 1), ("451 Later", 6 * DAY, 0), ("550 No", DAY, 0)]
)
def test_the_last_letter_is_tried_for_days_and_the_address_is_kept_no_longer(app, sink, answer, after, left):
    ada = a_voter("ada@example.org")
    with transaction():
        erase_person(account=db.session.merge(ada), basis=ErasureBasis.REQUEST, now=NOON)
    sink.answers_to_recipient = [answer] * 2
    deliver_due(NOON)
    deliver_due(NOON + after)
    assert how_many(Mail) == left


def test_the_mail_that_leaves_names_the_way_out_for_mail_programs(app, sink):
    a_decided_regulation()
    tell()
    deliver_due(MORNING)
    (letter,) = [one for one in sink.letters if "Decided" in one["Subject"]]
    assert re.fullmatch(r"<http://127.0.0.1:8000/account/notices/stop/\S+>", letter["List-Unsubscribe"].strip())
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_who_waits_for_a_way_in_goes_before_those_who_are_told_of_something(app, sink):
    a_decided_regulation(voters=60)
    while deliver_due(NOON):
        pass
    tell()
    with transaction():
        send_way_in(email="new@example.org", about=None, confirm_url="c{secret}", not_me_url="n{secret}", now=MORNING)
    deliver_due(MORNING)
    assert "new@example.org" in {letter["To"] for letter in sink.letters}


@pytest.mark.slow
def test_a_worker_killed_while_it_tells_many_resumes_and_each_gets_one_mail(tmp_path):
    """A real process, killed without warning after some were told."""
    people = 200
    app = application(tmp_path)
    with app.app_context():
        open_the_record()
        regulation = a_voted_regulation(voters=0)
        accounts = [a_voter(f"reader{n}@example.org") for n in range(people)]
        with transaction():
            for account in accounts:
                db.session.add(
                    Follow(account_id=account.id, kind="regulation", key=regulation.slug, how="daily", since=NOON)
                )
        a_frozen_theme(regulation.theme)
        a_decision(regulation)
        with transaction():
            db.session.execute(Notice.__table__.update().values(due_at=NOON + DAY, made_at=NOON))
        db.session.remove()
        first = a_teller(tmp_path)
        while not how_many(Mail) and first.poll() is None:
            db.session.remove()
        first.kill()
        first.wait()
        db.session.remove()
        assert how_many(Mail) > 0
        db.session.remove()
        assert a_teller(tmp_path).wait() == 0
        each = db.session.execute(select(Mail.recipient, func.count()).group_by(Mail.recipient)).all()
        waiting = db.session.scalar(select(func.count()).where(Notice.told_at.is_(None)))
        db.session.remove()
        db.engine.dispose()
    assert {row[1] for row in each} == {1}
    assert (len(each), waiting) == (people, 0)


def a_teller(folder: Path) -> subprocess.Popen[bytes]:
    told = (
        "from app import create_app; from core import clock; from notices.telling import tell_due\n"
        "with create_app().app_context():\n    while tell_due(clock.now()): pass"
    )
    environ = {**os.environ, "DATA_DIR": str(folder), "SECRET_KEY": "a secret for tests"}
    return subprocess.Popen([sys.executable, "-c", told], cwd=ROOT, env=environ)
