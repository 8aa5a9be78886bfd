"""Signing in and out, and what somebody sees of their own account."""

from collections.abc import Callable
from urllib.parse import urlencode

from flask import Blueprint, Flask, current_app, redirect, render_template, request, session, url_for
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response

from accounts import limits, rules, services, sessions
from accounts.forms import CodeForm, PasswordForm, SignInForm
from accounts.models import Account
from accounts.rules import Asked, Network
from accounts.sessions import WAY_IN, begin_session
from core import clock
from core.access import participant, public, visitor
from core.db import transaction
from core.errors import RuleBroken, TooOften
from core.forms import Form

bp = Blueprint("accounts", __name__)

Answer = str | Response | tuple[str, int]
bp.before_app_request(sessions.drop_what_is_over)


Line = dict[str, str]


def tell_on_account(app: Flask, line: Callable[[Account], Line]) -> None:
    """Let a floor above this one add a line to what somebody's account page says."""
    app.extensions.setdefault("lines_on_account", []).append(line)


def count_mail_from_here(email: str) -> None:
    """Within the transaction that asks for a mail. Raises TooOften when the visitor's network asks for too many."""
    limits.count_from(network=_network(), asked=Asked.MAIL, email=email, now=clock.now())


def _network() -> Network:
    return Network.of(request.remote_addr)


@bp.route("/account/sign-in", methods=["GET", "POST"])
@visitor
def sign_in() -> Answer:
    form, refused = SignInForm(next=request.args.get("next", "")), None
    wanted = rules.own_path(form.next.data, "")
    if current_user.is_authenticated and request.method == "GET":
        return redirect(wanted or url_for("accounts.account"), code=303)
    if form.validate_on_submit():
        session[WAY_IN] = {"email": form.email.data, "next": wanted}
        by_password = request.form.get("how") == "password"
        try:
            account = _holder(form, by_password)
            if account is None and not by_password:
                _mail_a_link(form.email.data)
        except RuleBroken as error:
            refused = error
            form.show_rule_broken(error)
        else:
            again = "yes" if request.form.get("how") == "again" else None
            mailed = url_for("accounts.check_email", again=again)
            return redirect(begin_session(account) if account else mailed, code=303)
    return render_template("accounts/sign_in.html", form=form, reason=_why_sign_in(wanted)), _status(form, refused)


def _why_sign_in(wanted: str) -> str:
    if wanted.startswith("/my/contributions"):
        return (
            "Your contributions are shown to you alone, so we need to know that it is you. "
            "If you have voted, use the address you gave then."
        )
    if wanted.startswith("/staff"):
        return "The pages of those who work here need you to sign in."
    return "Sign in first, and you go straight on to the page you asked for." if wanted else ""


def _holder(form: SignInForm, by_password: bool) -> Account | None:
    """Whose password was typed. Enter in that field presses the page's first button, so it is read for either.

    Raises RuleBroken when signing in by password was asked for and it is wrong, or tried too often for anybody.
    """
    email, password = form.email.data, form.password.data
    if not password:
        if by_password:
            raise RuleBroken("Enter your password, or ask for a link by email.", field="password")
        return None
    try:
        _count_try(email)
    except TooOften:
        if by_password:
            raise
        return None
    account = services.password_holder(email=email, password=password)
    if account is not None:
        with transaction():
            limits.clear_tries(email=email)
    elif by_password:
        raise RuleBroken(
            "That email address and password don’t match. You can also ask for a link by email.", field="password"
        )
    return account


def _count_try(email: str) -> None:
    with transaction():
        limits.count_from(network=_network(), asked=Asked.PASSWORD, email=email, now=clock.now())
        limits.count_try(email=email, now=clock.now())


def _mail_a_link(email: str) -> None:
    site = current_app.config["SITE"].url
    with transaction():
        count_mail_from_here(email)
        services.send_way_in(
            email=email,
            about=None,
            confirm_url=f"{site}/account/confirm/{{secret}}",
            not_me_url=f"{site}/account/not-me/{{secret}}",
            now=clock.now(),
        )


