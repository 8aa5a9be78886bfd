import pytest
from sqlalchemy import select

from accounts.rules import Capacity
from audit.guard import SilentChange
from core.db import db, transaction
from core.errors import RuleBroken
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_ballot,
    a_decision,
    a_frozen_theme,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    how_many,
    settle_the_record,
    the_record,
)
from voting.models import Comment, Vote
from voting.queries import reasons_of, tally_of, tally_with_tail
from voting.rules import Choice, Direction, ReasonKind, VotingClosed
from voting.services import cast_vote, withdraw_vote


@both_databases
def test_changing_a_vote_replaces_it_and_remembers_the_old_choice(app):
    voter, regulation = a_voter(), a_regulation()
    a_vote(regulation, Choice.KEEP, voter, text="It works")
    a_vote(regulation, Choice.SCRAP, voter, text="Costly")
    first, second = the_record("vote")
    assert how_many(Vote) == 1
    assert (first["choice"], second["choice"], second["prev"]) == ("keep", "scrap", first["id"])
    assert first["voter"] == second["voter"]


@both_databases
def test_the_same_ballot_again_is_one_vote_one_entry_and_the_same_receipt(app):
    voter, regulation = a_voter(), a_regulation()
    first = a_vote(regulation, Choice.KEEP, voter).secret
    again = a_vote(regulation, Choice.KEEP, voter).secret
    assert (first == again, len(the_record("vote")), len(the_record("comment"))) == (True, 1, 1)


@both_databases
def test_the_tally_follows_votes_changes_and_withdrawals(app):
    regulation, voter = a_regulation(), a_voter()
    a_vote(regulation, Choice.KEEP)
    a_vote(regulation, Choice.IMPROVE, direction=Direction.STRICTER)
    a_vote(regulation, Choice.SCRAP, voter)
    settle_the_record()
    tally = tally_of(regulation.id)
    assert (tally.participants, tally.scrap, tally.improve, tally.improve_stricter, tally.keep) == (3, 1, 1, 1, 1)
    assert (tally.reasons, tally.comments) == (3, 3)

    a_vote(regulation, Choice.KEEP, voter, text="", reason_kind=ReasonKind.NOT_SAID)
    ahead = tally_with_tail(regulation.id, regulation.slug, NOON)
    assert (ahead.scrap, ahead.keep, tally_of(regulation.id).keep) == (0, 2, 1)
    settle_the_record()
    assert tally_of(regulation.id).counts == ahead.counts
    assert tally_of(regulation.id).reasons == 2

    with transaction():
        withdraw_vote(voter=voter, regulation=regulation, now=NOON)
    settle_the_record()
    assert tally_of(regulation.id).participants == 2


def test_a_withdrawn_vote_takes_its_reason_with_it(app):
    voter, regulation = a_voter(), a_regulation()
    a_vote(regulation, Choice.KEEP, voter)
    with transaction():
        withdraw_vote(voter=voter, regulation=regulation, now=NOON)
    settle_the_record()
    assert reasons_of(regulation.id) == []
    assert the_record("comment")[-1]["withdrawn"] is True


def test_standing_behind_a_reason_is_counted_once(app):
    regulation = a_regulation()
    a_vote(regulation, Choice.KEEP, text="It keeps people safe.")
    comment = db.session.scalars(select(Comment.public_id)).one()
    voter = a_voter()
    for _ in range(2):
        a_vote(regulation, Choice.KEEP, voter, text="", reason_kind=ReasonKind.SUPPORTED, supports=comment)
    settle_the_record()
    assert [reason.supports for reason in reasons_of(regulation.id)] == [1]
    assert tally_of(regulation.id).reasons == 2


def test_a_vote_after_the_close_is_refused(app):
    regulation = a_regulation()
    with pytest.raises(VotingClosed, match="has closed"):
        a_vote(regulation, now=NOON + 8 * DAY)


def test_what_was_given_before_the_close_may_be_confirmed_for_a_day_and_no_longer(app):
    regulation = a_regulation(a_theme(closes=NOON + DAY))
    given = {"regulation": regulation, "ballot": a_ballot(), "given_at": NOON}
    with transaction():
        cast_vote(voter=a_voter_before(), now=NOON + 1.9 * DAY, **given)
    with pytest.raises(VotingClosed, match="not counted"), transaction():
        cast_vote(voter=a_voter_before(), now=NOON + 2.1 * DAY, **given)


def a_voter_before():
    from accounts import services as accounts

    return accounts.account_for(email=f"late{how_many(Vote)}@example.org", now=NOON)


def test_a_silent_change_is_refused(app):
    a_vote(a_regulation())
    vote = db.session.scalars(select(Vote)).one()
    with pytest.raises(SilentChange), transaction():
        db.session.get_one(Vote, vote.id).choice = "scrap"
    assert db.session.scalars(select(Vote.choice)).one() == "keep"


def test_a_business_says_its_name(app):
    with pytest.raises(RuleBroken, match="name of the organisation"):
        a_vote(a_regulation(), capacity=Capacity.BUSINESS)


@both_databases
def test_a_decision_is_published_on_a_final_count(app):
    theme = a_theme()
    regulation = a_regulation(theme)
    a_vote(regulation, Choice.KEEP)
    a_frozen_theme(theme)
    decision = a_decision(regulation)
    assert decision.tally["keep"] == 1
    (entry,), (tally,) = the_record("decision"), the_record("tally")
    assert entry["tally"] == tally["id"]
    assert tally["counts"]["keep"] == 1
