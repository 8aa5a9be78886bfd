"""Ten thousand who follow one regulation: told in the background by the real worker, over real SMTP, once each."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from email.parser import BytesHeaderParser
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, update

from accounts.models import Account
from accounts.rules import Role
from core import clock
from core.clock import uk_day
from core.config import ROOT
from core.db import db, transaction
from core.mail import Mail
from core.sending import MARKED_TOGETHER
from decisions.milestones import add_milestone
from decisions.models import Decision
from decisions.steps import Step
from notices.models import Follow, Notice
from notices.telling import PEOPLE_AT_ONCE, tell_due
from tests.conftest import application, both_databases
from tests.factories import NOON, a_decision, a_frozen_theme, a_member_of_staff, its_session, open_the_record
from tests.notices.telling import MORNING, a_voted_regulation
from tests.queries_counted import queries_counted
from tests.smtp_sink import smtp_sink

PEOPLE = 10_000


def many_followers(people: int, slug: str, how: str = "as_set") -> set[str]:
    """Rows alone: each a confirmed account that follows the regulation."""
    emails = [f"reader{n}@example.org" for n in range(people)]
    with transaction():
        db.session.execute(
            insert(Account),
            [
                {"email": email, "session_key": email, "created_at": NOON, "organisation_name": "",
                 "display_name": "", "demonstration": False}
                for email in emails
            ],
        )  # fmt: skip
        first = db.session.scalars(select(Account.id).where(Account.email == emails[0])).one()
        db.session.execute(
            insert(Follow),
            [
                {"account_id": first + n, "kind": "regulation", "key": slug, "how": how, "since": NOON}
                for n in range(people)
            ],
        )
    return set(emails)


@both_databases
def test_who_is_to_hear_is_found_in_few_statements_and_written_to_in_batches(app):
    people = 5 * PEOPLE_AT_ONCE + 1
    regulation = a_voted_regulation(voters=0)
    emails = many_followers(people, regulation.slug)
    a_frozen_theme(regulation.theme)
    with queries_counted() as sent:
        a_decision(regulation)
    assert sum(" notice " in statement or "follow" in statement for statement in sent) < 30
    batches = 0
    with queries_counted() as sent:
        while tell_due(MORNING):
            batches += 1
    assert batches == 6
    assert len(sent) <= 25 * batches + 2
    written = db.session.execute(select(Mail.recipient, func.count()).group_by(Mail.recipient)).all()
    assert {row[0] for row in written} == emails
    assert {row[1] for row in written} == {1}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ten_thousand_followers_are_told_by_the_worker_with_a_figure_to_watch_and_one_mail_each(tmp_path):
    with smtp_sink() as sink:
        app = application(tmp_path, MAIL_URL=sink.url)
        with app.app_context():
            open_the_record()
            regulation = a_voted_regulation(voters=0)
            a_frozen_theme(regulation.theme)
            decision = a_decision(regulation)
            desk = app.test_client()
            with desk.session_transaction("/account/sign-in") as session:
                session.update(its_session(a_member_of_staff(Role.OFFICIAL)))
            emails = many_followers(PEOPLE, regulation.slug, how="immediately")
            official = a_member_of_staff(Role.OFFICIAL)
            with transaction():
                add_milestone(
                    decision=db.session.get_one(Decision, decision.id), step=Step.GUIDANCE, words="",
                    due_on=uk_day(clock.now()) + timedelta(days=30), by=db.session.merge(official), now=clock.now(),
                )  # fmt: skip
            db.session.remove()

            began = time.monotonic()
            seen = []
            first = a_worker(tmp_path, sink.url)
            try:
                until(lambda: len(sink.raw) > PEOPLE // 10)
                seen.append(figures(desk))
            finally:
                os.killpg(first.pid, signal.SIGKILL)
                first.wait()
            again = len(sink.raw)
            with transaction():  # as if the five minutes had gone by after which a dead worker's letters are free
                claimed = (Mail.sent_at.is_(None), Mail.due_at > clock.now())
                db.session.execute(update(Mail).where(*claimed).values(due_at=clock.now()))
            db.session.remove()

            second = a_worker(tmp_path, sink.url)
            try:
                while seen[-1][1] < PEOPLE:
                    assert time.monotonic() - began < 500, "it takes far too long"
                    assert second.poll() is None
                    if (now := figures(desk)) != seen[-1]:
                        seen.append(now)
                    time.sleep(0.5)
            finally:
                os.killpg(second.pid, signal.SIGTERM)
                assert second.wait(30) == 0
            print(f"{PEOPLE:,} in {time.monotonic() - began:.0f} s, {again:,} of them before the worker was killed")
            sent = dict(db.session.execute(select(Mail.recipient, Mail.message_id)).tuples().all())
            left = db.session.scalar(select(func.count()).where(Notice.told_at.is_(None)))
            db.session.remove()
            db.engine.dispose()
    assert (sent.keys(), left) == (emails, 0)
    assert len(seen) > 5, "the page shows it going on"
    assert seen == sorted(seen), "and never going back"
    came: dict[str, list[str]] = {}
    for raw in sink.raw:
        head = BytesHeaderParser().parsebytes(raw)
        came.setdefault(head["To"], []).append(head["Message-ID"].strip())
    assert {to: set(ids) for to, ids in came.items()} == {to: {id} for to, id in sent.items()}
    twice = Counter(len(ids) for ids in came.values())
    assert twice[1] >= PEOPLE - MARKED_TOGETHER, "only what was taken and not yet marked when it was killed"
    assert twice.keys() <= {1, 2}


def a_worker(folder: Path, mail_url: str) -> subprocess.Popen[bytes]:
    """All of its processes, in a group of their own to be killed together."""
    environ = {**os.environ, "DATA_DIR": str(folder), "SECRET_KEY": "a secret for tests", "MAIL_URL": mail_url}
    command = [sys.executable, "-m", "flask", "--app", "app", "worker"]
    return subprocess.Popen(command, cwd=ROOT, env=environ, start_new_session=True)


def until(happened: Callable[[], bool]) -> None:
    ends = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < ends, "nothing came"
        time.sleep(0.02)


def figures(desk) -> tuple[int, int]:
    """How many letters were written and how many have left, as the page says it."""
    db.session.rollback()  # else it goes on reading what it read first
    page = desk.get("/staff/notices").text
    return tuple(
        int(re.search(rf'stats__number">([\d,]+)</span> <span class="stats__label">{label}', page)[1].replace(",", ""))
        for label in ("told today", "letters sent today")
    )
