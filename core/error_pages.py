"""Broken rules and mishaps that reach the edge become pages, once."""

import logging

from flask import Flask, Response, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, SecurityError

from core.errors import Clash, Gone, NotAllowed, NotFound, RuleBroken, TooOften, Unavailable

log = logging.getLogger(__name__)

STATUS_OF: dict[type[RuleBroken], int] = {
    NotAllowed: 403,
    NotFound: 404,
    Clash: 409,
    Gone: 410,
    TooOften: 429,
    Unavailable: 503,
}
DESIGNED = {400, 403, 404, 405, 409, 410, 413, 422, 429, 500, 503}


def init_app(app: Flask) -> None:
    @app.errorhandler(RuleBroken)
    def rule_broken(error: RuleBroken) -> Response:
        return _page(STATUS_OF.get(type(error), 422), error.message)

    @app.errorhandler(CSRFError)
    def forged(error: CSRFError) -> Response:
        return _page(
            400, "This form has expired, or did not come from this site. Go back, reload the page and send it again."
        )

    @app.errorhandler(SecurityError)
    def wrong_host(error: SecurityError) -> Response:
        # Nothing that builds an address works for a host we do not know, so this is the one page without the design.
        return make_response(
            "400 Bad request: this site is not known under that name.\n", 400, {"Content-Type": "text/plain"}
        )

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        status = error.code or 500
        if error.response is not None or status < 400:
            return make_response(error.get_response())
        return _page(status, "")

    @app.errorhandler(Exception)
    def mishap(error: Exception) -> Response:
        log.exception("Unexpected fault at %s", request.endpoint)
        return _page(500, "")


def _page(status: int, message: str) -> Response:
    template = f"errors/{status if status in DESIGNED else 400 if status < 500 else 500}.html"
    response = make_response(render_template(template, message=message), status)
    response.headers["Cache-Control"] = "no-store"
    return response
