"""What happens while somebody waits their turn is seen when it comes: real threads on both databases."""

import logging
import threading
from contextlib import suppress

from sqlalchemy import select

import commands
from accounts import services as accounts
from accounts.models import Account
from accounts.rules import Capacity, Role
from audit.models import Entry, Opening
from core import clock
from core.db import db, transaction
from core.errors import Clash, Gone
from regulations.models import Regulation, Theme
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_ballot,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    settle_the_record,
    the_record,
)
from tests.voting.walking import at_once, code, last_mail, link, listed, send, vote_url
from voting.erasure import erase_person
from voting.models import Comment, FrozenTally, Pseudonym, Vote
from voting.moderation import comment_to_moderate, hide_comment
from voting.queries import comment_by, standing_vote, support_by, tally_of
from voting.rules import Choice, CommentStatus, ErasureBasis, ModerationRule
from voting.services import cast_vote, raise_level, withdraw_vote
from voting.tallying import _standing_cells, freeze_theme, themes_to_freeze

SHOP = {"capacity": Capacity.BUSINESS, "organisation": "Corner Shop", "text": ""}
A_WHILE = 0.7


def everybody_has_read(gate: threading.Barrier) -> None:
    """On SQLite only one is ever inside, and goes on alone after a while."""
    with suppress(threading.BrokenBarrierError):
        gate.wait(A_WHILE)


def chains_fork(type: str) -> bool:
    before = [said["prev"] for said in the_record(type) if "prev" in said]
    return len(before) != len(set(before))


def act_after_reading(app, regulation, voter, acts) -> None:
    """Each act in a thread of its own, after all have read vote, comment and support as they stood before."""
    regulation_id, voter_id = regulation.id, voter.id
    db.session.remove()
    gate = threading.Barrier(len(acts))

    def go(act):
        with app.app_context(), clock.pretending(NOON):
            with transaction():
                own = db.session.get_one(Account, voter_id), db.session.get_one(Regulation, regulation_id)
                read = [find(*own) for find in (standing_vote, comment_by, support_by)]
                everybody_has_read(gate)
                act(voter=own[0], regulation=own[1], now=NOON)
                assert read
            db.session.remove()

    at_once(go, acts)
    settle_the_record()


@both_databases
def test_two_withdrawals_at_once_are_one(app):
    regulation, voter = a_regulation(), a_voter()
    a_vote(regulation, voter=voter)
    a_vote(regulation)
    settle_the_record()
    act_after_reading(app, regulation, voter, [withdraw_vote, withdraw_vote])
    assert [said.get("withdrawn") for said in the_record("vote")] == [None, None, True]
    tally = tally_of(regulation.id)
    assert (tally.participants, tally.keep, tally.reasons) == (1, 1, 1)


@both_databases
def test_two_changes_at_once_follow_one_another(app):
    regulation, voter = a_regulation(), a_voter()
    a_vote(regulation, Choice.IMPROVE, voter)
    settle_the_record()

    def change_to(choice):
        return lambda **given: cast_vote(**given, ballot=a_ballot(choice, text=f"Because I would {choice} it."))

    act_after_reading(app, regulation, voter, [change_to(Choice.SCRAP), change_to(Choice.KEEP)])
    assert len(the_record("vote")) == len(the_record("comment")) == 3
    assert not chains_fork("vote")
    assert not chains_fork("comment")
    tally = tally_of(regulation.id)
    assert (tally.participants, tally.improve, tally.reasons) == (1, 0, 1)
    vote, comment = db.session.scalars(select(Vote)).one(), db.session.scalars(select(Comment)).one()
    assert (vote.choice, vote.choice in comment.text, getattr(tally, vote.choice)) == (comment.choice, True, 1)


