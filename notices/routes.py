"""Where people choose what they hear of, end it from within a mail, and staff see how far everybody has been told."""

from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response

from accounts.models import Account
from accounts.rules import STAFF
from core import clock
from core.access import participant, staff, visitor
from core.db import transaction
from core.errors import Gone, NotFound, RuleBroken
from notices import queries, rules, services
from notices.forms import FollowForm, HowForm
from notices.rules import Followed, FollowHow, How

bp = Blueprint("notices", __name__)

Answer = str | Response | tuple[str, int]
HOW_HINTS = {
    How.IMMEDIATELY: "A mail for each thing, soon after it happens. Where thousands are told, within the hour.",
    How.DAILY: f"One mail with everything, at {rules.DIGEST_HOUR} in the morning. None when there is nothing to tell.",
    How.NEVER: "Nothing but the receipt for each vote you confirm.",
}
KINDS = {
    Followed.REGULATION: "a regulation",
    Followed.THEME: "a theme",
    Followed.DEPARTMENT: "a department",
    Followed.SEARCH: "a search",
    Followed.THEMES: "every new theme",
}


def _signed_in() -> Account:
    return current_user._get_current_object()


@bp.route("/account/notices", methods=["GET", "POST"])
@participant
def notices() -> Answer:
    account = _signed_in()
    heard = queries.heard_by(account.id)
    form = HowForm(how=heard.how)
    if form.validate_on_submit():
        with transaction():
            services.set_how(account=_signed_in(), how=How(form.how.data))
        return redirect(url_for("notices.notices", saved=1), code=303)
    page = render_template(
        "notices/notices.html",
        form=form,
        hints=HOW_HINTS,
        email=account.email,
        heard=heard,
        bounced_on=clock.uk_day(heard.bounced_at) if heard.bounced_at else None,
        follows=[_shown(row) for row in queries.follows_of(account.id)],
        new_themes=rules.follow_address(Followed.THEMES),
        saved="saved" in request.args,
        token=generate_csrf(),
    )
    return page, 422 if form.errors else 200


def _shown(row: queries.FollowRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": KINDS[row.kind],
        "thing": row.thing,
        "how": row.how.label,
        "as_set": row.how is FollowHow.AS_SET,
        "since": clock.uk_day(row.since),
        "change": rules.follow_address(row.kind, row.key),
    }


@bp.route("/account/follow", methods=["GET", "POST"])
@participant
def follow() -> Answer:
    """Public pages hold no forms: they lead here, with what is to be followed in the address."""
    kind, key = _asked()
    services.check_there(kind, key)
    account = _signed_in()
    already, heard = queries.followed(account.id, kind, key), queries.heard_by(account.id)
    form = FollowForm(how=already.how if already else FollowHow.AS_SET.value)
    if form.validate_on_submit():
        try:
            with transaction():
                how = FollowHow(form.how.data)
                services.follow(account=_signed_in(), kind=kind, key=key, how=how, now=clock.now())
        except RuleBroken as error:
            form.show_rule_broken(error)
        else:
            return redirect(url_for("notices.notices", saved=1), code=303)
    page = render_template(
        "notices/follow.html",
        form=form,
        kind=kind.value,
        named=KINDS[kind],
        thing=queries.thing(kind, key),
        already=already,
        heard=heard,
        usually=heard.how.label,
        token=generate_csrf(),
    )
    return page, 422 if form.errors else 200


def _asked() -> tuple[Followed, str]:
    """Raises NotFound for what cannot be followed."""
    try:
        kind = Followed(request.args.get("kind", ""))
    except ValueError:
        raise NotFound("There is nothing to follow at this address.") from None
    key = request.args.get("key", "")
    if "\x00" in key:
        raise NotFound("There is nothing to follow at this address.")
    return kind, rules.search_key(rules.searched(key)) if kind is Followed.SEARCH else key


@bp.route("/account/follows/<int(max=2147483647):id>/end", methods=["POST"])
@participant
def end_follow(id: int) -> Answer:
    with transaction():
        services.end_follow(account=_signed_in(), id=id)
    return redirect(url_for("notices.notices", saved=1), code=303)


@bp.route("/account/notices/stop/<secret>", methods=["GET", "POST"])
@visitor
def stop(secret: str) -> Response:
    """Looking ends nothing, as mail scanners follow every link. The button does, and so does the mail program's own:
    neither has a session, so the secret in the address stands for the form's token."""
    if request.method == "POST":
        with transaction():
            services.stop_by_secret(secret=secret)
        page = render_template("notices/stopped.html")
    else:
        how = queries.is_way_out(secret)
        if how is None:
            raise Gone(services.NOBODYS_LINK)
        page = render_template("notices/stop.html", has_stopped=how is How.NEVER)
    response = make_response(page)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


@bp.route("/staff/notices")
@staff(*STAFF)
def progress() -> str:
    rounds = [
        {
            "what": WHAT[row.kind], "title": row.title, "href": row.href,
            "at": clock.in_uk(row.made_at), "people": row.people, "told": row.told,
        }
        for row in queries.rounds()
    ]  # fmt: skip
    now = clock.now()
    return render_template(
        "notices/progress.html", progress=queries.progress(now), outbox=queries.outbox(now), rounds=rounds
    )


WHAT = {
    "decision": "Decision",
    "milestone": "Step after a decision",
    "slippage": "A step’s day missed",
    "done": "Everything done",
    "overdue": "Decisions overdue",
    "extended": "Due day moved",
    "listed": "Newly listed",
    "theme": "New theme",
    "erasure": "Reason erased",
}


def tell_of_mail(account: Account) -> dict[str, str]:
    """The line on somebody's account page."""
    heard = queries.heard_by(account.id)
    said = "Set aside: mail to your address comes back" if heard.bounced_at else heard.how.label
    return {
        "key": "What we write to you",
        "value": said,
        "href": url_for("notices.notices"),
        "action": "Choose",
    }
