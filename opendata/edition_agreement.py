"""Whether editions of the reports are what the record says: to the byte, as anybody cites them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select

from audit.agreement import recorded, streamed, unmatched
from audit.entries import text_digest
from core.db import db
from opendata.models import Edition
from opendata.rules import DEMONSTRATION
from opendata.serving import json_text
from regulations.models import Theme

ABOUT_ITSELF = {"edition", "counted_at", "log_size", "url", DEMONSTRATION}
"""What an edition says of itself beside the report: the same report, kept at another time, is no other edition."""


def disagreements() -> Iterator[str]:
    lines = {line.id: line for line in recorded("edition")}
    named = db.session.scalars(select(Edition.entry_id).order_by(Edition.id)).all()
    yield from unmatched("edition", named, lines.values())
    wanted = select(Edition, Theme.slug).outerjoin(Theme, Theme.id == Edition.theme_id).order_by(Edition.id)
    for row in streamed(wanted):
        edition, slug = row.Edition, row.slug
        line = lines.get(edition.entry_id or "")
        if line is None:
            continue
        called = f"edition: number {edition.number} of the report on {slug}"
        if wrong := wrong_with_edition(edition, slug, line.said):
            yield f"{called} {wrong}."
        elif edition.content_sha256 != content_digest(json.loads(edition.text)):
            yield f"{called} is told apart from others by something else than what it says."
        if not line.is_of(edition.kept_at):
            yield f"{called} was kept at another time than {line.named}."


def wrong_with_edition(row: Any, slug: str | None, said: Mapping[str, Any]) -> str:
    """What is not as its line says; empty when all is. ``row`` has the columns of an edition."""
    if text_digest(row.text) != said.get("text_sha256"):
        return "is not the text whose digest the record holds"
    kept = {"theme": slug, "number": row.number, "at_size": row.at_size, "text_sha256": row.sha256}
    return "" if all(said.get(name) == value for name, value in kept.items()) else "is not what its line says"


def content_digest(said: Mapping[str, Any]) -> str:
    """Of a report, whenever it was made: it is another one as soon as it says anything else."""
    return text_digest(json_text({name: value for name, value in said.items() if name not in ABOUT_ITSELF}))
