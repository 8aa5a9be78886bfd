"""Counting what became of regulations, comments and submissions, and the rows behind each count.

Every whole is counted by itself, and its parts once more, so that a page can tell whether they agree.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select, true

from analysis.models import Submission
from core import clock
from core.db import db
from decisions.answers import is_answered, is_answered_submission
from decisions.models import Decision
from opendata.queries import joined
from pages.figures import COUNTED, EVERY_THEME, OF_REGULATIONS, OF_SUBMISSIONS, SIGNATURES, Figures
from regulations.census import listed_later
from regulations.models import Census, Regulation, Theme
from regulations.rules import Citation, Split, Stage
from voting.models import Comment, ModerationAct
from voting.rules import PUBLIC, CommentStatus

WITHOUT_A_DECISION = (Stage.MOVED, Stage.ALREADY_SPENT)
_later = listed_later()
_became = case(
    (Decision.outcome.is_not(None), Decision.outcome),
    (Regulation.settled.in_(WITHOUT_A_DECISION), Regulation.settled),
    else_=literal("undecided"),
)
_kept_from_readers = and_(Theme.split == Split.KEPT, Theme.frozen_at.is_(None))
_hidden_at = (
    select(func.max(ModerationAct.done_at))
    .where(ModerationAct.comment_id == Comment.id)
    .correlate(Comment)
    .scalar_subquery()
)
_before_anybody_read_it = and_(Theme.split == Split.KEPT, or_(Theme.frozen_at.is_(None), _hidden_at < Theme.frozen_at))
_stands_as = case(
    (and_(Comment.status.in_(PUBLIC), _kept_from_readers), literal("pending")),
    (Comment.status.in_(PUBLIC), literal("published")),
    (and_(Comment.status == CommentStatus.HIDDEN, _before_anybody_read_it), literal("withheld")),
    (Comment.status.in_((CommentStatus.WITHDRAWN, CommentStatus.ERASED)), literal("erased")),
    else_=Comment.status,
)
_is_answered = is_answered()
_is_answered_submission = is_answered_submission()
_is_readable_as = case(
    (Submission.withheld, literal("submissions_withheld")),
    (_kept_from_readers, literal("submissions_pending")),
    else_=literal("submissions_readable"),
)


def figures() -> list[Figures]:
    """Of every theme, by title."""
    columns = (Theme.slug, Theme.title, Theme.opens_at, Census.number, Census.entry_id)
    wanted = select(*columns).outerjoin(Census, Census.theme_id == Theme.id).order_by(Theme.title)
    themes = db.session.execute(wanted).all()
    counts: dict[str, dict[str, int]] = {theme.slug: dict.fromkeys(COUNTED, 0) for theme in themes}
    for add in (
        _add_regulations, _add_what_became_of_them, _add_comments, _add_how_they_stand, _add_submissions,
        _add_which_are_readable,
    ):  # fmt: skip
        add(counts)
    for theme in themes:
        if theme.number is not None:
            counts[theme.slug]["at_opening"] = theme.number
    return [
        Figures(theme.slug, theme.title, theme.opens_at, theme.entry_id, **_known(counts[theme.slug]))
        for theme in themes
    ]


def _known(counts: Mapping[str, int]) -> dict[str, int]:
    """What stands under a word with no column of its own is left out, and so found missing in the sum."""
    return {name: counts[name] for name in COUNTED}


Counts = dict[str, dict[str, int]]


def _add(counts: Counts, theme: str, name: str, number: int) -> None:
    counts[theme][name] = counts[theme].get(name, 0) + number


def _add_regulations(counts: Counts) -> None:
    each = select(Theme.slug, _later.label("later")).select_from(Regulation).join(Theme).subquery()
    for theme, later, number in db.session.execute(
        select(each.c.slug, each.c.later, func.count()).group_by(each.c.slug, each.c.later)
    ):
        _add(counts, theme, "listed_later" if later else "at_opening", number)


def _add_what_became_of_them(counts: Counts) -> None:
    each = joined(Theme.slug, _later.label("later"), _became.label("became")).subquery()
    parts = (each.c.slug, each.c.later, each.c.became)
    for theme, later, became, number in db.session.execute(select(*parts, func.count()).group_by(*parts)):
        if not later:
            _add(counts, theme, became, number)
        elif became != "undecided":
            _add(counts, theme, "listed_later_decided", number)


def _add_comments(counts: Counts) -> None:
    whole = select(Theme.slug, func.count(Comment.id)).join(Regulation, Regulation.theme_id == Theme.id)
    for theme, number in db.session.execute(
        whole.join(Comment, Comment.regulation_id == Regulation.id).group_by(Theme.slug)
    ):
        _add(counts, theme, "comments_received", number)


def _add_how_they_stand(counts: Counts) -> None:
    answered = case((and_(_stands_as == "published", _is_answered), 1), else_=0)
    each = _from_comments(
        Theme.slug, _stands_as.label("stands_as"), Comment.status.label("status"), answered.label("answered")
    ).subquery()
    parts = (each.c.slug, each.c.stands_as, each.c.status, each.c.answered)
    for theme, stands_as, status, is_done, number in db.session.execute(select(*parts, func.count()).group_by(*parts)):
        _add(counts, theme, stands_as, number)
        if status == CommentStatus.WITHDRAWN:
            _add(counts, theme, "withdrawn", number)
        if stands_as == "published":
            _add(counts, theme, "answered" if is_done else "awaiting", number)


def _add_submissions(counts: Counts) -> None:
    whole = select(Theme.slug, func.count(), func.sum(Submission.signatures)).select_from(Submission).join(Theme)
    for theme, number, signatures in db.session.execute(whole.group_by(Theme.slug)):
        _add(counts, theme, "submissions_received", number)
        _add(counts, theme, "signatures", int(signatures or 0))


def _add_which_are_readable(counts: Counts) -> None:
    answered = case((and_(_is_readable_as == "submissions_readable", _is_answered_submission), 1), else_=0)
    each = _from_submissions(Theme.slug, _is_readable_as.label("readable_as"), answered.label("answered")).subquery()
    parts = (each.c.slug, each.c.readable_as, each.c.answered)
    for theme, readable_as, is_done, number in db.session.execute(select(*parts, func.count()).group_by(*parts)):
        _add(counts, theme, readable_as, number)
        if readable_as == "submissions_readable":
            _add(counts, theme, "submissions_answered" if is_done else "submissions_awaiting", number)


def _from_comments(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(Comment)
        .join(Regulation, Regulation.id == Comment.regulation_id)
        .join(Theme, Theme.id == Regulation.theme_id)
    )


def _from_submissions(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(Submission)
        .join(Theme, Theme.id == Submission.theme_id)
        .outerjoin(Regulation, Regulation.id == Submission.regulation_id)
    )


def names_behind(figure: str) -> tuple[str, ...]:
    """The fields of the rows behind a figure, in their order."""
    return _kind(figure).names


def count_behind(figure: str, theme: str) -> int:
    """How many rows stand behind a figure of one theme, or of all of them."""
    return db.session.scalar(_behind(_kind(figure).joined(func.count()), figure, theme)) or 0


def signatures_of(theme: str) -> int:
    """Under all petitions of one theme, or of all of them."""
    signatures = _from_submissions(func.coalesce(func.sum(Submission.signatures), 0))
    return int(db.session.scalar(_behind(signatures, SIGNATURES.name, theme)) or 0)


def rows_behind(
    figure: str, theme: str, site: str, *, offset: int = 0, limit: int | None = None
) -> list[dict[str, Any]]:
    """The rows themselves, under the names that every download uses. ``site`` begins their addresses."""
    kind = _kind(figure)
    wanted = _behind(kind.joined(*kind.columns), figure, theme).order_by(Theme.title, *kind.order).offset(offset)
    found = db.session.execute(wanted if limit is None else wanted.limit(limit))
    return [kind.told(row, site) for row in found]


def _behind(rows: Select[Any], figure: str, theme: str) -> Select[Any]:
    return rows.where(_counted_as(figure), Theme.slug == theme if theme != EVERY_THEME else true())


def _counted_as(figure: str) -> ColumnElement[bool]:
    wholes: dict[str, ColumnElement[bool]] = {
        "at_opening": ~_later,
        "listed_later": _later,
        "listed_later_decided": and_(_later, _became != "undecided"),
        "comments_received": true(),
        "withdrawn": Comment.status == CommentStatus.WITHDRAWN,
        "submissions_received": true(),
        "signatures": Submission.signatures.is_not(None),
        "submissions_answered": and_(_is_readable_as == "submissions_readable", _is_answered_submission),
        "submissions_awaiting": and_(_is_readable_as == "submissions_readable", ~_is_answered_submission),
        "answered": and_(_stands_as == "published", _is_answered),
        "awaiting": and_(_stands_as == "published", ~_is_answered),
    }
    if figure in wholes:
        return wholes[figure]
    if figure in OF_SUBMISSIONS:
        return _is_readable_as == figure
    return and_(~_later, _became == figure) if figure in OF_REGULATIONS else _stands_as == figure


def _regulation_row(row: Any, site: str) -> dict[str, Any]:
    return {
        "theme": row.theme,
        "slug": row.slug,
        "citation": str(Citation(row.kind, row.year, row.number)),
        "title": row.title,
        "figure": row.became,
        "listed_on": _day(row.listed_at),
        "decision": row.reference,
        "decided_on": _day(row.published_at),
        "url": f"{site}/regulations/{row.slug}",
    }


def _comment_row(row: Any, site: str) -> dict[str, Any]:
    return {
        "theme": row.theme,
        "slug": row.slug,
        "title": row.title,
        "comment": row.public_id,
        "figure": row.stands_as,
        "status": row.status,
        "written_on": _day(row.written_at),
        "entry": row.entry_id,
        "url": f"{site}/record/{row.entry_id}",
    }


def _submission_row(row: Any, site: str) -> dict[str, Any]:
    return {
        "theme": row.theme,
        "slug": row.slug,
        "title": row.title,
        "reference": row.reference,
        "figure": row.readable_as,
        "how": row.how,
        "capacity": row.capacity,
        "signatures": row.signatures,
        "received_on": row.received_on,
        "withheld_because": row.withheld_because or None,
        "entry": row.entry_id,
        "url": f"{site}/submissions/{row.reference}",
    }


def _day(moment: datetime | None) -> Any:
    return clock.uk_day(moment) if moment else None


@dataclass(frozen=True)
class _Kind:
    """Rows of one kind: what each holds, where they come from and in what order, and how a download tells one."""

    names: tuple[str, ...]
    joined: Callable[..., Select[Any]]
    columns: Sequence[Any]
    order: Sequence[Any]
    told: Callable[[Any, str], dict[str, Any]]


_theme = Theme.slug.label("theme")
_REGULATIONS = _Kind(
    ("theme", "slug", "citation", "title", "figure", "listed_on", "decision", "decided_on", "url"),
    joined,
    (
        _theme, Regulation.slug, Regulation.kind, Regulation.year, Regulation.number, Regulation.title,
        _became.label("became"), Regulation.listed_at, Decision.reference, Decision.published_at,
    ),
    (Regulation.title, Regulation.id),
    _regulation_row,
)  # fmt: skip
_COMMENTS = _Kind(
    ("theme", "slug", "title", "comment", "figure", "status", "written_on", "entry", "url"),
    _from_comments,
    (
        _theme, Regulation.slug, Regulation.title, Comment.public_id, Comment.status, _stands_as.label("stands_as"),
        Comment.written_at, Comment.entry_id,
    ),
    (Regulation.title, Regulation.id, Comment.id),
    _comment_row,
)  # fmt: skip
_SUBMISSIONS = _Kind(
    (
        "theme", "slug", "title", "reference", "figure", "how", "capacity", "signatures", "received_on",
        "withheld_because", "entry", "url",
    ),
    _from_submissions,
    (
        _theme, Regulation.slug, func.coalesce(Regulation.title, Theme.title).label("title"), Submission.reference,
        _is_readable_as.label("readable_as"), Submission.how, Submission.capacity, Submission.signatures,
        Submission.received_on, Submission.withheld_because, Submission.entry_id,
    ),
    (Submission.received_on, Submission.id),
    _submission_row,
)  # fmt: skip


def _kind(figure: str) -> _Kind:
    if figure in OF_REGULATIONS:
        return _REGULATIONS
    return _SUBMISSIONS if figure in OF_SUBMISSIONS else _COMMENTS