@both_databases
def test_a_vote_given_while_its_voter_is_erased_leaves_nothing_of_them_either(app):
    regulation, voter = a_regulation(), a_voter("zelda@example.org")
    given_not_committed, erased = threading.Event(), threading.Event()

    def give(**given):
        with suppress(Gone):
            cast_vote(**given, ballot=a_ballot(text="Zebras."))
        given_not_committed.set()
        erased.wait(A_WHILE)

    def be_erased(*, voter, regulation, now):
        given_not_committed.wait(A_WHILE)
        erase_person(account=voter, basis=ErasureBasis.REQUEST, now=now)
        erased.set()

    act_after_reading(app, regulation, voter, [give, be_erased])
    assert set(db.session.scalars(select(Vote.choice))) <= {None}
    assert set(db.session.scalars(select(Comment.text))) <= {""}
    assert db.session.scalars(select(Pseudonym.identity).where(Pseudonym.identity.is_not(None))).all() == []
    assert db.session.scalars(select(Opening.text).where(Opening.field == "body_commit")).all() == []
    assert tally_of(regulation.id).participants == 0
    assert not chains_fork("vote")


@both_databases
def test_what_is_hidden_while_its_author_writes_over_it_stays_hidden(app):
    """On SQLite the author comes first, and the moderator has to read it again."""
    regulation, author, moderator = a_regulation(), a_voter(), a_member_of_staff(Role.MODERATOR)
    a_vote(regulation, voter=author, text="Ring my neighbour on 020 7946 0000.")
    comment = db.session.scalars(select(Comment)).one()
    public_id, seen, moderator_id = comment.public_id, comment.entry_id, moderator.id
    author_id, regulation_id = author.id, regulation.id
    db.session.remove()
    read, hidden = threading.Event(), threading.Event()

    def write_over_it():
        with app.app_context(), clock.pretending(NOON):
            with transaction():
                own = db.session.get_one(Account, author_id), db.session.get_one(Regulation, regulation_id)
                assert comment_by(*own).status == CommentStatus.PUBLISHED
                read.set()
                hidden.wait(A_WHILE)
                cast_vote(voter=own[0], regulation=own[1], ballot=a_ballot(text="Ring her!"), now=NOON)
            db.session.remove()

    thread = threading.Thread(target=write_over_it)
    thread.start()
    read.wait()
    with suppress(Clash), transaction():
        hide_comment(
            comment=comment_to_moderate(public_id, seen=seen), rule=ModerationRule.PERSONAL_DATA,
            reason="It gives a number.", by=db.session.get_one(Account, moderator_id), now=NOON,
        )  # fmt: skip
    hidden.set()
    thread.join()
    db.session.rollback()
    is_hidden = db.session.scalars(select(Comment.status)).one() == CommentStatus.HIDDEN
    assert is_hidden == bool(the_record("moderation")) == (db.engine.dialect.name == "postgresql")


def while_staff_hold_the_vote(app, then) -> None:
    """Staff have read a vote to raise its level; ``then`` happens elsewhere; then they raise it."""
    vote_id = db.session.scalars(select(Vote.id).order_by(Vote.id).limit(1)).one()
    db.session.remove()
    read, done = threading.Event(), threading.Event()

    def elsewhere():
        with app.app_context(), clock.pretending(NOON):
            read.wait()
            with transaction():
                then()
            done.set()
            db.session.remove()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    with transaction():
        vote = db.session.get_one(Vote, vote_id)
        theme = vote.regulation.theme
        assert (vote.choice, theme.frozen_at) == ("keep", None)
        read.set()
        done.wait(A_WHILE)
        raise_level(vote=vote, now=NOON)
        assert vote.regulation.theme is theme
    thread.join()
    settle_the_record()


def a_vote_of_a_shop(regulation) -> Account:
    voter = a_voter("boss@shop.example")
    a_vote(regulation, Choice.KEEP, voter, **SHOP)
    staff = a_member_of_staff(Role.MODERATOR)
    with transaction():
        accounts.check_organisation(account=voter, name="Corner Shop", domain="", by=staff, now=NOON)
    settle_the_record()
    db.session.rollback()
    return voter


