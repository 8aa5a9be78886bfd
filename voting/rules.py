"""What a ballot, a vote, a reason and a tally are. Pure: no Flask, no database, no clock."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import permutations

from accounts.rules import Capacity, Level
from core.errors import Gone, RuleBroken, TooOften
from regulations.rules import Stage, Window

REASON_LENGTH = 5_000
REASONS_OFFERED = 5
DISPLAY_NAME_LENGTH = 60
ORGANISATION_LENGTH = 120
PENDING_LIFE = timedelta(days=7)
BALLOTS_AN_HOUR_UNDER_AN_ADDRESS = 20
BALLOTS_AN_HOUR_FROM_A_BROWSER = 60


class Choice(StrEnum):
    SCRAP = "scrap"
    IMPROVE = "improve"
    KEEP = "keep"

    @property
    def label(self) -> str:
        return self.value.capitalize()


class Direction(StrEnum):
    """Which way to improve: the word alone would hide whether people want more or less."""

    LIGHTER = "lighter"
    CLEARER = "clearer"
    STRICTER = "stricter"
    OTHER = "other"

    @property
    def label(self) -> str:
        return "Something else" if self is Direction.OTHER else self.value.capitalize()


class ReasonKind(StrEnum):
    WRITTEN = "written"
    SUPPORTED = "supported"
    NOT_SAID = "not_said"


class CommentStatus(StrEnum):
    PUBLISHED = "published"
    HIDDEN = "hidden"
    WITHDRAWN = "withdrawn"
    ERASED = "erased"
    MASKED = "masked"
    """Published, but for words that a moderator covered."""


PUBLIC = (CommentStatus.PUBLISHED, CommentStatus.MASKED)
COVER = "▇▇"


def covered(text: str, words: Sequence[str]) -> str:
    """The text with each of some words, names or numbers covered wherever it stands. Raises RuleBroken."""
    for word in sorted(words, key=len, reverse=True):
        if word not in text:
            raise RuleBroken(f"“{word}” does not stand in this comment. Copy it exactly, one a line.", field="words")
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, COVER)
    if not words:
        raise RuleBroken("Enter the words to cover, one name, number or phrase a line.", field="words")
    if not any(letter.isalnum() for letter in text):
        raise RuleBroken("Nothing would be left of it. Hide the comment instead.", field="words")
    return text


class ErasureBasis(StrEnum):
    """Why what was held of somebody is deleted for good. The record says which."""

    REQUEST = "request"
    COURT = "court"
    LAW = "law"

    @property
    def because(self) -> str:
        return {
            ErasureBasis.REQUEST: "because the person asked for it",
            ErasureBasis.COURT: "because a court or the data protection regulator ordered it",
            ErasureBasis.LAW: "because the law asks for it",
        }[self]


class ModerationRule(StrEnum):
    """The public rules by which a comment may be hidden. Nothing is ever removed for the view it takes."""

    PERSONAL_DATA = "personal_data"
    ABUSE = "abuse"
    OFF_TOPIC = "off_topic"
    NOT_THE_AUTHORS = "not_the_authors"
    UNLAWFUL = "unlawful"
    SPAM = "spam"
    DUPLICATE = "duplicate"

    @property
    def label(self) -> str:
        return _MODERATION_WORDS[self]


_MODERATION_WORDS = {
    ModerationRule.PERSONAL_DATA: "It gives somebody’s personal details",
    ModerationRule.ABUSE: "It abuses or threatens people",
    ModerationRule.OFF_TOPIC: "It is not about this regulation or its subject",
    ModerationRule.NOT_THE_AUTHORS: "It is another person’s work, passed off as one’s own",
    ModerationRule.UNLAWFUL: "Publishing it would break the law",
    ModerationRule.SPAM: "It advertises or was posted by a machine",
    ModerationRule.DUPLICATE: "The same person gave the same reason before",
}


class Subject(StrEnum):
    """What a reason is about, so that complaints and ideas don't drown each other."""

    RULE = "rule"
    ENFORCEMENT = "enforcement"
    SERVICE = "service"
    IDEA = "idea"

    @property
    def label(self) -> str:
        return {
            Subject.RULE: "The rule itself",
            Subject.ENFORCEMENT: "How it is enforced",
            Subject.SERVICE: "A service, form or website that goes with it",
            Subject.IDEA: "An idea for something better",
        }[self]


