"""A decision as the largest group that asked for something else will read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from accounts.rules import Capacity
from analysis.queries import PointRow, points_of
from core.db import db
from decisions.models import AnswerDraft
from decisions.rules import EVERYONE, Comparison, Outcome, Verdict
from voting.queries import strongest_reasons
from voting.rules import Choice, Tally


@dataclass(frozen=True)
class Disagreeing:
    """Who they are, the strongest point they made, and what is answered to it: nothing is a gap."""

    people: int
    who: str
    title: str = ""
    words: str = ""
    behind: int = 0
    verdict: str = ""
    answer: str = ""


def largest_disagreeing(
    regulation_id: int, outcome: str, tally: Tally, compared: Mapping[str, Any]
) -> Disagreeing | None:
    """None when everybody chose what was decided, or nothing can be compared."""
    if not compared or outcome in (Outcome.MOVED, Outcome.ALREADY_SPENT):
        return None
    everyone = compared[EVERYONE]
    if everyone["agrees"] is False and tally.leading is not None:
        return _by_choice(regulation_id, tally.leading, getattr(tally, tally.leading))
    differing = [who for who, how in compared.items() if how["comparison"] == Comparison.DIFFERS]
    if differing:
        return _by_capacity(regulation_id, tally, differing)
    others = [(getattr(tally, choice), choice) for choice in Choice if choice != outcome]
    people, choice = max(others)
    return _by_choice(regulation_id, choice, people) if people else None


def _by_choice(regulation_id: int, choice: Choice, people: int) -> Disagreeing:
    points = [point for point in points_of(regulation_id) if point.by_choice.get(choice)]
    who = f"who chose {choice}"
    if points:
        strongest = max(points, key=lambda point: (not point.few, point.by_choice[choice]))
        return _told(strongest, people, who, strongest.by_choice[choice])
    reasons = strongest_reasons(regulation_id, each=1)[choice]
    return Disagreeing(people, who, words=reasons[0].text if reasons else "")


def _by_capacity(regulation_id: int, tally: Tally, differing: list[str]) -> Disagreeing:
    parts = dict(tally.by_capacity)
    sizes = {who: parts[Capacity(who).plural] for who in differing}
    who = max(sizes, key=lambda name: getattr(sizes[name], sizes[name].leading or Choice.KEEP))
    leading = sizes[who].leading or Choice.KEEP
    named = f"among {Capacity(who).plural.lower()}, who chose {leading}"
    people = getattr(sizes[who], leading)
    points = [point for point in points_of(regulation_id) if point.by_capacity.get(who)]
    if not points:
        return Disagreeing(people, named)
    strongest = max(points, key=lambda p: (not p.few, min(p.by_capacity[who], p.by_choice.get(leading, 0))))
    return _told(strongest, people, named, strongest.by_capacity[who])


def _told(point: PointRow, people: int, who: str, behind: int) -> Disagreeing:
    answer = db.session.scalar(select(AnswerDraft).filter_by(point_id=point.id))
    if answer is None or not answer.verdict:
        return Disagreeing(people, who, point.title, point.summary, behind)
    verdict = Verdict(answer.verdict).label
    return Disagreeing(people, who, point.title, point.summary, behind, verdict, answer.reasons)
