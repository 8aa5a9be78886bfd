"""Where somebody has what is held of them deleted."""

from datetime import datetime

from flask import Blueprint, redirect, render_template, url_for
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response

from accounts import sessions
from accounts.models import Account
from core import clock
from core.access import participant, public
from core.db import transaction
from voting import ballots, drafts
from voting.erasure import check_may_be_erased, erase_person, held_of
from voting.forms import ErasureForm
from voting.rules import ErasureBasis

bp = Blueprint("erasure", __name__)

Answer = str | Response | tuple[str, int]


@bp.route("/account/erase", methods=["GET", "POST"])
@participant
def erase() -> Answer:
    """Asked of whoever signed in just now, so that nobody who finds a browser open can do it."""
    account: Account = current_user._get_current_object()
    check_may_be_erased(account)
    if not sessions.is_fresh():
        page = render_template(
            "accounts/sign_in_again.html", email=account.email, token=generate_csrf(),
            wanted=url_for("erasure.erase"),
            why="What we hold about you can be deleted within 15 minutes of signing in, "
            "so that nobody who finds your browser open can do it.",
        )  # fmt: skip
        return page, 200
    form = ErasureForm()
    if form.validate_on_submit():
        _erase(account, clock.now())
        return redirect(url_for("erasure.erased"), code=303)
    page = render_template("erasure/erase.html", form=form, email=account.email, held=held_of(account, clock.now()))
    return page, 400 if "csrf_token" in form.errors else 422 if form.errors else 200


def _erase(account: Account, now: datetime) -> None:
    begun = drafts.secrets_kept()
    with transaction():
        ballots.forget(begun)
        erase_person(account=account, basis=ErasureBasis.REQUEST, now=now)
    sessions.end_session()


@bp.route("/account/erased")
@public
def erased() -> Answer:
    return render_template("erasure/erased.html")
