"""People without email: staff enter what they say by phone, by letter or beside them, and it counts like any other."""

import hashlib
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import select

from accounts import services as accounts
from accounts.models import Account, AssistedPerson
from accounts.rules import Capacity, Role, check_capacity
from core import clock
from core.db import db, take_turn
from core.errors import NotAllowed, RuleBroken
from regulations.models import Regulation, Theme
from regulations.rules import GRACE, Window
from voting.models import AssistedAnswer, Receipt, Vote
from voting.queries import standing_vote
from voting.rules import Ballot
from voting.services import cast_vote, withdraw_vote

STAFF_WHO_ASSIST = (Role.MODERATOR, Role.OFFICIAL, Role.ADMINISTRATOR)
NAME_LENGTH = 120
MOST_FOUND = 20

_TITLES = {"mr", "mrs", "miss", "ms", "mx", "dr"}
_POSTCODE = re.compile(r"(GIR0AA|[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2})")
_PHONE = re.compile(r"\+?[0-9]{9,15}")
_CITATION = re.compile(r"\b(?:(uksi|ssi|wsi|nisr)[- ]+)?((?:19|20)[0-9]{2})\s*[-/]\s*([0-9]{1,5})\b", re.IGNORECASE)


class How(StrEnum):
    """How an answer came."""

    PHONE = "phone"
    LETTER = "letter"
    IN_PERSON = "in_person"

    @property
    def label(self) -> str:
        return {How.PHONE: "By phone", How.LETTER: "By letter", How.IN_PERSON: "In person"}[self]


@dataclass(frozen=True)
class Person:
    """Who is speaking, as staff wrote it down."""

    name: str
    contact: str

    def check(self) -> None:
        """Raises RuleBroken when they could not be known again."""
        normal_name(self.name)
        normal_contact(self.contact)

    @property
    def key(self) -> str:
        """The same for two spellings of one person's name and postcode or telephone number."""
        return hashlib.sha256(f"{normal_name(self.name)}\n{normal_contact(self.contact)}".encode()).hexdigest()


