"""Sessions: what of one outlives signing in, how long it lasts, and that nothing is left of it when it ends."""

import re

import pytest

from accounts import sessions
from accounts.rules import Role
from core import clock
from tests.accounts.test_routes import (
    EMAIL,
    PASSWORD,
    ask_for_link,
    give_code,
    is_signed_in,
    last_code,
    last_mail,
    sign_in,
    try_password,
    with_password,
)
from tests.factories import DAY, NOON, a_member_of_staff, a_regulation, a_vote, a_voter, its_session
from voting import drafts
from voting.confirm_routes import CONFIRMED


def test_one_stays_signed_in_for_thirty_days(app, client):
    sign_in(client)
    cookie = client.get_cookie("session")
    assert cookie.max_age or cookie.expires
    with client.session_transaction("/account") as session:
        assert session.permanent
    assert app.permanent_session_lifetime == 30 * DAY


def test_nothing_of_an_earlier_session_outlives_signing_in_but_ballots_on_their_way(client):
    with client.session_transaction("/account") as session:
        session["planted"] = "by somebody else"
        session["ballots"] = {"uksi-1992-2792": ["seed", "secret", "", False]}
    sign_in(client)
    with client.session_transaction("/account") as session:
        assert "planted" not in session
        assert "way_in" not in session
        assert session["ballots"] == {"uksi-1992-2792": ["seed", "secret", "", False]}


def test_anothers_ballots_are_not_kept_either(client):
    sign_in(client)
    with client.session_transaction("/account") as session:
        session["ballots"] = {"uksi-1992-2792": ["seed", "secret", "", False]}
    with_password("bob@example.org")
    try_password(client, email="bob@example.org")
    with client.session_transaction("/account") as session:
        assert "ballots" not in session


def test_signing_out(client):
    sign_in(client)
    answer = client.post("/account/sign-out")
    assert answer.location == "/account/signed-out"
    assert "You are signed out" in client.get(answer.location).text
    assert not is_signed_in(client)
    assert client.get_cookie("session") is None


def test_signing_out_takes_a_button_not_a_link(client):
    sign_in(client)
    assert client.get("/account/sign-out").status_code == 405
    assert is_signed_in(client)


def test_signing_out_everywhere(app, client):
    phone = sign_in(app.test_client())
    sign_in(client)
    assert client.post("/account/sign-out-everywhere").location == "/account/signed-out"
    assert not is_signed_in(client)
    assert not is_signed_in(phone)


def test_a_first_password_is_set_without_another(app, client):
    phone = sign_in(app.test_client())
    sign_in(client)
    assert "Current password" not in client.get("/account/password").text
    answer = client.post("/account/password", data={"password": PASSWORD})
    assert answer.location == "/account?changed=password"
    assert "Password saved" in client.get(answer.location).text
    assert not is_signed_in(phone), "every other browser is signed out"
    assert last_mail().subject == "Demonstration: Your password was changed"
    assert try_password(app.test_client()).location == "/my/contributions"


def copied(app, client):
    """Another browser with the same cookie, as a thief would have it."""
    thief = app.test_client()
    thief.set_cookie("session", client.get_cookie("session").value)
    return thief


@pytest.mark.parametrize("role", [None, Role.OFFICIAL, Role.MODERATOR])
def test_a_copy_of_the_cookie_is_worth_nothing_after_signing_out(app, client, role):
    email = a_member_of_staff(role).email if role else EMAIL
    phone, _ = sign_in(app.test_client(), email), sign_in(client, email)
    thief = copied(app, client)
    assert is_signed_in(thief)
    client.post("/account/sign-out")
    assert not is_signed_in(thief)
    assert is_signed_in(phone), "other devices are signed out by the other button"


def test_a_copy_from_before_signing_in_again_goes_with_it(app, client):
    sign_in(client)
    thief = copied(app, client)
    sign_in(client)
    client.post("/account/sign-out")
    assert not is_signed_in(thief)


def test_signing_out_twice_is_no_fault(app, client):
    sign_in(client)
    again = copied(app, client)
    for browser in (client, again, app.test_client()):
        assert browser.post("/account/sign-out").location == "/account/signed-out"