@both_databases
def test_a_vote_changed_while_its_level_is_raised_is_raised_as_it_then_stands(app):
    regulation = a_regulation()
    voter_id, regulation_id = a_vote_of_a_shop(regulation).id, regulation.id

    def change():
        voter, there = db.session.get_one(Account, voter_id), db.session.get_one(Regulation, regulation_id)
        cast_vote(voter=voter, regulation=there, ballot=a_ballot(Choice.SCRAP, **SHOP), now=NOON)

    while_staff_hold_the_vote(app, change)
    assert not chains_fork("vote")
    vote = db.session.scalars(select(Vote)).one()
    assert (vote.choice, vote.level, the_record("vote")[-1]["choice"]) == ("scrap", 3, "scrap")
    tally = tally_of(regulation_id)
    assert (tally.participants, tally.scrap, tally.keep) == (1, 1, 0)
    assert [(cell.choice, cell.level, cell.votes) for cell in _standing_cells(regulation_id)] == [("scrap", 3, 1)]


@both_databases
def test_a_count_made_final_while_a_level_is_raised_stays_as_it_was_recorded(app):
    theme = a_theme(opens=NOON - 9 * DAY, closes=NOON + DAY)
    a_vote_of_a_shop(a_regulation(theme))
    theme_id = theme.id

    def freeze():
        freeze_theme(theme=db.session.get_one(Theme, theme_id), now=NOON + 3 * DAY)

    while_staff_hold_the_vote(app, freeze)
    types = db.session.scalars(select(Entry.type).where(Entry.type.in_(("vote", "tally"))).order_by(Entry.seq)).all()
    assert "vote" not in types[types.index("tally") :] if "tally" in types else set(types) == {"vote"}


def test_a_theme_with_no_count_to_make_final_is_left_and_keeps_no_other_waiting(app):
    past = {"opens": NOON - 5 * DAY, "closes": NOON - 3 * DAY}
    spent, other = a_theme(**past), a_theme(**past)
    a_regulation(spent, spent="Revoked.")
    a_regulation(other)
    settle_the_record()
    assert themes_to_freeze(NOON) == [other.id]
    with transaction():
        assert freeze_theme(theme=db.session.merge(spent), now=NOON)
    for _ in range(2):
        commands.freeze_due()
    db.session.rollback()
    assert (spent.frozen_at, other.frozen_at) == (None, NOON)
    assert themes_to_freeze(NOON) == []


def test_a_theme_whose_count_cannot_be_made_final_is_logged_and_keeps_no_other_waiting(app, caplog):
    past = {"opens": NOON - 5 * DAY, "closes": NOON - 3 * DAY}
    broken, other = a_theme(**past), a_theme(**past)
    regulation = a_regulation(broken)
    a_regulation(other)
    settle_the_record()
    with transaction():
        db.session.connection().exec_driver_sql(
            f"INSERT INTO frozen_tally (regulation_id, at_size, frozen_at) VALUES ({regulation.id}, 1, '2026-01-01')"
        )
    with caplog.at_level(logging.ERROR, logger="commands"):
        commands.freeze_due()
    db.session.rollback()
    assert f"The count of theme {broken.id} could not be made final." in caplog.text
    assert (broken.frozen_at, other.frozen_at) == (None, NOON)
    assert len(db.session.scalars(select(FrozenTally)).all()) == 2


@both_databases
def test_the_link_and_the_code_pressed_at_once_count_one_vote_and_hold_each_other_up_no_longer(app):
    """The same mail opened on a phone while its code is typed at the desk, again and again."""
    regulation = a_regulation()
    for n in range(8):
        email = f"both{n}@example.org"
        desk, phone = app.test_client(), app.test_client()
        send(desk, regulation, email=email)
        mail = last_mail(email)
        path, digits, page = link(mail), code(mail), phone.get(link(mail))
        asked = {path: listed(page), vote_url(regulation, "/check-email"): {"code": digits}}
        clients = {path: phone, vote_url(regulation, "/check-email"): desk}
        answers = []
        db.session.remove()

        def press(address, clients=clients, asked=asked, answers=answers):
            with app.app_context(), clock.pretending(NOON):
                answers.append(clients[address].post(address, data=asked[address]).status_code)

        at_once(press, list(asked))
        assert 303 in answers
        assert set(answers) <= {303, 410, 422}
    assert len(the_record("vote")) == 8
