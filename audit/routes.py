"""The log as static files, as any web server in front may serve them itself."""

import gzip
import re

from flask import Blueprint, Response, request

from audit.tiles import CHECKPOINT, WIDTH, MissingTile, log_folder, packed
from core.access import public
from core.errors import NotFound

bp = Blueprint("log", __name__, url_prefix="/log")

FOR_GOOD = "public, max-age=31536000, immutable"
A_MOMENT = "public, max-age=0, s-maxage=1"
A_WHILE = "public, max-age=300"
NOTES = {CHECKPOINT: A_MOMENT, "cosigned": A_MOMENT, "vkey": A_WHILE, "policy": A_WHILE}
_PLACE = re.compile(r"((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@bp.route("/<any(checkpoint, cosigned, vkey, policy):file>")
@public
def note(file: str) -> Response:
    try:
        content = (log_folder().path / file).read_bytes()
    except FileNotFoundError:
        raise NotFound("The log has no such file yet.") from None
    response = _static(content, "text/plain; charset=utf-8", NOTES[file])
    response.add_etag()
    response.make_conditional(request)
    return response


@bp.route("/tile/<int:level>/<path:place>")
@public
def tile(level: int, place: str) -> Response:
    n, width = _tile_asked(place)
    if level > 63:
        raise NotFound("The log has no such file.")
    try:
        content = log_folder().hashes(level, n, width)
    except MissingTile:
        raise NotFound("The log has no such file yet.") from None
    return _static(content, "application/octet-stream", FOR_GOOD)


@bp.route("/tile/entries/<path:place>")
@public
def entries(place: str) -> Response:
    n, width = _tile_asked(place)
    try:
        content = packed(log_folder().entries(n, width))
    except MissingTile:
        raise NotFound("The log has no such file yet.") from None
    if not request.accept_encodings.quality("gzip"):
        return _static(content, "application/octet-stream", FOR_GOOD)
    response = _static(gzip.compress(content, mtime=0), "application/octet-stream", FOR_GOOD)
    response.headers["Content-Encoding"] = "gzip"
    return response


def _tile_asked(place: str) -> tuple[int, int]:
    """Which tile, and how much of it, in the one spelling that c2sp.org/tlog-tiles gives each."""
    found = _PLACE.fullmatch(place)
    digits = found[1].replace("x", "").replace("/", "") if found else ""
    width = int(found[2] or WIDTH) if found else 0
    needless = len(digits) > 3 and digits.startswith("000")
    if found is None or needless or len(digits) > 18 or width > WIDTH or (found[2] and width == WIDTH):
        raise NotFound("The log has no such file.")
    return int(digits), width


def _static(content: bytes, kind: str, keep: str) -> Response:
    response = Response(content, content_type=kind)
    response.headers["Cache-Control"] = keep
    response.headers["Access-Control-Allow-Origin"] = "*"
    if kind != "text/plain; charset=utf-8":
        response.headers["Vary"] = "Accept-Encoding"
    return response
