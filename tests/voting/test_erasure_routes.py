"""Having what is held of oneself deleted, through the browser's door; and by the operator's hand."""

import re

import pytest
from sqlalchemy import select

from accounts.models import Account
from accounts.rules import Role
from core import clock
from core.db import db, transaction
from core.sending import deliver_due
from tests.factories import (
    DAY,
    NOON,
    a_ballot,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    how_many,
    the_record,
)
from tests.voting.test_erasure import EMAIL, NAME, WORDS, a_closed_regulation_with_zelda, where_is, zelda
from tests.voting.walking import first_screen, its_session, sign_in
from voting.assisted import How, Person, cast_for
from voting.models import PendingBallot
from voting.rules import Choice

PAGE = "/account/erase"


def test_the_account_page_leads_there(client):
    sign_in(client, zelda())
    assert f'href="{PAGE}"' in client.get("/account").text
    assert client.get(PAGE).status_code == 200


def test_only_who_is_signed_in_finds_it_and_looking_deletes_nothing(client):
    assert "/account/sign-in" in client.get(PAGE).location
    sign_in(client, zelda())
    client.get(PAGE)
    assert zelda().email == EMAIL
    assert the_record("erasure") == []


def test_it_says_what_goes_and_what_stays(client):
    a_closed_regulation_with_zelda()
    a_vote(a_regulation(), Choice.KEEP, zelda(), text="")
    sign_in(client, zelda())
    page = re.sub(r"\s+", " ", client.get(PAGE).text.replace("&nbsp;", " ").replace("\xa0", " "))
    for said in ("2 votes", "1 reason you wrote", EMAIL, "1 of your votes is", "What is deleted", "What stays"):
        assert said in page


def test_without_the_tick_nothing_is_deleted(client):
    sign_in(client, zelda())
    answer = client.post(PAGE, data={})
    assert (answer.status_code, "Tick the box if you want it all deleted" in answer.text) == (422, True)
    assert zelda().email == EMAIL


def test_with_the_tick_everything_goes_and_every_browser_is_signed_out(app, client):
    a_closed_regulation_with_zelda()
    other = sign_in(app.test_client(), zelda())
    sign_in(client, zelda())
    answer = client.post(PAGE, data={"understood": "y"})
    assert (answer.status_code, answer.location) == (303, "/account/erased")
    assert "It is deleted" in client.get(answer.location).text
    for browser in (client, other):
        assert "/account/sign-in" in browser.get("/account").location
    deliver_due(clock.now())
    assert where_is(EMAIL, NAME) == set()
    assert len(the_record("erasure")) == 3


def test_a_session_of_longer_ago_is_asked_to_sign_in_again_and_comes_back(app, client):
    sign_in(client, zelda())
    with clock.pretending(NOON + DAY):
        page = client.get(PAGE)
        assert "Sign in again first" in page.text
        assert f'name="next" value="{PAGE}"' in page.text
        assert "Sign in again first" in client.post(PAGE, data={"understood": "y"}).text
    assert zelda().email == EMAIL


def test_who_holds_an_office_is_told_why_not(client):
    sign_in(client, a_member_of_staff(Role.MODERATOR, office="Duty Moderator"))
    answer = client.get(PAGE)
    assert (answer.status_code, "You hold the office Duty Moderator" in answer.text) == (403, True)
    assert f'href="{PAGE}"' not in client.get("/account").text


def test_a_ballot_begun_in_this_browser_goes_too(client):
    sign_in(client, zelda())
    first_screen(client, a_regulation(), text="Half a thought.")
    assert how_many(PendingBallot) == 1
    client.post(PAGE, data={"understood": "y"})
    assert how_many(PendingBallot) == 0
    with its_session(client) as session:
        assert "ballots" not in session


def test_a_receipt_leads_nowhere_afterwards(client):
    secret = a_vote(a_regulation(), Choice.KEEP, zelda()).secret
    assert client.get(f"/receipts/{secret}").status_code == 200
    sign_in(client, zelda())
    client.post(PAGE, data={"understood": "y"})
    assert client.get(f"/receipts/{secret}").status_code == 404


def command(app, *given: str):
    db.session.rollback()
    return app.test_cli_runner().invoke(args=["accounts", "erase", *given, "--yes"])


def test_an_operator_erases_by_address_and_names_the_ground(app):
    a_closed_regulation_with_zelda()
    done = command(app, EMAIL.upper(), "--basis", "court")
    assert done.exit_code == 0, done.output
    deliver_due(clock.now())
    assert where_is(EMAIL, "zeppelin") - {"comments.fts.sqlite", "comments.fts.sqlite-wal"} == set()
    assert {said["basis"] for said in the_record("erasure")} == {"court"}


def test_an_operator_erases_somebody_without_email(app):
    official = a_member_of_staff(Role.OFFICIAL)
    given = {"how": How.PHONE, "received_on": None, "organisation_checked": False, "by": official, "now": NOON}
    regulation = a_regulation()
    with transaction():
        cast_for(person=Person(NAME, "LS1 4AP"), regulation=regulation, ballot=a_ballot(text=WORDS), **given)
    done = command(app, "--name", "quagga, zelda", "--contact", "ls1 4ap", "--basis", "request")
    assert done.exit_code == 0, done.output
    assert where_is(NAME) == set()


@pytest.mark.parametrize("given", [["nobody@example.org"], ["--name", "No Body", "--contact", "LS1 4AP"]])
def test_an_operator_is_told_when_nobody_is_known_by_that(app, given):
    a_voter()
    done = command(app, *given, "--basis", "law")
    assert (done.exit_code, "Nobody is known by that" in done.output) == (1, True)
    assert len(db.session.scalars(select(Account.email)).all()) == 1


def test_the_goodbye_is_the_same_for_everybody(client):
    a_theme()
    assert client.get("/account/erased").headers["Cache-Control"].startswith("public")
