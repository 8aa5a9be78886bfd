"""Staff enter what came by other ways than the ballot, and look at papers before they are shown."""

from typing import Any

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_login import current_user
from werkzeug.wrappers import Response

from accounts.models import Account
from analysis import submissions
from analysis.erasing import ERASERS
from analysis.models import Submission
from analysis.paper_checks import MOST_BYTES
from analysis.papers import digest_of_paper, paper_with, put_away
from analysis.queries import points_of
from analysis.sent_files import SentPaper, drop_sent, sent_paper, status_of_refusal
from analysis.services import ANALYSTS
from analysis.submission_forms import SHOWN, PaperForm, ReviewForm, SubmissionForm
from analysis.submission_queries import count_entered, entered, points_made, regulations_named
from analysis.submission_rules import How, Withheld
from analysis.submissions import About, submission_with
from core import clock
from core.access import staff
from core.db import transaction
from core.errors import Clash, NotAllowed, NotFound, RuleBroken
from core.forms import Form, tidy_line
from core.paging import Page, page_number
from regulations.models import Regulation, Theme
from regulations.queries import ThemeRow, theme_with, themes
from regulations.responsible import (
    bound_to,
    check_may_work_on_some_of,
    regulation_to_work_on,
    themes_of_department,
)

bp = Blueprint("submissions", __name__)

Answer = str | Response | tuple[str, int]
PER_PAGE = 20
ROOM_FOR_A_PAPER = MOST_BYTES + 512 * 1024
PAPER_POLICY = "default-src 'none'; sandbox"


@bp.record_once
def _let_forms_answer_for_themselves(state: BlueprintSetupState) -> None:
    """A stale token is a sentence above what was typed; and a paper needs more room than other forms have."""
    for view in (new_submission, submission):
        state.app.extensions["csrf"].exempt(view)


