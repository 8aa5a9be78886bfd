"""Who may open a page. Every route wears exactly one of these; a test says so."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, current_app, make_response, redirect, request, url_for
from flask.globals import request_ctx
from flask.sessions import SecureCookieSessionInterface
from flask_login import current_user

from core.errors import NotAllowed

View = Callable[..., Any]


class PublicPageLookedAtItsVisitor(RuntimeError):
    """A page that any cache may keep has read the session, so it may show one person's page to another."""


def public(view: View) -> View:
    """Anyone, and the same for everyone: no session is opened or saved, so any cache may keep the answer."""

    @wraps(view)
    def opened(*args: Any, **kwargs: Any) -> Response:
        tag = _freshness()  # before the view: what changes meanwhile must not be taken for seen
        unchanged = _not_modified(tag)
        if unchanged is not None:
            return unchanged
        response = make_response(view(*args, **kwargs))
        if _session_was_read():
            raise PublicPageLookedAtItsVisitor(request.endpoint)
        if response.status_code == 200 and "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "public, max-age=0, s-maxage=1"
            response.headers["ETag"] = tag
        return response

    return _wears("public", opened)


def _session_was_read() -> bool:
    """Asked of the context itself: to ask the session is to read it, and Flask would then say yes."""
    kept = request_ctx._session
    return kept is not None and kept.accessed


def probe(view: View) -> View:
    """Anyone, for machines that ask how the site is: kept by no cache, and it answers without a database."""

    @wraps(view)
    def opened(*args: Any, **kwargs: Any) -> Response:
        return _private(make_response(view(*args, **kwargs)))

    return _wears("public", opened)


def visitor(view: View) -> View:
    """Anyone, but the page is theirs alone: forms, receipts, sign-in."""

    @wraps(view)
    def opened(*args: Any, **kwargs: Any) -> Response:
        return _private(make_response(view(*args, **kwargs)))

    return _wears("visitor", opened)


def participant(view: View) -> View:
    """Whoever has confirmed an email address and is signed in."""

    @wraps(view)
    def opened(*args: Any, **kwargs: Any) -> Response:
        if not current_user.is_authenticated:
            return _sign_in_first()
        return _private(make_response(view(*args, **kwargs)))

    return _wears("participant", opened)


def staff(*roles: str) -> Callable[[View], View]:
    """Signed-in people who hold one of the roles."""

    def decorate(view: View) -> View:
        @wraps(view)
        def opened(*args: Any, **kwargs: Any) -> Response:
            if not current_user.is_authenticated:
                return _sign_in_first()
            if current_user.role not in roles:
                raise NotAllowed("Your account does not have the role this page needs.")
            return _private(make_response(view(*args, **kwargs)))

        return _wears("staff:" + ",".join(roles), opened)

    return decorate


def _wears(access: str, view: View) -> View:
    view.access = access  # type: ignore[attr-defined]
    return view


def _sign_in_first() -> Response:
    wanted = request.full_path.rstrip("?") if request.method == "GET" else "/"
    return _private(make_response(redirect(url_for("accounts.sign_in", next=wanted), code=303)))


def _private(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _freshness() -> str:
    """Same for every visitor: what the page is built from, named by the app (see app.py)."""
    return f'"{current_app.config["FRESHNESS"]()}"'


def _not_modified(tag: str) -> Response | None:
    asked = request.headers.get("If-None-Match")
    if not asked or request.method not in ("GET", "HEAD"):
        return None
    if tag not in [candidate.strip().removeprefix("W/") for candidate in asked.split(",")]:
        return None
    response = Response(status=304)
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "public, max-age=0, s-maxage=1"
    return response


class SessionForThoseWhoNeedOne(SecureCookieSessionInterface):
    """Keeps the cookie, and the Vary header it brings, off public pages whatever extensions do after the view."""

    def save_session(self, app: Any, session: Any, response: Response) -> None:
        view = app.view_functions.get(request.endpoint or "")
        if getattr(view, "access", "public") == "public":
            return
        super().save_session(app, session, response)
