"""People without email are counted by staff: once, in time, under no name, and never by mail."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from accounts.models import Account, AssistedPerson, Organisation
from accounts.rules import Capacity, Level, Role
from audit.models import Entry
from core import clock
from core.db import db, transaction
from core.errors import NotAllowed, RuleBroken
from core.mail import Mail
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_ballot,
    a_decision,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    how_many,
    settle_the_record,
    the_record,
)
from voting.assisted import How, Person, cast_for, normal_contact, normal_name, withdraw_for
from voting.models import AssistedAnswer, Comment, Pseudonym, Receipt, Vote
from voting.queries import reasons_of, tally_of
from voting.rules import Choice, VotingClosed

ADA = Person("Ada Wintergreen", "LS1 4AP")


def entered(regulation, choice=Choice.KEEP, person=ADA, how=How.PHONE, now=NOON, by=None, **given) -> Receipt:
    by = by or a_member_of_staff(Role.MODERATOR)
    letter = {"received_on": given.pop("received_on", None)}
    checked = given.pop("organisation_checked", False)
    with transaction():
        return cast_for(
            person=person,
            regulation=regulation,
            ballot=a_ballot(choice, **given),
            how=how,
            organisation_checked=checked,
            by=by,
            now=now,
            **letter,
        )


@both_databases
def test_what_is_said_by_phone_is_counted_as_one_answer_checked_by_staff(app):
    regulation = a_regulation()
    entered(regulation, Choice.SCRAP)
    settle_the_record()
    vote = db.session.scalars(select(Vote)).one()
    assert (vote.choice, vote.level, vote.account.email) == ("scrap", Level.CHECKED_BY_STAFF, None)
    assert tally_of(regulation.id).scrap == 1
    (line,) = the_record("vote")
    assert (line["choice"], line["level"], line["capacity"]) == ("scrap", 3, "public")
    assert reasons_of(regulation.id)[0].who == "Member of the public"
    noted = db.session.scalars(select(AssistedAnswer)).one()
    assert (noted.how, noted.entry_id, noted.office != "") == ("phone", vote.entry_id, True)


@both_databases
def test_neither_name_nor_contact_stands_in_the_record_or_in_a_pseudonym(app):
    entered(a_regulation())
    written = "".join(map(str, db.session.scalars(select(Entry.body))))
    known = "".join(db.session.scalars(select(Pseudonym.identity)))
    for secret in ("wintergreen", "ls1", "4ap"):
        assert secret not in written.casefold()
        assert secret not in known.casefold()
    assert ADA.key in known
    assert '"email"' not in known


@both_databases
def test_a_second_letter_takes_the_place_of_the_first(app):
    regulation = a_regulation()
    today = clock.uk_day(NOON)
    entered(regulation, Choice.KEEP, how=How.LETTER, received_on=today)
    entered(
        regulation, Choice.SCRAP, Person("Mrs Wintergreen, Ada", "ls14ap"), how=How.LETTER, received_on=today, text="No"
    )
    settle_the_record()
    assert (how_many(Vote), how_many(AssistedPerson), how_many(Comment)) == (1, 1, 1)
    assert (tally_of(regulation.id).scrap, tally_of(regulation.id).participants) == (1, 1)
    first, second = the_record("vote")
    assert second["voter"] == first["voter"]
    assert second["prev"] == first["id"]


@both_databases
def test_the_same_answer_sent_twice_is_one_line_and_one_receipt(app):
    regulation = a_regulation()
    assert entered(regulation).secret == entered(regulation).secret
    assert (len(the_record("vote")), how_many(AssistedAnswer)) == (1, 1)


def test_one_person_answers_several_regulations_under_unlike_pseudonyms(app):
    for _ in range(2):
        entered(a_regulation())
    assert (how_many(Account) - 2, how_many(AssistedPerson)) == (1, 1), "two members of staff, and one person"
    assert len({line["voter"] for line in the_record("vote")}) == 2


def test_people_of_one_name_are_told_apart_by_their_contact(app):
    regulation = a_regulation()
    entered(regulation)
    entered(regulation, person=Person("Ada Wintergreen", "0113 496 0000"))
    assert how_many(Vote) == 2


@pytest.mark.parametrize(
    "again", ["Ada O’Connell-Smith", "ms ADA o'connell smith", "Smith-O'Connell, Ada", "Ada OConnell Smith"]
)
def test_spellings_of_one_name_meet(again):
    assert normal_name(again) == normal_name("Ada O'Connell Smith")


@pytest.mark.parametrize("again", ["+44 (0)113 496 0000", "0113-496 0000", "0044 113 4960000", "+441134960000"])
def test_spellings_of_one_telephone_number_meet(again):
    assert normal_contact(again) == "01134960000"


def test_numbers_abroad_and_postcodes_stay_apart():
    assert normal_contact("+49 30 901820") == normal_contact("0049 30 901820") == "004930901820"
    assert normal_contact(" ls1 4ap ") == "LS14AP"


@pytest.mark.parametrize("nothing", ["", "Leeds", "12345", "LS1", "١٢٣٤٥٦٧٨٩٠", "ada@example.org"])
def test_what_is_neither_postcode_nor_number_is_refused(nothing):
    with pytest.raises(RuleBroken):
        normal_contact(nothing)


@both_databases
def test_nothing_is_mailed_to_whoever_has_no_email(app):
    theme = a_theme(closes=NOON + DAY)
    regulation = a_regulation(theme)
    entered(regulation)
    a_vote(regulation, voter=a_voter("kim@example.org"))
    settle_the_record()
    a_frozen_theme(theme, now=NOON + 3 * DAY)
    a_decision(regulation)
    settle_the_record()
    assert set(db.session.scalars(select(Mail.recipient))) == {"kim@example.org"}


def test_phone_and_letters_keep_to_the_window(app):
    theme = a_theme(opens=NOON - 2 * DAY, closes=NOON + DAY)
    regulation, today = a_regulation(theme), clock.uk_day(NOON)
    after = NOON + DAY + timedelta(hours=3)
    with pytest.raises(VotingClosed):
        entered(regulation, now=after)
    entered(regulation, how=How.LETTER, received_on=today, now=after)
    assert how_many(Vote) == 1
    for day, now in ((3 * DAY, NOON), (-DAY, NOON), (-2 * DAY, after)):
        with pytest.raises(RuleBroken) as refused:
            entered(regulation, how=How.LETTER, received_on=clock.uk_day(NOON - day), now=now)
        assert refused.value.field == "received_on"
    with pytest.raises(RuleBroken):
        entered(regulation, how=How.LETTER)
    with pytest.raises(VotingClosed):
        entered(regulation, Choice.SCRAP, how=How.LETTER, received_on=today, now=NOON + 2 * DAY)


def test_a_letter_cannot_be_added_to_a_count_that_is_final(app):
    theme = a_theme(closes=NOON + DAY)
    regulation, today = a_regulation(theme), clock.uk_day(NOON)
    a_frozen_theme(theme, now=NOON + DAY)
    with pytest.raises(VotingClosed):
        entered(regulation, how=How.LETTER, received_on=today, now=NOON + DAY + timedelta(hours=1))


def test_an_organisation_is_entered_once_staff_have_checked_it(app):
    regulation = a_regulation()
    shop = {"capacity": Capacity.BUSINESS, "organisation": "Corner Shop Ltd"}
    with pytest.raises(RuleBroken) as refused:
        entered(regulation, **shop)
    assert refused.value.field == "organisation_checked"
    assert (how_many(Vote), how_many(Organisation), how_many(AssistedPerson)) == (0, 0, 0)
    entered(regulation, organisation_checked=True, **shop)
    assert reasons_of(regulation.id)[0].who == "Corner Shop Ltd"
    with pytest.raises(RuleBroken, match="one vote"):
        entered(regulation, person=Person("Bea Lark", "LS1 4AP"), organisation_checked=True, **shop)


@both_databases
def test_an_answer_is_withdrawn_at_their_wish_and_may_be_given_again(app):
    regulation, by = a_regulation(), a_member_of_staff(Role.MODERATOR)
    entered(regulation)

    def withdrawn(person, now=NOON):
        with transaction():
            withdraw_for(person=person, regulation=regulation, how=How.PHONE, by=by, now=now)

    with pytest.raises(RuleBroken, match="Nothing was entered"):
        withdrawn(Person("Bea Lark", "LS1 4AP"))
    with pytest.raises(VotingClosed):
        withdrawn(ADA, now=NOON + 30 * DAY)
    withdrawn(ADA)
    withdrawn(ADA)
    settle_the_record()
    assert tally_of(regulation.id).participants == 0
    assert (len(the_record("vote")), how_many(AssistedAnswer)) == (2, 2)
    entered(regulation, Choice.SCRAP)
    settle_the_record()
    assert tally_of(regulation.id).scrap == 1


@pytest.mark.parametrize("role", [Role.ANALYST, None])
def test_others_cannot_enter_what_people_say(app, role):
    by = a_member_of_staff(role) if role else a_voter()
    with pytest.raises(NotAllowed):
        entered(a_regulation(), by=by)
