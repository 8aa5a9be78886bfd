"""From the mailbox back to the site, through the browser's door."""

import re
import threading

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from accounts.models import Account, Organisation
from core import clock
from core.db import db, transaction
from core.mail import Mail
from tests.conftest import both_databases
from tests.factories import DAY, NOON, a_regulation, a_theme, a_vote, a_voter, how_many, the_record
from tests.voting.walking import (
    PUBLIC,
    at_once,
    code,
    confirm,
    first_screen,
    last_mail,
    link,
    listed,
    marks,
    second_screen,
    send,
    vote_url,
    without_tokens,
)
from voting import ballots
from voting.models import PendingBallot, Vote
from voting.rules import Choice

EMAIL = "kim@example.org"


def check_url(regulation) -> str:
    return vote_url(regulation, "/check-email")


def is_signed_in(client) -> bool:
    return client.get("/account").status_code == 200


def test_looking_at_the_link_counts_nothing_and_the_button_counts_once(client, app):
    regulation = a_regulation()
    send(client, regulation)
    mail, scanner = last_mail(), app.test_client()
    for _ in range(3):
        assert "Not counted yet" in scanner.get(link(mail)).text
        scanner.head(link(mail))
    assert (how_many(Vote), is_signed_in(scanner)) == (0, False)
    answer = confirm(client, mail)
    assert "Your vote to keep is in" in client.get(answer.location).text
    assert (how_many(Vote), how_many(PendingBallot), len(the_record("vote"))) == (1, 0, 1)
    assert is_signed_in(client)
    cookie = client.get_cookie("session")
    assert cookie.expires is not None, "the browser stays signed in"


def test_the_link_works_on_another_device(client, app):
    regulation, phone = a_regulation(), app.test_client()
    send(client, regulation)
    assert "/receipts/" in confirm(phone, last_mail()).location
    gone = client.get(check_url(regulation))
    assert gone.status_code == 410
    assert "your vote is counted" in gone.text


def test_one_confirmation_lists_and_counts_every_vote_but_those_struck_out(client, app):
    regulations = [a_regulation() for _ in range(3)]
    for regulation in regulations:
        send(client, regulation)
    page = client.get(link(last_mail()))
    assert all(regulation.title in page.text for regulation in regulations)
    answer = client.post(link(last_mail()), data={**listed(page), "not_mine": marks(page)[1]})
    told = client.get(answer.location)
    assert "2 votes counted" in told.text
    assert regulations[1].title not in told.text
    assert (how_many(Vote), how_many(PendingBallot)) == (2, 0)


def test_a_vote_that_comes_in_while_the_page_is_read_is_not_counted_unseen(client, app):
    first, second, stranger = a_regulation(), a_regulation(), app.test_client()
    send(client, first)
    mail = last_mail()
    page = client.get(link(mail))
    send(stranger, second, choice="scrap")
    client.post(link(mail), data=listed(page))
    assert db.session.scalars(select(Vote.regulation_id)).all() == [first.id]
    assert second.title in client.get("/my/contributions/waiting").text


@pytest.mark.parametrize("secret", ["forged", "x" * 300, "'; drop table vote"])
def test_a_forged_link_is_a_page_that_helps(client, secret):
    for address in (f"/account/confirm/{secret}", f"/account/not-me/{secret}"):
        for answer in (client.get(address), client.post(address)):
            assert answer.status_code == 410
            assert "/account/sign-in" in answer.text


def test_a_link_works_once_and_for_seven_days(client):
    theme = a_theme(closes=NOON + 30 * DAY)
    send(client, a_regulation(theme))
    used = last_mail()
    data = listed(client.get(link(used)))
    assert client.post(link(used), data=data).status_code == 303
    for again in (client.post(link(used), data=data), client.get(link(used))):
        assert again.status_code == 410
        assert "If you pressed the button twice, your vote is counted: see Your contributions." in again.text
    client.post("/account/sign-out")
    send(client, a_regulation(theme))
    with clock.pretending(NOON + 7 * DAY):
        assert client.get(link(last_mail())).status_code == 410
    assert how_many(Vote) == 1


def test_a_link_without_waiting_votes_signs_in(client, app):
    send(client, a_regulation())
    mail = last_mail()
    send(client, a_regulation())
    confirm(app.test_client(), last_mail())
    page = client.get(link(mail))
    assert "<h1>Sign in</h1>" in page.text
    assert client.post(link(mail), data=listed(page)).location == "/my/contributions"
    assert is_signed_in(client)


