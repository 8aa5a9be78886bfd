"""Closed windows, forged forms and texts that don't fit: said plainly, and nothing typed is lost."""

import pytest
from sqlalchemy import select

from core import clock
from core.db import db
from tests.conftest import both_databases
from tests.factories import DAY, NOON, a_regulation, a_theme, a_vote, a_voter, how_many
from tests.voting.walking import first_screen, its_session, second_screen, sign_in, vote_url
from voting.models import Comment, PendingBallot, Vote
from voting.rules import Choice

TYPED = "I typed this for half an hour."


def test_a_closed_window_says_so_and_gives_back_what_was_typed(client):
    regulation = a_regulation(a_theme(closes=NOON - DAY))
    page = client.get(vote_url(regulation))
    assert (page.status_code, "Closed: votes are no longer taken" in page.text) == (410, True)
    assert f"/regulations/{regulation.slug}" in page.text
    answer = first_screen(client, regulation, text=TYPED)
    assert (answer.status_code, TYPED in answer.text) == (410, True)


def test_a_window_that_closes_between_the_screens_gives_back_what_was_typed(client):
    regulation = a_regulation()
    first_screen(client, regulation, text=TYPED)
    with clock.pretending(NOON + 8 * DAY):
        sent = second_screen(client, regulation, email="kim@example.org")
        for answer in (client.get(vote_url(regulation, "/who")), sent):
            assert (answer.status_code, TYPED in answer.text) == (410, True)


def test_a_window_that_has_not_opened_says_when_it_does(client):
    regulation = a_regulation(a_theme(opens=NOON + DAY))
    page = client.get(vote_url(regulation))
    assert page.status_code == 409
    assert "Tuesday 3 March 2026" in page.text


def test_a_regulation_that_is_spent_takes_no_votes(client):
    assert client.get(vote_url(a_regulation(spent="Its last duty ended in 1999."))).status_code == 410


@both_databases
@pytest.mark.parametrize("slug", ["uksi-1992-1", "no such thing", "'; drop table vote", "é", "a" * 500])
@pytest.mark.parametrize("step", ["", "/who", "/check-email"])
def test_an_unknown_slug_is_not_found(client, slug, step):
    assert client.get(f"/regulations/{slug}/vote{step}").status_code == 404
    assert client.post(f"/regulations/{slug}/vote{step}").status_code == 404


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"choice": "xyz"}, "Choose scrap, improve or keep."),
        ({"choice": ""}, "Choose scrap, improve or keep."),
        ({"choice": "improve"}, "Say which way to improve it"),
        ({"choice": "improve", "direction": "sideways"}, "Say which way to improve it"),
        ({"text": TYPED + "x" * 5_000}, "Shorten this to 5,000 characters or fewer: it is 30 too long."),
        ({"not_said": "y"}, "Keep one of the two."),
        ({"supports_keep": "0123456789abcdef", "text": ""}, "Choose a reason given for the choice you made"),
        ({"supports_keep": "\0' or 1=1", "text": ""}, "Choose a reason given for the choice you made"),
    ],
)
@both_databases
def test_a_tampered_ballot_is_refused_beside_its_field_and_keeps_what_was_typed(client, said, sentence):
    regulation = a_regulation()
    answer = first_screen(client, regulation, **{"text": TYPED} | said)
    assert (answer.status_code, how_many(PendingBallot)) == (422, 0)
    assert sentence in answer.text
    assert "<title>Error: " in answer.text
    assert "There is a problem" in answer.text
    assert TYPED in answer.text or said.get("text") == ""


def test_a_reason_of_another_side_cannot_be_stood_behind(client):
    regulation = a_regulation()
    a_vote(regulation, Choice.SCRAP, text="It costs too much.")
    other = db.session.scalars(select(Comment.public_id)).one()
    answer = first_screen(client, regulation, choice="keep", supports_keep=other, text="")
    assert "Choose a reason given for the choice you made" in answer.text
    hidden_with_its_side = first_screen(client, regulation, choice="keep", supports_scrap=other, text=TYPED)
    assert hidden_with_its_side.status_code == 303


