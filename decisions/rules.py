"""What a decision has to say, and how it stands to the vote. Pure: no Flask, no database, no clock."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from core.errors import NotAllowed, RuleBroken
from decisions.documents import documents_lacking
from regulations.rules import Stage
from voting.rules import Direction

STATEMENT_LENGTH = 400
REASONS_LENGTH = 10_000
DEPARTURE_LENGTH = 5_000
DEPARTURE_LEAST = 20
EVIDENCE_LENGTH = 5_000
NOTE_LENGTH = 1_000
DOCUMENTS_LENGTH = 5_000
ROUTE_LENGTH = 300
OFFICE_LENGTH = 120
LONGEST_WAIT = timedelta(days=365)


class Outcome(StrEnum):
    SCRAP = "scrap"
    IMPROVE = "improve"
    KEEP = "keep"
    MOVED = "moved"
    ALREADY_SPENT = "already_spent"

    @property
    def label(self) -> str:
        return "Moved elsewhere" if self is Outcome.MOVED else self.value.replace("_", " ").capitalize()

    @property
    def meaning(self) -> str:
        return _MEANINGS[self]

    @property
    def stage(self) -> Stage:
        return {Outcome.MOVED: Stage.MOVED, Outcome.ALREADY_SPENT: Stage.ALREADY_SPENT}.get(self, Stage.DECIDED)


_MEANINGS = {
    Outcome.SCRAP: "The regulation will be taken off the books.",
    Outcome.IMPROVE: "The regulation stays and will be changed.",
    Outcome.KEEP: "The regulation stays as it is. That is a decision like any other.",
    Outcome.MOVED: "The matter is dealt with in another place. It is not counted as a rule scrapped.",
    Outcome.ALREADY_SPENT: "The regulation has no effect any more. It is not counted as a rule scrapped.",
}


class DraftStatus(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    APPROVED = "approved"
    """Approved, and published by the worker at its time."""

    @property
    def label(self) -> str:
        return {
            "draft": "Draft",
            "submitted": "Waits for approval",
            "returned": "Returned with a note",
            "approved": "Approved, waits for its time",
        }[self.value]


class Comparison(StrEnum):
    SAME = "same"
    DIFFERS = "differs"
    TIED = "tied"
    TOO_FEW = "too_few"
    NOT_COMPARABLE = "not_comparable"

    @property
    def label(self) -> str:
        return _COMPARISON_WORDS[self]


_COMPARISON_WORDS = {
    Comparison.SAME: "Same as the largest group",
    Comparison.DIFFERS: "Differs from the largest group",
    Comparison.TIED: "The vote was tied",
    Comparison.TOO_FEW: "Too few to weigh",
    Comparison.NOT_COMPARABLE: "Not comparable",
}


@dataclass(frozen=True)
class Compared:
    """How an outcome stands to the largest group of those who voted."""

    word: Comparison
    agrees: bool | None
    """None for a tie, no votes, moved and already spent."""
    sentence: str
    participants: int = 0


EVERYONE = "all"
"""Under which the comparison with all who voted stands, beside those with each capacity."""


@dataclass(frozen=True)
class Proposal:
    """A decision as an official writes it."""

    outcome: Outcome | None
    direction: Direction | None
    statement: str
    reasons: str
    departure_reason: str
    cited_comments: tuple[str, ...]
    other_evidence: str
    covers: tuple[str, ...] = ()
    """The capacities to which departure_reason says, too, why the decision departs from what they asked."""
    departures: Mapping[str, str] = field(default_factory=dict)
    """For other capacities a reason of their own."""
    cited_points: tuple[str, ...] = ()
    cited_submissions: tuple[str, ...] = ()
    documents: str = ""
    """One to a line: what it is, its address and its SHA-256, which only a draft may lack."""
    legal_route: str = ""
    consultation: bool | None = None
    responsible: str = ""
    due_on: date | None = None
    review_on: date | None = None
    publish_at: datetime | None = None

    @property
    def cites(self) -> bool:
        lists = (self.cited_comments, self.cited_points, self.cited_submissions, self.documents.strip())
        return any(lists) or len(self.other_evidence) >= 10

    def answers_departure(self, who: str) -> bool:
        shared = who in self.covers and len(self.departure_reason) >= DEPARTURE_LEAST
        return shared or len(self.departures.get(who, "")) >= DEPARTURE_LEAST


def check_proposal(proposal: Proposal, compared: Mapping[str, Compared]) -> None:
    """Everything a decision must say before a second official is asked to approve it; raises the first it lacks."""
    for problem in lacking(proposal, compared):
        raise problem


def lacking(proposal: Proposal, compared: Mapping[str, Compared]) -> list[RuleBroken]:
    """All that a decision lacks, in the order of the form, so that nobody has to find it out piece by piece."""
    problems = []
    if proposal.outcome is None:
        problems.append(RuleBroken("Choose an outcome.", field="outcome"))
    if proposal.outcome is Outcome.IMPROVE and proposal.direction is None:
        problems.append(RuleBroken("Say which way it will be improved.", field="direction"))
    if len(proposal.statement) < 20:
        sentence = "Say in a plain sentence what was decided. It becomes the headline."
        problems.append(RuleBroken(sentence, field="statement"))
    if len(proposal.reasons) < 40:
        sentence = "Give the reasons in full: people who took part will read them."
        problems.append(RuleBroken(sentence, field="reasons"))
    problems += _departures_lacking(proposal, compared)
    if not proposal.cites:
        sentence = "Cite at least one reason people gave, or other evidence."
        problems.append(RuleBroken(sentence, field="other_evidence"))
    problems += [RuleBroken(wanted, field="documents") for wanted in documents_lacking(proposal.documents)]
    return problems + _steps_lacking(proposal)


def _steps_lacking(proposal: Proposal) -> list[RuleBroken]:
    """Scrapping and improving take steps in law; keeping takes none."""
    problems = []
    if proposal.outcome in (Outcome.SCRAP, Outcome.IMPROVE):
        if not proposal.legal_route:
            problems.append(RuleBroken("Say by which legal route it will be done.", field="legal_route"))
        if proposal.consultation is None:
            problems.append(RuleBroken("Say whether a formal consultation follows.", field="consultation"))
        if not proposal.responsible:
            problems.append(RuleBroken("Say which office is responsible for doing it.", field="responsible"))
        if proposal.due_on is None:
            problems.append(RuleBroken("Give the day by which it is to be done.", field="due_on"))
    if proposal.due_on and proposal.review_on and proposal.review_on < proposal.due_on:
        problems.append(RuleBroken("The review comes before the day it is to be done.", field="review_on"))
    return problems


def check_days(proposal: Proposal, today: date) -> None:
    for name in ("due_on", "review_on"):
        day = getattr(proposal, name)
        if day is not None and day < today:
            raise RuleBroken("This day has gone by. Give a later one.", field=name)


def _departures_lacking(proposal: Proposal, compared: Mapping[str, Compared]) -> list[RuleBroken]:
    """Departing from everybody's vote takes a reason however few voted; from a capacity's, once they are enough."""
    problems = []
    overall = compared.get(EVERYONE)
    if overall is not None and overall.agrees is False and len(proposal.departure_reason) < DEPARTURE_LEAST:
        sentence = f"{overall.sentence} Say why the decision departs from it."
        problems.append(RuleBroken(sentence, field="departure_reason"))
    for who, how in compared.items():
        if who != EVERYONE and how.word is Comparison.DIFFERS and not proposal.answers_departure(who):
            sentence = f"{how.sentence} Tick that your reason is for them too, or give them one of their own."
            problems.append(RuleBroken(sentence, field=f"departs_{who}"))
    return problems


def check_cited(cited: Collection[str], readable: Collection[str]) -> None:
    """What the public cannot read is no evidence to them."""
    gone = len(set(cited) - set(readable))
    if gone:
        which = "A reason this decision cites is" if gone == 1 else f"{gone} reasons this decision cites are"
        raise RuleBroken(f"{which} hidden, withdrawn or erased by now. Cite what people can read.", field="cited")


def check_submitter(written_by: int, submitter: int) -> None:
    if written_by != submitter:
        raise NotAllowed("A colleague wrote this draft last. Save it as yours before you submit it.")


def check_approver(written_by: int, submitted: bool, approver: int) -> None:
    if not submitted:
        raise RuleBroken("This decision has not been submitted for approval.")
    if written_by == approver:
        raise NotAllowed("You wrote this decision, so another official has to approve it.")


def check_wrote_none(parts: Collection[str]) -> None:
    """Nobody approves words of their own. ``parts`` are those in which some stand."""
    sentence = own_part(parts)
    if sentence:
        raise NotAllowed(sentence)


def own_part(parts: Collection[str]) -> str:
    """Why somebody whose words stand in a decision may not approve it; nothing where none do."""
    if not parts:
        return ""
    named = "”, “".join(parts)
    return f"You wrote part of this decision (“{named}”), so another official has to approve it."


def check_withdrawer(written_by: int, waits: bool, withdrawer: int) -> None:
    if not waits:
        raise RuleBroken("This decision does not wait for approval, so there is nothing to withdraw.")
    if written_by != withdrawer:
        raise NotAllowed("Only the official who submitted this decision can withdraw it.")


def check_takes_back(approved_by: int | None, approved: bool, approver: int) -> None:
    if not approved:
        raise RuleBroken("This decision is not approved, so there is no approval to take back.")
    if approved_by != approver:
        raise NotAllowed("Only the official who approved this decision can take the approval back.")


def check_publish_at(publish_at: datetime | None, now: datetime) -> None:
    if publish_at is None:
        return
    if publish_at <= now:
        sentence = "This time has gone by. Give a later one, or leave it empty to publish at once."
        raise RuleBroken(sentence, field="publish_at")
    if publish_at > now + LONGEST_WAIT:
        raise RuleBroken("Give a time within a year from now.", field="publish_at")


def check_note(note: str) -> None:
    if len(note) < 10:
        raise RuleBroken("Say what has to change, so that your colleague knows.", field="note")


_NAME = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{32}|[0-9a-f]{16})(?![0-9a-f])")


def names_in(pasted: str) -> tuple[list[str], list[str]]:
    """The reasons that pasted addresses or numbers name, and the lines that name none."""
    named, unclear = [], []
    for line in filter(str.strip, pasted.splitlines()):
        found = _NAME.findall(line.lower())
        named += found
        if not found:
            unclear.append(line.strip())
    return named, unclear


ANSWER_LENGTH = 5_000
SHORTEST_ANSWER = 20


class Verdict(StrEnum):
    """What an office answers to a point."""

    ACCEPT = "accept"
    ACCEPT_IN_PART = "accept_in_part"
    REJECT = "reject"
    OUT_OF_SCOPE = "out_of_scope"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()

    @property
    def told(self) -> str:
        """As readers are told of it."""
        return _TOLD[self]


_TOLD = {
    Verdict.ACCEPT: "Accepted",
    Verdict.ACCEPT_IN_PART: "Accepted in part",
    Verdict.REJECT: "Not accepted",
    Verdict.OUT_OF_SCOPE: "Out of scope",
}


def check_answer(verdict: Verdict | None, reasons: str) -> None:
    """An answer says whether what was said is taken up, and why, to people who will read it."""
    if verdict is None:
        raise RuleBroken("Choose what the answer is.", field="verdict")
    if len(reasons) < SHORTEST_ANSWER:
        sentence = f"Give the reasons for this answer in {SHORTEST_ANSWER} characters or more."
        raise RuleBroken(sentence, field="reasons")
    if len(reasons) > ANSWER_LENGTH:
        surplus = len(reasons) - ANSWER_LENGTH
        raise RuleBroken(
            f"Shorten the reasons to {ANSWER_LENGTH:,} characters or fewer: they are {surplus:,} too long.",
            field="reasons",
        )


def check_nothing_unanswered(points: int, comments: int, submissions: int = 0) -> None:
    """Nobody who gave a reason is left without a reply. ``points`` lack an answer, the others are left without one."""
    lacking = [
        f"{number:,} {one if number == 1 else many}"
        for number, one, many in (
            (points, "point", "points"),
            (comments, "published comment", "published comments"),
            (submissions, "submission", "submissions"),
        )
        if number
    ]
    if not lacking:
        return
    *others, last = lacking
    listed = f"{', '.join(others)} and {last}" if others else last
    how = "Every point, and every comment that stands under none, is answered before a decision is submitted."
    if submissions:
        how += " A submission is answered through the points it makes: put it under one, or under “raised by few”."
    have = "has" if points + comments + submissions == 1 else "have"
    raise RuleBroken(f"{listed} {have} no answer yet. {how}", field="answers")
