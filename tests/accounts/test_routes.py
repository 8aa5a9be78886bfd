"""Signing in through the browser's door. Whatever an address has done before, the page is the same."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from accounts import services
from accounts.models import Account, SignInTry
from accounts.rules import Capacity, Role
from core import clock
from core.db import db, transaction
from core.mail import Mail
from tests.factories import DAY, NOON, a_member_of_staff, a_voter, how_many

EMAIL = "ann@example.org"
PASSWORD = "correct horse battery"


def ask_for_link(client: FlaskClient, email: str = EMAIL, **given: str):
    return client.post("/account/sign-in", data={"email": email, "how": "link", **given})


def try_password(client: FlaskClient, password: str = PASSWORD, email: str = EMAIL, **given: str):
    return client.post("/account/sign-in", data={"email": email, "password": password, "how": "password", **given})


def give_code(client: FlaskClient, code: str):
    return client.post("/account/check-email", data={"code": code})


def last_mail() -> Mail:
    db.session.rollback()
    return db.session.scalars(select(Mail).order_by(Mail.id.desc())).first()


def last_code() -> str:
    return re.search(r"^ +(\d{6})$", last_mail().text, re.MULTILINE)[1]


def with_password(email: str = EMAIL) -> Account:
    account = a_voter(email)
    with transaction():
        services.set_password(account=account, password=PASSWORD)
    return account


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/account").status_code == 200


def sign_in(client: FlaskClient, email: str = EMAIL) -> FlaskClient:
    ask_for_link(client, email)
    assert give_code(client, last_code()).status_code == 303
    return client


def test_the_page_offers_the_link_first(client):
    page = client.get("/account/sign-in").text
    assert page.index("Email me a link") < page.index("Sign in with my password")
    assert "<title>Sign in –" in page


def test_signing_in_by_code(client):
    answer = ask_for_link(client)
    assert (answer.status_code, answer.location) == (303, "/account/check-email")
    page = client.get(answer.location).text
    assert "<h1>Check your email</h1>" in page
    assert not is_signed_in(client)
    code = last_code()
    answer = give_code(client, f" {code[:3]} {code[3:]} ")
    assert (answer.status_code, answer.location) == (303, "/my/contributions")
    assert is_signed_in(client)
    assert how_many(Account) == 1


def test_the_mailed_link_leads_to_the_page_with_the_button_and_only_the_button_signs_in(client):
    ask_for_link(client)
    address = re.search(r"http://127\.0\.0\.1:8000(/account/confirm/\S+)", last_mail().text)[1]
    assert client.get(address).status_code == 200
    assert not is_signed_in(client)
    assert client.post(address).status_code == 303
    assert is_signed_in(client)


def test_nothing_is_known_of_an_address_before_its_code_is_given(client):
    ask_for_link(client)
    assert how_many(Account) == 0


@pytest.mark.parametrize("history", ["new", "known", "with a password", "stopped", "mailed too often"])
def test_the_answer_is_the_same_whatever_the_address_has_done_before(app, history):
    if history == "known":
        a_voter(EMAIL)
    if history == "with a password":
        with_password()
    if history == "stopped":
        with transaction():
            services.stop_mails(email=EMAIL, now=NOON)
    if history == "mailed too often":
        for _ in range(4):
            ask_for_link(app.test_client())
    client = app.test_client()
    answer = ask_for_link(client)
    assert (answer.status_code, answer.location) == (303, "/account/check-email")
    assert without_token(client.get(answer.location).text) == PAGE.setdefault("seen", without_token_of_new(app))


PAGE: dict[str, str] = {}


def without_token_of_new(app) -> str:
    """The page as an address sees it that was never here; it differs from another's by the address alone."""
    client = app.test_client()
    ask_for_link(client, "new@example.org")
    return without_token(client.get("/account/check-email").text, "new@example.org")


def without_token(page: str, email: str = EMAIL) -> str:
    page = re.sub(r'(name="csrf_token"[^>]*value=")[^"]*', r"\1", page)
    return page.replace(email, "EMAIL").replace(email.replace("@", "%40"), "EMAIL")


