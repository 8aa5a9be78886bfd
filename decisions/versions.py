"""What a draft said at each saving, and with which note it came back. Internal."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import select

from core.db import db
from decisions.changes import Changed, changes
from decisions.models import Draft, DraftVersion
from decisions.queries import proposal_in


def keep_version(draft: Draft) -> None:
    """Keep what a draft says now, as nothing that a colleague read may be lost."""
    db.session.add(
        DraftVersion(
            regulation_id=draft.regulation.id,
            version=draft.version,
            words=words_of(draft),
            written_by_id=draft.written_by.id,
            written_at=draft.changed_at,
        )
    )


def words_of(draft: Draft) -> dict[str, Any]:
    said = asdict(proposal_in(draft))
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in said.items()}


def version_of(draft: Draft) -> DraftVersion | None:
    """What is kept of a draft as it stands; None for one that was written before versions were."""
    wanted = select(DraftVersion).filter_by(regulation_id=draft.regulation_id, decision_id=None, version=draft.version)
    return db.session.scalar(wanted)


def last_returned(draft: Draft) -> DraftVersion | None:
    """What it said when it was last sent back."""
    wanted = select(DraftVersion).filter_by(regulation_id=draft.regulation_id, decision_id=None)
    noted = wanted.where(DraftVersion.noted_at.is_not(None), DraftVersion.version < draft.version)
    return db.session.scalar(noted.order_by(DraftVersion.version.desc()).limit(1))


LABELS = {
    "outcome": "Outcome",
    "direction": "Way to improve",
    "statement": "In one sentence",
    "reasons": "Reasons",
    "departure_reason": "Why it departs from the vote",
    "covers": "Who is covered by that reason",
    "departures": "Reasons for others",
    "cited_comments": "Reasons cited",
    "cited_points": "Points cited",
    "cited_submissions": "Submissions cited",
    "documents": "Documents",
    "other_evidence": "Other evidence",
    "legal_route": "Legal route",
    "consultation": "Formal consultation follows",
    "responsible": "Responsible",
    "due_on": "To be done by",
    "review_on": "To be reviewed on",
    "publish_at": "To be published at",
}


def changed_since(earlier: DraftVersion, draft: Draft) -> list[Changed]:
    """The parts of a draft that say something else than they did when it was sent back."""
    return [part for part in changes(_parts(earlier.words), _parts(words_of(draft))) if part.is_changed]


def _parts(words: Mapping[str, Any]) -> dict[str, str]:
    return {label: _in_words(words.get(name)) for name, label in LABELS.items()}


def _in_words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, Mapping):
        return "\n".join(f"{name}: {said}" for name, said in value.items())
    return "\n".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
