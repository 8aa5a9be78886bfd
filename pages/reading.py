"""How reading pages show what was found: clocks, reasons, lines of the record, and their rows in downloads."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from flask import Response, current_app, request, url_for

from accounts.rules import Capacity
from core import clock
from core.clock import in_uk, last_day, uk_day
from decisions.queries import DecisionRow
from opendata.rules import fields, labelled
from opendata.serving import csv_response, json_response, streamed_csv, streamed_json
from pages import rules
from pages.sentences import day as in_words
from pages.trail import Folded, Told, hours_of
from regulations.models import Regulation
from regulations.rules import Split, Stage
from voting.rules import Tally
from voting.shown import Reason

SOURCES = {
    "official-text": "Official text",
    "cross-checked": "Cross-checked: found in two public texts",
    "public-reference": "Public reference: found in one public text",
    "editors": "The editors’ own knowledge, not yet checked",
}
COMMENT_FIELDS = (
    "id", "slug", "choice", "direction", "text", "who", "name_checked", "capacity", "level", "supports", "written_on",
    "hidden_by", "hidden_on", "hidden_office", "masked_by", "masked_on", "masked_office",
    "erased_on", "erased_because", "erasure", "entry", "url",
)  # fmt: skip
LINE_FIELDS = ("idx", "id", "at", "type", "item", "title", "sentence", "detail", "url")


@dataclass(frozen=True)
class Clock:
    """What the clock macro is told."""

    stage: str
    opens_on: date
    closes_on: date
    days_left: int | None
    due_on: date
    days_overdue: int | None
    decided_on: date | None = None

    @property
    def given(self) -> dict[str, Any]:
        return asdict(self)


def clock_of(regulation: Regulation, now: datetime, decision: DecisionRow | None = None) -> Clock:
    theme, stage = regulation.theme, regulation.stage(now)
    days = uk_day(theme.opens_at), last_day(theme.closes_at), last_day(theme.decision_due_at)
    return Clock(
        stage=stage.value,
        **rules.clock_of(stage, *days, uk_day(now)),
        decided_on=uk_day(decision.published_at) if decision else None,
    )


def is_open(regulation: Regulation, now: datetime) -> bool:
    return regulation.stage(now) is Stage.OPEN


def is_sealed(regulation: Regulation) -> bool:
    """Where the split is kept until the close, the reasons are too: they tell which way people went."""
    return regulation.theme.split == Split.KEPT and regulation.theme.frozen_at is None


def reason_shown(reason: Reason) -> dict[str, Any]:
    """What the reason card is told."""
    hidden_by = reason.hidden_by
    if hidden_by and reason.hidden_at:
        hidden_by = _with_who_and_when(hidden_by, reason)
    return {
        "id": reason.public_id,
        "choice": reason.choice,
        "direction": reason.direction,
        "text": reason.text,
        "who": reason.who,
        "name_checked": reason.name_checked,
        "capacity": None if reason.who == reason.capacity.label else _lowered(reason.capacity),
        "on": in_uk(reason.written_at),
        "supports": reason.supports,
        "url": url_for("reading.entry", entry_id=reason.entry_id),
        "hidden_by": hidden_by,
        "erased": erasure_shown(reason),
        "masked_by": _with_who_and_when(reason.masked_by, reason) if reason.masked_by else None,
        "act_url": url_for("reading.entry", entry_id=reason.act_id) if reason.act_id else None,
        "demonstration": reason.demonstration,
    }


def _with_who_and_when(rule: str, reason: Reason) -> str:
    return f"{rule} ({reason.hidden_office}, {in_words(in_uk(reason.hidden_at))})" if reason.hidden_at else rule


def erasure_shown(reason: Reason) -> dict[str, Any] | None:
    """When the words of a reason were deleted, and why."""
    if reason.erased_at is None:
        return None
    return {
        "on": in_uk(reason.erased_at),
        "because": reason.erased_because,
        "url": url_for("reading.entry", entry_id=reason.erasure_id),
    }


def _lowered(capacity: Capacity) -> str:
    return capacity.label[0].lower() + capacity.label[1:]


def comment_row(reason: Reason) -> dict[str, Any]:
    return {
        "id": reason.public_id,
        "slug": reason.regulation_slug,
        "choice": reason.choice,
        "direction": reason.direction,
        "text": reason.text if reason.is_readable else None,
        "who": reason.who,
        "name_checked": reason.name_checked,
        "capacity": reason.capacity.value,
        "level": reason.level,
        "supports": reason.supports,
        "written_on": uk_day(reason.written_at),
        "hidden_by": reason.hidden_by,
        "hidden_on": uk_day(reason.hidden_at) if reason.hidden_at and reason.hidden_by else None,
        "hidden_office": reason.hidden_office if reason.hidden_by else None,
        "masked_by": reason.masked_by,
        "masked_on": uk_day(reason.hidden_at) if reason.hidden_at and reason.masked_by else None,
        "masked_office": reason.hidden_office if reason.masked_by else None,
        "erased_on": uk_day(reason.erased_at) if reason.erased_at else None,
        "erased_because": reason.erased_because or None,
        "erasure": reason.erasure_id or None,
        "entry": reason.entry_id,
        "url": address("reading.entry", entry_id=reason.entry_id),
    }


def line_shown(told: Told, *, titled: bool = False) -> dict[str, Any]:
    """What the trail is told of one line; ``titled`` where lines of many regulations stand together."""
    detail = told.says.detail
    if titled and told.title and told.title not in told.says.text:
        detail = f"{told.title}. {detail}".strip() if detail else told.title
    return {
        "text": told.says.text,
        "at": told.at,
        "href": url_for("reading.entry", entry_id=told.line.id),
        "kind": told.says.kind,
        "detail": detail,
        "lines": [],
    }


def trail_shown(slug: str, item: Told | Folded) -> dict[str, Any]:
    """A single line, or a day's lines: folded into one sentence, or behind a link where there are too many."""
    if isinstance(item, Told):
        return line_shown(item)
    if len(item.lines) == 1:
        return line_shown(item.lines[0])
    return {
        "text": item.text,
        "at": item.day,
        "href": url_for("reading.history", slug=slug, day=item.day.isoformat()),
        "kind": "",
        "detail": "",
        "lines": [line_shown(told) for told in item.lines],
    }


