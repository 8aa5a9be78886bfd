"""Ballots that wait for their address: who may be written to, what one confirmation counts, what is forgotten."""

import re
import threading

import pytest
from sqlalchemy import select

from accounts import services as accounts
from accounts.rules import Capacity
from core import clock
from core.db import db, transaction
from core.errors import RuleBroken
from core.mail import Mail
from tests.conftest import both_databases
from tests.factories import DAY, NOON, a_regulation, a_theme, a_vote, a_voter, how_many, the_record
from tests.voting.walking import at_once
from voting import ballots
from voting.models import Comment, PendingBallot, Vote
from voting.queries import ballot_with, offered_reasons, waiting_ballots
from voting.rules import Choice, ReasonKind

EMAIL = "kim@example.org"
URLS = {"confirm_url": "https://x.example/c/{secret}", "not_me_url": "https://x.example/n/{secret}"}


def a_begun_ballot(regulation, choice=Choice.KEEP, text="It works.", supports="", now=NOON) -> str:
    with transaction():
        return ballots.begin(
            regulation=regulation, pending=None, order="3", choice=choice, direction=None, text=text,
            supports=supports, not_said=not (text or supports), now=now,
        ).secret  # fmt: skip


def a_given_ballot(regulation, email=EMAIL, replaces="", now=NOON, capacity=Capacity.PUBLIC, organisation="", **said):
    secret = a_begun_ballot(regulation, now=now, **said)
    with transaction():
        pending = ballot_with(secret)
        ballots.complete(pending, capacity=capacity, organisation=organisation, display_name="")
        ballots.give(pending=pending, email=email, replaces=replaces, now=now, **URLS)
    return secret


def all_confirmed(email=EMAIL, now=NOON, struck=()):
    with transaction():
        account = accounts.account_for(email=email, now=now)
        listed = [ballots.mark(pending) for pending in waiting_ballots(email, now)]
        return ballots.confirm(account=account, listed=listed, struck=struck, now=now)


def mails(email=EMAIL) -> int:
    return len(db.session.scalars(select(Mail.id).filter_by(recipient=email)).all())


@both_databases
def test_one_confirmation_counts_every_vote_that_waits(app):
    regulations = [a_regulation() for _ in range(3)]
    for regulation in regulations:
        a_given_ballot(regulation)
    assert (how_many(Vote), the_record("vote")) == (0, [])
    outcomes = all_confirmed()
    assert all(outcome.receipt for outcome in outcomes)
    assert (how_many(Vote), how_many(PendingBallot), len(the_record("vote"))) == (3, 0, 3)
    assert {order for (order,) in db.session.execute(select(Vote.order))} == {"3"}


def test_what_is_struck_out_is_deleted_and_not_counted(app):
    mine, other = a_regulation(), a_regulation()
    a_given_ballot(mine)
    mark = ballots.mark(ballot_with(a_given_ballot(other)))
    (outcome,) = all_confirmed(struck=[mark])
    assert outcome.regulation_slug == mine.slug
    assert (how_many(Vote), how_many(PendingBallot)) == (1, 0)


def test_what_was_not_on_the_page_goes_on_waiting(app):
    seen, came_later = a_regulation(), a_regulation()
    listed = [ballots.mark(ballot_with(a_given_ballot(seen)))]
    a_given_ballot(came_later)
    with transaction():
        account = accounts.account_for(email=EMAIL, now=NOON)
        outcomes = ballots.confirm(account=account, listed=listed, struck=(), now=NOON)
    assert [outcome.regulation_slug for outcome in outcomes] == [seen.slug]
    assert [pending.regulation.slug for pending in waiting_ballots(EMAIL, NOON)] == [came_later.slug]


def test_a_ballot_changed_after_it_was_read_is_not_counted(app):
    secret = a_given_ballot(a_regulation())
    listed = [ballots.mark(ballot_with(secret))]
    with transaction():
        ballot_with(secret).text = "Something else."
    with transaction():
        account = accounts.account_for(email=EMAIL, now=NOON)
        assert ballots.confirm(account=account, listed=listed, struck=(), now=NOON) == []


@both_databases
def test_an_address_is_written_to_three_times_a_day_until_it_is_confirmed(app):
    for _ in range(5):
        a_given_ballot(a_regulation())
    assert mails() == 3
    assert len(waiting_ballots(EMAIL, NOON)) == 5
    a_given_ballot(a_regulation(a_theme(closes=NOON + 9 * DAY)), now=NOON + DAY)
    assert mails() == 4


