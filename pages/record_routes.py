"""Reading the record: one regulation's history, the latest lines of all, and each line by itself."""

import re
from collections.abc import Sequence
from typing import Any

from flask import Response, current_app, render_template, request, url_for

from accounts.rules import Level
from audit.entries import ALL
from audit.queries import entry_bytes, entry_line, log_size
from audit.verify import FAILURES
from core import clock
from core.access import public
from core.errors import NotFound
from core.forms import tidy_line
from core.paging import Page, page_number
from opendata.serving import Feed, FeedEntry, atom_response
from pages import openings, proof, reading, trail
from pages.proof import Signing
from pages.regulation_routes import bp
from pages.sentences import ACTORS, TYPE_WORDS
from pages.trail import Folded, Place, Told, Wanted
from regulations.models import Regulation
from regulations.queries import regulation_with

TRAIL_PER_PAGE = 40
LINES_PER_PAGE = 50
FEED_LINES = 50


@bp.route("/regulations/<slug>/history")
@bp.route("/regulations/<slug>/history.json", endpoint="history_json")
@bp.route("/regulations/<slug>/history.csv", endpoint="history_csv")
@bp.route("/regulations/<slug>/history.atom", endpoint="history_atom")
@public
def history(slug: str) -> str | Response:
    found, form = regulation_with(slug), reading.form_asked()
    place, demonstration = Place(found.slug, found.theme_id), reading.is_demonstration()
    wanted = Wanted(type=_type_asked(), day=reading.day_asked(request.args.get("day")), place=place)
    if form in ("json", "csv"):
        rows = [reading.line_row(told) for told in trail.all_lines(wanted, demonstration=demonstration)]
        return reading.rows_as(form, rows, reading.LINE_FIELDS, f"{slug}-history")
    if form == "html" and (wanted.day or wanted.type):
        return _lines_of_history(found, wanted)
    acts = trail.acts(place, limit=trail.ACTS, demonstration=demonstration)
    items = trail.together(acts, trail.folded_days(place))
    if form == "atom":
        return _feed(
            f"{found.title}: history",
            "reading.history",
            [(item, reading.trail_shown(slug, item)) for item in items[:FEED_LINES]],
            slug=slug,
        )
    number = min(page_number(request.args.get("page")), Page([], 1, len(items), TRAIL_PER_PAGE).pages)
    here = items[(number - 1) * TRAIL_PER_PAGE : number * TRAIL_PER_PAGE]
    unfolded = iter(trail.unfold(place, [i for i in here if isinstance(i, Folded)], demonstration=demonstration))
    here = [next(unfolded) if isinstance(item, Folded) else item for item in here]
    shown = [reading.trail_shown(slug, item) for item in here]
    return render_template(
        "reading/history.html",
        regulation=found,
        clock=reading.clock_of(found, clock.now()).given,
        page=Page(shown, number, len(items), TRAIL_PER_PAGE),
        page_url=lambda n: url_for("reading.history", slug=slug, page=n if n > 1 else None),
        downloads={form: url_for(f"reading.history_{form}", slug=slug) for form in ("json", "csv", "atom")},
    )


def _lines_of_history(found: Regulation, wanted: Wanted) -> str:
    """One day's lines, or all of one type, each by itself."""
    kept = reading.kept(day=wanted.day.isoformat() if wanted.day else "", type=wanted.type) | {"slug": found.slug}
    return render_template(
        "reading/history_lines.html",
        regulation=found,
        what=TYPE_WORDS.get(wanted.type, "Everything"),
        day=wanted.day,
        total=trail.count_lines(wanted),
        downloads={form: url_for(f"reading.history_{form}", **kept) for form in ("json", "csv")},
        **_some_lines(wanted, "reading.history", kept, titled=False),
    )


def _some_lines(wanted: Wanted, endpoint: str, kept: dict[str, Any], *, titled: bool) -> dict[str, Any]:
    """So many lines before the place the address names, and the addresses of those before and of the newest."""
    before = _place_asked()
    told = trail.lines(
        wanted, limit=LINES_PER_PAGE + 1, before=before, demonstration=reading.is_demonstration()
    )  # fmt: skip
    here, more = told[:LINES_PER_PAGE], len(told) > LINES_PER_PAGE
    return {
        "lines": [reading.line_shown(one, titled=titled) for one in here],
        "older_url": url_for(endpoint, **kept, before=here[-1].line.idx) if more else None,
        "newest_url": url_for(endpoint, **kept) if before is not None else None,
    }


@bp.route("/record")
@bp.route("/record.json", endpoint="record_json")
@bp.route("/record.csv", endpoint="record_csv")
@bp.route("/record.atom", endpoint="record_atom")
@public
def record() -> str | Response:
    asked: dict[str, Any] = {
        "type": _type_asked(),
        "actor": _actor_asked(),
        "regulation": tidy_line(request.args.get("regulation"))[:100],
        "day": reading.day_asked(request.args.get("day")),
    }
    item = trail.item_named(asked["regulation"]) if asked["regulation"] else ""
    wanted = Wanted(type=asked["type"], actor=asked["actor"], item=item, day=asked["day"])
    form, demonstration = reading.form_asked(), reading.is_demonstration()
    if form in ("json", "csv"):
        rows = (reading.line_row(told) for told in trail.all_lines(wanted, demonstration=demonstration))
        return reading.streamed(form, rows, reading.LINE_FIELDS, "record")
    if form == "atom":
        told = trail.lines(wanted, limit=FEED_LINES, demonstration=demonstration)
        lines = [(one, reading.line_shown(one, titled=True)) for one in told]
        return _feed("The record", "reading.record", lines, **_named(asked))
    size = log_size()
    narrowed = any(asked.values())
    return render_template(
        "reading/record.html",
        asked=asked,
        item=item,
        size=size,
        total=trail.count_lines(wanted) if narrowed else size,
        narrowed=narrowed,
        in_use=sum(map(bool, asked.values())),
        types=TYPE_WORDS,
        actors={actor: words for actor, (words, _) in ACTORS.items()},
        signing=proof.signing(),
        today=reading.today(),
        downloads={form: url_for(f"reading.record_{form}", **_named(asked)) for form in ("json", "csv", "atom")},
        **_some_lines(wanted, "reading.record", _named(asked), titled=True),
    )


