"""What one said and where it stands: all of it, only one's own, in as many questions for fifty votes as for five."""

import re
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from accounts.models import Account
from accounts.rules import Capacity, Role
from core import clock
from core.db import db, transaction
from decisions.rules import Outcome
from regulations.rules import Split
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    how_many,
    its_session,
    settle_the_record,
)
from voting.models import Comment, PendingBallot, Vote, VoteDetail
from voting.moderation import hide_comment
from voting.rules import Choice, Direction, ModerationRule, ReasonKind
from voting.services import withdraw_vote


def signed_in(app: Flask, account: Account) -> FlaskClient:
    client = app.test_client()
    with client.session_transaction("/account") as session:
        session.update(its_session(account))
    return client


@pytest.fixture
def voter(app: Flask) -> Account:
    return a_voter("kim@example.org")


@pytest.fixture
def client(app: Flask, voter: Account) -> FlaskClient:
    return signed_in(app, voter)


def page(client: FlaskClient, path: str = "/my/contributions") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.text


def row(client: FlaskClient) -> dict:
    (found,) = client.get("/my/contributions.json").json["contributions"]
    return found


def a_waiting_ballot(regulation, email: str = "kim@example.org", choice: Choice = Choice.KEEP, **given) -> int:
    usual = {"reason_kind": ReasonKind.WRITTEN, "text": "It keeps people safe.", "capacity": Capacity.PUBLIC}
    with transaction():
        pending = PendingBallot(
            secret=f"secret {how_many(PendingBallot)}", regulation_id=regulation.id, choice=choice, order="0",
            email=email, begun_at=NOON, given_at=NOON, **(usual | given),
        )  # fmt: skip
        db.session.add(pending)
    return pending.id


def test_whoever_has_not_voted_is_told_what_will_come(client):
    assert "You have not voted yet" in page(client)
    assert client.get("/my/contributions.json").json["contributions"] == []


def test_an_open_vote_stands_with_its_reason_and_can_be_changed(client, voter):
    regulation = a_regulation(title="Example Safety Regulations 1992")
    receipt = a_vote(regulation, Choice.IMPROVE, voter, direction=Direction.STRICTER, text="Too weak.\nSee part 2.")
    shown = page(client)
    for said in ("Example Safety Regulations 1992", "Improve: stricter", "Too weak.", "See part 2.", "7 days"):
        assert said in shown
    for href in (
        f"/regulations/{regulation.slug}/vote",
        f"/regulations/{regulation.slug}/vote/withdraw",
        f"/receipts/{receipt.secret}",
        f"/record/{receipt.entry_id}",
    ):
        assert f'href="{href}"' in shown
    assert row(client)["choice"] == "improve"
    assert row(client)["direction"] == "stricter"
    assert row(client)["changeable"] is True
    assert row(client)["receipt_url"].endswith(f"/receipts/{receipt.secret}")


def test_the_latest_receipt_is_the_one_that_is_linked(client, voter):
    regulation = a_regulation()
    first = a_vote(regulation, Choice.KEEP, voter).secret
    last = a_vote(regulation, Choice.SCRAP, voter, text="Costly").secret
    shown = page(client)
    assert f"/receipts/{last}" in shown
    assert f"/receipts/{first}" not in shown


def test_a_withdrawn_vote_says_so_and_may_be_given_again(client, voter):
    regulation = a_regulation()
    a_vote(regulation, Choice.KEEP, voter, text="It keeps people safe.")
    with transaction():
        withdraw_vote(voter=voter, regulation=regulation, now=NOON)
    shown = page(client)
    assert "You withdrew your vote" in shown
    assert "Vote again" in shown
    assert "Withdraw it" not in shown
    assert "It keeps people safe." not in shown
    assert row(client)["withdrawn"] is True


def test_a_reason_one_stands_behind_is_shown_as_anothers(client, voter):
    regulation = a_regulation()
    a_vote(regulation, Choice.KEEP, text="Somebody else put it well.")
    behind = db.session.scalars(select(Comment.public_id)).one()
    a_vote(regulation, Choice.KEEP, voter, text="", reason_kind=ReasonKind.SUPPORTED, supports=behind)
    assert "You stand behind a reason that somebody else gave" in page(client)
    assert row(client)["stands_behind"] == "Somebody else put it well."


def test_what_was_added_of_ones_own_will_is_shown_to_oneself_alone(app, client, voter):
    regulation = a_regulation()
    a_vote(regulation, Choice.KEEP, voter)
    with transaction():
        vote_id = db.session.scalars(select(Vote.id)).one()
        db.session.add(VoteDetail(vote_id=vote_id, clause="Schedule 1", cost_pounds=1200, nation="wales"))
    assert "Schedule 1; £1,200 a year; Wales" in page(client)
    assert row(client)["details"] == {"clause": "Schedule 1", "cost_pounds": 1200, "nation": "wales"}
    assert "Schedule 1" not in page(app.test_client(), f"/regulations/{regulation.slug}")


