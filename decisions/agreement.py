"""Whether published decisions are what the record says."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import aliased

from audit.agreement import recorded, unmatched
from audit.entries import text_digest
from audit.models import Entry
from audit.queries import read
from core.db import db
from decisions.models import Decision
from decisions.services import decision_text
from regulations.models import Regulation


def disagreements() -> Iterator[str]:
    lines = {line.id: line for line in recorded("decision")}
    earlier = aliased(Decision)
    wanted = (
        select(Decision, Regulation.slug, earlier.entry_id.label("supersedes"))
        .outerjoin(Regulation, Regulation.id == Decision.regulation_id)
        .outerjoin(earlier, earlier.id == Decision.supersedes_id)
        .order_by(Decision.id)
    )
    rows = db.session.execute(wanted).all()
    yield from unmatched("decision", [row.Decision.entry_id for row in rows], lines.values())
    counts = _counts()
    for row in rows:
        decision, line = row.Decision, lines.get(row.Decision.entry_id)
        if line is None:
            continue
        kept = {
            "item": row.slug,
            "reference": decision.reference,
            "outcome": decision.outcome,
            "statement_sha256": text_digest(decision_text(decision)),
            "at_size": decision.at_size,
            "official": decision.decided_by,
            "approver": decision.approved_by,
            "supersedes": row.supersedes,
        }
        for name, value in kept.items():
            if line.said.get(name) != value:
                yield f"decision: {decision.reference} has another {name.removesuffix('_sha256')} than {line.named}."
        if counts.get(line.said["tally"]) != decision.tally:
            yield f"decision: {decision.reference} shows another count than the line it rests on."


def _counts() -> dict[str, dict[str, int]]:
    """What the final counts on the record are, by the id of their line."""
    return {row.id: read(row.body)["counts"] for row in db.session.execute(_TALLIES)}


_TALLIES = select(Entry.id, Entry.body).where(Entry.type == "tally")
