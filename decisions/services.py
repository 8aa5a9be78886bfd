"""Writing a decision, having a second official approve it, and publishing it. Drafts stay internal."""

from datetime import datetime
from typing import Any

import rfc8785
from sqlalchemy import func, select

from accounts.models import Account
from accounts.rules import Role
from audit.entries import DecisionEntry, text_digest
from audit.services import record
from core.db import db
from core.errors import Clash, NotAllowed, RuleBroken
from decisions import rules
from decisions.models import Decision, Draft
from decisions.queries import draft_of, standing_decision
from decisions.rules import DraftStatus, Outcome, Proposal
from regulations.models import Regulation
from regulations.services import settle
from voting.models import FrozenTally
from voting.queries import frozen_tally_of, reason_with, tally_of
from voting.rules import Direction


def save_draft(*, regulation: Regulation, proposal: Proposal, version: int, by: Account, now: datetime) -> Draft:
    """Keep what an official has written so far. ``version`` is the one they began from (0 for none).

    Raises Clash when a colleague has saved another meanwhile; nothing is overwritten.
    """
    _check_official(by)
    if not regulation.theme.window.has_closed(now):
        raise RuleBroken("A decision can be written once the theme has closed.")
    draft = draft_of(regulation)
    if (draft.version if draft else 0) != version:
        raise Clash(
            "A colleague has changed this draft since you opened it. Your words are below: compare, then save again."
        )
    if draft is None:
        draft = Draft(regulation=regulation, version=0, written_by=by, status=DraftStatus.DRAFT)
        db.session.add(draft)
    if draft.status != DraftStatus.DRAFT:
        draft.status, draft.submitted_at = DraftStatus.DRAFT, None
    draft.version += 1
    draft.written_by, draft.changed_at = by, now
    draft.outcome = proposal.outcome
    draft.direction = proposal.direction if proposal.outcome is Outcome.IMPROVE else None
    draft.statement, draft.reasons = proposal.statement, proposal.reasons
    draft.departure_reason, draft.other_evidence = proposal.departure_reason, proposal.other_evidence
    draft.cited_comments = list(proposal.cited_comments)
    return draft


def submit_draft(*, draft: Draft, by: Account, now: datetime) -> None:
    """Ask a second official to approve; everything a decision must say has to be there."""
    _check_official(by)
    proposal = proposal_in(draft)
    rules.check_proposal(proposal, _compared(draft.regulation, proposal))
    draft.status, draft.submitted_at, draft.return_note = DraftStatus.SUBMITTED, now, ""


def return_draft(*, draft: Draft, note: str, by: Account, now: datetime) -> None:
    _check_official(by)
    rules.check_approver(draft.written_by_id, draft.status == DraftStatus.SUBMITTED, by.id)
    if len(note) < 10:
        raise RuleBroken("Say what has to change.", field="note")
    draft.status, draft.return_note, draft.changed_at = DraftStatus.RETURNED, note, now


def approve_and_publish(*, draft: Draft, version: int, by: Account, now: datetime, demonstration: bool) -> Decision:
    """Publish what a colleague submitted, exactly as it was shown to the approver (``version``)."""
    _check_official(by)
    rules.check_approver(draft.written_by_id, draft.status == DraftStatus.SUBMITTED, by.id)
    if draft.version != version:
        raise Clash("This draft has changed since you opened it. Read it again before you approve.")
    regulation, proposal = draft.regulation, proposal_in(draft)
    frozen = _final_count(regulation)
    compared = _compared(regulation, proposal)
    rules.check_proposal(proposal, compared)
    if compared is None:
        raise RuleBroken("Choose an outcome.", field="outcome")
    earlier = standing_decision(regulation.id)
    outcome = Outcome(draft.outcome or "")
    decision = Decision(
        reference=_next_reference(now),
        regulation=regulation,
        outcome=outcome,
        direction=draft.direction,
        statement=draft.statement,
        reasons=draft.reasons,
        departure_reason=draft.departure_reason,
        evidence=_evidence(proposal),
        tally=tally_of(regulation.id).counts,
        comparison=compared.word,
        comparison_sentence=compared.sentence,
        agrees_with_vote=compared.agrees,
        at_size=frozen.at_size,
        decided_by=draft.written_by.office,
        approved_by=by.office,
        published_at=now,
        supersedes_id=earlier.id if earlier else None,
        demonstration=demonstration,
    )
    db.session.add(decision)
    body = DecisionEntry(
        item=regulation.slug,
        reference=decision.reference,
        outcome=outcome,
        statement_sha256=decision_digest(decision),
        at_size=frozen.at_size,
        tally=frozen.entry_id or "",
        official=decision.decided_by,
        approver=decision.approved_by,
        supersedes=earlier.entry_id if earlier else None,
    )
    decision.entry_id = record(body, about=decision, now=now).id
    settle(regulation=regulation, stage=outcome.stage, because=draft.statement, by=by.office, now=now)
    db.session.delete(draft)
    return decision


def proposal_in(draft: Draft) -> Proposal:
    return Proposal(
        outcome=Outcome(draft.outcome) if draft.outcome else None,
        direction=Direction(draft.direction) if draft.direction else None,
        statement=draft.statement,
        reasons=draft.reasons,
        departure_reason=draft.departure_reason,
        cited_comments=tuple(draft.cited_comments),
        other_evidence=draft.other_evidence,
    )


def decision_digest(decision: Decision) -> str:
    """What the record commits to: the digest of the canonical JSON of everything the decision says."""
    said = {
        "statement": decision.statement,
        "reasons": decision.reasons,
        "departure_reason": decision.departure_reason,
        "direction": decision.direction or "",
        "evidence": decision.evidence,
    }
    return text_digest(rfc8785.dumps(said).decode())


def _compared(regulation: Regulation, proposal: Proposal) -> rules.Compared | None:
    if proposal.outcome is None:
        return None
    return rules.compare(proposal.outcome, proposal.direction, tally_of(regulation.id))


def _final_count(regulation: Regulation) -> FrozenTally:
    frozen = frozen_tally_of(regulation.id)
    if frozen is None:
        raise RuleBroken(
            "The count is not final yet: ballots given before the close may still be confirmed, for 24 hours at most. "
            "Approve the decision once the count is final."
        )
    return frozen


def _evidence(proposal: Proposal) -> list[dict[str, Any]]:
    cited: list[dict[str, Any]] = []
    for public_id in proposal.cited_comments:
        reason = reason_with(public_id)
        if reason is not None:
            cited.append({"kind": "comment", "comment": public_id, "entry": reason.entry_id, "side": reason.choice})
    if proposal.other_evidence:
        cited.append({"kind": "other", "text": proposal.other_evidence})
    return cited


def _next_reference(now: datetime) -> str:
    """Decisions are numbered within their year: 2026-0007. Two at the same moment clash and are tried again."""
    year = f"{now.year}-"
    so_far = db.session.scalar(select(func.count()).where(Decision.reference.startswith(year))) or 0
    return f"{year}{so_far + 1:04d}"


def _check_official(account: Account) -> None:
    if account.role != Role.OFFICIAL:
        raise NotAllowed("Only officials may write and approve decisions.")
