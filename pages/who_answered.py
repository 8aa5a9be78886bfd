"""Who answered in a theme, and what else came in: never more of anybody than the evidence pages show of them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Select, and_, case, func, literal, select, union_all

from accounts.rules import Capacity, Level
from analysis.models import Submission
from analysis.submission_rules import How
from core.db import db
from pages.crossing import NOT_SAID, OTHER, THINGS, cell
from pages.evidence import CUTS, cut_by
from regulations.models import Regulation, Theme
from voting.models import TallyCell, Vote, VoteDetail
from voting.rules import Choice, Direction, Tally, add_up

SHOWN_LEVELS = (Level.EMAIL_CONFIRMED, Level.ORGANISATION_MATCHED, Level.CHECKED_BY_STAFF)
TOO_FEW_SAID = "too_few_said"


@dataclass(frozen=True)
class Answered:
    """Votes by who people speak for, by what they tell of themselves, and what came by other ways than the ballot."""

    who: list[dict[str, Any]]
    told_of_themselves: list[dict[str, Any]]
    submissions: list[dict[str, Any]]


def who_answered(theme: Theme, *, before: datetime | None, sealed: bool) -> Answered:
    """``before`` leaves out what was told of themselves since; nothing of that is told while the split is kept."""
    parts = [_folded(theme)]
    if not sealed:
        parts += [_told(theme, name, before) for name in CUTS] + [_submitted(theme)]
    rows = db.session.execute(union_all(*parts)).all()
    by_kind: dict[str, list[Any]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row)
    return Answered(
        who=_by_capacity(by_kind.get("folded", ())),
        told_of_themselves=[
            {"by": name, "title": title, "parts": _summed_up(name, title, by_kind[name])}
            for name, title in CUTS.items()
            if by_kind.get(name)
        ],
        submissions=_by_way(by_kind.get("submitted", ())),
    )


def _folded(theme: Theme) -> Select[Any]:
    kinds = TallyCell.capacity, TallyCell.level
    found = _rows("folded", said=kinds[0], number=kinds[1], votes=func.sum(TallyCell.votes))
    found = found.join(Regulation, and_(Regulation.id == TallyCell.regulation_id, Regulation.theme_id == theme.id))
    return found.where(TallyCell.votes > 0).group_by(*kinds)


def _told(theme: Theme, name: str, before: datetime | None) -> Select[Any]:
    kinds = Vote.regulation_id, getattr(VoteDetail, name), Vote.choice
    found = _rows(name, said=kinds[1], number=kinds[0], choice=kinds[2], votes=func.count())
    found = found.select_from(Vote).join(Regulation, Regulation.id == Vote.regulation_id)
    found = found.outerjoin(VoteDetail, VoteDetail.vote_id == Vote.id)
    found = found.where(Regulation.theme_id == theme.id, Vote.choice.is_not(None))
    return (found if before is None else found.where(Vote.cast_at < before)).group_by(*kinds)


def _submitted(theme: Theme) -> Select[Any]:
    withheld = func.sum(case((Submission.withheld, 1), else_=0))
    signatures = func.coalesce(func.sum(Submission.signatures), 0)
    found = _rows("submitted", said=Submission.how, number=withheld, votes=func.count(), signatures=signatures)
    return found.where(Submission.theme_id == theme.id).group_by(Submission.how)


_NO_CHOICE, _NONE = literal(""), literal(0)


def _rows(
    kind: str, *, said: Any, number: Any, votes: Any, choice: Any = _NO_CHOICE, signatures: Any = _NONE
) -> Select[Any]:
    """The same columns of every kind, so that one question asks for all: ``number`` is what the kind needs it for."""
    return select(
        literal(kind).label("kind"), said.label("said"), number.label("number"), choice.label("choice"),
        votes.label("votes"), signatures.label("signatures"),
    )  # fmt: skip


def _by_capacity(rows: Iterable[Any]) -> list[dict[str, Any]]:
    cells = {(row.said, row.number): int(row.votes) for row in rows}
    found = []
    for capacity in Capacity:
        levels = {level: cells.get((capacity.value, level.value), 0) for level in SHOWN_LEVELS}
        if any(levels.values()):
            said = {"capacity": capacity.value, "who": capacity.plural, "votes": sum(levels.values())}
            found.append(said | {level.name.lower(): number for level, number in levels.items()})
    return found


def _summed_up(name: str, title: str, rows: Iterable[Any]) -> list[dict[str, Any]]:
    """What the evidence pages of the theme's regulations show by this, added up, and nothing that they keep back.

    A table of the whole theme would tell what theirs hide: whoever subtracts them from it is left with the few.
    """
    of_regulation: dict[int, list[Any]] = {}
    for row in rows:
        of_regulation.setdefault(row.number, []).append(row)
    summed: Counter[tuple[str, str]] = Counter()
    labels: dict[str, str] = {}
    for votes in of_regulation.values():
        whole = add_up(cell(_told_as(name, row)) for row in votes)
        cut = cut_by(name, title, [_told_as(name, row) for row in votes], whole)
        for word, label, tally in cut.parts or [(TOO_FEW_SAID, "Where fewer than five said", whole)]:
            labels[word] = label
            summed.update({(word, kind): n for kind, n in _counts(tally).items()})
    words = [*THINGS[name][1], *sorted(labels.keys() - THINGS[name][1].keys() - set(_LAST)), *_LAST]
    return [
        {"group": word, "label": labels[word]} | {kind: summed[word, kind] for kind in _counts(Tally())}
        for word in words
        if word in labels
    ]


_LAST = (OTHER, NOT_SAID, TOO_FEW_SAID)


def _told_as(name: str, row: Any) -> Any:
    """A row as the evidence asks for it, but for the direction, which isn't shown here: any will do."""
    return SimpleNamespace(**{name: row.said}, choice=row.choice, direction=Direction.OTHER, votes=row.votes)


def _counts(tally: Tally) -> dict[str, int]:
    return {"participants": tally.participants} | {choice.value: getattr(tally, choice) for choice in Choice}


def _by_way(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Submissions by the way they came; signatures are told as such and never added to anything."""
    counted = {row.said: row for row in rows}
    return [
        {
            "how": how.value, "label": how.label, "received": int(counted[how].votes),
            "withheld": int(counted[how].number), "signatures": int(counted[how].signatures),
        }
        for how in How
        if how in counted
    ]  # fmt: skip