@bp.route("/staff/submissions")
@staff(*ANALYSTS)
def list_submissions() -> str:
    own, looked_at = bound_to(_me()), request.args.get("show") == "waiting"
    waiting = count_entered(waiting=True, department=own)
    total = waiting if looked_at else count_entered(waiting=False, department=own)
    number = min(page_number(request.args.get("page")), max(1, -(-total // PER_PAGE)))
    rows = entered(waiting=looked_at, department=own, offset=(number - 1) * PER_PAGE, limit=PER_PAGE)
    return render_template(
        "analysis/submissions.html",
        page=Page([{**vars(row), "entered_at": clock.in_uk(row.entered_at)} for row in rows], number, total, PER_PAGE),
        waiting=waiting,
        only_waiting=looked_at,
        own_department=own is not None,
        page_url=lambda n: url_for("submissions.list_submissions", show="waiting" if looked_at else None, page=n),
        done=request.args.get("done", "")[:20],
        imported=page_number(request.args["imported"]) if request.args.get("imported", "0") != "0" else 0,
        known=request.args.get("known", "0") != "0",
    )


@bp.route("/staff/submissions/new", methods=["GET", "POST"])
@staff(*ANALYSTS)
def new_submission() -> Answer:
    """What it is about, then what came."""
    request.max_content_length = ROOM_FOR_A_PAPER
    about = _about()
    if about is None:
        return _choose_what_it_is_about()
    regulation, theme = about
    form, status = SubmissionForm(shown=SHOWN), 200
    form.offer_points([(row.public_id, row.title) for row in points_of(regulation.id)] if regulation else [])
    if request.method == "POST":
        status = 422
        try:
            valid = form.validate()
            paper = sent_paper(form, _me()) if "csrf_token" not in form.errors else None
            if valid:
                return redirect(_enter(form, paper), code=303)
        except RuleBroken as error:
            status = status_of_refusal(error)
            form.show_rule_broken(error)
    page = render_template(
        "analysis/new_submission.html", form=form, regulation=regulation, theme=theme, today=clock.uk_day(clock.now())
    )
    return page, 400 if "csrf_token" in form.errors else status


def _about() -> tuple[Regulation | None, Theme] | None:
    if slug := tidy_line(request.args.get("regulation"))[:100]:
        regulation = regulation_to_work_on(slug, _me())
        return regulation, regulation.theme
    if slug := tidy_line(request.args.get("theme"))[:100]:
        theme = theme_with(slug)
        check_may_work_on_some_of(_me(), theme)
        return None, theme
    return None


def _choose_what_it_is_about() -> str:
    words = tidy_line(request.args.get("q"))[:200]
    return render_template(
        "analysis/new_submission_about.html",
        words=words,
        found=regulations_named(words, bound_to(_me())) if words else [],
        themes=_themes(),
    )


def _themes() -> list[ThemeRow]:
    """Those in which a regulation is the work of whoever asks."""
    listed, department = themes(clock.now()), bound_to(_me())
    own = themes_of_department(department) if department is not None else {theme.slug for theme in listed}
    return [theme for theme in listed if theme.slug in own]


def _enter(form: SubmissionForm, paper: SentPaper | None) -> str:
    with transaction():
        about = _about()
        if about is None:
            raise NotFound("There is no such regulation.")
        made = submissions.enter_submission(
            theme=about[1],
            regulation=about[0],
            received=form.received(),
            by=_me(),
            now=clock.now(),
            paper=digest_of_paper(paper.content) if paper else "",
            file_name=paper.name if paper else "",
            demonstration=current_app.config["SITE"].demonstration,
        )
        if paper:
            put_away(paper.content)
        done = url_for("submissions.list_submissions", done=made.reference)
    drop_sent(form, _me())
    return done


@bp.route("/staff/submissions/<reference>", methods=["GET", "POST"])
@staff(*ANALYSTS)
def submission(reference: str) -> Answer:
    """All of it, with what can be changed about it; of one that a rule withholds only to officials."""
    found, status = _submission(reference), 200
    made = points_made([found.id]).get(found.id, [])
    form = ReviewForm(
        organisation=found.organisation_name,
        shown=found.withheld_because if found.withheld_because != Withheld.WAITING else "",
        points=[point.public_id for point in made],
    )
    if request.method == "GET" and not found.withheld:
        form.shown.data = SHOWN
    form.offer_points([(row.public_id, row.title) for row in points_of(found.regulation_id or 0)])
    if request.method == "POST" and form.validate():
        try:
            _change(reference, form)
            return redirect(url_for("submissions.list_submissions", done=reference), code=303)
        except RuleBroken as error:
            status = 409 if isinstance(error, Clash) else 422
            form.show_rule_broken(error)
            found = submission_with(reference)
    form.seen.data = found.entry_id
    page = render_template(
        "analysis/submission.html",
        form=form,
        submission=found,
        points=made,
        is_readable=submissions.can_be_read_by(_me(), found),
        can_erase=_me().role in ERASERS and found.withheld_because != Withheld.ERASED,
        **_words(found),
    )
    return page, _status_of(form, status)


def _submission(reference: str) -> Submission:
    """Raises NotFound, and NotAllowed where it is the work of other departments alone."""
    found = submission_with(reference)
    submissions.check_may_handle(_me(), About(found.theme, found.regulation))
    return found


def _words(found: Submission) -> dict[str, Any]:
    return {
        "how": How(found.how).label,
        "withheld": Withheld(found.withheld_because).label if found.withheld else "",
        "waits": found.withheld_because == Withheld.WAITING,
        "entered_at": clock.in_uk(found.entered_at),
    }


def _change(reference: str, form: ReviewForm) -> None:
    with transaction():
        submissions.change_submission(
            submission=submission_with(reference),
            seen=form.seen.data,
            withheld=form.withheld,
            organisation=form.organisation.data,
            points=form.points.data or (),
            by=_me(),
            now=clock.now(),
        )


@bp.route("/staff/submissions/<reference>/paper")
@staff(*ANALYSTS)
def staff_paper(reference: str) -> Response:
    found = _submission(reference)
    if not submissions.can_be_read_by(_me(), found):
        raise NotAllowed("This paper is withheld by a rule. Only officials can read it.")
    if not found.file_sha256:
        raise NotFound("No paper came with this submission.")
    response = as_paper(found.file_sha256, found.file_name)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def as_paper(digest: str, name: str) -> Response:
    """A paper to keep, never to open within the site: whatever is in it, it runs nowhere here.

    How long a cache may keep it is for the page to say that shows it. Raises Gone unless it is what was sent in.
    """
    response = Response(paper_with(digest), mimetype="application/pdf")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.headers["Content-Security-Policy"] = PAPER_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _status_of(form: Form | PaperForm, status: int) -> int:
    return 400 if "csrf_token" in form.errors else 422 if form.errors and status == 200 else status


def _me() -> Account:
    return current_user._get_current_object()
