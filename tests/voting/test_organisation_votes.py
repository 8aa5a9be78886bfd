"""An organisation's vote is the organisation's: under a pseudonym of its own, whichever colleague gives it."""

import json
from collections import Counter

import pytest
from sqlalchemy import select

from accounts import services as accounts
from accounts.models import Account, Organisation
from accounts.rules import Capacity, Role
from audit import entries
from audit.tiles import log_folder
from core.db import db, transaction
from core.errors import Clash
from opendata.checking import check
from regulations.models import Regulation
from regulations.rules import Split
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    settle_the_record,
    the_record,
)
from voting.models import Pseudonym, Receipt, Vote
from voting.organisations import confirm_organisation
from voting.queries import tally_of
from voting.rules import Choice
from voting.services import withdraw_vote

ACME = {"capacity": Capacity.BUSINESS, "organisation": "Acme Ltd"}


def acme_is_known(*, domain: str = "acme.example") -> None:
    """Staff have checked Acme through somebody else's word."""
    staff, speaker = a_member_of_staff(Role.MODERATOR), a_voter("first@elsewhere.example")
    with transaction():
        accounts.check_organisation(account=speaker, name="Acme Ltd", domain=domain, by=staff, now=NOON)


def withdraw(voter: Account, regulation: Regulation) -> None:
    with transaction():
        withdraw_vote(voter=voter, regulation=regulation, now=NOON)


def chains() -> list[list[dict]]:
    """The vote lines of each pseudonym, first to last, each found to follow exactly the one before it."""
    by_voter: dict[tuple[str, str], list[dict]] = {}
    for said in the_record("vote"):
        chain = by_voter.setdefault((said["item"], said["voter"]), [])
        assert said.get("prev") == (chain[-1]["id"] if chain else None)
        chain.append(said)
    return list(by_voter.values())


def the_record_verifies() -> None:
    settle_the_record()
    db.session.rollback()
    found = check(log_folder())
    assert (found.wrong, found.waits) == ([], "")


def says(chain: list[dict]) -> list[str]:
    return ["withdrawn" if said.get("withdrawn") else said["choice"] for said in chain]


def whose(voter: str) -> dict[str, str]:
    """What a pseudonym opens to, with the salt kept beside it."""
    row = db.session.scalars(select(Pseudonym).filter_by(value=voter)).one()
    identity = json.loads(row.identity)
    assert entries.pseudonym("voter", row.salt, identity) == voter
    return identity


@both_databases
def test_an_organisations_vote_stands_under_its_own_pseudonym_and_a_persons_under_theirs(app):
    acme_is_known()
    regulation = a_regulation()
    a_vote(regulation, voter=a_voter("clerk@acme.example"), **ACME)
    a_vote(regulation, voter=a_voter("reader@example.org"))
    (of_acme,), (of_reader,) = chains()
    assert whose(of_acme["voter"]) == {"organisation": "acme", "item": regulation.slug}
    assert whose(of_reader["voter"]) == {"email": "reader@example.org", "item": regulation.slug}


@both_databases
def test_a_persons_vote_that_becomes_their_organisations_is_withdrawn_under_the_one_and_cast_under_the_other(app):
    acme_is_known()
    regulation, clerk = a_regulation(), a_voter("clerk@acme.example")
    a_vote(regulation, Choice.KEEP, clerk)
    a_vote(regulation, Choice.KEEP, clerk, **ACME)
    a_vote(regulation, Choice.SCRAP, clerk)
    a_vote(regulation, Choice.IMPROVE, clerk, **ACME)
    own, acmes = chains()
    assert says(own) == ["keep", "withdrawn", "scrap", "withdrawn"]
    assert says(acmes) == ["keep", "withdrawn", "improve"]
    assert [said["level"] for said in own] == [1, 1, 1, 1]
    settle_the_record()
    tally = tally_of(regulation.id)
    assert (tally.participants, tally.improve, tally.keep, tally.scrap, tally.reasons) == (1, 1, 0, 0, 1)
    the_record_verifies()


