"""What a submission may be, and why one is withheld. Pure: no Flask, database or clock."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from accounts.rules import Capacity
from core.errors import RuleBroken

TEXT_LENGTH = 50_000
NAME_LENGTH = 160
MOST_SIGNATURES = 100_000_000
EARLIEST = date(2000, 1, 1)
FROM_A_BALLOT = "the site, from a ballot"
"""Who entered a paper that came with a ballot, as the record names it: nobody of flesh and blood."""


class How(StrEnum):
    """By which way something came that was not a ballot."""

    EMAIL = "email"
    LETTER = "letter"
    PHONE = "phone"
    WORKSHOP = "workshop"
    PETITION = "petition"
    PAPER = "paper"

    @property
    def label(self) -> str:
        return {
            How.EMAIL: "Email",
            How.LETTER: "Letter",
            How.PHONE: "Telephone call",
            How.WORKSHOP: "Workshop",
            How.PETITION: "Petition",
            How.PAPER: "Paper",
        }[self]


class Withheld(StrEnum):
    """The public rules by which a submission is counted and not shown."""

    PERSONAL_DATA = "personal_data"
    COMMERCIAL = "commercial_confidence"
    AUTHOR_ASKED = "author_asked"
    UNLAWFUL = "unlawful"
    WAITING = "waiting"
    """Not a rule that staff choose: a paper came with a ballot, and nobody has looked at it yet."""
    ERASED = "erased"
    """Nor this: who sent it asked for that, and what it said is held no more."""

    @property
    def label(self) -> str:
        return {
            Withheld.PERSONAL_DATA: "It holds personal data",
            Withheld.COMMERCIAL: "It was given in commercial confidence",
            Withheld.AUTHOR_ASKED: "Its author asked for it not to be shown",
            Withheld.UNLAWFUL: "To show it would break the law",
            Withheld.ERASED: "What it said was deleted for good",
            Withheld.WAITING: "It came with a ballot, and staff have not looked at it yet",
        }[self]


RULES_TO_WITHHOLD = tuple(rule for rule in Withheld if rule not in (Withheld.WAITING, Withheld.ERASED))


@dataclass(frozen=True)
class Received:
    """A submission as staff enter it."""

    how: How
    capacity: Capacity
    received_on: date
    text: str = ""
    organisation: str = ""
    signatures: int | None = None
    withheld: Withheld | None = None
    points: tuple[str, ...] = field(default=())
    """Public ids of the points it makes."""
    own_number: str = ""
    """What the office that sent it in calls it, so that two that are alike are not taken for one."""


def check_received(said: Received, *, has_paper: bool, today: date) -> None:
    """Raises RuleBroken with the field it is about, and what to write there instead."""
    check_text(said.text, has_paper=has_paper)
    check_organisation(said.organisation, said.capacity)
    check_day(said.received_on, today)
    check_signatures(said.how, said.signatures)


def check_text(text: str, *, has_paper: bool) -> None:
    if not text and not has_paper:
        raise RuleBroken("Enter what it says, or attach it as a PDF.", field="text")
    if len(text) > TEXT_LENGTH:
        surplus = len(text) - TEXT_LENGTH
        raise RuleBroken(f"Shorten the text to {TEXT_LENGTH:,} characters: it is {surplus:,} too long.", field="text")


def check_organisation(name: str, capacity: Capacity) -> None:
    if len(name) > NAME_LENGTH:
        raise RuleBroken(f"Shorten the name to {NAME_LENGTH} characters or fewer.", field="organisation")
    if name and not capacity.speaks_for_organisation:
        raise RuleBroken(
            "Members of the public are not named. Take the name out, or say which kind of organisation it is.",
            field="organisation",
        )


def check_day(day: date, today: date) -> None:
    if day > today:
        raise RuleBroken("Enter the day on which it came: this one is still to come.", field="received_on")
    if day < EARLIEST:
        raise RuleBroken(f"Enter a day since {EARLIEST.year}.", field="received_on")


def check_signatures(how: How, signatures: int | None) -> None:
    if how is How.PETITION and not signatures:
        raise RuleBroken("Enter how many people signed the petition, in figures.", field="signatures")
    if how is not How.PETITION and signatures is not None:
        raise RuleBroken(
            "Only a petition has signatures. Leave this empty, or say that it is a petition.", "signatures"
        )
    if signatures is not None and not 0 < signatures <= MOST_SIGNATURES:
        raise RuleBroken(f"Enter a number of signatures from 1 to {MOST_SIGNATURES:,}.", field="signatures")
