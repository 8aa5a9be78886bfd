"""We asked, you said, we did: a report for each theme, to read, print and cite, with the editions it went through."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

from flask import Blueprint, current_app, render_template, url_for
from flask.typing import ResponseReturnValue

from audit.queries import log_size
from core import clock
from core.access import public
from decisions.steps import State, Step
from opendata.edition_agreement import content_digest
from opendata.rules import labelled
from opendata.serving import json_response, json_text, json_text_response
from pages import rules
from pages.editions import EditionRow, address, edition_with, editions_of, theme_and_latest
from pages.we_asked import WAITING
from pages.we_asked import report as made
from pages.who_answered import TOO_FEW_SAID
from regulations.queries import theme_with

bp = Blueprint("we_asked", __name__)


IN_SHORT = 3
"""From so many regulations on, a table with a line for each comes first."""


@bp.route("/themes/<slug>/we-asked")
@bp.route("/themes/<slug>/we-asked.<any(json):form>")
@public
def we_asked(slug: str, form: str = "") -> ResponseReturnValue:
    now, size = clock.now(), log_size()
    theme, latest = theme_and_latest(slug)
    said = made(theme, now)
    if form:
        about = {"counted_at": now, "log_size": size, "url": address(_site_url(), slug)}
        return json_response(labelled([said | about], demonstration=current_app.config["SITE"].demonstration)[0])
    same = latest is not None and latest.content_sha256 == content_digest(said)
    return _shown(json.loads(json_text(said)), latest, size=size, on=clock.uk_day(now), same=same, live=True)


@bp.route("/themes/<slug>/we-asked/<int:number>")
@bp.route("/themes/<slug>/we-asked/<int:number>.<any(json):form>")
@public
def edition(slug: str, number: int, form: str = "") -> ResponseReturnValue:
    """The report as it once stood: the file whose digest was cited, or the page made from nothing else."""
    row, text = edition_with(slug, number)
    if form:
        return json_text_response(text)
    return _shown(json.loads(text), row, size=row.at_size, on=clock.uk_day(row.kept_at), same=True, live=False)


@bp.route("/themes/<slug>/we-asked/editions")
@public
def editions(slug: str) -> str:
    theme = theme_with(slug)
    return render_template("pages/editions.html", theme=theme, editions=[_dated(row) for row in editions_of(theme.id)])


def _shown(said: dict[str, Any], kept: EditionRow | None, *, size: int, on: date, same: bool, live: bool) -> str:
    """The page from what its JSON says, so that a page kept for years reads as it did."""
    told = [_story(story, on) for story in _with_days(said["regulations_told"])]
    spoken = [story for story in told if story["participants"] or story["points"]]
    report = _with_days(said)
    report["days_late"] = max(0, (on - report["decision_due_on"]).days)
    for cut in report["told_of_themselves"]:
        cut["shows_nothing"] = {part["group"] for part in cut["parts"]} == {TOO_FEW_SAID}
    in_full = [story for story in spoken if len(spoken) < IN_SHORT or _has_more(story)]
    number = kept.number if kept and same else None
    return render_template(
        "pages/we_asked.html",
        report=report, told=spoken, in_full=in_full, quiet=[story for story in told if story not in spoken],
        size=size, on=on,
        is_final=report["final_on"] is not None, outcomes=rules.OUTCOME_WORDS, waiting=WAITING,
        signatures=sum(way["signatures"] for way in report["submissions"]),
        submissions=sum(way["received"] for way in report["submissions"]),
        steps_late=sum(step["days_late"] > 0 for story in told for step in story["milestones"]),
        address=address(_site_url(), said["slug"], number), kept=_dated(kept) if kept else None, same=same, live=live,
        editions_href=url_for("we_asked.editions", slug=said["slug"]) if kept else "", site_url=_site_url(),
    )  # fmt: skip


def _story(story: dict[str, Any], on: date) -> dict[str, Any]:
    steps = [_step(step, on) for step in story["milestones"]]
    return story | {
        "milestones": steps,
        "steps_done": sum(step["is_done"] for step in steps),
        "is_reviewed": any(step["kind"] == Step.REVIEW for step in steps),
    }


def _has_more(story: dict[str, Any]) -> bool:
    """There is more to tell than the line it has in the table above."""
    return bool(story["points"] or story["decision"] or story["sent_round"]["texts"])


def _step(step: dict[str, Any], on: date) -> dict[str, Any]:
    state = State(step["state"])
    late = 0 if state.is_ended else max(0, (on - step["due_on"]).days)
    moved = (step["due_on"] - step["first_due_on"]).days
    return step | {"state": state, "is_done": state is State.DONE, "days_late": late, "days_moved": max(0, moved)}


def _with_days(said: Any) -> Any:
    """The same with every ``…_on`` a day again."""
    if isinstance(said, list):
        return [_with_days(each) for each in said]
    if not isinstance(said, dict):
        return said
    return {
        name: date.fromisoformat(value) if name.endswith("_on") and value else _with_days(value)
        for name, value in said.items()
    }


def _dated(row: EditionRow) -> EditionRow:
    return replace(row, kept_at=clock.in_uk(row.kept_at), still_at=clock.in_uk(row.still_at))


def _site_url() -> str:
    return str(current_app.config["SITE"].url)
