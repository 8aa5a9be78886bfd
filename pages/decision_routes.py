"""The decision log: every published decision, how each compares with the vote, and the same as data."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, render_template, request, url_for

from accounts.rules import Capacity
from audit.entries import text_digest
from audit.queries import Line, entry_line, folded_position
from core import clock
from core.access import public
from core.clock import in_uk, uk_day
from core.forms import tidy_line
from core.paging import PER_PAGE, Page, page_number
from decisions import comparing, queries
from decisions.answers import AnswerRow, answer_text, answers_given_in
from decisions.evidence import cited_in, version_in
from decisions.milestones import milestones_of
from decisions.queries import DecisionRow, Wanted
from decisions.rules import Comparison, Outcome
from decisions.services import FURTHER, decision_digest, what_it_says
from decisions.side_by_side import side_by_side, two_decisions
from opendata.rules import DECISION_FIELDS, decision_row, decision_title, labelled
from opendata.rules import fields as columns
from opendata.serving import Feed, FeedEntry, atom_response, csv_response, json_response
from search.queries import matching
from search.rules import LONGEST_QUERY, plain_words
from voting.queries import tally_of

bp = Blueprint("decision_log", __name__)

FACETS = {
    "theme": "Theme",
    "department": "Department",
    "outcome": "Outcome",
    "comparison": "Compared with the vote",
    "departs": "Group it differs from",
}
SORTS = {"relevance": "Best match", "newest": "Newest", "oldest": "Oldest", "title": "Title"}
WORDS: dict[str, Callable[[str], str]] = {
    "outcome": lambda value: Outcome(value).label,
    "comparison": lambda value: Comparison(value).label,
    "departs": lambda value: Capacity(value).plural,
}


@dataclass(frozen=True)
class Asked:
    """What an address asks the log for."""

    q: str = ""
    theme: str = ""
    department: str = ""
    outcome: str = ""
    comparison: str = ""
    departs: str = ""
    sort: str = ""
    page: int = 1

    @classmethod
    def of_request(cls) -> "Asked":
        given = {name: tidy_line(request.args.get(name))[:LONGEST_QUERY] for name in ("q", *FACETS, "sort")}
        if given["sort"] not in SORTS or (given["sort"] == "relevance" and not given["q"]):
            given["sort"] = ""
        return cls(**given, page=page_number(request.args.get("page")))

    @property
    def order(self) -> str:
        return self.sort or ("relevance" if self.q else "newest")

    def address(self, endpoint: str = "decision_log.decisions", **changes: Any) -> str:
        """The log asked so, on its first page unless told otherwise."""
        wanted = replace(self, **({"page": 1} | changes))
        kept = {f.name: value for f in fields(wanted) if (value := getattr(wanted, f.name)) and value != f.default}
        return url_for(endpoint) + (f"?{urlencode(kept)}" if kept else "")


def _wanted(asked: Asked) -> tuple[Wanted, bool]:
    """What to list, and whether search could be asked: while it is being rebuilt, titles alone are looked through."""
    facets = {name: getattr(asked, name) for name in FACETS}
    if not asked.q:
        return Wanted(sort=asked.order, **facets), True
    found = matching(asked.q, "decision")
    if found is None:
        return Wanted(words=plain_words(asked.q), sort=asked.order, **facets), False
    return Wanted(references=found, sort=asked.order, **facets), True


@bp.route("/decisions")
@public
def decisions() -> str:
    asked = Asked.of_request()
    wanted, searched = _wanted(asked)
    total = queries.count_decisions(wanted)
    pages = Page[DecisionRow]([], 1, total).pages
    asked = replace(asked, page=min(asked.page, pages))
    rows = queries.decisions(wanted, offset=(asked.page - 1) * PER_PAGE, limit=PER_PAGE)
    position, as_at = folded_position("tally")
    facets = [_facet(name, wanted, asked) for name in FACETS]
    return render_template(
        "decision_log/decisions.html",
        asked=asked,
        page=Page(rows, asked.page, total),
        searched=searched,
        facets=facets,
        filters=_filters(facets, asked),
        sorts=_sorts(asked),
        page_url=lambda n: asked.address(page=n),
        clear_url=asked.address(**dict.fromkeys(("q", *FACETS), "")),
        as_data={
            form: asked.address(f"decision_log.decisions_{form}", sort=asked.sort) for form in ("json", "csv", "atom")
        },
        in_uk=in_uk,
        position=position,
        as_at=in_uk(as_at) if as_at else None,
    )


def _facet(name: str, wanted: Wanted, asked: Asked) -> dict[str, Any]:
    chosen = getattr(asked, name)
    if name == "departs":
        found = [(str(who), str(who), n) for who, n in queries.count_departing(wanted).items()]
    else:
        found = queries.count_by(name, wanted)
    counted = {value: (_words(name, value, words), n) for value, words, n in found}
    if chosen and chosen not in counted:
        counted[chosen] = (_words(name, chosen, chosen), 0)
    items = [
        {
            "label": words,
            "count": n,
            "active": value == chosen,
            "url": asked.address(**{name: "" if value == chosen else value}),
        }
        for value, (words, n) in counted.items()
    ]
    return {"title": FACETS[name], "items": items, "clear_url": asked.address(**{name: ""})}


def _words(name: str, value: str, words: str) -> str:
    try:
        return WORDS[name](value) if name in WORDS else words
    except ValueError:  # typed into the address by hand
        return value


def _filters(facets: list[dict[str, Any]], asked: Asked) -> list[dict[str, str]]:
    used = [{"label": "Search", "value": asked.q, "remove_url": asked.address(q="", sort="")}] if asked.q else []
    return used + [
        {"label": facet["title"], "value": item["label"], "remove_url": facet["clear_url"]}
        for facet in facets
        for item in facet["items"]
        if item["active"]
    ]


def _sorts(asked: Asked) -> list[dict[str, Any]]:
    return [
        {"label": words, "url": asked.address(sort=name), "active": name == asked.order}
        for name, words in SORTS.items()
        if asked.q or name != "relevance"
    ]


@bp.route("/decisions.json")
@public
def decisions_json() -> Response:
    return json_response(_rows())


@bp.route("/decisions.csv")
@public
def decisions_csv() -> Response:
    names = columns(DECISION_FIELDS, demonstration=_site().demonstration)
    return csv_response(_rows(), "decisions.csv", names)


@bp.route("/decisions.atom")
@public
def decisions_atom() -> Response:
    asked = Asked.of_request()
    site = _site()
    entries = [_feed_entry(decision) for decision in _all(asked)]
    feed = Feed(
        title=decision_title(f"Decisions – {site.name}", demonstration=site.demonstration),
        page_url=site.url + asked.address(),
        feed_url=site.url + asked.address("decision_log.decisions_atom"),
        author=site.name,
        entries=entries,
    )
    return atom_response(feed)


def _site() -> Any:
    return current_app.config["SITE"]


def _all(asked: Asked) -> list[DecisionRow]:
    wanted, _ = _wanted(asked)
    return queries.decisions(wanted)


def _rows() -> list[dict[str, Any]]:
    rows = [decision_row(decision, _url(decision)) for decision in _all(Asked.of_request())]
    return labelled(rows, demonstration=_site().demonstration)


def _url(decision: DecisionRow) -> str:
    return _site().url + url_for("decision_log.decision", reference=decision.reference)


def _feed_entry(decision: DecisionRow) -> FeedEntry:
    headline = f"{Outcome(decision.outcome).label}: {decision.title}"
    return FeedEntry(
        title=decision_title(headline, demonstration=_site().demonstration),
        url=_url(decision),
        at=decision.published_at,
        text="\n\n".join([decision.statement, decision.comparison_sentence, *decision.departures]),
        author=decision.decided_by,
    )


@bp.route("/decisions/<reference>")
@public
def decision(reference: str) -> str:
    found = queries.decision_with(tidy_line(reference))
    versions = queries.decisions_on(found.regulation_id)
    return render_template(
        "decision_log/decision.html",
        decision=found,
        tally=tally_of(found.regulation_id),
        cited=cited_in(found),
        answers=answers_given_in(found.reference),
        version_line=version_in(found),
        compared=comparing.rows(found.comparisons),
        departures=comparing.departures(found.comparisons, found.departure_reason),
        versions=versions if len(versions) > 1 else [],
        digest=decision_digest(found),
        further=[name for name in what_it_says(found) if name in FURTHER],
        rests_on=_rests_on(found),
        steps=milestones_of(found.reference),
        today=uk_day(clock.now()),
        in_uk=in_uk,
    )


@bp.route("/decisions/<reference>/compare/<other>")
@public
def compare(reference: str, other: str) -> str:
    earlier, later = two_decisions(tidy_line(reference), tidy_line(other))
    return render_template(
        "decision_log/compare.html",
        earlier=earlier,
        later=later,
        sections=side_by_side(earlier, later),
        demonstration=later.demonstration or _site().demonstration,
        in_uk=in_uk,
    )


def _rests_on(decision: DecisionRow) -> Line | None:
    """The line of the final count that a decision cites."""
    kept = next((piece["entry"] for piece in decision.evidence if piece["kind"] == "tally"), None)
    line = entry_line(kept or decision.entry_id)
    return line if kept or line is None else entry_line(line.said["tally"])


@bp.route("/decisions/<reference>.json")
@public
def decision_json(reference: str) -> Response:
    """The row of the log and everything else the decision says, in the words its line in the record commits to."""
    found = queries.decision_with(tidy_line(reference))
    more = {
        "departure_reason": found.departure_reason,
        "evidence": found.evidence,
        "tally": found.tally,
        "comparison": found.comparison,
        "comparison_sentence": found.comparison_sentence,
        **{name: getattr(found, name) for name in FURTHER},
        "answers": [_answer(answer) for answer in answers_given_in(found.reference)],
        "at_size": found.at_size,
        "evidence_at_size": found.evidence_at_size,
        "entry": found.entry_id,
        "statement_sha256": decision_digest(found),
    }
    (row,) = labelled([decision_row(found, _url(found)) | more], demonstration=_site().demonstration)
    return json_response(row)


def _answer(answer: AnswerRow) -> dict[str, Any]:
    """An answer as its line in the record commits to it, with the point or the comment it is for."""
    return {
        "point": answer.point,
        "point_title": answer.point_title,
        "comment": answer.comment,
        "behind": answer.behind,
        "verdict": answer.verdict,
        "reasons": answer.reasons,
        "entry": answer.entry_id,
        "text_sha256": text_digest(answer_text(answer)),
    }
