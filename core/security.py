"""The headers every answer carries, and the addresses that are refused before anything is asked."""

from flask import Flask, Response, request

from core.errors import NotFound

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


def init_app(app: Flask, *, https: bool, hidden_from_search: bool) -> None:
    @app.before_request
    def refuse_impossible_addresses() -> None:
        """PostgreSQL takes no NUL in any text, so nothing can be found under such an address."""
        if "\x00" in request.path:
            raise NotFound("There is nothing at this address.")

    @app.after_request
    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", POLICY)
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        if https:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        if hidden_from_search:
            headers.setdefault("X-Robots-Tag", "noindex, nofollow")
        if request.endpoint == "static":
            headers["Cache-Control"] = "public, max-age=31536000, immutable" if "v" in request.args else "no-cache"
        return response