def normal_name(name: str) -> str:
    """Raises RuleBroken when there is nothing in it to know somebody by."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(c for c in plain if not unicodedata.combining(c) and c not in "'’‘")
    words = sorted(word for word in re.findall(r"[^\W_]+", letters) if word not in _TITLES)
    if not any(letter.isalpha() for word in words for letter in word):
        raise RuleBroken("Enter their first and last name.", field="name")
    return " ".join(words)


def normal_contact(contact: str) -> str:
    """A postcode in capitals without spaces, or a telephone number in digits. Raises RuleBroken for anything else."""
    compact = re.sub(r"[\s().-]", "", contact).upper()
    if _POSTCODE.fullmatch(compact):
        return compact
    if not _PHONE.fullmatch(compact):
        raise RuleBroken("Enter a postcode such as LS1 4AP, or a telephone number with its area code.", field="contact")
    digits = compact.removeprefix("+") if compact.startswith("+") else compact.removeprefix("00")
    if compact != digits and digits.startswith("44"):
        return "0" + digits.removeprefix("44").lstrip("0")
    return digits if compact == digits else "00" + digits


def cast_for(
    *,
    person: Person,
    regulation: Regulation,
    ballot: Ballot,
    how: How,
    received_on: date | None,
    organisation_checked: bool,
    by: Account,
    now: datetime,
    demonstration: bool = False,
) -> Receipt:
    """Count what somebody without email said. What they say again takes its place while the window is open.

    ``received_on`` is the day a letter came: one that came in time may be entered a day after the close, as long as
    the count is not final. An organisation's answer needs staff to have found that this person speaks for it.
    """
    _check_staff(by)
    check_organisation_checked(ballot.capacity, ballot.organisation, organisation_checked)
    given_at = given_by_letter(how, received_on, regulation.theme.window, now)
    take_turn(f"assisted {person.key}")
    voter = _account_of(person, now, demonstration)
    if ballot.capacity.speaks_for_organisation:
        take_turn("organisations")
        accounts.check_organisation(account=voter, name=ballot.organisation, domain="", by=by, now=now)
        db.session.flush()
    receipt = cast_vote(
        voter=voter, regulation=regulation, ballot=ballot, now=now, given_at=given_at, demonstration=demonstration
    )
    _note(receipt.vote, receipt.entry_id, how, received_on, by, now)
    return receipt


def withdraw_for(*, person: Person, regulation: Regulation, how: How, by: Account, now: datetime) -> None:
    """Take back, at their wish, what somebody without email said."""
    _check_staff(by)
    take_turn(f"assisted {person.key}")
    known = _known(person)
    vote = standing_vote(known.account, regulation) if known else None
    if known is None or vote is None:
        raise RuleBroken(
            "Nothing was entered here for this name with this postcode or telephone number. Write both as before.",
            field="name",
        )
    withdraw_vote(voter=known.account, regulation=regulation, now=now)
    _note(vote, vote.entry_id or "", how, None, by, now)


def check_organisation_checked(capacity: Capacity, organisation: str, checked: bool) -> None:
    """What staff enter is shown as checked by staff, so it has to be."""
    check_capacity(capacity, organisation)
    if capacity.speaks_for_organisation and not checked:
        raise RuleBroken(
            "Check first that they speak for this organisation, and say so here. "
            "If you cannot, ask whether they would answer as a member of the public.",
            field="organisation_checked",
        )


def given_by_letter(how: How, received_on: date | None, window: Window, now: datetime) -> datetime | None:
    """The moment a letter counts as given, or None for what is said now. Raises RuleBroken outside the window."""
    if how is not How.LETTER:
        return None
    if received_on is None:
        raise RuleBroken("Enter the day on which the letter arrived.", field="received_on")
    if received_on > clock.uk_day(now):
        raise RuleBroken("That day has not come yet. Enter the day on which the letter arrived.", field="received_on")
    if received_on < clock.uk_day(window.opens):
        raise RuleBroken("It arrived before this theme opened, so it cannot be counted.", field="received_on")
    if received_on > clock.last_day(window.closes):
        raise RuleBroken("It arrived after this theme closed, so it cannot be counted.", field="received_on")
    return max(window.opens, clock.day_begins(received_on))


def _check_staff(by: Account) -> None:
    if by.role not in STAFF_WHO_ASSIST:
        raise NotAllowed("Only moderators, officials and administrators may enter what others say.")


def _known(person: Person) -> AssistedPerson | None:
    return db.session.scalar(select(AssistedPerson).filter_by(key=person.key))


def _account_of(person: Person, now: datetime, demonstration: bool) -> Account:
    known = _known(person)
    if known is not None:
        return known.account
    account = Account(session_key=secrets.token_urlsafe(24), created_at=now, demonstration=demonstration)
    known = AssistedPerson(account=account, key=person.key, name=person.name, contact=person.contact, made_at=now)
    db.session.add(known)
    db.session.flush()
    return account


def _note(vote: Vote, entry_id: str, how: How, received_on: date | None, by: Account, now: datetime) -> None:
    """A second click has the same line in the record, and is noted once."""
    if db.session.scalar(select(AssistedAnswer.id).filter_by(entry_id=entry_id)) is None:
        db.session.add(
            AssistedAnswer(
                vote_id=vote.id, entry_id=entry_id, how=how, received_on=received_on if how is How.LETTER else None,
                office=by.office, entered_at=now,
            )
        )  # fmt: skip


def earlier_answer(person: Person, regulation: Regulation) -> Vote | None:
    """What stands already for this person, and would be replaced."""
    known = _known(person)
    vote = standing_vote(known.account, regulation) if known else None
    return vote if vote is not None and vote.choice is not None else None


def others_of_this_name(person: Person, regulation: Regulation) -> list[str]:
    """Contacts of people of the same name who are counted here already: perhaps the same person, entered otherwise."""
    wanted = (
        select(AssistedPerson.name, AssistedPerson.contact)
        .join(Vote, Vote.account_id == AssistedPerson.account_id)
        .where(Vote.regulation_id == regulation.id, Vote.choice.is_not(None), AssistedPerson.key != person.key)
        .order_by(AssistedPerson.id)
    )
    mine = normal_name(person.name)
    return [row.contact for row in db.session.execute(wanted) if normal_name(row.name) == mine]


def account_known_as(person: Person) -> Account | None:
    known = _known(person)
    return known.account if known else None


def is_assisted(account: Account) -> bool:
    return db.session.scalar(select(AssistedPerson.id).filter_by(account_id=account.id)) is not None


@dataclass(frozen=True)
class Found:
    """A regulation on which an answer can be entered."""

    slug: str
    title: str
    official: str
    theme: str
    closes_at: datetime


def regulations_to_answer(words: str, now: datetime) -> list[Found]:
    """Those whose citation, address or title matches, while answers or letters that came in time are taken."""
    wanted = (
        select(Regulation, Theme)
        .join(Theme, Theme.id == Regulation.theme_id)
        .where(
            Regulation.settled.is_(None), Theme.frozen_at.is_(None), Theme.opens_at <= now,
            Theme.closes_at > now - GRACE,
        )
        .order_by(Regulation.title, Regulation.id)
        .limit(MOST_FOUND)
    )  # fmt: skip
    cited = _CITATION.search(words)
    if cited:
        kind, year, number = cited.groups()
        wanted = wanted.where(Regulation.year == int(year), Regulation.number == int(number))
        if kind:
            wanted = wanted.where(Regulation.kind == kind.casefold())
    else:
        for word in words.split()[:8]:
            wanted = wanted.where(Regulation.title.icontains(word, autoescape=True))
    return [
        Found(regulation.slug, regulation.title, regulation.citation.official, theme.title, theme.closes_at)
        for regulation, theme in db.session.execute(wanted)
    ]
