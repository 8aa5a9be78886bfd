"""A sequencer may be killed at any moment: the log verifies at once, and goes on as if nothing had happened."""

import os
import shutil
import signal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit import queries
from audit.keys import keys_of_this_site
from audit.publishing import Publisher, publisher_of_this_site
from audit.tiles import log_folder
from core.db import db
from tests.audit.crashes import (
    Reader,
    append,
    begun,
    check_all,
    check_database_agrees,
    copied,
    durable_steps,
    ended,
    look,
    put_back,
    run_and_kill,
    sign,
    sign_in_rounds,
)
from tests.conftest import both_databases, empty_database
from tests.factories import open_the_record

HEAD_MOVES = 3
"""The commit of a round with which the head moves: after that of the entries, and that of their places."""


@pytest.fixture
def reader(tmp_path):
    return Reader(tmp_path / "seen")


def over_two_tiles():
    """A batch that fills what was begun, fills one more, and leaves the next one as wide as the first was."""
    append(2 * 256)
    sign()


def survived(reader):
    """After a kill: sound as it is, sound after the next start, which leaves nothing undone."""
    if log_folder().checkpoint() is not None:
        check_all(reader.everything())
    assert sign()
    reader.tell(look())
    check_all(reader.everything())
    check_database_agrees()
    assert queries.head().size == queries.log_size()
    db.session.rollback()


@both_databases
def test_killed_before_any_one_step_the_log_is_sound_and_goes_on(app, reader, tmp_path):
    append(200)
    sign()
    steps = durable_steps(over_two_tiles, reader, tmp_path / "steps")
    assert {"commit", "fsync", "replace", "unlink"} <= set(steps)
    for at in range(1, len(steps) + 1):
        assert run_and_kill(over_two_tiles, reader, at), f"{at} of {len(steps)} was never reached"
        survived(reader)
    assert len(reader.everything()) > len(steps)


def test_killed_before_any_one_step_of_the_first_signature_the_log_begins_all_the_same(app, reader, tmp_path):
    steps = durable_steps(sign, reader, tmp_path / "steps")
    for at in range(1, len(steps) + 1):
        begin_again(reader)
        assert run_and_kill(sign, reader, at)
        survived(reader)


def begin_again(reader):
    """Back to a record that was opened, and never signed."""
    db.session.rollback()
    empty_database()
    reader.path.write_text("", "utf-8")
    open_the_record()


rounds = st.lists(st.integers(1, 300), min_size=1, max_size=3)
histories = st.lists(
    st.tuples(rounds, st.integers(1, 120)).map(lambda pair: ("killed", *pair))
    | rounds.map(lambda sizes: ("ran", sizes))
    | st.just(("lost its folder",))
    | st.just(("was rebuilt",)),
    min_size=1,
    max_size=5,
)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories)
def test_whatever_happens_to_it_the_log_continues_every_checkpoint_ever_seen(app, reader, history):
    begin_again(reader)
    for what, *how in history:
        if what == "killed":
            sizes, at = how
            run_and_kill(lambda sizes=sizes: sign_in_rounds(sizes), reader, at)
        elif what == "ran":
            sign_in_rounds(how[0])
            reader.tell(look())
        elif what == "lost its folder":
            shutil.rmtree(log_folder().path, ignore_errors=True)
        elif log_folder().checkpoint() is not None:
            publisher_of_this_site().rebuild()
        survived(reader)


def test_a_rebuilt_log_is_the_same_byte_for_byte(app, reader):
    sign_in_rounds([130, 700, 1, 55])
    folder = log_folder().path
    before = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    shutil.rmtree(folder)
    assert publisher_of_this_site().rebuild() == queries.log_size() == 887
    after = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {path: after.get(path) for path in before} == before
    check_all([])


def test_what_got_a_place_but_was_never_signed_may_be_lost_with_the_database(app, reader):
    """Killed between places and signature, the last moments of the database gone too: others take those places."""
    sign_in_rounds([300])
    reader.tell(look())
    kept = copied()
    assert run_and_kill(lambda: sign_in_rounds([300]), reader, ("commit", HEAD_MOVES))
    assert queries.log_size() == 601
    put_back(kept)
    assert queries.log_size() == look().checkpoint.size == 301
    sign_in_rounds([300])
    check_all(reader.everything())
    check_database_agrees()


@both_databases
def test_two_sequencers_make_one_chain(app, reader):
    append(50)
    sign()
    sizes = [7, 40, 1, 90, 3, 60, 120, 2]
    children = [begun(lambda: sign_in_rounds(sizes), reader) for _ in range(2)]
    assert [ended(child) for child in children] == [0, 0]
    assert sign()
    check_all(reader.everything())
    check_database_agrees()
    seen = [one.checkpoint.size for one in reader.everything()]
    assert seen == sorted(seen), "readers saw the log become smaller"
    assert queries.log_size() == 51 + 2 * sum(sizes)


class HeldUp(Publisher):
    """Its process stops between the signature and the moment when readers are given it."""

    def _release(self, *given):
        os.kill(os.getpid(), signal.SIGSTOP)
        super()._release(*given)


@both_databases
def test_a_sequencer_that_was_held_up_does_not_take_readers_back(app, reader):
    append(10)
    sign()
    append(10)
    slow = begun(lambda: sign(HeldUp(log_folder(), keys_of_this_site())), reader)
    assert os.WIFSTOPPED(os.waitpid(slow, os.WUNTRACED)[1])
    assert queries.head().size == 21
    sign_in_rounds([300])
    newest = look()
    assert newest.checkpoint.size == 321
    os.kill(slow, signal.SIGCONT)
    assert ended(slow) == 0
    assert look() == newest
    check_all(reader.everything())
    check_database_agrees()