def test_the_code_counts_the_vote_of_the_page_still_open(client):
    regulation = a_regulation()
    send(client, regulation)
    digits = code(last_mail())
    wrong = client.post(check_url(regulation), data={"code": f"{(int(digits) + 1) % 10**6:06d}"})
    assert (wrong.status_code, how_many(Vote)) == (422, 0)
    assert "That is not the code we sent last" in wrong.text
    answer = client.post(check_url(regulation), data={"code": f" {digits[:3]} {digits[3:]} "})
    assert "Your vote to keep is in" in client.get(answer.location).text
    assert is_signed_in(client)
    assert client.post(check_url(regulation), data={"code": digits}).location == answer.location


def test_the_code_asks_before_it_counts_what_others_gave_under_the_address(client, app):
    mine, other = a_regulation(), a_regulation()
    send(app.test_client(), other, choice="scrap")
    send(client, mine)
    answer = client.post(check_url(mine), data={"code": code(last_mail())})
    assert (answer.location, how_many(Vote)) == ("/my/contributions/waiting", 0)
    page = client.get(answer.location).text
    assert mine.title in page
    assert other.title in page


@pytest.mark.parametrize("typed", ["", "12345", "abcdef", "1234567", "١٢٣٤٥٦", "\0"])
def test_what_is_no_code_is_said_beside_the_field(client, typed):
    regulation = a_regulation()
    send(client, regulation)
    answer = client.post(check_url(regulation), data={"code": typed})
    assert (answer.status_code, "Enter the six digits from the email." in answer.text) == (422, True)


def an_address_that_is(kind: str, client, app) -> str:
    """All of one length, so that the pages can be held against each other."""
    email = {"new": "aaaa", "known": "bbbb", "stopped": "cccc", "written to": "dddd", "flooded": "eeee"}[kind]
    email += "@example.org"
    if kind == "known":
        a_vote(a_regulation(), voter=a_voter(email=email))
    if kind == "stopped":
        with transaction():
            ballots.disown(email=email, now=NOON)
    for _ in range({"written to": 5, "flooded": 22}.get(kind, 0)):
        send(app.test_client(), a_regulation(a_theme()), email=email)
    return email


@pytest.mark.parametrize("kind", ["known", "stopped", "written to", "flooded"])
def test_whatever_the_address_has_done_before_the_sender_sees_the_same(app, kind):
    regulation, pages = a_regulation(), []
    for each in ("new", kind):
        browser = app.test_client()
        email = an_address_that_is(each, browser, app)
        answers = [send(browser, regulation, email=email), browser.get(check_url(regulation))]
        answers += [browser.post(check_url(regulation), data={"again": "1"}) for _ in range(4)]
        answers.append(browser.get(answers[-1].location))
        for _ in range(7):
            answers.append(browser.post(check_url(regulation), data={"code": "000000"}))
        pages.append([(answer.status_code, without_tokens(answer).replace(email.encode(), b"")) for answer in answers])
    assert pages[0] == pages[1]


def test_a_flooded_address_still_counts_the_vote_whose_code_was_read(client, app):
    email = an_address_that_is("flooded", client, app)
    regulation = a_regulation()
    send(client, regulation, email=email)
    answer = client.post(check_url(regulation), data={"code": code(last_mail(email))})
    assert answer.location == "/my/contributions/waiting"
    assert regulation.title in client.get(answer.location).text


def test_this_was_not_me_asks_first_then_stops(client, app):
    regulation = a_regulation()
    send(client, regulation)
    mail, holder = last_mail(), app.test_client()
    assert "This wasn’t me" in holder.get(link(mail, "not-me")).text
    assert how_many(PendingBallot) == 1
    answer = holder.post(link(mail, "not-me"))
    assert "<h1>Stopped</h1>" in holder.get(answer.location).text
    assert holder.get(link(mail)).status_code == 410
    send(client, regulation)
    mails = db.session.scalars(select(Mail).filter_by(recipient=EMAIL)).all()
    assert (len(mails), how_many(PendingBallot), how_many(Account)) == (1, 1, 0)