def test_signing_in_by_password(client):
    with_password()
    answer = try_password(client)
    assert (answer.status_code, answer.location) == (303, "/my/contributions")
    assert is_signed_in(client)
    assert last_mail() is None


def test_enter_in_the_password_field_presses_the_first_button_and_still_signs_in(client):
    with_password()
    assert ask_for_link(client, password=PASSWORD).location == "/my/contributions"
    assert last_mail() is None


def test_a_wrong_password_filled_in_by_the_browser_does_not_keep_the_link_from_going_out(client):
    with_password()
    assert ask_for_link(client, password="something else").location == "/account/check-email"
    assert last_mail() is not None


@pytest.mark.parametrize("known", [True, False])
def test_a_wrong_password_is_said_beside_the_field_and_the_address_stays(client, known):
    if known:
        with_password()
    answer = try_password(client, "not the password")
    assert answer.status_code == 422
    assert "That email address and password don’t match" in answer.text
    assert f'value="{EMAIL}"' in answer.text
    assert "not the password" not in answer.text
    assert "<title>Error: Sign in" in answer.text
    assert not is_signed_in(client)


def test_no_password_is_not_tried(client):
    answer = try_password(client, "")
    assert answer.status_code == 422
    assert "Enter your password" in answer.text
    assert how_many(SignInTry) == 0


def test_guessing_passwords_is_stopped_but_the_link_is_not(app, client):
    with_password()
    for _ in range(10):
        assert try_password(app.test_client(), "a wrong guess").status_code == 422
    answer = try_password(client)
    assert "Too many passwords were tried" in answer.text
    assert not is_signed_in(client)
    assert ask_for_link(client, password=PASSWORD).location == "/account/check-email"
    assert give_code(client, last_code()).status_code == 303


@pytest.mark.parametrize(
    "email", ["", "ann", "ann@", "ann@localhost", "a b@example.org", "ann@example.org\r\nBcc: b@example.org", "x\x00"]
)
def test_what_is_no_address_is_said_beside_the_field(client, email):
    answer = ask_for_link(client, email)
    assert answer.status_code == 422
    assert re.search("Enter (your email address|an email address in the right form)", answer.text)
    assert how_many(Mail) == 0


def test_an_address_in_other_letters_is_one_and_the_same(client):
    a_voter(EMAIL)
    sign_in(client, " ANN@Example.ORG ")
    assert how_many(Account) == 1


def test_a_wrong_code_is_said_beside_the_field_and_counted(client):
    ask_for_link(client)
    right = last_code()
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    for _ in range(5):
        answer = give_code(client, wrong)
        assert answer.status_code == 422
        assert "not the code we sent last" in answer.text
    refused = give_code(client, right)
    assert refused.status_code == 429
    assert "Too many wrong codes were given for this address today" in refused.text
    assert not is_signed_in(client)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "12345\N{ARABIC-INDIC DIGIT SIX}", "\x00"])
def test_what_is_no_code_is_not_tried(client, code):
    ask_for_link(client)
    answer = give_code(client, code)
    assert answer.status_code == 422
    assert "Enter the six digits from the email" in answer.text


def test_the_code_page_without_an_address_leads_back(client):
    assert client.get("/account/check-email").location == "/account/sign-in"


def test_the_mail_can_be_sent_again(client):
    ask_for_link(client)
    answer = client.post("/account/sign-in", data={"email": EMAIL, "how": "again"})
    assert answer.location == "/account/check-email?again=yes"
    assert "another email" in client.get(answer.location).text
    assert how_many(Mail) == 2


def test_one_goes_on_to_the_page_one_came_for(client):
    wanted = client.get("/my/contributions?page=2").location
    assert "shown to you alone" in client.get(wanted).text
    page = client.get(wanted).text
    assert 'name="next"' in page
    ask_for_link(client, next="/my/contributions?page=2")
    assert give_code(client, last_code()).location == "/my/contributions?page=2"


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "/account/sign-out"])
def test_nobody_is_sent_elsewhere_after_signing_in(app, client, wanted):
    with_password()
    assert try_password(client, next=wanted).location == "/my/contributions"
    other = app.test_client()
    ask_for_link(other, next=wanted)
    assert give_code(other, last_code()).location == "/my/contributions"
    assert other.get("/account/sign-in", query_string={"next": wanted}).location == "/account"