def test_control_characters_are_taken_out_and_line_ends_kept(client):
    regulation = a_regulation()
    sign_in(client, a_voter())
    first_screen(client, regulation, text="First\x00 line\r\n\u202esecond\x1b line")
    second_screen(client, regulation, display_name="Kim\x00\u202e")
    comment = db.session.scalars(select(Comment)).one()
    assert (comment.text, comment.display_name) == ("First line\nsecond line", "Kim")


def test_what_people_write_is_shown_as_they_wrote_it_and_never_run(client):
    regulation = a_regulation()
    first_screen(client, regulation, text="<script>alert(1)</script> & more")
    page = client.get(vote_url(regulation, "/who")).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"capacity": "emperor"}, "Say who you speak for."),
        ({"capacity": ""}, "Say who you speak for."),
        ({"capacity": "charity", "organisation": " "}, "Enter the name of the organisation you speak for."),
        ({"display_name": "🦊🦊"}, "Use at least one letter in the name"),
        ({"display_name": "x" * 61}, "Shorten the name to 60 characters"),
        ({"organisation": "x" * 121}, "Shorten this to 120 characters"),
        ({"email": ""}, "Enter your email address."),
        ({"email": "kim at example"}, "Enter an email address in the right form"),
        ({"email": "kim@example.org\nBcc: all@example.org"}, "Enter an email address in the right form"),
        ({"email": "x" * 300 + "@example.org"}, "Enter an email address in the right form"),
    ],
)
def test_a_second_screen_that_does_not_fit_keeps_everything(client, said, sentence):
    regulation = a_regulation()
    first_screen(client, regulation, text=TYPED)
    answer = second_screen(client, regulation, **{"display_name": "Kim", "email": "kim@example.org"} | said)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert TYPED in answer.text
    for field, value in {"display_name": "Kim", "email": "kim@example.org"}.items():
        assert field in said or f'value="{value}"' in answer.text


def test_a_form_too_large_to_read_is_a_plain_page(client):
    answer = first_screen(client, a_regulation(), text="x" * 600_000)
    assert (answer.status_code, "<h1" in answer.text) == (413, True)


@pytest.fixture
def guarded(app, monkeypatch):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    return app.test_client()


def test_a_stale_or_forged_token_loses_nothing_that_was_typed(guarded):
    regulation = a_regulation()
    for token in ({}, {"csrf_token": "forged"}):
        answer = first_screen(guarded, regulation, text=TYPED, **token)
        assert (answer.status_code, how_many(PendingBallot)) == (400, 0)
        assert TYPED in answer.text
        assert "What you typed is still here: send it again." in answer.text


def test_nothing_is_changed_without_a_token(guarded):
    regulation, voter = a_regulation(), a_voter()
    secret = a_vote(regulation, Choice.KEEP, voter).secret
    vote_id = db.session.scalars(select(Vote.id)).one()
    sign_in(guarded, voter)
    for address in (
        vote_url(regulation, "/withdraw"),
        vote_url(regulation, "/details"),
        vote_url(regulation, "/check-email"),
        "/account/confirm/abc",
        "/account/not-me/abc",
    ):
        assert guarded.post(address, data={"again": "1"}).status_code in (400, 410), address
    db.session.rollback()
    assert db.session.get_one(Vote, vote_id).choice == "keep"
    assert guarded.post(f"/receipts/{secret}").status_code == 405


def test_one_browser_begins_at_most_sixty_ballots_an_hour(client):
    regulations = [a_regulation(a_theme()) for _ in range(2)]
    for n in range(60):
        with its_session(client) as session:
            session.pop("ballots", None)
        assert first_screen(client, regulations[n % 2]).status_code == 303
    with its_session(client) as session:
        session.pop("ballots", None)
    answer = first_screen(client, regulations[0], text=TYPED)
    assert (answer.status_code, TYPED in answer.text, how_many(PendingBallot)) == (429, True, 60)
    with clock.pretending(NOON + DAY / 24):
        assert first_screen(client, regulations[0]).status_code == 303
