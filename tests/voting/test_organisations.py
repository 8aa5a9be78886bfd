"""Under which name an organisation appears, and whose mail domains tell something about one."""

import pytest
from sqlalchemy import select

from accounts.rules import Capacity, Role, organisation_key
from core.db import db, transaction
from core.errors import RuleBroken
from tests.conftest import both_databases
from tests.factories import NOON, a_member_of_staff, a_regulation, a_vote, a_voter, settle_the_record
from voting.forms import SHARED_DOMAINS
from voting.models import Vote
from voting.organisations import confirm_organisation
from voting.queries import reasons_of


def speaking_for(name: str) -> dict[str, object]:
    return {"capacity": Capacity.BUSINESS, "organisation": name}


def confirmed(name: str, domain: str = "") -> None:
    vote = db.session.scalars(select(Vote.id).order_by(Vote.id).limit(1)).one()
    staff = a_member_of_staff(Role.MODERATOR)
    with transaction():
        confirm_organisation(vote=db.session.get_one(Vote, vote), name=name, domain=domain, by=staff, now=NOON)
    settle_the_record()


@both_databases
def test_what_appears_is_the_name_staff_confirmed_and_never_what_a_voter_typed(app):
    regulation, other = a_regulation(), a_regulation()
    boss, clerk = a_voter("boss@acme.example"), a_voter("clerk@acme.example")
    a_vote(regulation, voter=boss, **speaking_for("ACME !!! ☠☠☠ LTD"))
    confirmed("Acme Ltd", "acme.example")
    a_vote(other, voter=clerk, **speaking_for("** The ACME **"))
    settle_the_record()
    for each in (regulation, other):
        assert [(reason.who, reason.name_checked) for reason in reasons_of(each.id)] == [("Acme Ltd", True)]
    a_vote(regulation, voter=boss, text="Another reason.", **speaking_for("aCmE???"))
    assert reasons_of(regulation.id)[0].who == "Acme Ltd"


def test_a_name_with_words_in_another_script_is_another_name(app):
    regulation = a_regulation()
    a_vote(regulation, voter=a_voter("boss@acme.example"), **speaking_for("ACME мошенники"))
    with pytest.raises(RuleBroken, match="The voter named"):
        confirmed("Acme Ltd")
    assert reasons_of(regulation.id)[0].who == "A business"


@pytest.mark.parametrize("name", ["株式会社山田", "Ελληνική Εταιρεία", "हिन्दी संस्था", "Ørsted", "شركة المثال"])
def test_an_organisation_may_be_named_in_any_script(name):
    assert organisation_key(f" {name}! Ltd ") == organisation_key(name) != ""


def test_accents_are_letters_of_their_own_only_outside_latin():
    assert organisation_key("Café Déjà-Vu") == organisation_key("CAFE DEJA VU")
    assert organisation_key("Май") != organisation_key("Маи")
    assert organisation_key("कि") != organisation_key("क")
    assert organisation_key("Ac\u00adme") == organisation_key("Acme"), "an unseen hyphen tells no names apart"


@pytest.mark.parametrize(
    "domain",
    [
        "fastmail.com",
        "fastmail.fm",
        "mail.com",
        "pm.me",
        "protonmail.ch",
        "duck.com",
        "gmx.de",
        "gmx.co.uk",
        "aol.com",
        "yandex.ru",
        "qq.com",
        "163.com",
        "hey.com",
        "tutanota.com",
        "tuta.io",
        "zohomail.eu",
        "gmail.com",
    ],  # fmt: skip
)
def test_domains_that_anybody_may_write_from_are_known(domain):
    assert SHARED_DOMAINS.fullmatch(domain)


@pytest.mark.parametrize(
    "domain", ["mail.example.org", "hey.example.org", "duck.org.uk", "example.com", "notgmail.com"]
)
def test_domains_of_ones_own_are_not_taken_for_shared_ones(domain):
    assert not SHARED_DOMAINS.fullmatch(domain)
