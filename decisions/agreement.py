"""Whether published decisions, and the steps that follow them, are what the record says."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from audit.agreement import Recorded, recorded, unmatched
from audit.entries import text_digest
from audit.models import Entry
from audit.queries import read
from core.clock import day_begins
from core.db import db
from decisions.milestones import milestone_text
from decisions.models import Decision, Milestone, MilestoneAct
from decisions.rules import EVERYONE
from decisions.services import decision_text
from regulations.models import Regulation
from voting.models import Comment


def disagreements() -> Iterator[str]:
    yield from _decisions()
    yield from _milestones()


def _decisions() -> Iterator[str]:
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
            "evidence_at_size": decision.evidence_at_size,
            "official": decision.decided_by,
            "approver": decision.approved_by,
            "supersedes": row.supersedes or decision.supersedes_id,
        }
        for name, value in kept.items():
            if line.said.get(name) != value:
                yield f"decision: {decision.reference} has another {name.removesuffix('_sha256')} than {line.named}."
        if counts.get(line.said["tally"]) != decision.tally:
            yield f"decision: {decision.reference} shows another count than the line it rests on."
        if not line.is_of(decision.published_at):
            yield f"decision: {decision.reference} was published at another time than {line.named}."
        if not _compares_as_it_says(decision):
            yield f"decision: {decision.reference} compares with the vote otherwise than {line.named} stands for."
    yield from _evidence([row.Decision for row in rows])
    yield from _settled(rows)


def _compares_as_it_says(decision: Decision) -> bool:
    """The columns that lists sort and filter by, against what is digested. The first decisions have them alone."""
    said = decision.comparisons.get(EVERYONE)
    kept = (decision.comparison, decision.comparison_sentence, decision.agrees_with_vote)
    return said is None or kept == (said["comparison"], said["sentence"], said["agrees"])


def _evidence(decisions: Sequence[Decision]) -> Iterator[str]:
    """Reasons are found by their address: it has to be that of the reason whose line is cited."""
    cited = [(d.reference, piece) for d in decisions for piece in d.evidence if piece.get("kind") == "comment"]
    wanted = select(Entry.id, Comment.public_id).join(Comment, Comment.id == Entry.about_id)
    wanted = wanted.where(Entry.type == "comment", Entry.id.in_({piece["entry"] for _, piece in cited}))
    addresses: dict[str, str] = {row.id: row.public_id for row in db.session.execute(wanted)}
    for reference, piece in cited:
        if addresses.get(piece["entry"]) != piece["comment"]:
            yield f"comment: the reason that decision {reference} cites stands at another address by now."


def _settled(rows: Sequence[Any]) -> Iterator[str]:
    """Why a regulation stands where it does is what the decision says that stands on it."""
    superseded = {row.Decision.supersedes_id for row in rows}
    standing = {row.Decision.regulation_id: row.Decision for row in rows if row.Decision.id not in superseded}
    wanted = select(Regulation.id, Regulation.slug, Regulation.settled_because).where(Regulation.id.in_(standing))
    for row in db.session.execute(wanted):
        if row.settled_because != standing[row.id].statement:
            yield f"regulation: why {row.slug} stands where it does is not what {standing[row.id].reference} says."


def _counts() -> dict[str, dict[str, int]]:
    """What the final counts on the record are, by the id of their line."""
    return {row.id: read(row.body)["counts"] for row in db.session.execute(_TALLIES)}


_TALLIES = select(Entry.id, Entry.body).where(Entry.type == "tally")


def _milestones() -> Iterator[str]:
    """Each act on a step is what its line says, and the step itself is what its last act says."""
    lines = {line.id: line for line in recorded("milestone")}
    latest: dict[int | None, Recorded] = {line.about_id: line for line in lines.values()}
    wanted = (
        select(Milestone, Regulation.slug, Decision.entry_id.label("decision"))
        .outerjoin(Decision, Decision.id == Milestone.decision_id)
        .outerjoin(Regulation, Regulation.id == Decision.regulation_id)
        .order_by(Milestone.id)
    )
    rows = {row.Milestone.id: row for row in db.session.execute(wanted)}
    yield from unmatched("milestone", [row.Milestone.entry_id for row in rows.values()], latest.values())
    acts = list(db.session.scalars(select(MilestoneAct).order_by(MilestoneAct.id)))
    yield from unmatched("milestone_act", [act.entry_id for act in acts], lines.values())
    last: dict[int, MilestoneAct] = {}
    for act in acts:
        line, row = lines.get(act.entry_id), rows.get(act.milestone_id)
        last[act.milestone_id] = act
        if line is None or row is None:
            continue
        kept = {
            "item": row.slug,
            "decision": row.decision,
            "step": row.Milestone.step,
            "state": act.state,
            "actor": act.done_by,
            "due": int(day_begins(act.due_on).timestamp()),
            "moved_from": int(day_begins(act.moved_from).timestamp()) if act.moved_from else None,
            "text_sha256": text_digest(milestone_text(act.words, act.instrument, act.reason)),
        }
        if not line.is_of(act.done_at):
            yield f"milestone_act: a step on {row.slug} was changed at another time than {line.named}."
        if line.about_id != act.milestone_id or any(line.said.get(name) != value for name, value in kept.items()):
            yield f"milestone_act: what is kept of a step on {row.slug} is not what {line.named} says."
    for id, row in rows.items():
        if id not in last or _shown(row.Milestone) != _last_said(last[id]):
            yield f"milestone: a step on {row.slug} is shown otherwise than it was last recorded."


def _shown(step: Milestone) -> tuple[Any, ...]:
    by = (step.changed_by, step.changed_at, step.entry_id)
    return (step.state, step.due_on, step.words, step.instrument, step.reason, *by)


def _last_said(act: MilestoneAct) -> tuple[Any, ...]:
    by = (act.done_by, act.done_at, act.entry_id)
    return (act.state, act.due_on, act.words, act.instrument, act.reason, *by)
