"""What moves on for the regulations that a list finds, as an Atom feed: the same things that followers are mailed."""

from typing import Any

from flask import Blueprint, Response, current_app, request

from core.access import public
from core.forms import tidy_line
from notices.queries import thing
from notices.rules import Followed, search_key, searched
from notices.searches import found_by
from opendata.serving import Feed, FeedEntry, atom_response
from pages import reading, trail

bp = Blueprint("news", __name__)

LINES = 50


@bp.route("/regulations.atom")
@public
def news() -> Response:
    key = search_key({name: tidy_line(value) for name, value in request.args.items()})
    lines = trail.news(found_by(key), limit=LINES, demonstration=reading.is_demonstration())
    site = current_app.config["SITE"].name
    title = f"{thing(Followed.SEARCH, key).title} – {site}" if key else f"News of regulations – {site}"
    asked: dict[str, Any] = dict(searched(key))
    return atom_response(
        Feed(
            title=reading.headline(title),
            page_url=reading.address("pages.regulations", **asked),
            feed_url=reading.address("news.news", **asked),
            author=site,
            entries=[_entry(told) for told in lines],
        )
    )


def _entry(told: trail.Told) -> FeedEntry:
    text = told.says.text
    return FeedEntry(
        title=reading.headline(text if told.title in text else f"{told.title}: {text}"),
        url=reading.address("reading.entry", entry_id=told.line.id),
        at=told.at,
        text=told.says.detail,
    )
