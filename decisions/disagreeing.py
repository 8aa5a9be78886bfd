"""A decision as the largest group that asked for something else will read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.rules import Capacity
from analysis.queries import PointRow
from decisions.answers import AnswerRow
from decisions.rules import EVERYONE, Comparison, Outcome, Verdict
from voting.queries import reasons_of
from voting.rules import Choice, Tally

LOOKED_THROUGH = 20
"""Of the strongest reasons some may be hidden."""


@dataclass(frozen=True)
class Disagreeing:
    """Who they are, their strongest point, or reason where none was made of it, and its answer: nothing is a gap."""

    people: int
    who: str
    title: str = ""
    words: str = ""
    behind: str = ""
    """Who stands behind the point, in words."""
    verdict: str = ""
    answer: str = ""

    @property
    def said_something(self) -> bool:
        return bool(self.title or self.words)


@dataclass(frozen=True)
class Before:
    """What lies before an approver: the count, the points that stand, and the answers as they would be given."""

    regulation_id: int
    tally: Tally
    points: Sequence[PointRow]
    answers: Sequence[AnswerRow]

    def answer(self, *, point: int | None = None, comment: int | None = None) -> dict[str, str]:
        for row in self.answers:
            if (row.point_id, row.comment_id) == (point, comment):
                return {"verdict": Verdict(row.verdict).label, "answer": row.reasons}
        return {}


def largest_disagreeing(before: Before, outcome: str, compared: Mapping[str, Any]) -> Disagreeing | None:
    """None when everybody chose what was decided, or nothing can be compared."""
    if not compared or outcome in (Outcome.MOVED, Outcome.ALREADY_SPENT):
        return None
    everyone, tally = compared[EVERYONE], before.tally
    if everyone["agrees"] is False and tally.leading is not None:
        return _by_choice(before, tally.leading, getattr(tally, tally.leading), _way(tally, outcome))
    differing = [who for who, how in compared.items() if how["comparison"] == Comparison.DIFFERS]
    if differing:
        return _by_capacity(before, differing, outcome)
    others = [(getattr(tally, choice), choice) for choice in Choice if choice != outcome]
    people, choice = max(others)
    return _by_choice(before, choice, people) if people else None


def _way(tally: Tally, outcome: str) -> str:
    """Which way those asked for whose outcome was decided, but another way to it."""
    way = tally.leading_direction if tally.leading == outcome else None
    return f", {getattr(tally, f'improve_{way}'):,} of them {way.label.lower()}" if way else ""


def _by_choice(before: Before, choice: Choice, people: int, way: str = "") -> Disagreeing:
    points = [point for point in before.points if point.by_choice.get(choice)]
    who = f"who chose {choice}{way}"
    if points:
        strongest = max(points, key=lambda point: (not point.few, point.by_choice[choice]))
        return _told(before, strongest, people, who, f"{strongest.by_choice[choice]:,} of them")
    return _by_reason(before, people, who, choice)


def _by_capacity(before: Before, differing: list[str], outcome: str) -> Disagreeing:
    parts = dict(before.tally.by_capacity)
    sizes = {who: parts[Capacity(who).plural] for who in differing}
    who = max(sizes, key=lambda name: getattr(sizes[name], sizes[name].leading or Choice.KEEP))
    leading = sizes[who].leading or Choice.KEEP
    named = f"among {Capacity(who).plural.lower()}, who chose {leading}{_way(sizes[who], outcome)}"
    people = getattr(sizes[who], leading)
    points = [point for point in before.points if point.by_both.get((who, leading))]
    if not points:
        return _by_reason(before, people, named, leading, who)
    strongest = max(points, key=lambda point: (not point.few, point.by_both[who, leading]))
    return _told(before, strongest, people, named, f"{strongest.by_both[who, leading]:,} of them")


def _by_reason(before: Before, people: int, who: str, choice: Choice, capacity: str | None = None) -> Disagreeing:
    """Where no point has been made of what they say."""
    found = reasons_of(before.regulation_id, choice=choice, capacity=capacity, limit=LOOKED_THROUGH)
    readable = next((reason for reason in found if reason.is_readable), None)
    if readable is None:
        return Disagreeing(people, who)
    return Disagreeing(people, who, words=readable.text, **before.answer(comment=readable.id))


def _told(before: Before, point: PointRow, people: int, who: str, behind: str) -> Disagreeing:
    return Disagreeing(people, who, point.title, point.summary, behind, **before.answer(point=point.id))