def test_a_second_click_gives_one_ballot_and_writes_one_mail(app):
    secret = a_given_ballot(a_regulation())
    for _ in range(2):
        with transaction():
            ballots.give(pending=ballot_with(secret), email="KIM@example.org ", replaces="", now=NOON, **URLS)
    assert (mails(), how_many(PendingBallot)) == (1, 1)


def test_a_ballot_that_waits_is_not_altered_any_more(app):
    secret = a_given_ballot(a_regulation())
    who = {"capacity": Capacity.PUBLIC, "organisation": "", "display_name": "Kim"}
    with pytest.raises(RuleBroken, match="waits for its email address already"), transaction():
        ballots.complete(ballot_with(secret), **who)
    with transaction():
        waiting = ballot_with(secret)
        mark = ballots.mark(waiting)
        another = ballots.to_complete(waiting, email=EMAIL, now=NOON, **who)
        ballots.complete(another, **who)
        ballots.give(pending=another, email=EMAIL, replaces="", now=NOON, **URLS)
    (waiting,) = waiting_ballots(EMAIL, NOON)
    assert (waiting.secret, waiting.text, waiting.order, waiting.display_name) == (secret, "It works.", "3", "Kim")
    assert ballots.mark(waiting) != mark


def test_a_mark_is_a_whole_digest_of_all_a_ballot_says(app):
    pending = ballot_with(a_given_ballot(a_regulation()))
    assert re.fullmatch(r"\d+-[0-9a-f]{64}", ballots.mark(pending))


@both_databases
def test_those_who_give_at_the_same_moment_have_no_more_room_than_others(app):
    theme = a_theme()
    for _ in range(18):
        a_given_ballot(a_regulation(theme))
    begun = [a_begun_ballot(a_regulation(theme)) for _ in range(6)]
    db.session.remove()
    ready = threading.Barrier(len(begun))

    def give(secret):
        with app.app_context(), clock.pretending(NOON):
            ready.wait()
            with transaction():
                ballots.give(pending=ballot_with(secret, hold=True), email=EMAIL, replaces="", now=NOON, **URLS)
            db.session.remove()

    at_once(give, begun)
    assert len(waiting_ballots(EMAIL, NOON)) == 20


def test_correcting_the_address_moves_the_ballot(app):
    secret = a_given_ballot(a_regulation(), email="kin@example.org")
    with transaction():
        ballots.give(pending=ballot_with(secret), email=EMAIL, replaces="", now=NOON, **URLS)
    assert waiting_ballots("kin@example.org", NOON) == []
    assert len(waiting_ballots(EMAIL, NOON)) == 1
    assert (mails(), mails("kin@example.org")) == (1, 1)


def test_a_ballot_given_again_takes_the_place_of_the_one_that_waits(app):
    regulation = a_regulation()
    first = a_given_ballot(regulation)
    a_given_ballot(regulation, choice=Choice.SCRAP, replaces=first)
    assert [pending.choice for pending in waiting_ballots(EMAIL, NOON)] == ["scrap"]


def test_while_it_is_begun_again_the_one_given_stays_as_it_was(app):
    regulation = a_regulation()
    given = a_given_ballot(regulation)
    with transaction():
        ballots.begin(
            regulation=regulation, pending=ballot_with(given), order="3", choice=Choice.SCRAP, direction=None,
            text="On second thoughts", supports="", not_said=False, now=NOON,
        )  # fmt: skip
    assert [(pending.choice, pending.text) for pending in waiting_ballots(EMAIL, NOON)] == [("keep", "It works.")]


def test_the_twenty_first_within_an_hour_waits_in_its_own_browser_and_is_let_in_there(app):
    theme = a_theme()
    secrets = [a_given_ballot(a_regulation(theme)) for _ in range(21)]
    assert len(waiting_ballots(EMAIL, NOON)) == 20
    with transaction():
        ballots.let_in(pending=ballot_with(secrets[-1]))
    assert len(waiting_ballots(EMAIL, NOON)) == 21
    a_given_ballot(a_regulation(theme), now=NOON + DAY / 12)
    assert len(waiting_ballots(EMAIL, NOON + DAY / 12)) == 22


def test_this_was_not_me_deletes_what_waits_and_stops_the_mails(app):
    a_given_ballot(a_regulation())
    with transaction():
        ballots.disown(email=EMAIL, now=NOON)
    a_given_ballot(a_regulation())
    assert mails() == 1
    assert len(waiting_ballots(EMAIL, NOON)) == 1


