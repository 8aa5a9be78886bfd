"""Where an official deletes for good what somebody sent in, because whoever sent it asked."""

from flask import Blueprint, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from accounts.models import Account
from analysis.erasing import ERASERS, erase_submission
from analysis.submission_forms import EraseForm
from analysis.submission_rules import Withheld
from analysis.submissions import About, check_may_handle, submission_with
from core import clock
from core.access import staff
from core.db import transaction
from core.errors import Clash, Gone, RuleBroken
from voting.rules import ErasureBasis

bp = Blueprint("erasing", __name__)

Answer = str | Response | tuple[str, int]


@bp.route("/staff/submissions/<reference>/erase", methods=["GET", "POST"])
@staff(*ERASERS)
def erase_submission_for_good(reference: str) -> Answer:
    found, form, status = submission_with(reference), EraseForm(), 200
    check_may_handle(current_user._get_current_object(), About(found.theme, found.regulation))
    if found.withheld_because == Withheld.ERASED:
        raise Gone("What this submission said was deleted already.")
    if form.validate_on_submit():
        try:
            _erase(reference, form)
            return redirect(url_for("submissions.list_submissions", done=reference), code=303)
        except RuleBroken as error:
            status = 409 if isinstance(error, Clash) else 422
            form.show_rule_broken(error)
            found = submission_with(reference)
    form.seen.data = found.entry_id
    page = render_template("analysis/erase_submission.html", form=form, submission=found)
    return page, 422 if form.errors and status == 200 else status


def _erase(reference: str, form: EraseForm) -> None:
    me: Account = current_user._get_current_object()
    with transaction():
        erase_submission(
            submission=submission_with(reference), seen=form.seen.data, basis=ErasureBasis(form.basis.data), by=me,
            now=clock.now(),
        )  # fmt: skip
