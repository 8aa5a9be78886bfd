"""While the record cannot be signed, nothing is taken that would have to stand in it, and nothing typed is lost."""

import pytest
from sqlalchemy import select, update

from accounts.rules import Role
from audit.models import LogHead
from audit.services import NOT_TAKEN
from core.db import db, transaction
from core.errors import Unavailable
from tests.conftest import both_databases
from tests.factories import a_member_of_staff, a_regulation, a_vote, a_voter, how_many, the_record
from tests.voting.test_assisted_routes import SEND, TYPED
from tests.voting.walking import code, confirm, first_screen, last_mail, second_screen, send, sign_in, vote_url
from voting.models import PendingBallot, Receipt, Vote

TYPED_REASON = "Because the inspectors found it works."


def refuse(why: str | None = "The database holds fewer lines than were signed already.") -> None:
    db.session.rollback()
    with transaction():
        db.session.execute(update(LogHead).values(refusal=why))


def the_refusal(answer) -> str:
    """The page that says so, in the design, with the sentence in the list of what went wrong."""
    assert answer.status_code == 503
    assert NOT_TAKEN in answer.text
    assert answer.text.count("<h1") == 1
    return answer.text


@both_databases
def test_no_vote_is_counted_while_the_record_is_not_signed(app):
    regulation, voter = a_regulation(), a_voter()
    refuse()
    with pytest.raises(Unavailable, match="come back later"):
        a_vote(regulation, voter=voter)
    db.session.rollback()
    assert (how_many(Vote), how_many(Receipt), the_record("vote")) == (0, 0, [])


def test_the_first_screen_comes_back_as_it_was_typed(client):
    regulation = a_regulation()
    refuse()
    assert NOT_TAKEN in client.get(vote_url(regulation)).text, "it says so before anybody types"
    page = the_refusal(first_screen(client, regulation, choice="improve", direction="clearer", text=TYPED_REASON))
    assert TYPED_REASON in page
    assert page.count("checked") == 2
    assert how_many(PendingBallot) == 0


def test_the_second_screen_comes_back_as_it_was_typed_and_the_first_is_kept(client):
    regulation = a_regulation()
    first_screen(client, regulation, text=TYPED_REASON)
    refuse()
    assert NOT_TAKEN in client.get(vote_url(regulation, "/who")).text
    typed = {"capacity": "business", "organisation": "Corner Shop", "email": "kim@example.org"}
    page = the_refusal(second_screen(client, regulation, **typed))
    assert TYPED_REASON in page
    assert 'value="Corner Shop"' in page
    assert 'value="kim@example.org"' in page
    refuse(None)
    assert second_screen(client, regulation, **typed).status_code == 303
    assert confirm(client, last_mail()).status_code == 303
    assert how_many(Vote) == 1


def test_somebody_signed_in_finds_both_screens_as_they_were(client):
    regulation = a_regulation()
    sign_in(client, a_voter())
    first_screen(client, regulation, text=TYPED_REASON)
    refuse()
    assert TYPED_REASON in the_refusal(second_screen(client, regulation))
    assert how_many(Vote) == 0
    refuse(None)
    assert second_screen(client, regulation).status_code == 303
    assert how_many(Vote) == 1


def test_what_waits_for_its_address_goes_on_waiting_and_its_link_still_works(client):
    regulation = a_regulation()
    send(client, regulation, text=TYPED_REASON)
    refuse()
    page = the_refusal(confirm(client, last_mail()))
    assert TYPED_REASON in page
    assert "Count my vote" in page
    db.session.rollback()
    assert db.session.scalars(select(PendingBallot.email)).all() == ["kim@example.org"]
    refuse(None)
    assert confirm(client, last_mail()).status_code == 303
    assert (how_many(Vote), how_many(PendingBallot)) == (1, 0)


def test_a_code_that_could_not_be_used_can_be_used_later(client):
    regulation = a_regulation()
    send(client, regulation)
    typed = {"code": code(last_mail())}
    refuse()
    the_refusal(client.post(vote_url(regulation, "/check-email"), data=typed))
    assert how_many(PendingBallot) == 1
    refuse(None)
    assert client.post(vote_url(regulation, "/check-email"), data=typed).status_code == 303
    assert how_many(Vote) == 1


def test_a_vote_cannot_be_withdrawn_and_stands(client):
    regulation, voter = a_regulation(), a_voter()
    a_vote(regulation, voter=voter)
    sign_in(client, voter)
    refuse()
    the_refusal(client.post(vote_url(regulation, "/withdraw")))
    db.session.rollback()
    assert db.session.scalars(select(Vote.choice)).all() == ["keep"]


def test_what_staff_enter_comes_back_before_it_is_read_out(client):
    regulation = a_regulation()
    sign_in(client, a_member_of_staff(Role.MODERATOR))
    refuse()
    for typed in (TYPED, {**TYPED, **SEND}):
        page = the_refusal(client.post(f"/staff/assist/{regulation.slug}", data=typed))
        assert TYPED["name"] in page
    assert how_many(Vote) == 0


def test_reading_goes_on(client):
    regulation = a_regulation()
    secret = a_vote(regulation).secret
    refuse("The key is not there.")
    page = client.get(f"/receipts/{secret}")
    assert page.status_code == 200
    assert "The key is not there." in page.text
