"""Writing a decision, having a second official approve it, and publishing it. Drafts stay internal."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import rfc8785
from sqlalchemy import func, select

from accounts.models import Account
from analysis.services import free_noted
from audit.entries import DecisionEntry, text_digest
from audit.queries import root_at
from audit.services import record
from core.clock import uk_day
from core.db import db, take_turn
from core.errors import Clash, RuleBroken
from decisions import rules
from decisions.answers import answer_text, answers_to_publish, publish_answers
from decisions.comparing import kept
from decisions.deciders import check_decider
from decisions.evidence import evidence_of, frozen_at
from decisions.models import Decision, Draft
from decisions.queries import (
    DecisionRow,
    compared,
    draft_of,
    preview,
    proposal_in,
    standing_decision,
    tally_to_decide_on,
)
from decisions.rules import DraftStatus, Outcome, Proposal
from decisions.unanswered import check_all_answered
from decisions.versions import belong_to, is_same_as, keep_version, parts_written_by, versions_of
from regulations.models import Regulation
from regulations.services import settle
from voting.models import FrozenTally

WAITING = (DraftStatus.SUBMITTED, DraftStatus.APPROVED)
FURTHER = ("comparisons", "legal_route", "consultation", "responsible", "due_on", "review_on")
"""Parts of a decision that the first ones did not have yet, and that are digested where something is said in them."""


def save_draft(*, regulation: Regulation, proposal: Proposal, version: int, by: Account, now: datetime) -> Draft:
    """Keep what an official has written so far. ``version`` is the one they began from (0 for none).

    Raises Clash when a colleague has saved another meanwhile; nothing is overwritten.
    """
    check_decider(by, regulation)
    check_decidable(regulation, now)
    draft, proposal = draft_of(regulation, to_change=True), as_kept(proposal)
    if draft is not None and _is_saved_already(draft, proposal, version, by):
        return draft
    if (draft.version if draft else 0) != version and not _only_answers_changed(draft, version):
        raise Clash(
            "A colleague has changed this draft since you opened it. Nothing of yours is lost: compare and save again."
        )
    if draft is None:
        draft = Draft(regulation=regulation, version=0, written_by=by, status=DraftStatus.DRAFT)
        db.session.add(draft)
    if draft.status != DraftStatus.DRAFT:
        draft.status, draft.submitted_at = DraftStatus.DRAFT, None
        _void_approval(draft)
    draft.version += 1
    draft.written_by, draft.changed_at = by, now
    draft.outcome, draft.direction = proposal.outcome, proposal.direction
    draft.statement, draft.reasons = proposal.statement, proposal.reasons
    draft.departure_reason, draft.other_evidence = proposal.departure_reason, proposal.other_evidence
    draft.covers, draft.departures = list(proposal.covers), dict(proposal.departures)
    for name in ("cited_comments", "cited_points", "cited_submissions"):
        setattr(draft, name, list(getattr(proposal, name)))
    for name in ("documents", "legal_route", "consultation", "responsible", "due_on", "review_on", "publish_at"):
        setattr(draft, name, getattr(proposal, name))
    keep_version(draft)
    return draft


def as_kept(proposal: Proposal) -> Proposal:
    """Without what says nothing: a way to improve where nothing is improved, and what is cited twice."""
    return replace(
        proposal,
        direction=proposal.direction if proposal.outcome is Outcome.IMPROVE else None,
        covers=tuple(proposal.covers),
        cited_comments=tuple(dict.fromkeys(proposal.cited_comments)),
        cited_points=tuple(dict.fromkeys(proposal.cited_points)),
        cited_submissions=tuple(dict.fromkeys(proposal.cited_submissions)),
    )


def _is_saved_already(draft: Draft, proposal: Proposal, version: int, by: Account) -> bool:
    """A second click sends the same words again, from the version before the one that the first click made."""
    same = draft.written_by_id == by.id and proposal_in(draft) == proposal
    return same and version in (draft.version - 1, draft.version) and draft.status != DraftStatus.RETURNED


def _only_answers_changed(draft: Draft | None, version: int) -> bool:
    """An answer that changes makes a new version, of which whoever writes the decision overwrites nothing."""
    if draft is None:
        return False
    earlier = next((each for each in versions_of(draft) if each.version == version), None)
    return is_same_as(earlier, proposal_in(draft))


def check_decidable(regulation: Regulation, now: datetime) -> Decision | None:
    """Once its theme has closed; and what was settled without a decision, as already spent, has none to take.

    Returns the decision that stands, if one was taken.
    """
    if not regulation.theme.window.has_closed(now):
        raise RuleBroken("A decision can be written once the theme has closed.")
    standing = standing_decision(regulation.id) if regulation.settled is not None else None
    if regulation.settled is not None and standing is None:
        raise RuleBroken("Nobody was asked about this regulation, as it was spent already. There is nothing to decide.")
    return standing


def submit_draft(*, draft: Draft, by: Account, now: datetime) -> None:
    """Ask a second official to approve; everything a decision must say has to be there."""
    check_decider(by, draft.regulation)
    rules.check_submitter(draft.written_by.id, by.id)
    if draft.status in WAITING:
        return
    proposal = proposal_in(draft)
    tally, frozen = tally_to_decide_on(draft.regulation.id)
    rules.check_proposal(proposal, compared(proposal, tally))
    rules.check_days(proposal, uk_day(now))
    rules.check_publish_at(proposal.publish_at, now)
    evidence_of(proposal, draft.regulation, tally, frozen)
    check_all_answered(draft.regulation)
    draft.status, draft.submitted_at, draft.return_note = DraftStatus.SUBMITTED, now, ""
    keep_version(draft)


def withdraw_draft(*, draft: Draft, version: int, by: Account) -> None:
    """The author takes back what waits for approval or, approved, for its time."""
    check_decider(by, draft.regulation)
    rules.check_withdrawer(draft.written_by_id, draft.status in WAITING, by.id)
    _check_version(draft, version)
    draft.status, draft.submitted_at = DraftStatus.DRAFT, None
    _void_approval(draft)


def take_back_approval(*, draft: Draft, version: int, by: Account) -> None:
    """Until its time has come, whoever approved it may think again; it waits for an approval then."""
    check_decider(by, draft.regulation)
    rules.check_takes_back(draft.approved_by_id, draft.status == DraftStatus.APPROVED, by.id)
    _check_version(draft, version)
    draft.status = DraftStatus.SUBMITTED
    _void_approval(draft)


def return_draft(*, draft: Draft, version: int, note: str, by: Account, now: datetime) -> None:
    """Send a submitted draft back to its author with what has to change. ``version`` is the one that was read."""
    check_decider(by, draft.regulation)
    if (draft.status, draft.return_note, draft.version) == (DraftStatus.RETURNED, note, version):
        return
    rules.check_approver(draft.written_by_id, draft.status == DraftStatus.SUBMITTED, by.id)
    _check_version(draft, version)
    rules.check_note(note)
    send_back(draft, note, by.office, now)


def send_back(draft: Draft, note: str, by: str, now: datetime) -> None:
    draft.status, draft.return_note, draft.changed_at = DraftStatus.RETURNED, note, now
    _void_approval(draft)
    version = keep_version(draft)
    version.note, version.noted_by, version.noted_at = note, by, now


def _void_approval(draft: Draft) -> None:
    draft.approved_by, draft.approved_at, draft.approved_digest = None, None, ""


def approve_and_publish(*, draft: Draft, version: int, by: Account, now: datetime, demonstration: bool) -> Decision:
    """Publish what a colleague submitted, exactly as it was shown to the approver (``version``)."""
    _check_may_approve(draft, version, by)
    return publish(draft=draft, by=by, now=now, demonstration=demonstration)


def _check_may_approve(draft: Draft, version: int, by: Account) -> None:
    check_decider(by, draft.regulation)
    rules.check_approver(draft.written_by_id, draft.status == DraftStatus.SUBMITTED, by.id)
    rules.check_wrote_none(parts_written_by(by.id, versions_of(draft)))
    _check_version(draft, version)


def _check_version(draft: Draft, version: int) -> None:
    if draft.version != version:
        raise Clash("This draft has changed since you opened it. Read it again, then decide.")


def approve(*, draft: Draft, version: int, by: Account, now: datetime, demonstration: bool) -> Decision | None:
    """Publish at once or, where a time is set, leave that to the worker: then None. Everything is checked already."""
    if draft.publish_at is None or draft.publish_at <= now:
        return approve_and_publish(draft=draft, version=version, by=by, now=now, demonstration=demonstration)
    _check_may_approve(draft, version, by)
    draft.approved_digest = digest_of(draft, by)
    draft.status, draft.approved_by, draft.approved_at = DraftStatus.APPROVED, by, now
    return None


def digest_of(draft: Draft, approver: Account) -> str:
    """Of what a draft would publish now with its answers. Raises RuleBroken for what stands against publishing it."""
    _, frozen = tally_to_decide_on(draft.regulation.id)
    _check_final(frozen)
    check_all_answered(draft.regulation)
    decision = preview(draft, approver=approver.office, now=draft.changed_at, demonstration=False)
    answers = [answer_text(answer) for answer in answers_to_publish(draft.regulation_id, draft.outcome)]
    return text_digest("\n".join([decision_text(decision), *answers]))


def _check_final(frozen: FrozenTally | None) -> FrozenTally:
    if frozen is None:
        raise RuleBroken(
            "The count is not final yet: ballots given before the close may still be confirmed, for 24 hours at most. "
            "Approve the decision once the count is final."
        )
    return frozen


def publish(*, draft: Draft, by: Account, now: datetime, demonstration: bool) -> Decision:
    """Make a decision of a draft that ``by`` approved; all it has to say is checked at this moment."""
    check_decider(by, draft.regulation)
    regulation, proposal = draft.regulation, proposal_in(draft)
    tally, recorded = tally_to_decide_on(regulation.id)
    frozen = _check_final(recorded)
    compared_with = compared(proposal, tally)
    rules.check_proposal(proposal, compared_with)
    how = compared_with[rules.EVERYONE]
    check_all_answered(regulation)
    free_noted(regulation=regulation, by=by, now=now)
    earlier = standing_decision(regulation.id)
    outcome = Outcome(draft.outcome or "")
    evidence = evidence_of(proposal, regulation, tally, frozen)
    decision = Decision(
        reference=_next_reference(now),
        regulation=regulation,
        outcome=outcome,
        direction=draft.direction,
        statement=draft.statement,
        reasons=draft.reasons,
        departure_reason=draft.departure_reason,
        evidence=evidence,
        evidence_at_size=frozen_at(evidence),
        tally=tally.counts,
        comparison=how.word,
        comparison_sentence=how.sentence,
        agrees_with_vote=how.agrees,
        comparisons=kept(compared_with, proposal),
        legal_route=draft.legal_route,
        consultation=draft.consultation,
        responsible=draft.responsible,
        due_on=draft.due_on,
        review_on=draft.review_on,
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
        evidence_at_size=decision.evidence_at_size,
        root=root_at(frozen.at_size).hex(),
        tally=frozen.entry_id or "",
        official=decision.decided_by,
        approver=decision.approved_by,
        supersedes=earlier.entry_id if earlier else None,
    )
    decision.entry_id = record(body, about=decision, now=now).id
    publish_answers(decision=decision, now=now)
    settle(regulation=regulation, stage=outcome.stage, because=draft.statement, by=by.office, now=now)
    db.session.flush()
    belong_to(decision)
    db.session.delete(draft)
    return decision


def decision_digest(decision: Decision | DecisionRow) -> str:
    """What the record commits to."""
    return text_digest(decision_text(decision))


def decision_text(decision: Decision | DecisionRow) -> str:
    """The canonical JSON of everything the decision says."""
    return rfc8785.dumps(what_it_says(decision)).decode()


def what_it_says(decision: Decision | DecisionRow) -> dict[str, Any]:
    """What is digested. The later parts are left out where nothing is said in them, as in the first decisions."""
    said = {
        "statement": decision.statement,
        "reasons": decision.reasons,
        "departure_reason": decision.departure_reason,
        "direction": decision.direction or "",
        "evidence": decision.evidence,
    }
    further = {name: getattr(decision, name) for name in FURTHER}
    return said | {name: _plain(value) for name, value in further.items() if value not in (None, "", {})}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _next_reference(now: datetime) -> str:
    """Decisions are numbered within their year, 2026-0007, one at a time."""
    take_turn("decision numbers")
    year = f"{now.year}-"
    so_far = db.session.scalar(select(func.count()).where(Decision.reference.startswith(year))) or 0
    return f"{year}{so_far + 1:04d}"
