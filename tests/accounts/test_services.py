import re
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from accounts import queries, services
from accounts.models import (
    Account,
    AddressDay,
    EndedSession,
    SignInLink,
    StoppedAddress,
)
from accounts.rules import Level, Role
from core.db import db, transaction
from core.errors import Clash, Gone, NotAllowed, RuleBroken
from core.mail import Mail
from tests.conftest import both_databases
from tests.factories import NOON, a_member_of_staff, a_voter, how_many, the_record

PASSWORD = "correct horse battery"
HOUR = timedelta(hours=1)
EMAIL = "ann@example.org"


def a_way_in(email: str = EMAIL, now=NOON, **given) -> services.Way:
    with transaction():
        way = services.way_in(email=email, now=now, **given)
    assert way is not None
    return way


def used(secret: str, now=NOON) -> str:
    with transaction():
        return services.use_link(secret=secret, now=now)


def code_used(code: str, email: str = EMAIL, now=NOON) -> str | None:
    with transaction():
        return services.use_code(email=email, code=code, now=now)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


@both_databases
def test_a_link_says_whose_it_is_and_works_once(app):
    way = a_way_in("Ann@Example.org")
    assert services.address_of_link(secret=way.secret, now=NOON) == EMAIL
    assert services.address_of_link(secret=way.secret, now=NOON) == EMAIL
    assert used(way.secret) == EMAIL
    with pytest.raises(Gone):
        used(way.secret)
    assert services.address_of_link(secret=way.secret, now=NOON) is None


def test_a_link_lasts_as_long_as_it_was_made_to(app):
    way = a_way_in(life=HOUR)
    assert services.address_of_link(secret=way.secret, now=NOON + HOUR) is None
    with pytest.raises(Gone):
        used(way.secret, NOON + HOUR)
    assert used(way.secret, NOON + 0.9 * HOUR) == EMAIL


def test_a_forged_link_opens_nothing(app):
    a_way_in()
    with pytest.raises(Gone):
        used("forged")


def test_neither_link_nor_code_can_be_read_from_the_database(app):
    way = a_way_in()
    link = db.session.scalars(select(SignInLink)).one()
    kept = " ".join(str(value) for value in vars(link).values())
    assert way.secret not in kept
    assert not re.search(rf"\b{way.code}\b", kept)


@both_databases
def test_a_code_works_once_and_only_for_its_own_address(app):
    way = a_way_in()
    assert code_used(way.code, "bob@example.org") is None
    assert code_used(way.code) == EMAIL
    assert code_used(way.code) is None
    with pytest.raises(Gone):
        used(way.secret)


@pytest.mark.parametrize("life", [HOUR, 7 * 24 * HOUR])
def test_a_code_lives_for_an_hour_whatever_its_link(app, life):
    way = a_way_in(life=life)
    assert code_used(way.code, now=NOON + HOUR) is None
    assert code_used(way.code, now=NOON + 0.9 * HOUR) == EMAIL


@both_databases
def test_an_unconfirmed_address_gets_three_mails_a_day(app):
    for _ in range(3):
        a_way_in()
    with transaction():
        assert services.way_in(email=EMAIL, now=NOON + HOUR) is None
    a_way_in(now=NOON + 24 * HOUR)


def test_a_confirmed_address_gets_more_and_then_no_more(app):
    a_voter(EMAIL)
    for _ in range(20):
        a_way_in()
    with transaction():
        assert services.way_in(email=EMAIL, now=NOON) is None


@both_databases
def test_four_strangers_who_ask_at_once_cause_three_mails(app):
    start, made = threading.Barrier(4), []

    def ask() -> None:
        with app.app_context():
            start.wait()
            try:
                with transaction():
                    made.append(services.way_in(email=EMAIL, now=NOON))
            finally:
                db.session.remove()

    strangers = [threading.Thread(target=ask) for _ in range(4)]
    for stranger in strangers:
        stranger.start()
    for stranger in strangers:
        stranger.join()
    assert [way is None for way in made].count(True) == 1
    assert db.session.scalars(select(AddressDay.mails)).one() == 3


def test_this_was_not_me_voids_the_links_and_stops_the_mails(app):
    way = a_way_in()
    with transaction():
        services.stop_mails(email=EMAIL, now=NOON)
    with pytest.raises(Gone):
        used(way.secret)
    with transaction():
        assert services.way_in(email=EMAIL, now=NOON + 100 * HOUR) is None


@pytest.mark.parametrize("stem", ["a", "an", "ann", "ann-of-the-green-gables"])
def test_a_not_me_secret_ends_in_a_sign_that_every_mail_reader_takes_for_part_of_the_link(app, stem):
    secret = services.not_me_secret(email=f"{stem}@example.org", now=NOON)
    assert re.fullmatch(r"[\w-]+", secret)
    assert services.address_of_not_me(secret=secret, now=NOON) == f"{stem}@example.org"


def test_this_was_not_me_works_for_thirty_days_whatever_became_of_the_link(app):
    secret = services.not_me_secret(email=EMAIL, now=NOON)
    assert EMAIL not in secret
    assert services.address_of_not_me(secret=secret, now=NOON + 30 * 24 * HOUR) == EMAIL
    assert services.address_of_not_me(secret=secret, now=NOON + 30 * 24 * HOUR + HOUR) is None


