import os
import signal
import subprocess
import sys
import textwrap
import threading

from sqlalchemy import select

from audit import followers, services
from audit.models import Entry, FollowerCursor
from audit.queries import log_size, some_wait
from core.db import db, transaction
from tests.conftest import both_databases
from tests.factories import a_regulation, a_vote, settle_the_record
from voting.models import TallyCell, TallyTotal
from voting.queries import tally_of
from voting.rules import Choice
from voting.tallying import TallyFollower


class Listener:
    """A follower that remembers what it was told, and can be made to fail."""

    name = "listener"
    keeps_outside = False

    def __init__(self):
        self.heard = []
        self.fails_at = None

    def follow(self, steps, now):
        if self.fails_at is not None and any(step.idx >= self.fails_at for step in steps):
            raise RuntimeError("the follower fell over")
        self.heard += [step.idx for step in steps]

    def forget(self):
        self.heard = []


def test_a_follower_hears_every_line_once_and_in_order(app):
    a_vote(a_regulation())
    settle_the_record()
    listener = Listener()
    followers.catch_up([listener])
    followers.catch_up([listener])
    assert listener.heard == list(range(log_size()))


def test_over_a_line_that_somebody_took_away_no_follower_reads_on(app):
    a_vote(a_regulation())
    settle_the_record()
    with db.engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM entry WHERE idx = 2")
        connection.commit()
    listener = Listener()
    assert followers.catch_up([listener]) == 2
    assert followers.catch_up([listener]) == 0
    assert listener.heard == [0, 1]


def test_one_that_fails_keeps_its_place_and_resumes(app):
    a_vote(a_regulation())
    settle_the_record()
    listener = Listener()
    listener.fails_at = 0
    try:
        followers.catch_up([listener])
    except RuntimeError:
        db.session.rollback()
    assert db.session.get(FollowerCursor, "listener") is None
    listener.fails_at = None
    followers.catch_up([listener])
    assert listener.heard == list(range(log_size()))


def test_tallies_forgotten_are_folded_anew_to_the_same_numbers(app):
    regulation = a_regulation()
    for choice in (Choice.KEEP, Choice.SCRAP, Choice.IMPROVE):
        a_vote(regulation, choice)
    settle_the_record()
    before = tally_of(regulation.id)
    db.session.rollback()
    follower = TallyFollower()
    followers.start_again(follower)
    assert db.session.scalars(select(TallyCell)).all() == []
    assert db.session.scalars(select(TallyTotal)).all() == []
    db.session.rollback()
    followers.catch_up([follower])
    after = tally_of(regulation.id)
    assert (after.counts, after.reasons, after.comments) == (before.counts, before.reasons, before.comments)


def test_killed_in_the_middle_it_loses_and_repeats_nothing(app):
    """A real process is killed with SIGKILL between its change and its commit; the next one folds the votes once."""
    regulation = a_regulation()
    for _ in range(5):
        a_vote(regulation)
    while db.session.scalar(select(Entry.seq).where(Entry.idx.is_(None)).limit(1)):
        db.session.rollback()
        with transaction():
            services.sequence_waiting()
    folder = app.config["DATA_DIR"]
    program = textwrap.dedent(
        """
        import os, signal
        from app import create_app
        from audit import followers, services
        from voting.tallying import TallyFollower

        class Killed(TallyFollower):
            def follow(self, steps, now):
                super().follow(steps, now)
                os.kill(os.getpid(), signal.SIGKILL)

        with create_app().app_context():
            followers.catch_up([Killed()])
        """
    )
    environ = {**os.environ, "DATA_DIR": folder, "SECRET_KEY": "a secret for tests"}
    done = subprocess.run([sys.executable, "-c", program], env=environ, cwd=os.getcwd(), check=False)
    assert done.returncode == -signal.SIGKILL
    assert tally_of(regulation.id).participants == 0
    db.session.rollback()
    followers.catch_up([TallyFollower()])
    assert tally_of(regulation.id).participants == 5


@both_databases
def test_two_processes_following_at_once_fold_each_line_once(app):
    """Both have read the same lines; the second finds them folded and goes on from there."""
    regulation = a_regulation()
    for _ in range(3):
        a_vote(regulation)
    while some_wait():
        db.session.rollback()
        with transaction():
            services.sequence_waiting()
    slow, ready, go = TallyFollower(), threading.Event(), threading.Event()
    fold = slow.follow

    def wait_then_fold(steps, now):
        ready.set()
        go.wait(1)
        fold(steps, now)

    slow.follow = wait_then_fold

    def follow(follower):
        with app.app_context():
            followers.catch_up([follower])
            db.session.remove()

    first = threading.Thread(target=follow, args=(slow,))
    first.start()
    ready.wait(10)
    second = threading.Thread(target=follow, args=(TallyFollower(),))
    second.start()
    go.set()
    first.join()
    second.join()
    db.session.rollback()
    assert tally_of(regulation.id).participants == 3