def test_rows_of_a_demonstration_say_so(client, voter):
    a_vote(a_regulation(), Choice.KEEP, voter)
    assert row(client)["demonstration"] is True


def test_one_speaks_as_oneself_or_for_somebody(client, voter):
    a_vote(a_regulation(), Choice.KEEP, voter)
    assert "as a member of the public." in page(client)
    a_vote(a_regulation(), Choice.KEEP, voter, capacity=Capacity.CHARITY, organisation="Example Trust")
    assert "for Example Trust." in page(client)


def test_whoever_votes_for_an_organisation_is_led_to_attach_its_paper_while_that_is_possible(client, voter):
    regulation = a_regulation()
    link = f'href="/regulations/{regulation.slug}/vote/paper"'
    a_vote(regulation, Choice.KEEP, voter=voter)
    assert link not in page(client)
    a_vote(regulation, Choice.KEEP, voter=voter, capacity=Capacity.BUSINESS, organisation="Example Bakery")
    assert link in page(client)
    assert client.get(f"/regulations/{regulation.slug}/vote/paper").status_code == 200
    with transaction():
        withdraw_vote(voter=db.session.merge(voter), regulation=db.session.merge(regulation), now=NOON)
    assert link not in page(client)


def test_not_saying_why_is_said(client, voter):
    a_vote(a_regulation(), Choice.KEEP, voter, text="")
    assert "You gave no reason." in page(client)


def test_a_hidden_reason_is_still_ones_own_to_read_with_the_rule(client, voter):
    a_vote(a_regulation(), Choice.KEEP, voter, text="Buy cheap watches.")
    comment, moderator = db.session.scalars(select(Comment)).one(), a_member_of_staff(Role.MODERATOR)
    with transaction():
        hide_comment(comment=comment, rule=ModerationRule.SPAM, reason="It advertises.", by=moderator, now=NOON)
    shown = page(client)
    assert "Buy cheap watches." in shown
    assert "A moderator hid this reason: it advertises or was posted by a machine" in shown
    assert row(client)["hidden_by"] == ModerationRule.SPAM.label


@both_databases
def test_it_is_followed_from_open_over_closed_to_decided(app):
    theme = a_theme(closes=datetime(2026, 3, 9, tzinfo=UTC))
    regulation, voter = a_regulation(theme), a_voter()
    a_vote(regulation, Choice.KEEP, voter)
    client = signed_in(app, voter)
    assert "Open: you can still change these" in page(client)
    assert row(client)["closes_on"] == "2026-03-08", "the day before the midnight at which it closes"
    with clock.pretending(NOON + 9 * DAY):
        shown = page(client)
        assert "Closed: waiting for a decision" in shown
        assert "Change it" not in shown
        assert "Decision due by" in shown
    with clock.pretending(NOON + 100 * DAY):
        assert "Decision overdue by" in page(signed_in(app, voter))
    a_frozen_theme(theme)
    decision = a_decision(regulation, Outcome.KEEP)
    with clock.pretending(NOON + 21 * DAY):
        shown = page(client)
        assert "Settled" in shown
        assert f'href="/decisions/{decision.reference}"' in shown
        assert decision.comparison_sentence in shown.replace("&#39;", "'")
        assert row(client)["outcome"] == "keep"
        assert row(client)["decision_url"].endswith(f"/decisions/{decision.reference}")
        assert row(client)["stage"] == "decided"


def test_a_theme_that_keeps_its_split_shows_people_their_own_vote(client, voter):
    a_vote(a_regulation(a_theme(split=Split.KEPT)), Choice.SCRAP, voter, text="Costly")
    assert row(client)["choice"] == "scrap"


def test_nobody_sees_anothers(app, client, voter):
    a_vote(a_regulation(title="Example Secret Regulations 1992"), text="A stranger's reason")
    shown = page(client) + client.get("/my/contributions.json").text
    assert "Example Secret Regulations 1992" not in shown
    assert "stranger" not in shown


def test_the_page_is_kept_by_no_cache_and_found_by_no_search_engine(client):
    answer = client.get("/my/contributions")
    assert answer.headers["Cache-Control"] == "no-store"
    assert '<meta name="robots" content="noindex' in answer.text
    assert "Access-Control-Allow-Origin" not in client.get("/my/contributions.json").headers


def count_questions(client: FlaskClient, path: str) -> int:
    asked: list[str] = []

    def note(connection, cursor, statement, *rest) -> None:
        asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert client.get(path).status_code == 200
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return sum(statement.lstrip().upper().startswith("SELECT") for statement in asked)


