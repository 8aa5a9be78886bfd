"""Whether the answers that decisions give are what the record says."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from audit.agreement import recorded, unmatched
from audit.entries import text_digest
from audit.models import Entry
from core.db import db
from decisions.answers import answer_text
from decisions.models import Answer, Decision
from regulations.models import Regulation


def disagreements() -> Iterator[str]:
    lines = {line.id: line for line in recorded("answer")}
    wanted = (
        select(Answer, Decision.entry_id.label("decision"), Decision.reference, Regulation.slug)
        .outerjoin(Decision, Decision.id == Answer.decision_id)
        .outerjoin(Regulation, Regulation.id == Decision.regulation_id)
        .order_by(Answer.id)
    )
    rows = db.session.execute(wanted).all()
    yield from unmatched("answer", [row.Answer.entry_id for row in rows], lines.values())
    to = _what_lines_are_about({line.said[name] for line in lines.values() for name in _TO if name in line.said})
    for row in rows:
        answer, line = row.Answer, lines.get(row.Answer.entry_id)
        if line is None:
            continue
        kept = {
            "item": row.slug,
            "decision": row.decision,
            "verdict": answer.verdict,
            "text_sha256": text_digest(answer_text(answer)),
        }
        for name, value in kept.items():
            if line.said.get(name) != value:
                what = name.removesuffix("_sha256")
                yield f"answer: {answer.public_id} of {row.reference} has another {what} than {line.named}."
        if {to.get(line.said[name]) for name in _TO if name in line.said} != {_is_to(answer)}:
            yield f"answer: {answer.public_id} of {row.reference} answers something else than {line.named} says."


_TO = ("point", "comment")


def _is_to(answer: Answer) -> tuple[str, int]:
    return ("Point", answer.point_id) if answer.point_id is not None else ("Comment", answer.comment_id or 0)


def _what_lines_are_about(ids: set[str]) -> dict[str, tuple[str, int]]:
    wanted: Any = select(Entry.id, Entry.about_kind, Entry.about_id).where(Entry.id.in_(ids))
    return {row.id: (row.about_kind, row.about_id) for row in db.session.execute(wanted)}
