"""Identical texts folded into one, with how many people sent each: what is left to read of a campaign."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select

from analysis.rules import same_words
from core.db import db
from regulations.models import Regulation
from voting.models import Comment
from voting.rules import Choice, CommentStatus
from voting.shown import Reason

SENT_ROUND_BY = 5
"""From so many people on, the same words are shown as sent round."""


SIGNS = "\n\r\t.,;:!?\"'()-–—’‘“”"


@dataclass(frozen=True)
class Fold:
    """Reasons in the same words for the same choice. ``key`` names these words and no later ones."""

    key: str
    reasons: Sequence[Reason]

    @property
    def first(self) -> Reason:
        return self.reasons[0]

    @property
    def people(self) -> int:
        """Those who sent it, and those who stand behind one of these."""
        return sum(1 + reason.supports for reason in self.reasons)

    @property
    def is_readable(self) -> bool:
        return self.first.is_readable


def folded(reasons: Iterable[Reason]) -> list[Fold]:
    """Those with most people behind them first."""
    found: dict[str, list[Reason]] = {}
    for reason in reasons:
        found.setdefault(fold_key(reason), []).append(reason)
    return sorted((Fold(key, same) for key, same in found.items()), key=lambda fold: -fold.people)


def fold_key(reason: Reason) -> str:
    words = same_words(reason.text) if reason.is_readable else reason.public_id
    return hashlib.sha256(f"{reason.choice}\n{words}".encode()).hexdigest()[:20]


@dataclass(frozen=True)
class SentRound:
    """One text that many sent: their votes count like any other's."""

    text: str
    people: int
    by_choice: dict[str, int]


def sent_round(regulation_id: int, most: int = 20) -> list[SentRound]:
    """Texts on a regulation that at least five people sent in the same words, those that most sent first."""
    found = _sent_round(Regulation.id == regulation_id)
    return next(iter(found.values()), [])[:most]


def sent_round_in(theme_id: int) -> dict[str, list[SentRound]]:
    """The same on every regulation of a theme, by its slug."""
    return _sent_round(Regulation.theme_id == theme_id)


def _sent_round(on: ColumnElement[bool]) -> dict[str, list[SentRound]]:
    """The database folds case, common signs and spacing, so that not all texts have to be read; same_words() has the
    last word on those that came more than once.
    """
    alike = _folded_by_database(Comment.text)
    wanted = (
        select(Regulation.slug, func.min(Comment.text).label("text"), Comment.choice, func.count().label("people"))
        .join(Regulation, Regulation.id == Comment.regulation_id)
        .where(on, Comment.status == CommentStatus.PUBLISHED)
        .group_by(Regulation.slug, alike, Comment.choice)
        .having(func.count() > 1)
    )
    texts: dict[tuple[str, str], str] = {}
    counts: dict[tuple[str, str], Counter[str]] = {}
    for row in db.session.execute(wanted.order_by(func.count().desc(), func.min(Comment.id))):
        words = row.slug, same_words(row.text)
        texts.setdefault(words, row.text)
        counts.setdefault(words, Counter())[row.choice] += row.people
    found: dict[str, list[SentRound]] = {}
    for words, chosen in sorted(counts.items(), key=lambda each: -sum(each[1].values())):
        if sum(chosen.values()) >= SENT_ROUND_BY:
            by_choice = {choice.value: chosen[choice] for choice in Choice}
            found.setdefault(words[0], []).append(SentRound(texts[words], sum(chosen.values()), by_choice))
    return found


def _folded_by_database(text: Any) -> Any:
    alike: Any = func.lower(text)
    for sign in SIGNS:
        alike = func.replace(alike, sign, " ")
    for _ in range(4):
        alike = func.replace(alike, "  ", " ")
    return func.trim(alike)
