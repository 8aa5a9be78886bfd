"""Standing behind a reason means standing behind its words: what its author makes of it later is their own."""

import re

from sqlalchemy import select

from accounts.models import Account
from core.db import db, transaction
from tests.conftest import both_databases
from tests.factories import (
    NOON,
    a_regulation,
    a_vote,
    a_voter,
    how_many,
    settle_the_record,
    the_record,
)
from tests.voting.test_ballots import a_given_ballot, all_confirmed
from tests.voting.walking import first_screen, second_screen, sign_in, vote_url
from voting.models import Comment, Support, Vote
from voting.offers import supportable, what_became_of_reason
from voting.queries import reasons_of, tally_of
from voting.rules import Choice, Direction, ReasonKind
from voting.services import withdraw_vote

COSTLY = "This costs small shops too much money."
BAIT = {"text": "", "reason_kind": ReasonKind.SUPPORTED}


def the_offer() -> str:
    db.session.rollback()
    return db.session.scalars(select(Comment).order_by(Comment.id)).first().offer


def somebody_stands_behind(regulation, choice=Choice.SCRAP, voter=None) -> Account:
    voter = voter or a_voter()
    direction = Direction.CLEARER if choice is Choice.IMPROVE else None
    a_vote(regulation, choice, voter, supports=the_offer(), direction=direction, **BAIT)
    return voter


def supports(regulation) -> int:
    settle_the_record()
    return next(reason.supports for reason in reasons_of(regulation.id) if reason.text)


@both_databases
def test_who_stood_behind_a_reason_does_not_stand_behind_what_its_author_makes_of_it(app):
    regulation, author = a_regulation(), a_voter()
    a_vote(regulation, Choice.SCRAP, author, text=COSTLY)
    for _ in range(3):
        somebody_stands_behind(regulation)
    assert supports(regulation) == 3
    a_vote(regulation, Choice.SCRAP, author, text=COSTLY, display_name="Kim")
    assert supports(regulation) == 3, "the name beside it is not what they stood behind"
    a_vote(regulation, Choice.KEEP, author, text="Vote for the Example Party!")
    assert supports(regulation) == 0
    assert (len(the_record("support")), tally_of(regulation.id).reasons) == (3, 4), "what they did stays on the record"
    a_vote(regulation, Choice.SCRAP, author, text=COSTLY)
    assert supports(regulation) == 0, "nor of a third text, though it be the first again"


@both_databases
def test_the_same_words_for_another_side_or_direction_are_another_reason(app):
    regulation, author = a_regulation(), a_voter()
    a_vote(regulation, Choice.IMPROVE, author, text=COSTLY, direction=Direction.LIGHTER)
    somebody_stands_behind(regulation, Choice.IMPROVE)
    assert supports(regulation) == 1
    a_vote(regulation, Choice.IMPROVE, author, text=COSTLY, direction=Direction.STRICTER)
    assert supports(regulation) == 0
    somebody_stands_behind(regulation, Choice.IMPROVE)
    assert supports(regulation) == 1
    a_vote(regulation, Choice.KEEP, author, text=COSTLY)
    assert supports(regulation) == 0


def test_a_reason_taken_back_and_written_anew_begins_without_support(app):
    regulation, author = a_regulation(), a_voter()
    a_vote(regulation, Choice.SCRAP, author, text=COSTLY)
    somebody_stands_behind(regulation)
    with transaction():
        withdraw_vote(voter=author, regulation=regulation, now=NOON)
    a_vote(regulation, Choice.SCRAP, author, text=COSTLY)
    assert supports(regulation) == 0


