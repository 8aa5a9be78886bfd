"""What a decision has to say, and how it stands to the vote. Pure: no Flask, no database, no clock."""

from dataclasses import dataclass
from enum import StrEnum

from core.errors import NotAllowed, RuleBroken
from regulations.rules import Stage
from voting.rules import Direction, Tally

TOO_FEW = 20
STATEMENT_LENGTH = 2_000
REASONS_LENGTH = 10_000


class Outcome(StrEnum):
    SCRAP = "scrap"
    IMPROVE = "improve"
    KEEP = "keep"
    MOVED = "moved"
    ALREADY_SPENT = "already_spent"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()

    @property
    def stage(self) -> Stage:
        return {Outcome.MOVED: Stage.MOVED, Outcome.ALREADY_SPENT: Stage.ALREADY_SPENT}.get(self, Stage.DECIDED)


class DraftStatus(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"


class Comparison(StrEnum):
    SAME = "same"
    DIFFERS = "differs"
    TIED = "tied"
    TOO_FEW = "too_few"
    NOT_COMPARABLE = "not_comparable"


@dataclass(frozen=True)
class Compared:
    """How an outcome stands to the largest group of those who voted."""

    word: Comparison
    agrees: bool | None
    """None for a tie, no votes, moved and already spent."""
    sentence: str


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


def compare(outcome: Outcome, direction: Direction | None, tally: Tally) -> Compared:
    """The comparison with the vote, in the words pages use and as agrees_with_vote."""
    if outcome in (Outcome.MOVED, Outcome.ALREADY_SPENT):
        return Compared(Comparison.NOT_COMPARABLE, None, f"Not comparable with the vote: {outcome.label.lower()}.")
    if not tally.participants:
        return Compared(Comparison.TOO_FEW, None, "Nobody voted, so there is nothing to compare with.")
    leading = tally.leading
    if leading is None:
        return Compared(Comparison.TIED, None, f"The vote was tied among {tally.participants:,} people.")
    group = f"{getattr(tally, leading):,} of {tally.participants:,}"
    agrees = outcome == leading.value and _same_way(direction, tally, outcome)
    if tally.participants < TOO_FEW:
        how = "as" if agrees else "otherwise than"
        word = f"Decided {how} the largest group, {group}, who chose {leading}; too few to weigh."
        return Compared(Comparison.TOO_FEW, agrees, word)
    if agrees:
        return Compared(Comparison.SAME, True, f"The same as the largest group chose: {leading}, {group}.")
    if outcome == leading.value:
        wanted = tally.leading_direction
        return Compared(
            Comparison.DIFFERS,
            False,
            f"Differs from what most who chose improve asked for: {wanted}, "
            f"{getattr(tally, f'improve_{wanted}'):,} of {tally.improve:,}.",
        )
    return Compared(Comparison.DIFFERS, False, f"Differs from the largest group, who chose {leading}: {group}.")


def _same_way(direction: Direction | None, tally: Tally, outcome: Outcome) -> bool:
    """Improving in another direction than most improvers asked for is not what they asked for."""
    if outcome is not Outcome.IMPROVE or tally.leading_direction is None:
        return True
    return direction == tally.leading_direction


def check_proposal(proposal: Proposal, compared: Compared | None) -> None:
    """Everything a decision must say before a second official is asked to approve it."""
    if proposal.outcome is None:
        raise RuleBroken("Choose an outcome.", field="outcome")
    if proposal.outcome is Outcome.IMPROVE and proposal.direction is None:
        raise RuleBroken("Say which way it will be improved.", field="direction")
    if len(proposal.statement) < 20:
        raise RuleBroken("Say in a plain sentence what was decided. It becomes the headline.", field="statement")
    if len(proposal.reasons) < 40:
        raise RuleBroken("Give the reasons in full: people who took part will read them.", field="reasons")
    if compared is not None and compared.word is Comparison.DIFFERS and len(proposal.departure_reason) < 20:
        raise RuleBroken(f"{compared.sentence} Say why the decision departs from it.", field="departure_reason")
    if not proposal.cited_comments and len(proposal.other_evidence) < 10:
        raise RuleBroken("Cite at least one reason people gave, or other evidence.", field="other_evidence")


def check_approver(written_by: int, submitted: bool, approver: int) -> None:
    if not submitted:
        raise RuleBroken("This decision has not been submitted for approval.")
    if written_by == approver:
        raise NotAllowed("You wrote this decision, so another official has to approve it.")