@pytest.mark.parametrize("forged", ["", "forged", "x" * 300, "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "\ud800"])
def test_a_forged_not_me_names_nobody(app, forged):
    assert services.address_of_not_me(secret=forged, now=NOON) is None


def test_this_was_not_me_signs_out_whoever_is_signed_in_with_the_address(app):
    account = a_voter(EMAIL)
    before = account.session_key
    with transaction():
        services.stop_mails(email=EMAIL, now=NOON)
    assert queries.account_of_session(before, "a browser") is None


def test_whoever_has_an_account_can_ask_again_the_next_day(app):
    a_voter(EMAIL)
    with transaction():
        services.stop_mails(email=EMAIL, now=NOON)
    with transaction():
        assert services.way_in(email=EMAIL, now=NOON + HOUR) is None
    a_way_in(now=NOON + 25 * HOUR)


def test_confirming_an_address_makes_one_account_and_takes_the_stop_away(app):
    with transaction():
        services.stop_mails(email=EMAIL, now=NOON)
    accounts = []
    for _ in range(2):
        with transaction():
            accounts.append(services.account_for(email="Ann@example.org ", now=NOON).id)
    assert accounts[0] == accounts[1]
    assert (how_many(Account), how_many(StoppedAddress)) == (1, 0)


def ask_for_mail(about: str | None) -> Mail:
    with transaction():
        services.send_way_in(
            email="Ann@Example.org", about=about, confirm_url="https://s.example/c/{secret}",
            not_me_url="https://s.example/n/{secret}", now=NOON,
        )  # fmt: skip
    return db.session.scalars(select(Mail).order_by(Mail.id.desc())).first()


def test_the_mail_carries_link_code_and_a_way_to_stop(app):
    mail = ask_for_mail(about=None)
    secret = re.search(r"https://s\.example/c/(\S+)", mail.text)[1]
    code = re.search(r"^ +(\d{6})$", mail.text, re.MULTILINE)[1]
    assert mail.recipient == EMAIL
    not_me = re.search(r"https://s\.example/n/(\S+)", mail.text)[1]
    assert services.address_of_not_me(secret=not_me, now=NOON) == EMAIL
    assert not_me in mail.html
    assert secret in mail.html
    assert code in mail.html
    assert services.address_of_link(secret=secret, now=NOON) == EMAIL
    assert code_used(code) == EMAIL


def test_a_mail_that_only_lets_in_lasts_an_hour_and_one_with_a_vote_a_week(app):
    assert "within 1 hour." in ask_for_mail(about=None).text
    with_vote = ask_for_mail(about="Example Regulations 1992")
    for form in (with_vote.text, with_vote.html):
        assert "The link works once, within 7 days." in form
        assert "The code works for 1 hour; after that, use the link." in form
    assert "Example Regulations 1992" in with_vote.text
    assert sorted(link.expires_at - NOON for link in db.session.scalars(select(SignInLink))) == [HOUR, 7 * 24 * HOUR]


def test_an_address_that_may_not_be_mailed_is_not_mailed(app):
    for _ in range(5):
        ask_for_mail(about=None)
    assert how_many(Mail) == 3


@both_databases
def test_the_right_password_is_known_from_the_wrong_one(app):
    account = a_voter(EMAIL)
    assert services.password_holder(email=EMAIL, password=PASSWORD) is None
    with transaction():
        services.set_password(account=account, password=PASSWORD)
    assert services.password_holder(email="ANN@example.org", password=PASSWORD).id == account.id
    assert services.password_holder(email=EMAIL, password=PASSWORD + "!") is None
    assert services.password_holder(email="nobody@example.org", password=PASSWORD) is None


def test_a_password_is_kept_as_argon2id_with_a_salt_of_its_own(app):
    first, second = services.hash_password(PASSWORD), services.hash_password(PASSWORD)
    assert first != second
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_new_password_signs_every_browser_out(app):
    account = a_voter()
    before = account.session_key
    with transaction():
        services.set_password(account=account, password=PASSWORD)
    assert queries.account_of_session(before, "a browser") is None
    assert queries.account_of_session(account.session_key, "a browser").id == account.id


def test_a_weak_password_changes_nothing(app):
    account = a_voter()
    before = account.session_key
    with pytest.raises(RuleBroken), transaction():
        services.set_password(account=account, password="short")
    assert (account.session_key, account.password_hash) == (before, None)


@both_databases
def test_an_ended_session_is_over_and_others_of_the_account_are_not(app):
    account = a_voter()
    for _ in range(2):
        with transaction():
            services.end_session(browser="a phone", now=NOON)
    assert queries.account_of_session(account.session_key, "a phone") is None
    assert queries.account_of_session(account.session_key, "a laptop").id == account.id
    assert "a phone" not in db.session.scalars(select(EndedSession.browser_sha256)).one()


def test_an_office_is_given_on_the_record_without_the_person(app):
    account = a_member_of_staff(Role.OFFICIAL, office="Example Department, decisions office")
    (entry,) = the_record("role")
    assert (entry["office"], entry["role"], entry["act"]) == (account.office, "official", "given")
    assert account.email not in str(entry)
    with pytest.raises(Clash, match="held already"):
        a_member_of_staff(Role.OFFICIAL, office="Example Department, decisions office")


def test_staff_confirm_who_speaks_for_an_organisation_and_matching_domains_follow(app):
    moderator, member = a_member_of_staff(Role.MODERATOR), a_voter()
    colleague, stranger = a_voter("c@example-trust.org"), a_voter("c@not-example-trust.org")
    with transaction():
        services.check_organisation(
            account=member, name="Example Trust", domain="example-trust.org", by=moderator, now=NOON
        )
    standing = [queries.standing_of(who, "The Example Trust")[0] for who in (member, colleague, stranger)]
    assert standing == [Level.CHECKED_BY_STAFF, Level.ORGANISATION_MATCHED, Level.EMAIL_CONFIRMED]
    assert [entry["act"] for entry in the_record("organisation")] == ["checked"]


def test_only_staff_confirm_an_organisation(app):
    member, friend = a_voter(), a_voter()
    with pytest.raises(NotAllowed), transaction():
        services.check_organisation(account=member, name="Example Trust", domain="", by=friend, now=NOON)