def _named(asked: dict[str, Any]) -> dict[str, Any]:
    return reading.kept(**{**asked, "day": asked["day"].isoformat() if asked["day"] else ""})


def _type_asked() -> str:
    asked = request.args.get("type", "")
    return asked if asked in ALL else ""


def _actor_asked() -> str:
    asked = request.args.get("actor", "")
    return asked if asked in ACTORS else ""


def _place_asked() -> int | None:
    """The place in the record that an address names, or None for anything that can be no place."""
    asked = request.args.get("before", type=int)
    return asked if asked is not None and 0 <= asked < 2**53 else None


def _feed(title: str, endpoint: str, items: Sequence[tuple[Told | Folded, dict[str, Any]]], **given: Any) -> Response:
    site = current_app.config["SITE"]
    entries = [
        FeedEntry(
            title=reading.headline(shown["text"]),
            url=site.url + shown["href"],
            at=reading.begins(item),
            text=shown["detail"],
        )
        for item, shown in items
    ]
    return atom_response(
        Feed(
            title=reading.headline(title),
            page_url=reading.address(endpoint, **given),
            feed_url=reading.address(f"{endpoint}_atom", **given),
            author=site.name,
            entries=entries,
        )
    )


@bp.route("/help/verify")
@public
def verify() -> str:
    return render_template("help/verify.html", signing=proof.signing(), failures=FAILURES, sample=_SAMPLE)


_SAMPLE = """\
Checked record.zip:
             1  signatures
             0  cosignatures
         3,459  entries
         1,984  entries vote
           157  entries comment
           …
         1,931  votes counted
           …
           106  tallies recounted
            54  decisions checked
           563  openings present
             6  openings absent hidden
VERIFIED"""


@bp.route("/record/<entry_id>")
@public
def entry(entry_id: str) -> str:
    written, leaf = _bytes_or_404(entry_id)
    told = trail.told(entry_id, demonstration=reading.is_demonstration())
    idx, signing = told.line.idx, proof.signing()
    beside = trail.neighbours(idx) if idx is not None else {}
    proved = proof.proof_of(idx, leaf, signing) if idx is not None and signing else None
    return render_template(
        "reading/entry.html",
        told=told,
        says=told.says,
        idx=idx,
        size=log_size(),
        text=written.decode("utf-8", "replace"),
        length=len(written),
        leaf=leaf.hex(),
        json_url=reading.address("reading.entry_json", entry_id=entry_id),
        site_url=current_app.config["SITE"].url,
        links=_links_in(told),
        level=_level_words(told),
        opened=openings.public_openings(told),
        previous_id=beside.get((idx or 0) - 1),
        next_id=beside.get((idx or 0) + 1),
        signing=signing,
        proof=proved,
        rests_on=_rests_on(told, signing),
    )


def _rests_on(told: Told, signing: Signing | None) -> dict[str, Any] | None:
    """The count that a decision cites, and whether the lines it was made over are those the decision names."""
    said = told.line.said
    tally = entry_line(said["tally"]) if told.line.type == "decision" and said.get("tally") else None
    if tally is None or signing is None:
        return None
    return {
        "tally": tally,
        "words": trail.told(tally.id, demonstration=reading.is_demonstration()).says.text,
        "at_size": said["at_size"],
        "evidence_at_size": said.get("evidence_at_size"),
        "root": said["root"],
        "agrees": proof.root_agrees(said["at_size"], said["root"], signing),
        "same_count": (tally.said["at_size"], tally.said["item"]) == (said["at_size"], said["item"]),
    }


_LINKS = {
    "prev": "The line this one follows",
    "comment": "The reason that is meant",
    "point": "The point that is meant",
    "target": "The line this act is about",
    "tally": "The final count it rests on",
    "decision": "The decision it follows from",
    "supersedes": "The decision it takes the place of",
}


def _links_in(told: Told) -> list[tuple[str, str]]:
    """The earlier lines that an entry refers to, each with the words for it."""
    said, refers = told.line.said, ALL[told.line.type].refers if told.line.type in ALL else ()
    named = [
        (words, said[name]) for name, words in _LINKS.items() if name in refers and isinstance(said.get(name), str)
    ]
    listed = said.get("targets", ()) if "targets" in refers else ()
    named += [(f"Vote {n} of {len(listed)} that this act is about", id) for n, id in enumerate(listed, 1)]
    return [(words, url_for("reading.entry", entry_id=id)) for words, id in named]


def _level_words(told: Told) -> str:
    try:
        return Level(told.line.said.get("level", -1)).name.replace("_", " ").capitalize()
    except ValueError:
        return ""


@bp.route("/record/<entry_id>.json")
@public
def entry_json(entry_id: str) -> Response:
    """The entry's exact bytes, so that anybody's hash of them is the record's."""
    written, _ = _bytes_or_404(entry_id)
    response = Response(written, mimetype="application/json")
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _bytes_or_404(entry_id: str) -> tuple[bytes, bytes]:
    """The exact bytes of an entry and its digest; what can be no id is not even looked for."""
    found = entry_bytes(entry_id) if re.fullmatch("[0-9a-f]{32}", entry_id) else None
    if found is None:
        raise NotFound("There is no line in the record at this address.")
    return found
