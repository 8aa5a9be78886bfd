"""Progress, for everybody: which decisions are overdue and by how much, and what became of what was promised."""

from typing import Any

from flask import Blueprint, Response, current_app, render_template, request, url_for

from core import clock
from core.access import public
from core.clock import uk_day
from core.forms import tidy_line
from core.paging import PER_PAGE, Page, page_number
from decisions.steps import State
from opendata.serving import Feed, FeedEntry, atom_response
from pages import progress as queries
from pages import reading
from pages.progress import Asked, Part, PlacedStep, Sum

bp = Blueprint("progress", __name__)

LONGEST = 200
STATES = tuple(state.value for state in State)
FIELDS = (
    "theme", "department", "to_decide", "decided", "undecided", "closed_on", "decision_due_on", "moved_from",
    "days_overdue", *(f"steps_{state}" for state in STATES), "steps_put_off", "next_review_on", "url",
)  # fmt: skip
STEP_FIELDS = (
    "reference", "slug", "title", "theme", "department", "step", "words", "state", "due_on", "first_due_on",
    "days_late", "instrument", "reason", "changed_by", "changed_on", "entry", "url", "times_put_off",
)  # fmt: skip
STEPS_BESIDE = 12


def _asked() -> Asked:
    theme, department = (tidy_line(request.args.get(name))[:LONGEST] for name in ("theme", "department"))
    state = request.args.get("state", "")
    return Asked(theme, department, state if state in (*STATES, queries.PUT_OFF) else "")


def _address(endpoint: str, asked: Asked, **more: Any) -> str:
    given = {"theme": asked.theme, "department": asked.department, "state": asked.state} | more
    return url_for(endpoint, **{name: value for name, value in given.items() if value})


@bp.route("/progress")
@bp.route("/progress.json", endpoint="progress_json")
@bp.route("/progress.csv", endpoint="progress_csv")
@public
def progress() -> str | Response:
    now, asked, form = clock.now(), _asked(), reading.form_asked()
    parts = queries.parts(asked, now)
    if form != "html":
        return reading.rows_as(form, [_row(part) for part in parts], FIELDS, "progress")
    themes, departments = queries.by_theme(parts), queries.by_department(parts)
    return render_template(
        "progress/progress.html",
        asked=asked,
        themes=themes,
        departments=departments,
        late=[one for one in departments if one.overdue],
        whole=Sum("", "", parts) if parts else None,
        steps=queries.steps(Asked(asked.theme, asked.department), limit=STEPS_BESIDE),
        filters=_filters(asked, parts),
        downloads={form: _address(f"progress.progress_{form}", asked) for form in ("json", "csv", "atom")},
        address=lambda endpoint, **more: _address(endpoint, asked, **more),
        today=uk_day(now),
    )


def _row(part: Part) -> dict[str, Any]:
    return {
        "theme": part.theme,
        "department": part.department_name,
        "to_decide": part.to_decide,
        "decided": part.decided,
        "undecided": part.undecided,
        "closed_on": part.closed_on,
        "decision_due_on": part.due_on,
        "moved_from": part.moves[0].moved_from if part.moves else None,
        "days_overdue": part.days_late,
        **{f"steps_{state}": part.steps.get(state, 0) for state in STATES},
        "steps_put_off": part.put_off,
        "next_review_on": part.next_review_on,
        "url": reading.address("progress.progress", theme=part.theme, department=part.department),
    }


def _filters(asked: Asked, parts: list[Part]) -> list[dict[str, str]]:
    """What narrows the page, each with the address that takes it off."""
    words = {
        "theme": ("Theme", parts[0].theme_title if parts else asked.theme),
        "department": ("Department", parts[0].department_name if parts else asked.department),
    }
    return [
        {"label": label, "value": value, "remove_url": _address("progress.progress", asked, **{name: ""})}
        for name, (label, value) in words.items()
        if getattr(asked, name)
    ]


@bp.route("/progress/steps")
@bp.route("/progress/steps.json", endpoint="steps_json")
@bp.route("/progress/steps.csv", endpoint="steps_csv")
@public
def steps() -> str | Response:
    now, asked, form = clock.now(), _asked(), reading.form_asked()
    if form != "html":
        today = uk_day(now)
        rows = [
            _step_row(placed, placed.step.days_late(today)) for placed in queries.steps(asked)
        ]  # fmt: skip
        return reading.rows_as(form, rows, STEP_FIELDS, "steps")
    total = queries.count_steps(asked)
    number = min(page_number(request.args.get("page")), Page([], 1, total).pages)
    rows_here = queries.steps(asked, offset=(number - 1) * PER_PAGE, limit=PER_PAGE)
    return render_template(
        "progress/steps.html",
        asked=asked,
        page=Page(rows_here, number, total),
        page_url=lambda n: _address("progress.steps", asked, page=n if n > 1 else 0),
        states=[
            {"label": label, "url": _address("progress.steps", asked, state=value), "active": asked.state == value}
            for value, label in [
                ("", "All"),
                *((state.value, state.label) for state in State),
                (queries.PUT_OFF, "Put off"),
            ]
        ],
        downloads={form: _address(f"progress.steps_{form}", asked) for form in ("json", "csv")},
        today=uk_day(now),
    )


def _step_row(placed: PlacedStep, days_late: int) -> dict[str, Any]:
    step = placed.step
    return {
        "reference": placed.reference,
        "slug": placed.slug,
        "title": placed.title,
        "theme": placed.theme,
        "department": placed.department,
        "step": step.step,
        "words": step.words or None,
        "state": step.state.value,
        "due_on": step.due_on,
        "first_due_on": step.first_due_on,
        "days_late": days_late,
        "instrument": step.instrument or None,
        "reason": step.reason or None,
        "changed_by": step.changed_by,
        "changed_on": uk_day(step.changed_at),
        "entry": step.entry_id,
        "url": reading.address("decision_log.decision", reference=placed.reference),
        "times_put_off": step.put_off,
    }


@bp.route("/progress.atom")
@public
def progress_atom() -> Response:
    asked = _asked()
    entries = [
        FeedEntry(
            title=reading.headline(each.title),
            url=reading.address("reading.entry", entry_id=each.entry_id),
            at=each.at,
            text=each.text,
            author=each.by,
        )
        for each in queries.news(asked)
    ]
    site = current_app.config["SITE"].name
    feed = Feed(
        title=reading.headline(f"Progress – {site}"),
        page_url=reading.address("progress.progress", theme=asked.theme or None, department=asked.department or None),
        feed_url=reading.address(
            "progress.progress_atom", theme=asked.theme or None, department=asked.department or None
        ),
        author=site,
        entries=entries,
    )
    return atom_response(feed)