SIZE_BANDS = {
    "0": "No employees",
    "1-9": "1 to 9 people",
    "10-49": "10 to 49 people",
    "50-249": "50 to 249 people",
    "250+": "250 people or more",
}
NATIONS = {
    "england": "England",
    "scotland": "Scotland",
    "wales": "Wales",
    "northern_ireland": "Northern Ireland",
    "elsewhere": "Outside the UK",
}

ORDERS: tuple[tuple[Choice, ...], ...] = tuple(permutations(Choice))


def draw_order(seed: str) -> str:
    """One of the six orders of the three choices, each as likely, as its place in ORDERS ("0" to "5")."""
    return str(random.Random(f"order:{seed}").randrange(len(ORDERS)))  # noqa: S311 - a draw, not a secret


def choices_in_order(order: str) -> tuple[Choice, ...]:
    return ORDERS[int(order)] if order in {str(n) for n in range(len(ORDERS))} else ORDERS[0]


def offer_of(public_id: str, version: int) -> str:
    """Names a reason in the words it has now: whoever chooses it stands behind these and no later ones."""
    return f"{public_id}_{version}"


def public_id_of(offer: str) -> str:
    return offer.partition("_")[0]


@dataclass(frozen=True)
class Ballot:
    """What somebody said on a regulation, complete and checked."""

    choice: Choice
    direction: Direction | None
    reason_kind: ReasonKind
    text: str = ""
    supports: str = ""
    """The comment they stand behind, as offer_of() names it; a public id alone means as it stands now."""
    capacity: Capacity = Capacity.PUBLIC
    organisation: str = ""
    display_name: str = ""
    order: str = "0"


def check_ballot(
    choice: Choice | None, direction: Direction | None, text: str, supports: str, not_said: bool
) -> ReasonKind:
    """Asked alike of all three choices, so that none is easier. Returns which kind of reason was given."""
    if choice is None:
        raise RuleBroken("Choose scrap, improve or keep.", field="choice")
    if choice is Choice.IMPROVE and direction is None:
        raise RuleBroken(
            "Say which way to improve it: lighter, clearer, stricter or something else.", field="direction"
        )
    if len(text) > REASON_LENGTH:
        raise RuleBroken(f"Shorten your reason to {REASON_LENGTH:,} characters or fewer.", field="text")
    if not_said and (text or supports):
        raise RuleBroken(
            "You gave a reason and also ticked “I’d rather not say”. Keep one of the two.", field="not_said"
        )
    if text and supports:
        raise RuleBroken(
            "Write your own reason or stand behind another’s: one of the two, so that nobody is counted twice.",
            field="supports",
        )
    if text:
        return ReasonKind.WRITTEN
    if supports:
        return ReasonKind.SUPPORTED
    if not_said:
        return ReasonKind.NOT_SAID
    raise RuleBroken(
        f"Say why you would {choice} this regulation, stand behind a reason others gave, or tick “I’d rather not say”.",
        field="text",
    )


def check_display_name(name: str) -> None:
    """Pictures may adorn a name but not stand for one: screen readers and the downloads have to say it."""
    if len(name) > DISPLAY_NAME_LENGTH:
        raise RuleBroken(f"Shorten the name to {DISPLAY_NAME_LENGTH} characters or fewer.", field="display_name")
    if name and not any(letter.isalpha() for letter in name):
        raise RuleBroken("Use at least one letter in the name, or leave it empty.", field="display_name")


def check_begun(ballots: int) -> None:
    if ballots >= BALLOTS_AN_HOUR_FROM_A_BROWSER:
        raise TooOften(
            f"More than {BALLOTS_AN_HOUR_FROM_A_BROWSER} ballots were begun from this browser within an hour. "
            "Wait a while, then send this one again."
        )