@both_databases
def test_whoever_reads_the_new_words_may_stand_behind_them_once_more(app):
    regulation, author = a_regulation(), a_voter()
    a_vote(regulation, Choice.SCRAP, author, text=COSTLY)
    voter = somebody_stands_behind(regulation)
    a_vote(regulation, Choice.SCRAP, author, text="It costs shops £200 a year.")
    assert what_became_of_reason(voter.id, regulation.id).changed
    for _ in range(2):
        somebody_stands_behind(regulation, voter=voter)
    assert supports(regulation) == 1
    assert not what_became_of_reason(voter.id, regulation.id).changed
    assert (how_many(Support), tally_of(regulation.id).reasons) == (1, 2)
    assert [said.get("withdrawn") for said in the_record("support")] == [None, True, None]


def test_a_reason_is_supportable_in_the_words_it_was_offered_in_only(app):
    regulation, author = a_regulation(), a_voter()
    a_vote(regulation, Choice.SCRAP, author, text=COSTLY)
    old = the_offer()
    a_vote(regulation, Choice.SCRAP, author, text="Something else altogether.")
    assert supportable(old, regulation, Choice.SCRAP) is None
    new = the_offer()
    assert supportable(new, regulation, Choice.SCRAP).text == "Something else altogether."
    assert supportable(new, regulation, Choice.KEEP) is None


def test_words_changed_while_a_ballot_is_filled_in_are_read_again_first(client):
    regulation, author = a_regulation(), a_voter()
    a_vote(regulation, Choice.SCRAP, author, text=COSTLY)
    sign_in(client, a_voter())
    offered = re.search(r'name="supports_scrap"\s+type="radio"\s+value="(\w+)"', client.get(vote_url(regulation)).text)
    chosen = {"choice": "scrap", "text": "", "supports_scrap": offered[1]}
    a_vote(regulation, Choice.SCRAP, author, text="Something else altogether.")
    answer = first_screen(client, regulation, **chosen)
    assert answer.status_code == 422
    assert "Choose a reason given for the choice you made, as it stands now" in answer.text
    assert "Something else altogether." in answer.text
    first_screen(client, regulation, **{**chosen, "supports_scrap": the_offer()})
    a_vote(regulation, Choice.SCRAP, author, text="And once more.")
    answer = second_screen(client, regulation)
    assert (answer.status_code, how_many(Support)) == (422, 0)
    assert "was changed or taken away since you chose it" in answer.text


def test_words_changed_while_a_ballot_waits_cost_the_reason_and_not_the_vote(app):
    regulation, author = a_regulation(), a_voter()
    a_vote(regulation, Choice.KEEP, author, text=COSTLY)
    a_given_ballot(regulation, text="", supports=the_offer())
    a_vote(regulation, Choice.KEEP, author, text="Vote for the Example Party!")
    (outcome,) = all_confirmed()
    assert outcome.receipt
    kinds = db.session.scalars(select(Vote.reason_kind).order_by(Vote.id)).all()
    assert kinds == [ReasonKind.WRITTEN, ReasonKind.NOT_SAID]


def test_whose_reason_was_changed_is_told_so(app):
    regulation, author = a_regulation(), a_voter()
    a_vote(regulation, Choice.SCRAP, author, text=COSTLY)
    voter = a_voter()
    secret = a_vote(regulation, Choice.SCRAP, voter, supports=the_offer(), **BAIT).secret
    client = sign_in(app.test_client(), voter)
    addresses = (f"/receipts/{secret}", "/my/contributions", vote_url(regulation))
    sentence = "The reason you stood behind was changed since"
    assert not any(sentence in client.get(address).text for address in addresses)
    assert re.search(r'name="supports_scrap"[^>]*_1"\s+checked', client.get(vote_url(regulation)).text)
    a_vote(regulation, Choice.SCRAP, author, text="Vote for the Example Party!")
    for address in addresses:
        assert sentence in client.get(address).text, address
    assert "Example Party" not in client.get("/my/contributions").text
    assert not re.search(r'name="supports_scrap"[^>]*_\d"\s+checked', client.get(vote_url(regulation)).text)
    assert client.get("/my/contributions.json").json["contributions"][0]["reason_changed"] is True
