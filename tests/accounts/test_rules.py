from datetime import UTC, datetime, timedelta

import pytest

from accounts.rules import (
    Capacity,
    MailRecord,
    check_capacity,
    check_code_tries,
    check_password,
    check_password_tries,
    in_words,
    is_stopped,
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
    check_code_tries(4)
    check_password_tries(9)
    with pytest.raises(TooOften, match="link in the email"):
        check_code_tries(5)
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
