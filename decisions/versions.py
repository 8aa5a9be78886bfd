"""What a draft said at each saving, and with which note it came back. Internal."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import select

from core.db import db
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