@both_databases
def test_unconfirmed_matter_is_deleted_after_seven_days_and_the_unfinished_after_one(app):
    theme = a_theme(closes=NOON + 30 * DAY)
    given, begun = a_given_ballot(a_regulation(theme)), a_begun_ballot(a_regulation(theme))
    for age, left in ((0.9, {given, begun}), (1.1, {given}), (7.1, set())):
        with transaction():
            ballots.forget_unconfirmed(NOON + age * DAY)
        assert set(db.session.scalars(select(PendingBallot.secret))) == left


def test_what_is_too_old_is_neither_listed_nor_counted(app):
    a_given_ballot(a_regulation(a_theme(closes=NOON + 30 * DAY)))
    assert all_confirmed(now=NOON + 7 * DAY) == []


def test_a_vote_refused_after_the_close_is_kept_with_the_reason_why(app):
    a_given_ballot(a_regulation(a_theme(closes=NOON + DAY)))
    (outcome,) = all_confirmed(now=NOON + 2.5 * DAY)
    assert outcome.receipt is None
    assert "was not counted" in outcome.refused
    kept = ballot_with(outcome.ballot)
    assert (kept.text, kept.given_at, how_many(Vote)) == ("It works.", None, 0)
    with transaction():
        ballots.forget_unconfirmed(NOON + 2.6 * DAY)
    assert ballot_with(outcome.ballot) is not None


def test_a_second_vote_for_one_organisation_is_refused_and_the_rest_is_counted(app):
    regulation, other = a_regulation(), a_regulation()
    first = a_voter(email="ann@shop.example")
    a_checked_organisation(first, "Corner Shop", "shop.example")
    business = {"capacity": Capacity.BUSINESS, "organisation": "Corner Shop"}
    a_vote(regulation, voter=first, **business)
    colleague = "bob@shop.example"
    for each in (regulation, other):
        a_given_ballot(each, email=colleague, **business)
    refused, counted = all_confirmed(colleague)
    assert "A colleague has already voted" in refused.refused
    assert counted.receipt
    assert how_many(Vote) == 2


def a_checked_organisation(account, name, domain):
    from accounts.rules import Role
    from tests.factories import a_member_of_staff

    moderator = a_member_of_staff(Role.MODERATOR)
    with transaction():
        accounts.check_organisation(account=account, name=name, domain=domain, by=moderator, now=NOON)


def test_a_reason_taken_back_meanwhile_does_not_cost_the_vote(app):
    from voting.services import withdraw_vote

    regulation, author = a_regulation(), a_voter()
    a_vote(regulation, voter=author)
    reason = db.session.scalars(select(Comment.public_id)).one()
    a_given_ballot(regulation, text="", supports=reason)
    with transaction():
        withdraw_vote(voter=author, regulation=regulation, now=NOON)
    (outcome,) = all_confirmed()
    assert outcome.receipt
    kinds = db.session.scalars(select(Vote.reason_kind).where(Vote.choice.is_not(None))).all()
    assert kinds == [ReasonKind.NOT_SAID]


@both_databases
def test_the_reasons_offered_are_five_a_side_and_hold_the_one_chosen(app):
    regulation = a_regulation()
    for n in range(40):
        a_vote(regulation, text=f"Reason {n}")
    first = db.session.scalars(select(Comment.public_id).order_by(Comment.id)).first()
    orders = set()
    for n in range(12):
        offered = offered_reasons(regulation.id, seed=str(n), chosen=first)
        names = [reason.public_id for reason in offered[Choice.KEEP]]
        assert (len(names), first in names, offered[Choice.SCRAP]) == (5, True, [])
        orders.add(tuple(names))
    assert len(orders) > 6


def test_nobody_is_offered_their_own_reason(app):
    regulation, author = a_regulation(), a_voter()
    a_vote(regulation, voter=author)
    assert offered_reasons(regulation.id, seed="a", but_not_of=author.id)[Choice.KEEP] == []


def test_the_same_cannot_be_begun_without_a_reason_on_any_side(app):
    regulation = a_regulation()
    for choice in (Choice.SCRAP, Choice.KEEP):
        with pytest.raises(RuleBroken), transaction():
            ballots.begin(
                regulation=regulation, pending=None, order="0", choice=choice, direction=None, text="", supports="",
                not_said=False, now=NOON,
            )  # fmt: skip
