from datetime import UTC, datetime, timedelta

import pytest

from accounts.rules import (
    Asked,
    Capacity,
    MailRecord,
    Network,
    Role,
    check_capacity,
    check_network,
    check_password,
    check_password_tries,
    check_wrong_codes,
    in_words,
    is_fresh,
    is_signed_in,
    is_stopped,
    masked,
    normal_email,
    organisation_key,
    own_path,
)
from core.errors import RuleBroken, TooOften

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("path", ["/", "/my/contributions", "/regulations?q=food&page=2", "/staff/x#y", "/%2f/odd"])
def test_one_goes_on_to_a_page_of_this_site(path):
    assert own_path(path, "/home") == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/path\\..\\evil",
        "///evil.example",
        "javascript:alert(1)",
        "evil.example",
        " /space-first",
        "/tab\there",
        "/\t/evil.example",
        "/line\nSet-Cookie: a=b",
        "/line\n",
        "/caf\N{LATIN SMALL LETTER E WITH ACUTE}",
        "/account/sign-in",
        "/account/sign-in?next=/account/sign-in",
        "/account/sign-out",
        "/" + "x" * 2_000,
    ],
)
def test_one_never_goes_on_to_anything_else(path):
    assert own_path(path, "/home") == "/home"


@pytest.mark.parametrize(("confirmed", "limit"), [(False, 3), (True, 20)])
def test_an_address_gets_so_many_mails_a_day(confirmed, limit):
    assert MailRecord(limit - 1, stopped=False, confirmed=confirmed).may_be_mailed
    assert not MailRecord(limit, stopped=False, confirmed=confirmed).may_be_mailed


def test_this_was_not_me_holds_for_good_but_never_locks_out_who_confirmed_the_address():
    year = timedelta(days=365)
    assert is_stopped(NOON, confirmed=False, now=NOON + year)
    assert is_stopped(NOON, confirmed=True, now=NOON + timedelta(hours=23))
    assert not is_stopped(NOON, confirmed=True, now=NOON + timedelta(hours=24))
    assert not is_stopped(None, confirmed=False, now=NOON)


def test_one_mailbox_has_one_spelling():
    assert normal_email("  Ann.Example@Example.ORG ") == "ann.example@example.org"


@pytest.mark.parametrize(
    ("one", "another"),
    [
        ("The Example Company Ltd", "example company limited"),
        ("Caf\N{LATIN SMALL LETTER E WITH ACUTE} Example PLC", "cafe  example"),
        ("Ann & Sons, LLP", "ANN SONS"),
    ],
)
def test_two_spellings_of_an_organisation_are_one(one, another):
    assert organisation_key(one) == organisation_key(another)


def test_two_organisations_are_two():
    assert organisation_key("Example North Ltd") != organisation_key("Example South Ltd")


@pytest.mark.parametrize("password", ["short", "elevenchars", "aaaaaaaaaaaaaaaa", "abababababababab", "x" * 201])
def test_a_password_that_is_soon_guessed_or_absurd_is_refused(password):
    with pytest.raises(RuleBroken) as refused:
        check_password(password, "ann@example.org")
    assert refused.value.field == "password"


def test_a_password_that_is_the_address_is_refused():
    for password in ("ann.longname@example.org", "ANN.longname@example.org", "ann.longname"):
        with pytest.raises(RuleBroken, match="harder to guess"):
            check_password(password, "ann.longname@example.org")


def test_three_words_make_a_password():
    check_password("correct horse battery", "ann@example.org")


def test_whoever_speaks_for_an_organisation_names_it():
    check_capacity(Capacity.PUBLIC, "")
    check_capacity(Capacity.CHARITY, "Example Trust")
    with pytest.raises(RuleBroken, match="name of the organisation"):
        check_capacity(Capacity.CHARITY, "")


def test_codes_and_passwords_can_be_tried_so_often():
    check_wrong_codes(4)
    check_password_tries(9)
    with pytest.raises(TooOften, match="link in the email"):
        check_wrong_codes(5)
    with pytest.raises(TooOften, match="in an hour"):
        check_password_tries(10)


def test_every_capacity_has_its_words():
    assert all(capacity.label and capacity.plural and capacity.question for capacity in Capacity)


@pytest.mark.parametrize(
    ("life", "words"),
    [(timedelta(hours=1), "1 hour"), (timedelta(hours=2), "2 hours"), (timedelta(days=7), "7 days")],
)
def test_how_long_a_link_lasts_is_said_in_words(life, words):
    assert in_words(life) == words


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("not an address", "unknown"),
        (None, "unknown"),
    ],
)
def test_visitors_are_told_apart_by_network_and_no_closer(address, name):
    assert Network.of(address).name == name


@pytest.mark.parametrize(
    ("address", "inside"),
    [("127.0.0.1", True), ("::1", True), ("10.1.2.3", True), ("fd00::1", True), ("203.0.113.7", False), ("x", False)],
)
def test_one_address_that_may_stand_for_a_whole_house_is_given_more(address, inside):
    network = Network.of(address)
    assert [network.limit(asked) for asked in Asked] == ([600, 1200, 1200] if inside else [30, 60, 60])


def test_a_network_is_told_when_to_try_again():
    network = Network.of("203.0.113.7")
    check_network(network, Asked.MAIL, 29)
    check_network(network, Asked.PASSWORD, 59)
    with pytest.raises(TooOften, match="in an hour"):
        check_network(network, Asked.MAIL, 30)
    with pytest.raises(TooOften, match="in an hour"):
        check_network(network, Asked.PASSWORD, 60)


def test_those_who_act_for_an_office_sign_in_each_day_and_others_each_month():
    day = timedelta(days=1)
    assert is_signed_in(Role.OFFICIAL, NOON, NOON + 0.49 * day)
    assert not is_signed_in(Role.OFFICIAL, NOON, NOON + 0.5 * day)
    assert is_signed_in(Role.PARTICIPANT, NOON, NOON + 29.9 * day)
    assert not is_signed_in(Role.PARTICIPANT, NOON, NOON + 30 * day)


def test_who_signed_in_a_quarter_of_an_hour_ago_did_not_sign_in_just_now():
    assert is_fresh(NOON, NOON + timedelta(minutes=14))
    assert not is_fresh(NOON, NOON + timedelta(minutes=15))


def test_a_masked_address_is_known_again_by_its_holder_only():
    assert masked("ann.smith@example.org") == "a•••@example.org"
