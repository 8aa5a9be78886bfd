"""What the mails say. Of a person's own matter only the words of their reason are quoted, never their choice."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from flask import current_app
from sqlalchemy import select

from core.clock import last_day, uk_day
from core.db import db
from decisions.milestones import THE_SITE
from decisions.models import Decision, MilestoneAct
from decisions.rules import Outcome
from decisions.steps import State, Step
from notices.quoting import noted, own_page, quoted
from notices.rules import LISTED_IN_FULL, Because, Followed, Kind, Told, follow_address, in_short
from notices.said import Said, said_about
from regulations.models import DueChange, Regulation, Theme
from voting.models import Comment, Support
from voting.rules import Direction, ErasureBasis


def worded(notices: Sequence[Any], now: datetime) -> dict[int, Told]:
    """By notice. One that has nothing left to tell, since another of the same mail told it, is absent.

    So many statements for each cause among them, however many people are told of it.
    """
    told: dict[int, Told] = {}
    causes: dict[tuple[str, str], list[Any]] = {}
    for notice in notices:
        causes.setdefault((notice.kind, notice.cause), []).append(notice)
    seen: dict[tuple[int, str], set[str]] = {}
    for (kind, cause), rows in causes.items():
        if kind == Kind.DECISION:
            told |= _decision(cause, rows)
        elif kind in (Kind.MILESTONE, Kind.SLIPPAGE):
            told |= _same_for_all(rows, _step(cause, rows[0]))
        elif kind == Kind.DONE:
            told |= _done(rows)
        elif kind == Kind.ERASURE:
            told |= _erased(rows, now)
        elif kind in (Kind.OVERDUE, Kind.EXTENDED):
            told |= _same_for_all(rows, _due_day(kind, cause, rows[0].words))
        elif kind == Kind.THEME:
            told |= _same_for_all(rows, _theme(rows[0].words))
        else:
            told |= _listed(rows, seen)
    return told


def _same_for_all(rows: Iterable[Any], told: Told | None) -> dict[int, Told]:
    return {row.id: told for row in rows} if told else {}


def _url(path: str) -> str:
    return f"{current_app.config['SITE'].url}{path}"


def _decision(cause: str, rows: Sequence[Any]) -> dict[int, Told]:
    decision = db.session.scalar(select(Decision).filter_by(entry_id=cause))
    if decision is None:
        return {}
    said = said_about(decision.regulation_id, decision.id, [row.account_id for row in rows])
    new = "a new decision, which takes the place of an earlier one" if decision.supersedes_id else "a decision"
    return {
        row.id: Told(
            heading=f"Decided: {_outcome(decision)}",
            about=decision.regulation.title,
            paragraphs=(
                f"{_why(row, said)}, and there is now {new}:",
                decision.statement,
                f"How it compares with the vote: {decision.comparison_sentence}",
                f"Decided by {decision.decided_by}, approved by {decision.approved_by}.",
            ),
            quotes=quoted(said.get(row.account_id)),
            notes=noted(said.get(row.account_id)),
            links=(
                ("Read the decision, its reasons and the evidence", _url(f"/decisions/{decision.reference}")),
                own_page(decision.regulation.slug),
            )[: 2 if row.account_id in said or row.because == Because.TOOK_PART else 1],
        )
        for row in rows
    }


def _outcome(decision: Decision) -> str:
    way = f" ({Direction(decision.direction).label.lower()})" if decision.direction else ""
    return f"{Outcome(decision.outcome).label.lower()}{way}"


def _why(row: Any, said: dict[int, Said]) -> str:
    took_part = row.because == Because.TOOK_PART or row.account_id in said
    return "You voted on this regulation" if took_part else "You follow this regulation, or what it belongs to"


STATES = {
    State.PLANNED: "A step is planned",
    State.UNDER_WAY: "A step is under way",
    State.DONE: "A step is done",
    State.MISSED: "A promised day was missed",
    State.DROPPED: "A step was dropped",
}


def _step(cause: str, row: Any) -> Told | None:
    """As its line said it: it may have moved on since."""
    act = db.session.scalar(select(MilestoneAct).filter_by(entry_id=cause))
    regulation = db.session.get(Regulation, row.regulation_id)
    if act is None or regulation is None:
        return None
    state, name = State(act.state), act.words or Step(row.words["step"]).label
    told = f"{STATES[state]}: {name}"
    lines = [] if state.is_ended else [f"It {'was' if state is State.MISSED else 'is'} due by {_on(act.due_on)}."]
    if act.moved_from:
        moved = "put off" if act.due_on > act.moved_from else "brought forward"
        told = f"A step was {moved}: {name}"
        lines = [f"It was {moved} from {_on(act.moved_from)} to {_on(act.due_on)}."]
    elif act.done_by == THE_SITE and state is not State.MISSED:
        told, lines = f"Its day has come: {name}", [f"What was decided is to be reviewed by {_on(act.due_on)}."]
    if act.instrument:
        lines.append(f"It was done by {act.instrument}.")
    if act.reason:
        lines.append(f"Why: {in_short(act.reason)}")
    return Told(
        heading=told,
        about=regulation.title,
        paragraphs=("What was decided on this regulation is being followed up.", *lines),
        links=(("The regulation, its decision and each step", _url(f"/regulations/{regulation.slug}")),),
    )


def _done(rows: Sequence[Any]) -> dict[int, Told]:
    regulation = db.session.get(Regulation, rows[0].regulation_id)
    if regulation is None:
        return {}
    last = select(Decision).where(Decision.regulation_id == regulation.id).order_by(Decision.id.desc()).limit(1)
    decision = db.session.scalar(last)
    if decision is None:
        return {}
    said = said_about(regulation.id, decision.id, [row.account_id for row in rows])
    return {
        row.id: Told(
            heading="Done: what was decided has been carried out",
            about=regulation.title,
            paragraphs=(
                f"{_why(row, said)}. Every step that was promised after the decision is done.",
                f"What was decided: {_outcome(decision)}. {decision.statement}",
            ),
            quotes=quoted(said.get(row.account_id)),
            notes=noted(said.get(row.account_id)),
            links=(
                ("The regulation, its decision and what was done", _url(f"/regulations/{regulation.slug}")),
                own_page(regulation.slug),
                ("Follow it, should more come of it", _url(follow_address(Followed.REGULATION, regulation.slug))),
            )[: 3 if row.because == Because.TOOK_PART else 1],
        )
        for row in rows
    }


def _erased(rows: Sequence[Any], now: datetime) -> dict[int, Told]:
    """Nothing to whoever has given another reason meanwhile."""
    comment = db.session.get(Comment, rows[0].words["comment"])
    if comment is None or comment.erasure_basis is None:
        return {}
    still = select(Support.account_id).where(Support.comment_id == comment.id, Support.stands)
    left = set(db.session.scalars(still.where(Support.account_id.in_([row.account_id for row in rows]))))
    regulation = comment.regulation
    because = ErasureBasis(comment.erasure_basis).because.replace("the person", "whoever gave it")
    closes = regulation.theme.closes_at
    instead = (
        f"Until the end of {_day(closes)} you can give a reason of your own, or stand behind another."
        if now < closes
        else "Votes on it are closed, so no other reason can be given any more."
    )
    told = Told(
        heading="The reason you stood behind was deleted",
        about=regulation.title,
        paragraphs=(
            "You stood behind a reason that somebody else gave on this regulation. "
            f"It was deleted for good, {because}.",
            f"Your vote still counts. {instead}",
        ),
        links=(
            ("Give another reason", _url(f"/regulations/{regulation.slug}/vote")),
            own_page(regulation.slug),
        )[0 if now < closes else 1 :],
    )
    return {row.id: told for row in rows if row.account_id in left}


def _due_day(kind: str, cause: str, words: dict[str, Any]) -> Told | None:
    theme = db.session.scalar(select(Theme).filter_by(slug=words["theme"]))
    if theme is None:
        return None
    day, waiting = _day(_moment(words["due"])), words["undecided"]
    links = (("The theme and its regulations", _url(f"/themes/{theme.slug}")),)
    if kind == Kind.OVERDUE:
        without = "1 regulation has no decision" if waiting == 1 else f"{waiting:,} regulations have no decision"
        sentence = f"Decisions on this theme were due by {day}. That day went by, and {without} yet."
        return Told(
            "Decisions are late", theme.title, (sentence, "You hear from us once there is one that concerns you."),
            links=links,
        )  # fmt: skip
    change = db.session.scalar(select(DueChange).filter_by(entry_id=cause))
    why = (f"Why, in the words of {change.by}: {change.reason}",) if change is not None and change.reason else ()
    return Told("Decisions are given longer", theme.title, (f"They are now due by {day}.", *why), links=links)


def _theme(words: dict[str, Any]) -> Told | None:
    theme = db.session.scalar(select(Theme).filter_by(slug=words["theme"]))
    if theme is None:
        return None
    days = f"Votes are taken from {_on(uk_day(theme.opens_at))} to the end of {_day(theme.closes_at)}."
    return Told(
        "A new theme", theme.title, (theme.summary, days), links=(("The theme", _url(f"/themes/{theme.slug}")),)
    )


def _listed(rows: Sequence[Any], seen: dict[tuple[int, str], set[str]]) -> dict[int, Told]:
    """What one way of following has told a person already, another need not tell again."""
    words = rows[0].words
    slugs: list[str] = words["slugs"]
    titles = {
        row.slug: row.title
        for row in db.session.execute(select(Regulation.slug, Regulation.title).where(Regulation.slug.in_(slugs)))
    }
    theme = db.session.scalar(select(Theme.title).filter_by(slug=words["theme"])) or ""
    told = {}
    for row in rows:
        already = seen.setdefault((row.account_id, words["theme"]), set())
        new = [slug for slug in slugs if slug not in already and slug in titles]
        already |= set(new)
        if new:
            number = len(new) if len(new) < len(slugs) else words["number"]
            told[row.id] = _newly_listed(theme, words["theme"], number, [(titles[slug], slug) for slug in new])
    return told


def _newly_listed(theme: str, slug: str, number: int, named: list[tuple[str, str]]) -> Told:
    shown = named[:LISTED_IN_FULL]
    rest = number - len(shown)
    return Told(
        heading="A regulation is newly listed" if number == 1 else f"{number:,} regulations are newly listed",
        about=named[0][0] if number == 1 else theme,
        paragraphs=(f"Under the theme {theme}." + (f" {rest:,} more stand on its page." if rest else ""),),
        links=(
            *((title, _url(f"/regulations/{its}")) for title, its in shown),
            ("The theme", _url(f"/themes/{slug}")),
        ),
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _day(ends: datetime) -> str:
    """The last day of what ends at a moment: at midnight, the day before."""
    return _on(last_day(ends))


def _on(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