def test_whoever_is_signed_in_need_not_do_it_again(client):
    sign_in(client)
    assert client.get("/account/sign-in").location == "/account"
    assert client.get("/account/sign-in?next=/regulations").location == "/regulations"


def test_staff_come_to_their_desk_and_find_it_from_their_account(client):
    staff = a_member_of_staff(Role.OFFICIAL, office="Example Department, decisions office", password=PASSWORD)
    assert try_password(client, email=staff.email).location == "/staff"
    page = client.get("/account").text
    assert "Go to your desk" in page
    assert "Example Department, decisions office" in page


def test_the_account_says_what_is_held(client):
    account = a_voter(EMAIL, capacity=Capacity.CHARITY, organisation_name="Example Trust", display_name="Ann E.")
    sign_in(client)
    page = client.get("/account").text
    for held in (EMAIL, "2 March 2026", "A charity", "Example Trust", "Ann E.", "None set", "/my/contributions.json"):
        assert held in page
    assert account.session_key not in page
    assert 'href="/staff"' not in page.partition("<footer")[0]


def test_changing_a_password_takes_the_current_one(app, client):
    with_password()
    sign_in(client)
    wrong = client.post("/account/password", data={"current": "a wrong guess", "password": "another three words"})
    assert wrong.status_code == 422
    assert "not your current password" in wrong.text
    missing = client.post("/account/password", data={"password": "another three words"})
    assert "Enter your current password" in missing.text
    assert try_password(app.test_client()).location == "/my/contributions"

    right = client.post("/account/password", data={"current": PASSWORD, "password": "another three words"})
    assert right.status_code == 303
    assert is_signed_in(client)
    assert try_password(app.test_client()).status_code == 422
    assert try_password(app.test_client(), "another three words").status_code == 303


def test_a_weak_password_is_said_beside_the_field(client):
    sign_in(client)
    answer = client.post("/account/password", data={"password": "short"})
    assert answer.status_code == 422
    assert "Use at least 12 characters" in answer.text
    assert "short" not in re.sub(r"<head>.*</head>", "", answer.text, flags=re.DOTALL)


def test_guessing_the_current_password_is_stopped_too(client):
    with_password()
    sign_in(client)
    for _ in range(10):
        client.post("/account/password", data={"current": "a wrong guess", "password": "another three words"})
    answer = client.post("/account/password", data={"current": PASSWORD, "password": "another three words"})
    assert "Too many passwords were tried" in answer.text


@pytest.mark.parametrize("page", ["/account", "/account/password", "/my/contributions", "/my/contributions.json"])
def test_one_s_own_pages_ask_one_to_sign_in(client, page):
    answer = client.get(page)
    assert answer.status_code == 303
    assert answer.location == f"/account/sign-in?next={page}"


@pytest.mark.parametrize("page", ["/account/sign-in", "/account/sign-out", "/account/check-email"])
def test_a_forged_form_is_refused(app, client, monkeypatch, page):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    assert client.post(page, data={"email": EMAIL, "how": "link", "code": "123456"}).status_code == 400
    assert how_many(Mail) == 0


def test_a_link_leads_to_the_sites_own_address_whatever_host_was_asked(client):
    asked = {"email": EMAIL, "how": "link"}
    assert client.post("/account/sign-in", data=asked, headers={"Host": "evil.example"}).status_code == 400
    assert how_many(Mail) == 0
    client.post("/account/sign-in", data=asked, headers={"Host": "localhost:9000"})
    assert "localhost:9000" not in last_mail().text
    assert "http://127.0.0.1:8000/account/confirm/" in last_mail().text


def test_a_mail_may_be_asked_for_again_after_midnight(app, client):
    for _ in range(4):
        ask_for_link(client)
    assert how_many(Mail) == 3
    with clock.pretending(NOON + DAY):
        ask_for_link(client)
    assert how_many(Mail) == 4
