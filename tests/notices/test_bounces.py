"""An address whose server refuses our mail for good is set aside, until its holder confirms it anew."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from email import message_from_bytes
from pathlib import Path

import pytest
from sqlalchemy import func, select

from accounts.services import send_way_in, use_link
from core.db import db, transaction
from core.mail import Mail, write_mail
from core.sending import deliver_due
from notices.bounces import Bounce, bounce_in, mails_in
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


def a_report(message_id: str, *, action: str = "failed", status: str = "5.1.1", headers_alone: bool = False) -> bytes:
    """As mail servers write it (RFC 3464), with the letter or its headers."""
    letter = f"From: no-reply@localhost\nMessage-ID:\n {message_id}\nSubject: Hello\n\n"
    kind = "text/rfc822-headers" if headers_alone else "message/rfc822"
    return (
        "From: MAILER-DAEMON@mail.example\nTo: no-reply@localhost\nSubject: Returned mail\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nIt could not be delivered.\n\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example\n\n"
        f"Final-Recipient: rfc822; ada@example.org\nAction: {action}\nStatus: {status} (unknown)\n\n"
        f"--b\nContent-Type: {kind}\n\n{letter}\n--b--\n"
    ).encode()


@both_databases
@pytest.mark.parametrize("headers_alone", [False, True])
def test_letters_that_were_taken_and_came_back_set_their_address_aside_too(app, sink, tmp_path, headers_alone):
    ada = a_voter("ada@example.org")
    for n in range(BOUNCES):
        a_letter(ada.email, f"cause {n}", NOON + n * DAY)
    ids = [letter["Message-ID"] for letter in sink.letters]
    reports = [a_report(id, headers_alone=headers_alone) for id in ids]
    box = tmp_path / "bounces.mbox"
    strangers = [b"Subject: A question\n\nWhen is it decided?\n", a_report("<made-up@example.org>")]
    box.write_bytes(b"".join(b"From x Mon Mar  2 12:00:00 2026\n" + each + b"\n" for each in [*strangers, *reports]))
    said = app.test_cli_runner().invoke(args=["import", "bounces", str(box)])
    assert said.exit_code == 0, said.output
    assert "4 mails, of which 3 report an address that takes none; 2 are of letters of ours and new." in said.output
    assert "Set aside: 1." in said.output
    db.session.rollback()
    assert heard_by(ada.id).bounced_at is not None
    again = app.test_cli_runner().invoke(args=["import", "bounces", str(box)])
    assert "0 are of letters of ours and new. Set aside: 0." in again.output


@pytest.mark.parametrize(
    ("action", "status"), [("delayed", "4.4.1"), ("failed", "4.2.2"), ("failed", "5.2.2"), ("failed", "5.7.1")]
)
def test_a_report_of_something_else_than_the_address_sets_nobody_aside(action, status):
    assert bounce_in(message_from_bytes(a_report("<one@example.org>", action=action, status=status))) is None


def test_one_report_in_a_file_of_its_own_is_read_too(tmp_path):
    file = tmp_path / "one.eml"
    file.write_bytes(a_report("<one@example.org>"))
    assert [bounce_in(mail) for mail in mails_in(file)] == [Bounce("<one@example.org>", "5.1.1")]


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