def line_row(told: Told) -> dict[str, Any]:
    return {
        "idx": told.line.idx,
        "id": told.line.id,
        "at": told.line.at,
        "type": told.line.type,
        "item": told.line.item,
        "title": told.title or None,
        "sentence": told.says.text,
        "detail": told.says.detail or None,
        "url": address("reading.entry", entry_id=told.line.id),
    }


def begins(item: Told | Folded) -> datetime:
    """When something stands in a feed: the hour of a line, the first hour of a day's."""
    return item.line.at if isinstance(item, Told) else datetime.fromtimestamp(hours_of(item.day)[0], UTC)


def headline(text: str) -> str:
    """In a demonstration a feed's headline says so, wherever it travels."""
    return f"Demonstration: {text}" if is_demonstration() and not text.startswith("Demonstration") else text


def is_demonstration() -> bool:
    return bool(current_app.config["SITE"].demonstration)


def address(endpoint: str, **given: Any) -> str:
    """An absolute address that lasts, under the site's own name whatever host was asked."""
    return str(current_app.config["SITE"].url + url_for(endpoint, **given))


def form_asked() -> str:
    """html, or the form of download that ends the address."""
    last = request.path.rpartition(".")[2]
    return last if last in ("json", "csv", "atom") else "html"


def rows_as(form: str, rows: Sequence[dict[str, Any]], names: Sequence[str], filename: str) -> Response:
    told = labelled(rows, demonstration=is_demonstration())
    if form == "json":
        return json_response(told)
    return csv_response(told, f"{filename}.csv", fields(names, demonstration=is_demonstration()))


def streamed(form: str, rows: Iterator[dict[str, Any]], names: Sequence[str], filename: str) -> Response:
    """The same for a list that may be too long to hold at once."""
    told = (labelled([row], demonstration=is_demonstration())[0] for row in rows)
    if form == "json":
        return streamed_json(told)
    return streamed_csv(told, f"{filename}.csv", fields(names, demonstration=is_demonstration()))


def day_asked(asked: str | None) -> date | None:
    """A day named in an address, or None for anything that is no day of this century."""
    day = day_in(asked)
    return day if day and 2000 <= day.year < 2100 else None


def day_in(text: str | None) -> date | None:
    """The day a text gives as 1993-01-01, or None for anything else."""
    try:
        return date.fromisoformat((text or "").strip())
    except ValueError:
        return None


def kept(**given: Any) -> dict[str, Any]:
    """What stands in an address: nothing that is empty."""
    return {name: value for name, value in given.items() if value}


def today() -> date:
    return uk_day(clock.now())


def final_at_of(found: Regulation) -> datetime | None:
    return in_uk(found.theme.frozen_at) if found.theme.frozen_at else None


def dated(tally: Tally, found: Regulation) -> Tally:
    """A running count with its time by the clock in the UK; a final one is told by the day it became so."""
    running = tally.as_at if found.theme.frozen_at is None else None
    return replace(tally, as_at=in_uk(running) if running else None)


def tally_mode(found: Regulation, tally: Tally, now: datetime) -> str:
    """A kept split stays so until the count is final; a folded one opens by itself once the window has closed."""
    if tally.sealed or is_sealed(found):
        return "kept"
    if found.theme.split == Split.FOLDED and not found.theme.window.has_closed(now):
        return "folded"
    return "shown"


def counts_shown(tally: Tally, sealed: bool) -> dict[str, int | None]:
    return {key: None if sealed and key != "participants" else n for key, n in tally.counts.items()}
