"""The rows of a public list as JSON or CSV, labelled where they are invented."""

from collections.abc import Iterable
from typing import Any

from flask import Response, current_app

from opendata.rules import fields, labelled
from opendata.serving import csv_response, json_response


def as_data(form: str, rows: Iterable[dict[str, Any]], names: Iterable[str], filename: str) -> Response:
    demonstration = current_app.config["SITE"].demonstration
    said = labelled(rows, demonstration=demonstration)
    if form == "json":
        return json_response(said)
    return csv_response(said, filename, fields(names, demonstration=demonstration))