@bp.route("/account/check-email", methods=["GET", "POST"])
@visitor
def check_email() -> Answer:
    way_in = session.get(WAY_IN)
    if way_in is None:
        return redirect(url_for("accounts.sign_in"), code=303)
    form, refused = CodeForm(), None
    if form.validate_on_submit():
        try:
            account = _account_by_code(way_in["email"], form.code.data)
        except RuleBroken as error:
            refused = error
            form.show_rule_broken(error)
        else:
            return redirect(begin_session(account), code=303)
    mailbox = "/dev/mailbox?" + urlencode({"to": way_in["email"]}) if current_app.config["SITE"].demonstration else ""
    page = render_template(
        "accounts/check_email.html",
        form=form,
        email=way_in["email"],
        wanted=way_in["next"],
        again="again" in request.args,
        mailbox_url=mailbox,
        token=generate_csrf(),
    )
    return page, _status(form, refused)


def _account_by_code(email: str, code: str) -> Account:
    """Raises RuleBroken when the code is wrong, after that try has been counted."""
    with transaction():
        confirmed = services.use_code(email=email, code=code, now=clock.now())
        account = confirmed and services.account_for(
            email=confirmed, now=clock.now(), demonstration=current_app.config["SITE"].demonstration
        )
    if not account:
        raise RuleBroken("That is not the code we sent last, or it is too old.", field="code")
    return account


@bp.route("/account/sign-out", methods=["POST"])
@visitor
def sign_out() -> Answer:
    sessions.end_session()
    return redirect(url_for("accounts.signed_out"), code=303)


@bp.route("/account/signed-out")
@public
def signed_out() -> Answer:
    return render_template("accounts/signed_out.html")


@bp.route("/account/sign-out-everywhere", methods=["POST"])
@participant
def sign_out_everywhere() -> Answer:
    account = _signed_in()
    with transaction():
        services.sign_out_everywhere(account=account)
    return sign_out()


@bp.route("/account")
@participant
def account() -> Answer:
    holder = _signed_in()
    return render_template(
        "accounts/account.html",
        token=generate_csrf(),
        email=holder.email,
        has_password=holder.password_hash is not None,
        password_changed=request.args.get("changed") == "password",
        is_staff=holder.role != rules.Role.PARTICIPANT,
        office=holder.office,
        role=holder.role,
        held=_held(holder),
        lines=[line(holder) for line in current_app.extensions.get("lines_on_account", ())],
    )


def _held(holder: Account) -> list[tuple[str, str]]:
    since = clock.in_uk(holder.created_at)
    rows = [
        ("Email address", holder.email),
        ("Account since", f"{since.day} {since:%B %Y}"),
        ("Password", "Set. We keep only what it takes to check it" if holder.password_hash else "None set"),
        ("You last spoke for", rules.Capacity(holder.capacity).label if holder.capacity else ""),
        ("Organisation", holder.organisation_name),
        ("Display name", holder.display_name),
    ]
    return [(key, value) for key, value in rows if value]


@bp.route("/account/password", methods=["GET", "POST"])
@participant
def password() -> Answer:
    holder = _signed_in()
    if holder.password_hash is None and not sessions.is_fresh():
        page = render_template(
            "accounts/sign_in_again.html", email=holder.email, token=generate_csrf(), wanted=request.path,
            why="A first password can be set within 15 minutes of signing in, "
            "so that nobody who finds your browser open can set one for you.",
        )  # fmt: skip
        return page, 403 if request.method == "POST" else 200
    form = PasswordForm.for_holder(holder.password_hash is not None)
    if form.validate_on_submit():
        try:
            _change_password(holder, form)
        except RuleBroken as error:
            form.show_rule_broken(error)
        else:
            begin_session(holder)
            return redirect(url_for("accounts.account", changed="password"), code=303)
    return render_template("accounts/password.html", form=form, email=holder.email), _status(form)


def _change_password(holder: Account, form: PasswordForm) -> None:
    if "current" in form:
        email = holder.email or ""
        _count_try(email)
        if services.password_holder(email=email, password=form.current.data) is None:
            raise RuleBroken("That is not your current password.", field="current")
    with transaction():
        services.set_password(account=holder, password=form.password.data)
        limits.clear_tries(email=holder.email or "")
        services.tell_of_new_password(account=holder, now=clock.now())


def _signed_in() -> Account:
    return current_user._get_current_object()


def _status(form: Form, refused: RuleBroken | None = None) -> int:
    return 429 if isinstance(refused, TooOften) else 422 if form.errors else 200
