"""What a paper ballot and a poster say: one sentence for each side, and an address as a picture of squares."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import segno

from analysis.queries import PointRow, points_of
from pages import reading
from regulations.models import Regulation
from voting.queries import strongest_reasons
from voting.rules import ORDERS, Choice
from voting.shown import Reason

LONGEST_SENTENCE = 180
NOBODY_YET = "Nobody has said so yet. Perhaps you will."
UNDECIDED = "What people say is kept until the count is final, so that nobody is swayed by it."


@dataclass(frozen=True)
class Side:
    title: str
    sentence: str
    said_by: str
    """Whose words these are; empty where there are none."""


def sides(regulation: Regulation) -> list[Side]:
    """The strongest of what people say for keeping it and for changing it, a sentence each: a point, or a reason."""
    titles = {"keep": "For keeping it as it is", "change": "For changing or scrapping it"}
    if reading.is_sealed(regulation):
        return [Side(title, UNDECIDED, "") for title in titles.values()]
    points, reasons = [p for p in points_of(regulation.id) if not p.few], strongest_reasons(regulation.id, each=1)
    return [
        _side(titles["keep"], points, reasons, (Choice.KEEP,)),
        _side(titles["change"], points, reasons, (Choice.SCRAP, Choice.IMPROVE)),
    ]


def _side(
    title: str, points: Sequence[PointRow], reasons: dict[Choice, list[Reason]], choices: tuple[Choice, ...]
) -> Side:
    def behind(point: PointRow) -> int:
        return sum(point.by_choice[choice] for choice in choices)

    own = [point for point in points if behind(point) * 2 > point.behind]
    if own:
        best = max(own, key=behind)
        return Side(title, best.title, f"A point that {_people(behind(best))} of this view made")
    given = [reason for choice in choices for reason in reasons[choice] if reason.is_readable]
    if given:
        strongest = max(given, key=lambda reason: reason.supports)
        also = f", and {_people(strongest.supports)} stood behind" if strongest.supports else ""
        return Side(title, f"“{first_sentence(strongest.text)}”", f"One person wrote this{also}")
    return Side(title, NOBODY_YET, "")


def _people(number: int) -> str:
    return f"{number:,} {'person' if number == 1 else 'people'}"


def first_sentence(text: str) -> str:
    """Cut at a word where it is too long for a poster."""
    sentence = re.split(r"(?<=[.!?])\s|\n", text.strip(), maxsplit=1)[0]
    if len(sentence) <= LONGEST_SENTENCE:
        return sentence
    return sentence[:LONGEST_SENTENCE].rsplit(" ", 1)[0].rstrip(",;:") + " …"


def sheet_asked(asked: str | None, now: datetime) -> int:
    """Which of the six orders of the choices stands on a sheet, from 1; each hour begins with another."""
    if asked and asked in {str(n) for n in range(1, len(ORDERS) + 1)}:
        return int(asked)
    return int(now.timestamp() // 3600) % len(ORDERS) + 1


@dataclass(frozen=True)
class Squares:
    """A QR code as one path of squares, with the quiet margin that readers need."""

    path: str
    size: int


def squares(address: str) -> Squares:
    margin, rows = 4, [list(row) for row in segno.make(address, error="m", micro=False).matrix]
    steps = [f"M{x + margin} {y + margin}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark]
    return Squares("".join(steps), len(rows) + 2 * margin)
