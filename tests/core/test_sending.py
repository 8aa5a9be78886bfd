"""Letters leave in batches over one connection, and what one server or reader does costs nobody else a letter."""

import signal
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from core import sending
from core.db import db, transaction
from core.mail import Mail, write_mail
from core.sending import BATCH, CLAIM, MARKED_TOGETHER, deliver_due, note_came_back
from tests.conftest import both_databases
from tests.factories import NOON
from tests.smtp_sink import smtp_sink


@pytest.fixture
def sink(app, monkeypatch):
    with smtp_sink() as server:
        monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], mail_url=server.url))
        yield server


def letters(number: int, **given) -> list[Mail]:
    with transaction():
        for n in range(number):
            usual = {"kind": "password", "subject": "Hello", "template": "password", "now": NOON}
            write_mail(to=f"reader{n}@example.org", cause="cause", **(usual | given))
    return kept()


def kept() -> list[Mail]:
    db.session.rollback()
    return list(db.session.scalars(select(Mail).order_by(Mail.id)))


@both_databases
def test_a_batch_goes_over_one_connection_and_each_letter_is_marked(app, sink):
    letters(BATCH + 1)
    assert deliver_due(NOON) == BATCH
    assert sink.connections == 1
    assert (deliver_due(NOON), deliver_due(NOON)) == (1, 0)
    assert {mail.sent_at for mail in kept()} == {NOON}
    assert len({letter["To"] for letter in sink.letters}) == len(sink.letters) == BATCH + 1


def test_a_server_that_ends_a_connection_after_some_letters_gets_the_rest_over_another(app, sink):
    sink.ends_after = 4
    letters(10)
    assert deliver_due(NOON) == 10
    assert sink.connections == 3
    assert [mail.tries for mail in kept()] == [1] * 10


def test_letters_are_marked_while_the_batch_still_goes_on(app, sink):
    """Killed at any moment, so few at most are sent again."""
    letters(3 * MARKED_TOGETHER)
    unmarked = []

    def look(number):
        with db.engine.connect() as other:
            marked = other.execute(select(Mail.id).where(Mail.sent_at.is_not(None))).all()
        unmarked.append(number - len(marked))

    sink.on_letter = within(app, look)
    assert deliver_due(NOON) == 3 * MARKED_TOGETHER
    assert max(unmarked) == MARKED_TOGETHER


def within(app, do):
    """In the sink's own thread."""

    def does(number):
        with app.app_context():
            do(number)
            db.session.remove()

    return does


def test_with_a_slow_server_a_batch_ends_early_and_the_rest_is_nobodys_claim(app, sink, monkeypatch):
    monkeypatch.setattr(sending, "BATCH_SECONDS", -1.0)
    letters(3)
    assert deliver_due(NOON) == 0
    assert [(mail.due_at, mail.tries) for mail in kept()] == [(NOON, 0)] * 3


def test_a_worker_told_to_stop_marks_what_was_taken_and_leaves_the_rest_to_others(app, sink):
    letters(5)

    def stop_at_the_third(number):
        if number == 3:
            threading.Event().wait(0.3)  # till it does nothing but wait for the answer
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    sink.on_letter = stop_at_the_third
    with pytest.raises(KeyboardInterrupt):
        deliver_due(NOON)
    assert [mail.sent_at for mail in kept()] == [NOON, NOON, None, None, None]
    assert [mail.due_at for mail in kept()][2:] == [NOON + CLAIM, NOON, NOON], "the third may have been on its way"


def test_what_is_deleted_after_it_was_claimed_does_not_leave(app, sink):
    _, second = letters(2)
    wanted = second.id

    def ends_all_mail(number):
        with transaction():
            db.session.execute(delete(Mail).where(Mail.id == wanted))

    sink.on_letter = within(app, ends_all_mail)
    assert deliver_due(NOON) == 1
    assert [letter["To"] for letter in sink.letters] == ["reader0@example.org"]


@pytest.mark.parametrize(
    ("to_recipient", "to_letter", "for_good"),
    [
        ("550 No such person", "", True),
        ("550 5.1.1 No such person", "", True),
        ("554 5.7.1 Relay access denied", "", False),
        ("450 4.2.1 Later", "", False),
        ("", "550 5.1.1 No such person", True),
        ("", "550 5.1.10 No such address", True),
        ("", "554 5.2.1 Mailbox disabled", True),
        ("", "554 5.7.1 Listed by a blocklist", False),
        ("", "554 Not this one", False),
        ("", "452 4.2.2 Mailbox full", False),
    ],
)
def test_only_an_address_that_takes_no_mail_is_given_up_whether_the_server_says_so_early_or_late(
    app, sink, to_recipient, to_letter, for_good
):
    letters(1)
    sink.answers_to_recipient, sink.answers_to_letter = [to_recipient][: bool(to_recipient)], [to_letter]
    if not to_letter:
        sink.answers_to_letter = []
    deliver_due(NOON)
    (mail,) = kept()
    assert mail.last_error.startswith(sending.REFUSED_FOR_GOOD) is for_good
    assert (mail.failed_at is not None, mail.due_at is None) == (for_good, for_good)


def test_a_letter_that_came_back_counts_as_refused_when_it_was_sent(app, sink):
    (mail,) = letters(1)
    deliver_due(NOON)
    with transaction():
        assert note_came_back([mail.message_id], "5.1.1") == 1
        assert note_came_back([mail.message_id, "<another@example.org>"], "5.1.1") == 0
    (mail,) = kept()
    assert (mail.sent_at, mail.failed_at) == (None, NOON)
    assert deliver_due(NOON + timedelta(days=1)) == 0


def test_lines_that_begin_with_a_dot_arrive_as_they_were_written(app, sink):
    (mail,) = letters(1)
    with transaction():
        db.session.get_one(Mail, mail.id).text = "Hello\n.a dot\n..two\n"
    deliver_due(NOON)
    received = sink.letters[0].get_body(("plain",)).get_content()
    assert received.splitlines() == ["Hello", ".a dot", "..two"]
