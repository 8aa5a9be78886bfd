"""What a draft said at each saving with its answers, who wrote it, and with which note it came back. Internal."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import func, select, update

from core.db import db
from decisions.authorship import writers
from decisions.models import AnswerDraft, AnswerVersion, Decision, Draft, DraftVersion
from decisions.queries import proposal_in
from decisions.rules import Proposal

ANSWERS = "answers"
"""Under which a version names the answers that stood beside it, each with the number of its own version."""


def keep_version(draft: Draft) -> DraftVersion:
    """Keep what a draft says now, as nothing that a colleague read may be lost."""
    db.session.flush()
    words = words_now(draft)
    version = version_of(draft)
    if version is None:
        version = DraftVersion(
            regulation_id=draft.regulation.id,
            version=draft.version,
            words=words,
            written_by_id=draft.written_by.id,
            written_at=draft.changed_at,
        )
        db.session.add(version)
    version.words = words
    return version


def words_now(draft: Draft) -> dict[str, Any]:
    return words_of(proposal_in(draft)) | {ANSWERS: _answers_beside(draft.regulation.id)}


def words_of(proposal: Proposal) -> dict[str, Any]:
    """As JSON keeps them."""
    said = asdict(proposal)
    return {name: _plain(value) for name, value in said.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def _answers_beside(regulation_id: int) -> dict[str, Any]:
    wanted = select(AnswerDraft.id, AnswerDraft.version, AnswerDraft.written_by_id)
    given = wanted.where(AnswerDraft.regulation_id == regulation_id, AnswerDraft.verdict.is_not(None))
    return {str(row.id): {"version": row.version, "by": row.written_by_id} for row in db.session.execute(given)}


def answers_in(words: Mapping[str, Any]) -> set[tuple[int, int]]:
    """The answers that stood beside a version, each with the number of its own version."""
    return {(int(id), answer["version"]) for id, answer in words.get(ANSWERS, {}).items()}


def answers_written_by(account_id: int, words: Mapping[str, Any]) -> int:
    return sum(answer["by"] == account_id for answer in words.get(ANSWERS, {}).values())


def keep_answer(answer: AnswerDraft) -> None:
    """Keep what an answer says now."""
    db.session.flush()
    db.session.add(
        AnswerVersion(
            answer_draft_id=answer.id, version=answer.version, verdict=answer.verdict, reasons=answer.reasons,
            written_by_id=answer.written_by_id, written_at=answer.changed_at,
        )
    )  # fmt: skip


def version_of(draft: Draft) -> DraftVersion | None:
    """What is kept of a draft as it stands; None for one that was written before versions were."""
    wanted = select(DraftVersion).filter_by(regulation_id=draft.regulation_id, decision_id=None, version=draft.version)
    return db.session.scalar(wanted)


def versions_of(draft: Draft) -> list[DraftVersion]:
    """All that it said since the last publication, the earliest first."""
    wanted = select(DraftVersion).filter_by(regulation_id=draft.regulation_id, decision_id=None)
    return list(db.session.scalars(wanted.order_by(DraftVersion.version)))


def last_returned(draft: Draft, versions: Collection[DraftVersion]) -> DraftVersion | None:
    """What it said when it was last sent back."""
    returned = [each for each in versions if each.noted_at is not None and each.version < draft.version]
    return returned[-1] if returned else None


def became(regulation_id: int, version: int, approved_by: str) -> str | None:
    """The reference of the latest decision, where an office approved this version of its draft."""
    latest = select(Decision.id).filter_by(regulation_id=regulation_id).order_by(Decision.id.desc()).limit(1)
    last = select(func.max(DraftVersion.version)).where(DraftVersion.decision_id == Decision.id).scalar_subquery()
    wanted = select(Decision.reference).where(Decision.id == latest.scalar_subquery(), last == version)
    return db.session.scalar(wanted.where(Decision.approved_by == approved_by))


def belong_to(decision: Decision) -> None:
    """The versions of a draft stay, with what they became."""
    its_versions = update(DraftVersion).filter_by(regulation_id=decision.regulation.id, decision_id=None)
    db.session.execute(its_versions.values(decision_id=decision.id))


def is_same_as(earlier: DraftVersion | None, proposal: Proposal) -> bool:
    """Whether nothing was written since, whatever became of the answers."""
    if earlier is None:
        return False
    return {name: said for name, said in earlier.words.items() if name != ANSWERS} == words_of(proposal)


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


def parts_written_by(account_id: int, versions: Collection[DraftVersion]) -> list[str]:
    """The parts in which words of somebody's own stand in the last of these versions, by their names on the page."""
    in_order = sorted(versions, key=lambda each: each.version)
    if all(each.written_by_id != account_id for each in in_order):
        return []
    said = {name: [(each.written_by_id, each.words.get(name)) for each in in_order] for name in LABELS}
    return [label for name, label in LABELS.items() if account_id in writers(said[name])]


def partly_written_by(account_id: int, regulations: Collection[int]) -> set[int]:
    """Those of the regulations in whose draft, as it stands, words of somebody's own are."""
    if not regulations:
        return set()
    found: dict[int, list[DraftVersion]] = {}
    wanted = select(DraftVersion).where(DraftVersion.regulation_id.in_(regulations), DraftVersion.decision_id.is_(None))
    for each in db.session.scalars(wanted):
        found.setdefault(each.regulation_id, []).append(each)
    return {regulation for regulation, versions in found.items() if parts_written_by(account_id, versions)}
