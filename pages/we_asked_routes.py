"""We asked, you said, we did: a page for each theme, to read, print and cite."""

from typing import Any

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from audit.queries import log_size
from core import clock
from core.access import public
from opendata.rules import labelled
from opendata.serving import json_response
from pages import rules
from pages.we_asked import Story, stories, who_answered
from regulations.queries import theme_with

bp = Blueprint("we_asked", __name__)


@bp.route("/themes/<slug>/we-asked")
@bp.route("/themes/<slug>/we-asked.<any(json):form>")
@public
def we_asked(slug: str, form: str = "") -> ResponseReturnValue:
    now, size, theme = clock.now(), log_size(), theme_with(slug)
    told, who = stories(theme, now), who_answered(theme)
    days = clock.uk_day(theme.window.opens), clock.last_day(theme.window.closes), clock.last_day(theme.decision_due_at)
    numbers = {
        "regulations": len(told),
        "votes": sum(row["votes"] for row in who),
        "comments": sum(story.regulation.comments or 0 for story in told),
        "decided": sum(story.decision is not None for story in told),
        "undecided": sum(story.decision is None and story.regulation.stage in _WAITING for story in told),
        "steps": sum(len(story.steps) for story in told),
        "steps_done": sum(step.state == "done" for story in told for step in story.steps),
    }
    stage = theme.window.stage(now)
    address = f"{current_app.config['SITE'].url}/themes/{theme.slug}/we-asked"
    if form:
        said = {
            "slug": theme.slug, "title": theme.title, "stage": stage, "summary": theme.summary,
            "on_the_table": theme.on_the_table, "off_the_table": theme.off_the_table, "opens_on": days[0],
            "closes_on": days[1], "decision_due_on": days[2], **numbers, "who": who,
            "regulations_told": [_plain(story) for story in told], "counted_at": now, "log_size": size, "url": address,
        }  # fmt: skip
        return json_response(labelled([said], demonstration=current_app.config["SITE"].demonstration)[0])
    return render_template(
        "pages/we_asked.html",
        theme=theme, stage=stage, told=[story for story in told if story.has_something],
        unspoken=[story.regulation for story in told if not story.has_something], who=who, numbers=numbers,
        opens_on=days[0], closes_on=days[1], due_on=days[2], overdue=clock.uk_day(now) > days[2],
        outcomes=rules.OUTCOME_WORDS, address=address, size=size, on=clock.uk_day(now), uk_day=clock.uk_day,
        waiting=_WAITING,
    )  # fmt: skip


_WAITING = ("upcoming", "open", "under_consideration")


def _plain(story: Story) -> dict[str, Any]:
    row, decision = story.regulation, story.decision
    return {
        "slug": row.slug, "citation": str(row.citation), "title": row.title, "stage": row.stage,
        "participants": row.participants, "scrap": row.scrap, "improve": row.improve, "keep": row.keep,
        "comments": row.comments,
        "points": [
            {
                "point": said.point.public_id, "title": said.point.title, "behind": said.point.behind,
                "by_choice": said.point.by_choice, "strongest_for": said.strongest_for, "answer": said.verdict or None,
                "reasons": said.reasons or None,
            }
            for said in story.said
        ],
        "decision": decision.reference if decision else None,
        "outcome": decision.outcome if decision else None,
        "statement": decision.statement if decision else None,
        "comparison": decision.comparison if decision else None,
        "milestones": [
            {"step": step.label, "state": step.state, "due_on": step.due_on, "instrument": step.instrument}
            for step in story.steps
        ],
    }  # fmt: skip
