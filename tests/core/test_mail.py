"""Mail leaves through a real SMTP conversation, once, whatever happens on the way."""

import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from core import clock, mail
from core.config import ROOT, Mode
from core.db import db, transaction
from core.mail import Mail, forget_sent, write_mail
from core.sending import deliver_due
from tests.conftest import application, both_databases
from tests.factories import NOON
from tests.smtp_sink import smtp_sink


def a_letter(to: str = "reader@example.org", cause: str = "cause", kind: str = "password", **given) -> bool:
    with transaction():
        usual = {"subject": "Your password was changed", "template": "password", "now": NOON}
        return write_mail(to=to, cause=cause, kind=kind, **(usual | given))


def the_letters() -> list[Mail]:
    db.session.rollback()
    return list(db.session.scalars(select(Mail).order_by(Mail.id)))


@pytest.fixture
def sends_to(app: Flask, monkeypatch: pytest.MonkeyPatch):
    """Point the app at a mail server."""

    def point(url: str, mode: Mode = Mode.DEMONSTRATION) -> None:
        monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], mail_url=url))
        site = replace(app.config["SITE"], demonstration=mode is Mode.DEMONSTRATION)
        monkeypatch.setitem(app.config, "SITE", site)

    return point


def test_a_letter_goes_out_as_text_and_html_with_all_its_headers(sends_to):
    with smtp_sink() as sink:
        sends_to(sink.url)
        a_letter(unsubscribe_url="https://example.org/account/not-me/abc")
        assert deliver_due(NOON) == 1
    (received,), (kept,) = sink.letters, the_letters()
    assert received["To"] == "reader@example.org"
    assert received["Subject"] == "Demonstration: Your password was changed"
    assert received["Message-ID"] == kept.message_id
    assert received["Auto-Submitted"] == "auto-generated"
    assert received["List-Unsubscribe"] == "<https://example.org/account/not-me/abc>"
    assert received["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text, html = received.get_body(("plain",)), received.get_body(("html",))
    assert "Every other" in text.get_content()
    assert "<h1>" in html.get_content()
    assert kept.sent_at == NOON


def test_a_letter_without_a_way_out_does_not_name_one(sends_to):
    with smtp_sink() as sink:
        sends_to(sink.url)
        a_letter()
        deliver_due(NOON)
    assert sink.letters[0]["List-Unsubscribe"] is None


def test_a_text_has_no_gaps_where_its_template_had_branches(app):
    a_letter()
    (kept,) = the_letters()
    assert "\n\n\n" not in kept.text
    assert kept.text == kept.text.strip() + "\n"
    assert "\n\n  http://127.0.0.1:8000/account/sign-in\n" in kept.text


@both_databases
def test_nobody_gets_the_same_letter_twice(app):
    assert a_letter()
    assert not a_letter()
    assert a_letter(kind="receipt")
    assert a_letter(cause="another")
    assert a_letter(to="second@example.org")
    assert len(the_letters()) == 4


def test_what_was_sent_is_not_sent_again(sends_to):
    with smtp_sink() as sink:
        sends_to(sink.url)
        a_letter()
        assert [deliver_due(NOON), deliver_due(NOON + timedelta(days=1))] == [1, 0]
    assert len(sink.letters) == 1


def test_a_letter_put_off_is_tried_again_later_and_later_under_the_same_message_id(sends_to):
    with smtp_sink() as sink:
        sends_to(sink.url)
        sink.answers_to_letter = ["451 Later", "452 Still full"]
        a_letter()
        waits, now = [], NOON
        while deliver_due(now) == 0:
            (kept,) = the_letters()
            waits.append(kept.due_at - now)
            assert deliver_due(kept.due_at - timedelta(seconds=1)) == 0
            now = kept.due_at
    (kept,) = the_letters()
    assert waits == [timedelta(seconds=30), timedelta(seconds=60)]
    assert (kept.tries, sink.letters[0]["Message-ID"]) == (3, kept.message_id)


def test_an_address_that_does_not_exist_is_given_up_at_once(sends_to):
    with smtp_sink() as sink:
        sends_to(sink.url)
        sink.answers_to_recipient = ["550 No such person"]
        a_letter()
        assert deliver_due(NOON) == 0
    (kept,) = the_letters()
    assert (kept.failed_at, kept.last_error) == (NOON, "Refused for good: SMTPRecipientsRefused 550")


def test_a_letter_nobody_takes_for_days_is_given_up(sends_to):
    with smtp_sink() as sink:
        sends_to(sink.url)
        sink.answers_to_letter = ["451 Later"]
        a_letter()
        deliver_due(NOON + timedelta(days=6))
    assert the_letters()[0].failed_at == NOON + timedelta(days=6)


def test_waiting_never_grows_beyond_hours(app, sends_to):
    with smtp_sink() as sink:
        sends_to(sink.url)
        sink.answers_to_letter = ["451 Later"]
        a_letter()
        with transaction():
            db.session.execute(update(Mail).values(tries=60))
        deliver_due(NOON)
    assert the_letters()[0].due_at == NOON + timedelta(hours=4)


def test_a_server_that_is_down_for_a_while_costs_no_letter(sends_to):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    sends_to(f"smtp://127.0.0.1:{port}")
    for n in range(3):
        a_letter(to=f"reader{n}@example.org")
    assert deliver_due(NOON) == 0
    tried = [kept.tries for kept in the_letters()]
    assert tried == [1, 0, 0], "one try shows that nobody is there"
    with smtp_sink(port) as sink:
        assert deliver_due(NOON + timedelta(minutes=1)) == 3
    assert sorted(letter["To"] for letter in sink.letters) == [f"reader{n}@example.org" for n in range(3)]


def test_one_letter_that_is_refused_does_not_hold_up_the_rest(sends_to):
    with smtp_sink() as sink:
        sends_to(sink.url)
        sink.answers_to_letter = ["554 Not this one"]
        a_letter(to="first@example.org")
        a_letter(to="second@example.org")
        assert deliver_due(NOON) == 1
    assert [letter["To"] for letter in sink.letters] == ["second@example.org"]


def test_a_letter_that_cannot_be_put_into_form_does_not_hold_up_the_rest(sends_to):
    with smtp_sink() as sink:
        sends_to(sink.url)
        a_letter(to="first@example.org", subject="Two\nlines")
        a_letter(to="second@example.org")
        assert deliver_due(NOON) == 1
    assert [kept.failed_at is None for kept in the_letters()] == [False, True]


@both_databases
def test_two_workers_share_the_letters_and_send_none_twice(app, sends_to):
    with smtp_sink() as sink:
        sends_to(sink.url)
        for n in range(20):
            a_letter(to=f"reader{n}@example.org")
        start, counts = threading.Barrier(2), []

        def work() -> None:
            with app.app_context():
                start.wait()
                counts.append(deliver_due(NOON))
                db.session.remove()

        workers = [threading.Thread(target=work) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert sum(counts) == 20
    assert len({letter["To"] for letter in sink.letters}) == len(sink.letters) == 20


def test_no_address_is_logged(sends_to, caplog):
    with smtp_sink() as sink:
        sends_to(sink.url)
        sink.answers_to_recipient = ["550 reader@example.org is unknown"]
        sink.answers_to_letter = ["451 reader2@example.org must wait"]
        a_letter()
        a_letter(to="reader2@example.org")
        a_letter(to="reader3@example.org", subject="Two\nlines")
        deliver_due(NOON)
    said = caplog.text + "".join(kept.last_error for kept in the_letters())
    assert caplog.text.count("Mail ") == 3
    assert "example.org" not in said


def test_a_production_site_does_not_keep_the_ways_in_it_mailed(sends_to):
    with smtp_sink() as sink:
        sends_to(sink.url, Mode.PRODUCTION)
        a_letter()
        deliver_due(NOON)
    assert "Every other" in sink.letters[0].get_body(("plain",)).get_content()
    assert [(kept.text, kept.html) for kept in the_letters()] == [("", "")]


def test_sent_letters_are_forgotten_after_a_month(app):
    a_letter()
    a_letter(to="second@example.org", now=NOON + timedelta(days=20))
    deliver_due(NOON)
    deliver_due(NOON + timedelta(days=20))
    with transaction():
        forget_sent(NOON + mail.KEEP_SENT + timedelta(hours=1))
    assert [kept.recipient for kept in the_letters()] == ["second@example.org"]


@pytest.mark.slow
def test_a_mail_process_killed_between_taken_and_noted_sends_the_same_message_id_again(tmp_path):
    with smtp_sink() as sink:
        sink.falls_silent = True
        app = application(tmp_path, MAIL_URL=sink.url)
        environ = {**os.environ, "DATA_DIR": str(tmp_path), "SECRET_KEY": "a secret for tests", "MAIL_URL": sink.url}
        command = [sys.executable, "-m", "flask", "--app", "app", "worker", "mail"]
        with app.app_context():
            for n in range(2):
                a_letter(f"reader{n}@example.org", now=clock.now())
            first = subprocess.Popen(command, cwd=ROOT, env=environ)
            sink.wait_for(1)
            os.kill(first.pid, signal.SIGKILL)
            first.wait()
            kept = the_letters()
            assert [one.sent_at for one in kept] == [None, None], "it was killed before it could note what was taken"
            ids = [one.message_id for one in kept]

            sink.falls_silent = False
            with transaction():
                db.session.execute(update(Mail).values(due_at=clock.now()))  # its claim has lapsed
            second = subprocess.Popen(command, cwd=ROOT, env=environ)
            try:
                sink.wait_for(3)
                wait_until_sent()
            finally:
                second.terminate()
                assert second.wait(20) == 0
            db.session.remove()
    assert [letter["Message-ID"] for letter in sink.letters] == [ids[0], *ids]


def wait_until_sent() -> None:
    for _ in range(200):
        if all(kept.sent_at is not None for kept in the_letters()):
            return
        threading.Event().wait(0.05)
    raise AssertionError("the letters were never marked as sent")
