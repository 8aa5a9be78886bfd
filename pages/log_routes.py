"""The record to take away: the texts behind each line, the whole of it in one file, and the program that checks it."""

import re

from flask import Blueprint, Response, send_file

from core.access import public
from core.errors import NotFound, Unavailable
from opendata.bundle import VERIFIER, kept_bundle
from opendata.openings import openings_of_line
from opendata.serving import json_response

bp = Blueprint("log_files", __name__)

A_MINUTE = "public, max-age=0, s-maxage=60"


@bp.route("/log/openings/<entry_id>.json")
@public
def openings(entry_id: str) -> Response:
    found = openings_of_line(entry_id) if re.fullmatch("[0-9a-f]{32}", entry_id) else None
    if found is None:
        raise NotFound("There is no line in the record at this address.")
    opened = [{name: value for name, value in each.said().items() if name != "entry"} for each in found.opened]
    absent = [{"field": each.field, "because": each.because, "by": each.by} for each in found.absent]
    return json_response({"entry": entry_id, "openings": opened, "absent": absent})


@bp.route("/data/record.zip")
@public
def record_zip() -> Response:
    kept = kept_bundle()
    if kept is None:
        raise Unavailable("The file with the whole record is being made. Please come back in a few minutes.")
    response = send_file(
        kept.path, mimetype="application/zip", as_attachment=True, download_name=kept.path.name,
        etag=kept.tag, last_modified=kept.made_at, conditional=True,
    )  # fmt: skip
    return _for_everybody(response, A_MINUTE)


@bp.route("/data/verify.py")
@public
def verifier() -> Response:
    response = send_file(VERIFIER, mimetype="text/x-python", as_attachment=True, download_name="verify.py")
    return _for_everybody(response, A_MINUTE)


def _for_everybody(response: Response, cache: str) -> Response:
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = cache
    return response