def test_staff_sign_in_each_day_and_thirty_days_are_not_begun_anew_by_every_visit(app, client):
    official = sign_in(app.test_client(), a_member_of_staff(Role.OFFICIAL).email)
    sign_in(client)
    with clock.pretending(NOON + 0.49 * DAY):
        assert is_signed_in(official)
    with clock.pretending(NOON + 0.5 * DAY):
        assert not is_signed_in(official)
    for days in range(1, 30):
        with clock.pretending(NOON + days * DAY):
            assert is_signed_in(client)
    with clock.pretending(NOON + 30 * DAY):
        assert not is_signed_in(client)


@pytest.mark.parametrize("lacking", ["browser", "signed_in_at"])
def test_a_session_that_could_not_be_ended_signs_nobody_in(client, lacking):
    held = its_session(a_voter(EMAIL))
    del held[lacking]
    with client.session_transaction("/account") as session:
        session.update(held)
    assert not is_signed_in(client)


def test_what_outlives_signing_in_is_what_ballots_keep_and_no_more(client):
    assert sessions.BALLOTS_ON_THEIR_WAY == (drafts.DRAFTS, drafts.BEGUN)
    with client.session_transaction("/account") as session:
        session.update({drafts.DRAFTS: {}, drafts.BEGUN: ["2026030212", 1], CONFIRMED: {}, "ballots_of_another": 1})
    sign_in(client)
    with client.session_transaction("/account") as session:
        kept = {key for key in session if key.startswith("ballots")}
    assert kept == {drafts.DRAFTS, drafts.BEGUN}


@pytest.mark.parametrize("page", ["/account/sign-in", "/account/check-email", "/my/contributions"])
def test_a_session_that_was_ended_elsewhere_leaves_nothing_to_the_next_visitor(app, client, page):
    regulation, laptop = a_regulation(title="What Ann voted on"), sign_in(app.test_client())
    receipt = a_vote(regulation, voter=a_voter(EMAIL)).secret
    sign_in(client)
    with client.session_transaction("/account") as session:
        session["ballots"] = {regulation.slug: ["seed", "secret", "", False]}
        session[CONFIRMED] = {"counted": [receipt, receipt], "refused": [], "votes": 2}
        session["way_in"] = {"email": EMAIL, "next": ""}
    laptop.post("/account/sign-out-everywhere")
    client.get(page)
    with client.session_transaction("/account") as session:
        assert set(session) <= {"csrf_token", "_flashes"}
    sign_in(client, "bob@example.org")
    assert "What Ann voted on" not in client.get("/account/confirmed").text


def test_a_form_sent_after_its_session_was_ended_is_answered_not_refused(app, client, monkeypatch):
    sign_in(client)
    sign_in(laptop := app.test_client())
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/account/password").text)[1]
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", False)
    laptop.post("/account/sign-out-everywhere")
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    answer = client.post("/account/sign-in", data={"email": EMAIL, "how": "link", "csrf_token": token})
    assert answer.location == "/account/check-email"


@pytest.mark.parametrize("role", [None, Role.OFFICIAL])
def test_a_first_password_takes_a_fresh_sign_in(app, client, role):
    email = a_member_of_staff(role).email if role else EMAIL
    sign_in(client, email)
    with clock.pretending(NOON + DAY / 96):
        page = client.get("/account/password")
        assert "<h1>Sign in again first</h1>" in page.text
        assert client.post("/account/password", data={"password": PASSWORD}).status_code == 403
        assert try_password(app.test_client(), email=email).status_code == 422, "no password was set"
        ask_for_link(client, email, next="/account/password")
        assert give_code(client, last_code()).location == "/account/password"
        assert client.post("/account/password", data={"password": PASSWORD}).status_code == 303
        assert try_password(app.test_client(), email=email).status_code == 303


def test_the_mailed_link_leads_on_to_the_first_password_too(client):
    sign_in(client)
    with clock.pretending(NOON + DAY):
        ask_for_link(client, next="/account/password")
        address = re.search(r"/account/confirm/\S+", last_mail().text)[0]
        assert client.post(address).location == "/account/password"


def test_changing_a_password_takes_the_old_one_and_no_fresh_sign_in(client):
    with_password()
    try_password(client)
    with clock.pretending(NOON + DAY):
        changed = client.post("/account/password", data={"current": PASSWORD, "password": "another three words"})
    assert changed.location == "/account?changed=password"
