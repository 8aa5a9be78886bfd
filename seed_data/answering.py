"""What the demonstration's invented offices do before they decide: make points of what was said, and answer each."""

import re
from datetime import datetime
from typing import Any

from sqlalchemy import select

from accounts.models import Account
from analysis.models import Point
from analysis.queries import PointRow, comments_under, points_of, ungrouped
from analysis.rules import FEW_SUMMARY, FEW_TITLE, TITLE_LENGTH, same_words
from analysis.services import make_point, put_under
from core.db import db
from decisions.answers import assign_answer, save_answer
from decisions.models import AnswerDraft
from decisions.rules import Outcome, Verdict
from regulations.models import Regulation
from seed_data.correspondence import say_what_it_makes
from seed_data.people import person
from seed_data.script import alike, table
from voting.models import Comment
from voting.rules import Choice
from voting.shown import Reason

POINTS_OF_A_CHOICE = 3
INVENTED = "(An invented answer.)"
_SENTENCE = re.compile(r"(?<=[.!?])\s")
REASONS = {
    Verdict.ACCEPT: "This is what was decided, and it was among the reasons for it.",
    Verdict.ACCEPT_IN_PART: "What was decided meets a part of this. For the rest, others would have lost more by it.",
    Verdict.REJECT: "This is not followed: others would lose more than it spares. Showing otherwise would change that.",
    Verdict.OUT_OF_SCOPE: "This is settled by other rules. Those who look after them have what was said here.",
}
OF_FEW = "Each of these was read. What was decided meets some of them; the others were too few to change it."


def make_points(*, regulation: Regulation, by: Account, now: datetime) -> None:
    """Points of the reasons most people stand behind, and one group for the rest; then what was sent in makes some."""
    few: list[Reason] = []
    for choice in Choice:
        groups = _alike([reason for reason in ungrouped(regulation.id) if reason.choice == choice])
        for group in groups[:POINTS_OF_A_CHOICE]:
            written = _written_out(regulation, group[0].text)
            point = make_point(
                regulation=regulation, title=written.get("title") or _first_sentence(group[0].text),
                summary=written.get("summary", ""), by=by, now=now, demonstration=True,
            )  # fmt: skip
            _put(point, group, by, now)
            say_what_it_makes(regulation=regulation, choice=choice, point=point, by=by, now=now)
        few += [reason for group in groups[POINTS_OF_A_CHOICE:] for reason in group]
    if few:
        point = make_point(
            regulation=regulation, title=FEW_TITLE, summary=FEW_SUMMARY, by=by, now=now, few=True, demonstration=True
        )
        _put(point, few, by, now)


def answer_points(
    *,
    regulation: Regulation,
    outcome: Outcome,
    by: Account,
    now: datetime,
    half: bool = False,
) -> None:
    """An answer to every point; or to the first half of them, the next being given to a colleague to write."""
    rows = points_of(regulation.id)
    answered = rows[: (len(rows) + 1) // 2] if half else rows
    for row in answered:
        verdict, reasons = _answer(regulation, row, outcome)
        version = db.session.scalar(select(AnswerDraft.version).filter_by(point_id=row.id)) or 0
        save_answer(
            regulation=regulation, point=db.session.get_one(Point, row.id), verdict=verdict,
            reasons=f"{reasons} {INVENTED}", version=version, by=by, now=now,
        )  # fmt: skip
    for row in rows[len(answered) :][:1]:
        assign_answer(
            regulation=regulation, point=db.session.get_one(Point, row.id), to=person("analyst", now),
            instead_of=None, by=by, now=now,
        )  # fmt: skip


def _written_out(regulation: Regulation, text: str) -> dict[str, Any]:
    """What is written in points.toml of the point that this reason makes, if anything is."""
    of_regulation = table("points.toml").get(regulation.slug, ())
    return next((each for each in of_regulation if text.startswith(each["begins"])), {})


def _answer(regulation: Regulation, row: PointRow, outcome: Outcome) -> tuple[Verdict, str]:
    if row.few:
        return _answer_to_few(regulation, row, outcome)
    of_regulation = table("points.toml").get(regulation.slug, ())
    written: dict[str, Any] = next((each for each in of_regulation if each["title"] == row.title), {})
    verdict = _verdict(row.by_choice, outcome)
    return _answer_written_out(written, outcome) or (verdict, REASONS[verdict])


def _answer_written_out(written: dict[str, Any], outcome: Outcome) -> tuple[Verdict, str] | None:
    """Where a later decision came to something else, each has its own."""
    given = written.get(outcome, written)
    return (Verdict(given["verdict"]), given["answer"]) if "answer" in given else None


def _answer_to_few(regulation: Regulation, row: PointRow, outcome: Outcome) -> tuple[Verdict, str]:
    """What is written out for each of them, by name; one that stands alone keeps its verdict."""
    given = {}
    for reason in comments_under(row.id):
        written = _written_out(regulation, reason.text)
        if answer := _answer_written_out(written, outcome):
            given[f"On “{written['title']}”: {answer[1]}"] = answer[0]
    verdicts = set(given.values())
    return verdicts.pop() if len(verdicts) == 1 else Verdict.ACCEPT_IN_PART, "\n\n".join(given) or OF_FEW


def _alike(reasons: list[Reason]) -> list[list[Reason]]:
    """Those in the same words together, with those that make the same point; most people first, its own words first."""
    groups: dict[str, list[Reason]] = {}
    beginnings = alike()
    for reason in reasons:
        begins = beginnings.get(reason.text)
        leader = next((each for each in reasons if begins and each.text.startswith(begins)), reason)
        group = groups.setdefault(same_words(leader.text), [])
        group.insert(0 if leader is reason else len(group), reason)
    return sorted(groups.values(), key=lambda group: -sum(1 + reason.supports for reason in group))


def _put(point: Point, reasons: list[Reason], by: Account, now: datetime) -> None:
    comments = [db.session.get_one(Comment, reason.id) for reason in reasons]
    put_under(point=point, comments=comments, by=by, now=now)


def _first_sentence(text: str) -> str:
    """What somebody said, short enough for the head of a list."""
    first = _SENTENCE.split(" ".join(text.split()), maxsplit=1)[0]
    return first if len(first) <= TITLE_LENGTH else first[: TITLE_LENGTH - 1].rsplit(" ", 1)[0] + "…"


def _verdict(by_choice: dict[str, int], outcome: Outcome) -> Verdict:
    asked = max(by_choice, key=lambda choice: by_choice[choice])
    if outcome in (Outcome.MOVED, Outcome.ALREADY_SPENT):
        return Verdict.OUT_OF_SCOPE
    if Outcome.IMPROVE in (asked, outcome):
        return Verdict.ACCEPT_IN_PART
    return Verdict.ACCEPT if asked == outcome else Verdict.REJECT