def test_a_vote_refused_after_the_close_is_told_with_what_was_typed(client):
    regulation = a_regulation(a_theme(closes=NOON + DAY))
    send(client, regulation, text="I typed this for half an hour.")
    mail = last_mail()
    with clock.pretending(NOON + 2.5 * DAY):
        answer = confirm(client, mail)
        page = client.get(answer.location)
    assert "Nothing was counted" in page.text
    assert "This theme closed and its count is final, so this vote was not counted." in page.text
    assert "I typed this for half an hour." in page.text


def test_within_a_day_of_the_close_what_was_given_before_it_still_counts(client):
    regulation = a_regulation(a_theme(closes=NOON + DAY))
    send(client, regulation)
    mail = last_mail()
    with clock.pretending(NOON + 1.9 * DAY):
        assert "/receipts/" in confirm(client, mail).location
    assert how_many(Vote) == 1


def test_a_colleague_who_comes_second_is_told_and_can_speak_for_themselves(client):
    from tests.voting.test_ballots import a_checked_organisation

    regulation, first = a_regulation(), a_voter(email="ann@shop.example")
    a_checked_organisation(first, "Corner Shop", "shop.example")
    assert how_many(Organisation) == 1
    from accounts.rules import Capacity

    a_vote(regulation, voter=first, capacity=Capacity.BUSINESS, organisation="Corner Shop")
    bob = {"email": "bob@shop.example", "capacity": "business", "organisation": "corner shop ltd"}
    first_screen(client, regulation, text="Bob’s own reason.")
    second_screen(client, regulation, **bob)
    page = client.get(confirm(client, last_mail("bob@shop.example")).location)
    assert "A colleague has already voted for this organisation" in page.text
    assert "Bob’s own reason." in page.text
    assert "Bob’s own reason." in client.get(vote_url(regulation)).text
    first_screen(client, regulation, text="Bob’s own reason.")
    assert "/receipts/" in second_screen(client, regulation).location


def test_a_vote_changed_by_somebody_not_signed_in_replaces_the_one_that_stands(client, app):
    regulation, voter = a_regulation(), a_voter(email=EMAIL)
    a_vote(regulation, Choice.SCRAP, voter)
    send(client, regulation, choice="keep")
    confirm(client, last_mail())
    db.session.rollback()
    assert db.session.scalars(select(Vote.choice)).all() == ["keep"]


def test_going_back_from_the_check_page_changes_the_same_ballot(client):
    regulation = a_regulation()
    send(client, regulation, text="First thoughts.")
    page = client.get(vote_url(regulation))
    assert "it waits for you to confirm your email" in page.text
    assert "First thoughts." in page.text
    send(client, regulation, choice="scrap", text="Second thoughts.")
    db.session.rollback()
    waiting = db.session.scalars(select(PendingBallot)).all()
    assert [(ballot.choice, ballot.text) for ballot in waiting] == [("scrap", "Second thoughts.")]


@both_databases
def test_changing_who_one_speaks_for_gives_another_ballot_however_often_it_is_sent(app):
    regulation, client = a_regulation(), app.test_client()
    send(client, regulation)
    holder = app.test_client()
    page = holder.get(link(last_mail()))
    changed = {**PUBLIC, "display_name": "Kim", "email": EMAIL}
    cookie, address = client.get_cookie("session").value, vote_url(regulation, "/who")
    db.session.remove()
    answers, ready = [], threading.Barrier(3)

    def click(_):
        with clock.pretending(NOON):
            one = FlaskClient(app, app.response_class)
            one.set_cookie("session", cookie)
            ready.wait()
            answer = one.post(address, data=changed)
            answers.append((answer.status_code, answer.location))

    at_once(click, range(3))
    assert set(answers) == {(303, check_url(regulation))}
    (waiting,) = db.session.scalars(select(PendingBallot)).all()
    assert (waiting.display_name, waiting.email) == ("Kim", EMAIL)
    assert holder.post(link(last_mail()), data=listed(page)).status_code == 303
    db.session.rollback()
    assert how_many(Vote) == 0, "what its holder read is not what waits now"
    assert db.session.scalar(select(func.count()).where(Mail.recipient == EMAIL)) == 2


def test_pages_behind_a_mailed_link_are_kept_by_no_one(client):
    send(client, a_regulation())
    page = client.get(link(last_mail()))
    assert page.headers["Cache-Control"] == "no-store"
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert re.search(r'<meta name="robots" content="noindex', page.text)
