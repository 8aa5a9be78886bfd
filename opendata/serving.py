"""The rows behind a public list as JSON, CSV and Atom. The caller says which; here they only change their dress."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from flask import Response, render_template, stream_with_context

Cell = str | int | float | bool | date | None | Sequence[str]
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class FeedEntry:
    """One thing that happened, as feed readers show it. ``url`` is absolute and lasts: it is the entry's id too."""

    title: str
    url: str
    at: datetime
    text: str = ""
    author: str = ""


@dataclass(frozen=True)
class Feed:
    """An Atom feed (RFC 4287), newest first, with the absolute address of the page it belongs to and its own."""

    title: str
    page_url: str
    feed_url: str
    author: str
    entries: Sequence[FeedEntry] = field(default=())

    @property
    def updated(self) -> datetime:
        return max((entry.at for entry in self.entries), default=datetime(1970, 1, 1, tzinfo=UTC))


def json_response(said: object) -> Response:
    """Any rows or object; moments become ISO 8601 in UTC, and text stays readable."""
    return json_text_response(json_text(said))


def json_text(said: object) -> str:
    return json.dumps(said, ensure_ascii=False, indent=1, default=_plain) + "\n"


def json_text_response(text: str) -> Response:
    """What was written before, to the byte."""
    return _open_to_all(Response(text, mimetype="application/json"))


def csv_response(rows: Iterable[Mapping[str, Cell]], filename: str, fields: Sequence[str] = ()) -> Response:
    """RFC 4180 in UTF-8 with a header, also when there are no rows if ``fields`` names the columns.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    kept = list(rows)
    names = list(fields) or (list(kept[0]) if kept else [])
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in kept)
    response = Response(written.getvalue(), content_type="text/csv; charset=utf-8; header=present")
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return _open_to_all(response)


def streamed_json(rows: Iterable[Mapping[str, object]]) -> Response:
    """A list too long to hold at once, sent row by row as one JSON array."""

    def written() -> Iterator[str]:
        before = "["
        for row in rows:
            yield before + "\n" + json.dumps(row, ensure_ascii=False, default=_plain)
            before = ","
        yield "[]\n" if before == "[" else "\n]\n"

    return _open_to_all(Response(stream_with_context(written()), mimetype="application/json"))


def streamed_csv(rows: Iterable[Mapping[str, Cell]], filename: str, fields: Sequence[str]) -> Response:
    """The same as csv_response(), row by row."""

    def written() -> Iterator[str]:
        yield _csv_line(fields)
        for row in rows:
            yield _csv_line([_cell(row.get(name)) for name in fields])

    response = Response(stream_with_context(written()), content_type="text/csv; charset=utf-8; header=present")
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return _open_to_all(response)


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue()


def atom_response(feed: Feed) -> Response:
    text = render_template("opendata/feed.xml", feed=feed, instant=instant)
    return _open_to_all(Response(_NOT_IN_XML.sub("", text), content_type="application/atom+xml; charset=utf-8"))


def instant(moment: datetime) -> str:
    """A moment as all downloads spell it: 2026-03-02T12:00:00Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a download")


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, date):
        return _plain(value)
    text = value if isinstance(value, str) else "; ".join(value)
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) else text


def _open_to_all(response: Response) -> Response:
    """Public numbers may be read by anybody's script from anybody's page."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
