"""A browser's session: who is signed in with it and since when, what of it outlives signing in, and how it ends."""

import secrets

from flask import current_app, request, session
from flask_login import current_user, login_user, logout_user

from accounts import queries, rules, services
from accounts.models import Account
from core import clock
from core.db import transaction

BALLOTS_ON_THEIR_WAY = ("ballots", "ballots_begun")
"""What voting/drafts.py keeps there."""
WAY_IN = "way_in"
BROWSER = "browser"
SINCE = "signed_in_at"
OF_SIGNING_IN = {BROWSER, SINCE, "_user_id", "_id", "_fresh", "_permanent", "csrf_token"}
"""What says nothing of what somebody did here."""


def begin_session(account: Account) -> str:
    """Sign this browser in; returns where the person was going.

    Nothing of an earlier session stays, so that nobody can hand their own on; ballots on their way do, unless they
    are another's.
    """
    wanted = session.get(WAY_IN, {}).get("next")
    signed_in, again = current_user.is_authenticated, current_user.is_authenticated and current_user.id == account.id
    kept = {key: session[key] for key in BALLOTS_ON_THEIR_WAY if key in session} if again or not signed_in else {}
    browser = session[BROWSER] if again else secrets.token_urlsafe(16)
    session.clear()
    session.update(kept)
    session.update({BROWSER: browser, SINCE: clock.now()})
    session.permanent = True
    login_user(account)
    home = "/my/contributions" if account.role == rules.Role.PARTICIPANT else "/staff"
    return rules.own_path(wanted, home)


def holder(session_key: str) -> Account | None:
    """Who is signed in, or nobody once the session was ended, or is over."""
    if BROWSER not in session or SINCE not in session:
        return None
    account = queries.account_of_session(session_key, session[BROWSER])
    return account if account and rules.is_signed_in(account.role, session[SINCE], clock.now()) else None


def is_fresh() -> bool:
    return SINCE in session and rules.is_fresh(session[SINCE], clock.now())


def drop_what_is_over() -> None:
    """Before any page that has a session: one that signs nobody in any more was somebody's, so nothing of it is shown.

    A form that was checked before goes on; others say that they have expired.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "access", "public") == "public":
        return
    if "_user_id" in session and not session.keys() <= OF_SIGNING_IN and not current_user.is_authenticated:
        session.clear()


def end_session() -> None:
    """Here and on the server, so that a copy of the cookie is worth nothing."""
    if BROWSER in session:
        with transaction():
            services.end_session(browser=session[BROWSER], now=clock.now())
    logout_user()
    session.clear()
