"""What one visitor could do to others: a real site's limits by network, and 'this wasn't me' for whoever got mail."""

import re

import pytest

from accounts import limits
from accounts.models import Account
from accounts.rules import Asked, Network
from audit import services as audit
from core import clock
from core.db import db, transaction
from core.mail import Mail
from tests.accounts.test_routes import EMAIL, ask_for_link, give_code, is_signed_in, last_code, last_mail
from tests.conftest import application
from tests.factories import DAY, NOON, a_regulation, how_many
from tests.voting.walking import PUBLIC, first_screen, vote_url

OUTSIDE = {"environ_base": {"REMOTE_ADDR": "203.0.113.7"}}


@pytest.fixture
def real_site(app, tmp_path):
    """Not a demonstration, which answers its own machine alone."""
    settings = {"SITE_MODE": "production", "SITE_URL": "http://127.0.0.1:8000", "MAIL_URL": "smtp://localhost:1"}
    site = application(
        tmp_path, **settings, SECRET_KEY="a secret for tests that is long enough", SITE_CONTACT="review@example.org"
    )
    with site.app_context():
        with transaction():
            audit.open_log(origin="review.example.org/log", log_key="k", promise_key="p", demonstration=False, now=NOON)
        yield site
        db.session.remove()


def from_outside(client, email: str, **given: str):
    return client.post("/account/sign-in", data={"email": email, **given}, **OUTSIDE)


def counted(asked: Asked, times: int) -> None:
    with transaction():
        for number in range(times):
            limits.count_from(
                network=Network.of("203.0.113.99"), asked=asked, email=f"x{number}@example.org", now=clock.now()
            )


def test_one_network_cannot_flood_strangers_with_mail(real_site):
    for number in range(30):
        assert from_outside(real_site.test_client(), f"x{number}@example.org").status_code == 303
    refused = from_outside(real_site.test_client(), "one-more@example.org")
    assert refused.status_code == 429
    assert "asked for from your network" in refused.text
    assert 'value="one-more@example.org"' in refused.text
    assert how_many(Mail) == 30
    assert real_site.test_client().post("/account/sign-in", data={"email": "y@example.org"}).status_code == 303


def test_nor_with_ballots_and_what_was_typed_is_not_lost(real_site):
    regulation, client = a_regulation(), real_site.test_client()
    counted(Asked.MAIL, 29)
    for email, status in (("kim@example.org", 303), ("lee@example.org", 422)):
        first_screen(client, regulation)
        answer = client.post(
            vote_url(regulation, "/who"), data={**PUBLIC, "display_name": "Kim of Kent", "email": email}, **OUTSIDE
        )
        assert answer.status_code == status
    assert "asked for from your network" in answer.text
    assert "lee@example.org" in answer.text
    assert "Kim of Kent" in answer.text
    assert how_many(Mail) == 1


def test_asking_again_is_counted_too(real_site):
    regulation, client = a_regulation(), real_site.test_client()
    first_screen(client, regulation)
    client.post(vote_url(regulation, "/who"), data={**PUBLIC, "email": "kim@example.org"})
    counted(Asked.MAIL, 30)
    assert client.post(vote_url(regulation, "/check-email"), data={"again": "1"}, **OUTSIDE).status_code == 429
    assert how_many(Mail) == 1


def test_one_network_cannot_try_passwords_of_many_addresses(real_site):
    counted(Asked.PASSWORD, 59)
    given = {"password": "a wrong guess", "how": "password"}
    assert from_outside(real_site.test_client(), EMAIL, **given).status_code == 422
    refused = from_outside(real_site.test_client(), "bob@example.org", **given)
    assert (refused.status_code, "tried from your network" in refused.text) == (429, True)


def not_me() -> str:
    return re.search(r"/account/not-me/\S+", last_mail().text)[0]


@pytest.mark.parametrize("became", ["waits", "used", "run out", "replaced"])
def test_this_was_not_me_works_whatever_became_of_the_link(app, client, became):
    stranger = app.test_client()
    ask_for_link(stranger)
    page = not_me()
    if became == "used":
        give_code(stranger, last_code())
        assert is_signed_in(stranger)
    if became == "replaced":
        ask_for_link(stranger)
    with clock.pretending(NOON + (29 * DAY if became == "run out" else DAY / 48)):
        shown = client.get(page)
        assert shown.status_code == 200
        assert "a•••@example.org" in shown.text
        assert EMAIL not in shown.text
        assert client.post(page).location == "/account/stopped"
        assert not is_signed_in(stranger)
        before = how_many(Mail)
        ask_for_link(app.test_client())
        assert how_many(Mail) == before
    assert how_many(Account) == (became == "used")


def test_after_thirty_days_this_was_not_me_says_why_it_is_over(app, client):
    ask_for_link(app.test_client())
    page = not_me()
    with clock.pretending(NOON + 31 * DAY):
        answer = client.get(page)
    assert (answer.status_code, "more than 30 days old" in answer.text) == (410, True)


def test_looking_at_this_was_not_me_stops_nothing(app, client):
    ask_for_link(app.test_client())
    for _ in range(3):
        client.get(not_me())
    ask_for_link(app.test_client())
    assert how_many(Mail) == 2
