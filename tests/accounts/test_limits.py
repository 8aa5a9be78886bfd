"""How often an address may be tried and a network may ask: counted alike for all, whoever asks, and not for long."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from accounts import limits, services
from accounts.models import AddressDay, EndedSession, NetworkHour, SignInLink, SignInTry
from accounts.rules import Asked, Network
from core.db import db, transaction
from core.errors import TooOften
from tests.accounts.test_services import EMAIL, HOUR, PASSWORD, a_way_in, code_used, used, wrong
from tests.conftest import both_databases
from tests.factories import NOON, a_voter, how_many

NETWORK = Network.of("203.0.113.7")


def asks_for_mail(email: str = EMAIL, network: Network = NETWORK, now=NOON) -> None:
    limits.count_from(network=network, asked=Asked.MAIL, email=email, now=now)


@both_databases
def test_a_code_is_tried_five_times_and_no_more(app):
    way = a_way_in()
    for _ in range(5):
        assert code_used(wrong(way.code)) is None
    with pytest.raises(TooOften):
        code_used(way.code)
    assert used(way.secret) == EMAIL, "the link still works: it cannot be guessed"


def test_a_new_mail_gives_no_new_tries(app):
    for _ in range(5):
        way = a_way_in()
        assert code_used(wrong(way.code)) is None
        with transaction():
            for link in db.session.scalars(select(SignInLink)):
                link.used_at = NOON
            db.session.scalars(select(AddressDay)).one().mails = 0
    with pytest.raises(TooOften):
        code_used(a_way_in().code)
    tomorrow = NOON + 24 * HOUR
    assert code_used(a_way_in(now=tomorrow).code, now=tomorrow) == EMAIL


@pytest.mark.parametrize("history", ["new", "known", "stopped", "written to too often", "never written to"])
def test_wrong_codes_are_counted_alike_whatever_the_address_has_done_before(app, history):
    if history == "known":
        a_voter(EMAIL)
    if history == "stopped":
        with transaction():
            services.stop_mails(email=EMAIL, now=NOON)
    for _ in range({"never written to": 0, "written to too often": 5}.get(history, 1)):
        with transaction():
            services.way_in(email=EMAIL, now=NOON)
    for _ in range(5):
        assert code_used("not six") is None
    with pytest.raises(TooOften):
        code_used("not six")


def test_codes_that_were_guessed_at_stay_void_after_midnight(app):
    late = NOON + 11.9 * HOUR
    way = a_way_in(now=late)
    for _ in range(5):
        assert code_used(wrong(way.code), now=late) is None
    assert code_used(way.code, now=late + 0.2 * HOUR) is None
    assert used(way.secret, late + 0.2 * HOUR) == EMAIL


@both_databases
def test_eight_who_guess_at_once_have_five_tries(app):
    a_way_in()
    start, said = threading.Barrier(8), []

    def guess() -> None:
        with app.app_context():
            start.wait()
            try:
                said.append(code_used("not six"))
            except TooOften:
                said.append("too often")
            finally:
                db.session.remove()

    guessers = [threading.Thread(target=guess) for _ in range(8)]
    for guesser in guessers:
        guesser.start()
    for guesser in guessers:
        guesser.join()
    assert (said.count(None), said.count("too often")) == (5, 3)


@both_databases
def test_passwords_are_tried_ten_times_an_hour_for_known_and_unknown_addresses_alike(app):
    a_voter(EMAIL)
    for email in (EMAIL, "nobody@example.org"):
        for _ in range(10):
            with transaction():
                limits.count_try(email=email, now=NOON)
        with pytest.raises(TooOften), transaction():
            limits.count_try(email=email, now=NOON + 0.9 * HOUR)
        with transaction():
            limits.count_try(email=email, now=NOON + HOUR)


def test_the_right_password_forgives_the_wrong_ones(app):
    for _ in range(9):
        with transaction():
            limits.count_try(email=EMAIL, now=NOON)
    with transaction():
        limits.clear_tries(email=EMAIL)
    assert how_many(SignInTry) == 0


@both_databases
def test_a_network_asks_for_mail_to_thirty_addresses_an_hour(app):
    with transaction():
        for number in range(30):
            asks_for_mail(f"person{number}@example.org")
            asks_for_mail(f"Person{number}@example.org ")
    for network in ("203.0.113.7", "203.0.113.250"):
        with pytest.raises(TooOften), transaction():
            asks_for_mail("one-more@example.org", Network.of(network))
    with transaction():
        asks_for_mail("person7@example.org")
        asks_for_mail("one-more@example.org", Network.of("203.0.114.7"))
        asks_for_mail("one-more@example.org", now=NOON + HOUR)


@both_databases
def test_a_network_tries_sixty_passwords_an_hour_however_many_addresses(app):
    def tries(email: str, now=NOON) -> None:
        with transaction():
            limits.count_from(network=NETWORK, asked=Asked.PASSWORD, email=email, now=now)

    for number in range(60):
        tries(f"person{number % 7}@example.org")
    with pytest.raises(TooOften):
        tries("person1@example.org")
    with transaction():
        asks_for_mail()
    tries("person1@example.org", NOON + HOUR)


def test_neither_network_nor_address_can_be_read_from_its_count_nor_joined_to_another_hours(app):
    with transaction():
        asks_for_mail()
        asks_for_mail(now=NOON + HOUR)
    first, second = db.session.scalars(select(NetworkHour))
    assert first.network_sha256 != second.network_sha256
    assert first.address_sha256 != second.address_sha256
    plain = {hashlib.sha256(word.encode()).hexdigest() for word in (EMAIL, NETWORK.name, "203.0.113.7")}
    assert plain.isdisjoint({first.network_sha256, first.address_sha256})


def test_two_passwords_are_looked_at_at_once_and_no_more(app):
    with ThreadPoolExecutor(1) as other, services._HASHING, services._HASHING:
        hashed = other.submit(services.hash_password, PASSWORD)
        with pytest.raises(TimeoutError):
            hashed.result(timeout=1)
        services._HASHING.release()
        assert hashed.result(timeout=30).startswith("$argon2id$")
        services._HASHING.acquire()


def test_what_can_no_longer_matter_is_forgotten(app):
    a_way_in(life=HOUR)
    with transaction():
        limits.count_try(email=EMAIL, now=NOON)
        asks_for_mail()
        services.end_session(browser="a browser", now=NOON)
    for hours, left in ((0.9, (1, 1, 1, 1, 1)), (1, (1, 1, 1, 0, 0)), (72, (0, 0, 1, 0, 0)), (721, (0, 0, 0, 0, 0))):
        with transaction():
            services.forget_old(NOON + hours * HOUR)
        kept = (SignInLink, AddressDay, EndedSession, SignInTry, NetworkHour)
        assert tuple(how_many(model) for model in kept) == left, hours