@both_databases
def test_a_colleague_goes_on_where_another_withdrew_and_has_one_vote_for_both(app):
    acme_is_known()
    regulation = a_regulation()
    boss, clerk = a_voter("boss@acme.example"), a_voter("clerk@acme.example")
    a_vote(regulation, Choice.KEEP, boss, **ACME)
    with pytest.raises(Clash, match="A colleague has already voted"):
        a_vote(regulation, Choice.SCRAP, clerk, **ACME)
    withdraw(boss, regulation)
    a_vote(regulation, Choice.SCRAP, clerk, **ACME)
    with pytest.raises(Clash, match="A colleague has already voted"):
        a_vote(regulation, Choice.KEEP, boss, **ACME)
    a_vote(regulation, Choice.KEEP, boss)
    acmes, bosss = chains()
    assert (says(acmes), says(bosss)) == (["keep", "withdrawn", "scrap"], ["keep"])
    settle_the_record()
    assert (tally_of(regulation.id).scrap, tally_of(regulation.id).keep) == (1, 1)
    the_record_verifies()


@both_databases
def test_a_vote_that_staff_confirm_moves_to_the_organisation_with_a_receipt_of_its_own(app, client):
    regulation, boss = a_regulation(), a_voter("boss@acme.example")
    before = a_vote(regulation, Choice.KEEP, boss, **ACME).secret
    vote_id, staff = db.session.scalars(select(Vote.id)).one(), a_member_of_staff(Role.MODERATOR)
    with transaction():
        vote = db.session.get_one(Vote, vote_id)
        confirm_organisation(vote=vote, name="Acme Ltd", domain="", by=staff, now=NOON)
    own, acmes = chains()
    assert (says(own), says(acmes)) == (["keep", "withdrawn"], ["keep"])
    assert ([said["level"] for said in own], acmes[0]["level"]) == ([1, 1], 3)
    settle_the_record()
    assert tally_of(regulation.id).counts | {"keep": 1, "participants": 1} == tally_of(regulation.id).counts
    first, second = db.session.scalars(select(Receipt).order_by(Receipt.id))
    assert (first.secret, second.entry_id) == (before, acmes[0]["id"])
    assert "Changed since" in client.get(f"/receipts/{before}").text
    assert "Changed since" not in client.get(f"/receipts/{second.secret}").text


def test_a_vote_cast_before_organisations_had_pseudonyms_moves_when_it_is_next_changed(app):
    acme_is_known()
    regulation, clerk = a_regulation(), a_voter("clerk@acme.example")
    a_vote(regulation, Choice.KEEP, clerk, text="")
    vote = db.session.scalars(select(Vote)).one()
    organisation = db.session.scalars(select(Organisation.id)).one()
    as_it_was = f"UPDATE vote SET organisation_id = {organisation}, level = 2 WHERE id = {vote.id}"
    with db.engine.connect() as connection:
        connection.exec_driver_sql(as_it_was)
        connection.commit()
    db.session.rollback()
    a_vote(regulation, Choice.SCRAP, clerk, **ACME)
    own, acmes = chains()
    assert (says(own), says(acmes)) == (["keep", "withdrawn"], ["scrap"])


def test_in_a_kept_split_the_move_says_no_more_than_any_vote(app):
    acme_is_known()
    theme = a_theme(split=Split.KEPT, closes=NOON + DAY)
    regulation, clerk = a_regulation(theme), a_voter("clerk@acme.example")
    a_vote(regulation, Choice.KEEP, clerk)
    a_vote(regulation, Choice.KEEP, clerk, **ACME)
    lines = the_record("vote")
    assert Counter("commit" in said for said in lines) == {True: 2, False: 1}
    assert not any("choice" in said or "direction" in said for said in lines)
    a_frozen_theme(theme)
    assert the_record("tally")[0]["counts"]["keep"] == 1
    the_record_verifies()


def test_a_vote_for_another_organisation_leaves_the_first_free_for_its_people(app):
    acme_is_known()
    staff, clerk = a_member_of_staff(Role.MODERATOR), a_voter("clerk@acme.example")
    with transaction():
        accounts.check_organisation(account=clerk, name="Bolts", domain="", by=staff, now=NOON)
    regulation = a_regulation()
    a_vote(regulation, Choice.KEEP, clerk, **ACME)
    a_vote(regulation, Choice.KEEP, clerk, **(ACME | {"organisation": "Bolts"}))
    a_vote(regulation, Choice.SCRAP, a_voter("boss@acme.example"), **ACME)
    acmes, boltss = chains()
    assert (says(acmes), says(boltss)) == (["keep", "withdrawn", "scrap"], ["keep"])
    assert whose(boltss[0]["voter"])["organisation"] == "bolts"