@pytest.mark.parametrize("path", ["/my/contributions", "/my/contributions.json"])
def test_many_votes_take_no_more_questions_than_few(client, voter, path):
    theme = a_theme()
    for _ in range(2):
        a_vote(a_regulation(theme), Choice.KEEP, voter)
        a_waiting_ballot(a_regulation(theme))
    few = count_questions(client, path)
    for _ in range(10):
        a_vote(a_regulation(theme), Choice.KEEP, voter)
        a_waiting_ballot(a_regulation(theme))
    assert count_questions(client, path) == few <= 10


def test_a_long_list_comes_in_pages_and_the_file_holds_all(client, voter):
    theme = a_theme()
    for _ in range(23):
        a_vote(a_regulation(theme), Choice.KEEP, voter, text="")
    assert "1 to 20 of <strong>23 votes</strong>" in page(client)
    assert page(client, "/my/contributions?page=2").count("own__one") == 3
    for odd in ("0", "-1", "99", "abc", "9" * 30):
        page(client, f"/my/contributions?page={odd}")
    assert len(client.get("/my/contributions.json").json["contributions"]) == 23


def test_what_waits_is_shown_first_and_counted_at_the_press_of_a_button(client, voter):
    regulation = a_regulation(title="Example Waiting Regulations 1992")
    a_waiting_ballot(regulation)
    a_waiting_ballot(a_regulation(), email="somebody-else@example.org")
    assert "Not counted yet: 1 vote waits for you" in page(client)
    assert len(client.get("/my/contributions.json").json["waiting"]) == 1
    shown = page(client, "/my/contributions/waiting")
    assert "Example Waiting Regulations 1992" in shown
    assert how_many(Vote) == 0, "looking counts nothing"

    answer = client.post("/my/contributions/waiting", data={"listed": marks(shown)})
    assert answer.status_code == 303
    assert answer.location.startswith("/receipts/")
    assert how_many(Vote) == 1
    assert how_many(PendingBallot) == 1, "another's still waits"
    assert "Example Waiting Regulations 1992" in page(client)


def marks(shown: str) -> list[str]:
    return re.findall(r'name="listed"\s+value="([^"]+)"', shown)


def test_what_is_not_mine_is_deleted_uncounted(client):
    a_waiting_ballot(a_regulation())
    a_waiting_ballot(a_regulation())
    mine, not_mine = marks(page(client, "/my/contributions/waiting"))
    answer = client.post("/my/contributions/waiting", data={"listed": [mine, not_mine], "not_mine": [not_mine]})
    assert answer.status_code == 303
    assert (how_many(Vote), how_many(PendingBallot)) == (1, 0)


def test_striking_all_of_it_leads_back(client):
    a_waiting_ballot(a_regulation())
    (mark,) = marks(page(client, "/my/contributions/waiting"))
    answer = client.post("/my/contributions/waiting", data={"listed": [mark], "not_mine": [mark]})
    assert answer.location == "/my/contributions"
    assert (how_many(Vote), how_many(PendingBallot)) == (0, 0)
    assert client.get("/my/contributions/waiting").location == "/my/contributions"


def test_what_came_in_after_the_page_was_drawn_goes_on_waiting(client):
    a_waiting_ballot(a_regulation())
    seen = marks(page(client, "/my/contributions/waiting"))
    a_waiting_ballot(a_regulation())
    client.post("/my/contributions/waiting", data={"listed": seen})
    assert (how_many(Vote), how_many(PendingBallot)) == (1, 1)


@pytest.mark.parametrize("forged", [{}, {"listed": "1-forged"}, {"listed": ["", "\x00", "999999999999999999999-x"]}])
def test_a_tampered_list_counts_nothing(client, forged):
    a_waiting_ballot(a_regulation())
    assert client.post("/my/contributions/waiting", data=forged).status_code == 303
    assert (how_many(Vote), how_many(PendingBallot)) == (0, 1)


def test_what_can_no_longer_be_counted_says_why_and_keeps_what_was_typed(client):
    a_waiting_ballot(a_regulation(a_theme(closes=NOON + DAY)), text="What I typed with care")
    with clock.pretending(NOON + 3 * DAY):
        listed = marks(page(client, "/my/contributions/waiting"))
        answer = client.post("/my/contributions/waiting", data={"listed": listed}, follow_redirects=True)
    assert "What I typed with care" in answer.text
    assert how_many(Vote) == 0


def test_a_ballot_and_a_vote_on_the_same_regulation_are_one_vote(client, voter):
    regulation = a_regulation()
    a_vote(regulation, Choice.KEEP, voter)
    a_waiting_ballot(regulation, choice=Choice.SCRAP)
    client.post("/my/contributions/waiting", data={"listed": marks(page(client, "/my/contributions/waiting"))})
    settle_the_record()
    assert how_many(Vote) == 1
    assert row(client)["choice"] == "scrap"
