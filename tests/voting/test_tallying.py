from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from accounts.rules import Capacity
from audit import followers
from audit import services as audit
from core.db import db, transaction
from regulations.rules import Split
from tests.conftest import both_databases, empty_database
from tests.factories import (
    DAY,
    NOON,
    a_frozen_theme,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    open_the_record,
    settle_the_record,
    the_record,
)
from voting.models import DayTally, PendingBallot, TallyTotal, Vote
from voting.queries import reasons_of, tally_of, tally_with_tail
from voting.rules import Choice, Direction, ReasonKind, VotingClosed, add_up
from voting.services import withdraw_vote
from voting.tallying import TallyFollower, _standing_cells, freeze_theme, themes_to_freeze, waiting_in


def a_kept_theme():
    return a_theme(split=Split.KEPT)


@both_databases
def test_a_kept_split_shows_how_many_and_nothing_else_until_it_is_final(app):
    theme = a_kept_theme()
    regulation = a_regulation(theme)
    a_vote(regulation, Choice.SCRAP)
    a_vote(regulation, Choice.KEEP)
    settle_the_record()
    tally = tally_of(regulation.id)
    assert (tally.participants, tally.scrap, tally.keep, tally.sealed) == (2, 0, 0, True)
    assert reasons_of(regulation.id) == []
    for said in the_record("vote") + the_record("comment"):
        assert "commit" in said
        assert not {"choice", "direction", "vote"} & said.keys()

    a_frozen_theme(theme)
    tally = tally_of(regulation.id)
    assert (tally.participants, tally.scrap, tally.keep, tally.sealed) == (2, 1, 1, False)
    assert len(reasons_of(regulation.id)) == 2


def test_a_kept_split_follows_changes_and_withdrawals_too(app):
    theme = a_kept_theme()
    regulation, voter = a_regulation(theme), a_voter()
    a_vote(regulation, Choice.SCRAP, voter)
    a_vote(regulation, Choice.KEEP, voter)
    a_vote(regulation, Choice.KEEP)
    settle_the_record()
    assert tally_of(regulation.id).participants == 2
    with transaction():
        withdraw_vote(voter=voter, regulation=regulation, now=NOON)
    settle_the_record()
    assert tally_of(regulation.id).participants == 1


def test_the_tally_says_who_spoke(app):
    regulation = a_regulation()
    a_vote(regulation, Choice.KEEP)
    a_vote(regulation, Choice.SCRAP, capacity=Capacity.BUSINESS, organisation="Example Bakery Ltd")
    settle_the_record()
    tally = tally_of(regulation.id)
    assert [(label, part.participants) for label, part in tally.by_capacity] == [
        ("Members of the public", 1),
        ("Businesses", 1),
    ]
    assert sum(part.participants for _, part in tally.by_level) == 2


def test_a_count_becomes_final_at_once_when_nothing_waits(app):
    theme = a_theme(closes=NOON + DAY)
    a_regulation(theme)
    assert themes_to_freeze(NOON) == []
    assert themes_to_freeze(NOON + DAY) == [theme.id]


def test_a_waiting_ballot_holds_the_count_open_for_a_day_at_most(app):
    theme = a_theme(closes=NOON + DAY)
    regulation = a_regulation(theme)
    with transaction():
        db.session.add(
            PendingBallot(
                secret="s", regulation_id=regulation.id, order="0", email="a@example.org", begun_at=NOON, given_at=NOON
            )
        )
    assert waiting_in(theme.id, NOON + DAY) == 1
    assert themes_to_freeze(NOON + DAY) == []
    assert themes_to_freeze(NOON + DAY + timedelta(hours=24)) == [theme.id]


@both_databases
def test_a_count_waits_for_votes_that_have_no_place_yet(app):
    theme = a_theme()
    a_vote(a_regulation(theme))
    with transaction():
        assert not freeze_theme(theme=theme, now=NOON + 8 * DAY)
    assert the_record("tally") == []
    a_frozen_theme(theme)
    (tally,) = the_record("tally")
    assert tally["counts"]["participants"] == 1
    assert all(said["t"] <= tally["t"] for said in the_record("vote"))


def test_nothing_is_added_to_a_final_count(app):
    theme = a_theme(closes=NOON + 8 * DAY)
    regulation = a_regulation(theme)
    a_frozen_theme(theme, now=NOON + 8 * DAY)
    with pytest.raises(VotingClosed, match="final"):
        a_vote(regulation, now=NOON)


def test_a_final_count_recounts_from_the_entries_it_names(app):
    theme = a_theme()
    regulation, voter = a_regulation(theme), a_voter()
    a_vote(regulation, Choice.KEEP, voter)
    a_vote(regulation, Choice.SCRAP, voter)
    a_vote(regulation, Choice.IMPROVE, direction=Direction.LIGHTER)
    a_frozen_theme(theme)
    (tally,) = the_record("tally")
    votes = the_record("vote")
    replaced = {said.get("prev") for said in votes}
    standing = [said for said in votes if said["id"] not in replaced]
    assert tally["counts"]["participants"] == len(standing) == 2
    assert (tally["counts"]["scrap"], tally["counts"]["improve_lighter"]) == (1, 1)


ACTS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([*Choice, None]), st.sampled_from(["text", "none", "settle"])),
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_after_any_acts_the_folded_tally_is_what_the_rows_say(app, acts):
    empty_database()
    db.session.remove()
    open_the_record()
    regulation = a_regulation()
    people = [a_voter(f"p{n}@example.org") for n in range(4)]
    for person, choice, how in acts:
        if choice is not None:
            reason = {} if how == "text" else {"text": "", "reason_kind": ReasonKind.NOT_SAID}
            a_vote(regulation, choice, people[person], **reason)
        elif db.session.scalar(select(Vote.id).where(Vote.account_id == people[person].id, Vote.choice.is_not(None))):
            with transaction():
                withdraw_vote(voter=people[person], regulation=regulation, now=NOON)
        if how == "settle":
            db.session.rollback()
            with transaction():
                audit.sequence_waiting()
    expected = add_up(_standing_cells(regulation.id)).counts
    assert tally_with_tail(regulation.id, regulation.slug, NOON).counts == expected
    settle_the_record()
    tally = tally_of(regulation.id)
    assert tally.counts == expected
    written = select(Vote.id).where(Vote.choice.is_not(None), Vote.reason_kind == ReasonKind.WRITTEN)
    assert tally.reasons == len(db.session.scalars(written).all())
    total = db.session.get(TallyTotal, regulation.id)
    assert (total.participants if total else 0) == expected["participants"]


@both_databases
def test_each_days_lines_are_counted_once_and_folded_anew_alike(app):
    regulation, voter = a_regulation(), a_voter()
    a_vote(regulation, Choice.KEEP, voter)
    settle_the_record()
    a_vote(regulation, Choice.SCRAP, voter)
    with transaction():
        withdraw_vote(voter=voter, regulation=regulation, now=NOON)
    settle_the_record()
    votes = [(row.side, row.taken_back, row.again, row.lines) for row in _day_rows() if row.type == "vote"]
    assert sorted(votes) == [("", True, True, 1), ("keep", False, False, 1), ("scrap", False, True, 1)]
    before = [tuple(row) for row in _day_rows()]
    db.session.rollback()
    followers.start_again(TallyFollower())
    followers.catch_up([TallyFollower()])
    assert [tuple(row) for row in _day_rows()] == before


def _day_rows():
    columns = list(DayTally.__table__.columns)
    return db.session.execute(select(*columns).order_by(*columns)).all()