@dataclass(frozen=True)
class Details:
    """What somebody may add after their vote is in, all of it if they like."""

    subject: str | None = None
    clause: str = ""
    cost_pounds: int | None = None
    cost_hours: int | None = None
    size_band: str | None = None
    sector: str | None = None
    nation: str | None = None


def name_shown(*, level: int, organisation: str, display_name: str, capacity: Capacity) -> str:
    """The name a reason appears under: an organisation's only once it was matched or checked."""
    if level >= Level.ORGANISATION_MATCHED and organisation:
        return organisation
    return display_name or capacity.label


class VotingClosed(Gone):
    """Out of the window: nothing can be taken or changed."""


def check_not_settled(settled: Stage | None) -> None:
    """There is nothing to ask about a regulation that has ended, is dealt with elsewhere or was decided."""
    if settled is Stage.ALREADY_SPENT:
        raise VotingClosed("Votes are not taken on this regulation: it was no longer in force when it was listed.")
    if settled is Stage.MOVED:
        raise VotingClosed("Votes are not taken on this regulation: it is dealt with in another place.")
    if settled is not None:
        raise VotingClosed("Votes are not taken on this regulation: it has been decided.")


def check_window(window: Window, now: datetime) -> None:
    if now < window.opens:
        raise VotingClosed("This theme has not opened yet, so votes are not taken.")
    if not window.is_open(now):
        raise VotingClosed("This theme has closed, so votes can no longer be given, changed or withdrawn.")


def check_confirmation(window: Window, given_at: datetime, now: datetime) -> None:
    """What was given before the close may be confirmed for 24 hours after it."""
    if not window.is_open(given_at) or not window.takes_confirmations(now):
        raise VotingClosed("This theme closed and its count is final, so this vote was not counted.")


@dataclass(frozen=True)
class Cell:
    """So many standing votes of one kind. Choice is empty while the split is kept."""

    capacity: Capacity
    level: int
    choice: str
    direction: str
    votes: int


@dataclass(frozen=True)
class Tally:
    """Counted votes on one regulation, or on one part of those who answered."""

    participants: int = 0
    scrap: int = 0
    improve: int = 0
    improve_lighter: int = 0
    improve_clearer: int = 0
    improve_stricter: int = 0
    improve_other: int = 0
    keep: int = 0
    reasons: int = 0
    comments: int = 0
    as_at: datetime | None = None
    position: int = 0
    sealed: bool = False
    by_capacity: Sequence[tuple[str, "Tally"]] = field(default=(), repr=False)
    by_level: Sequence[tuple[str, "Tally"]] = field(default=(), repr=False)

    @property
    def counts(self) -> dict[str, int]:
        """The numbers as the record and the downloads spell them."""
        return {
            name: getattr(self, name)
            for name in (
                "participants", "scrap", "improve", "improve_lighter", "improve_clearer",
                "improve_stricter", "improve_other", "keep",
            )
        }  # fmt: skip

    @property
    def leading(self) -> Choice | None:
        """The choice with most votes, or None when nobody voted or the lead is shared."""
        ranked = sorted(((getattr(self, choice), choice) for choice in Choice), reverse=True)
        return ranked[0][1] if ranked[0][0] > ranked[1][0] else None

    @property
    def leading_direction(self) -> Direction | None:
        ranked = sorted(((getattr(self, f"improve_{d}"), d) for d in Direction), reverse=True)
        return ranked[0][1] if ranked[0][0] > ranked[1][0] else None


def add_up(cells: Iterable[Cell], **given: object) -> Tally:
    """Sum cells into a tally; what is not counted from them (reasons, comments, as_at …) is given."""
    counts = dict.fromkeys(Tally().counts, 0)
    sealed = False
    for cell in cells:
        counts["participants"] += cell.votes
        if not cell.choice:
            sealed = sealed or cell.votes > 0
            continue
        counts[cell.choice] += cell.votes
        if cell.choice == Choice.IMPROVE:
            counts[f"improve_{cell.direction}"] += cell.votes
    return Tally(**counts, **({"sealed": sealed} | given))  # type: ignore[arg-type]
