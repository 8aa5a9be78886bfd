"""Two decisions on one regulation, part by part."""

from typing import Any

from core.errors import NotFound
from decisions.changes import Changed, changes
from decisions.evidence import cited_in
from decisions.queries import DecisionRow, decision_with
from decisions.rules import Outcome


def two_decisions(one: str, other: str) -> tuple[DecisionRow, DecisionRow]:
    """The earlier and the later. Raises NotFound unless they are two on the same regulation."""
    found = sorted(
        (decision_with(one), decision_with(other)), key=lambda decision: (decision.published_at, decision.reference)
    )
    if found[0].regulation_id != found[1].regulation_id or found[0].reference == found[1].reference:
        raise NotFound("These are not two decisions on the same regulation.")
    return found[0], found[1]


def side_by_side(earlier: DecisionRow, later: DecisionRow) -> list[Changed]:
    return changes(_parts(earlier), _parts(later))


def _parts(decision: DecisionRow) -> dict[str, str]:
    follows = {True: "Follows", False: "None follows", None: ""}[decision.consultation]
    return {
        "Outcome": Outcome(decision.outcome).label,
        "Way to improve": decision.direction or "",
        "In one sentence": decision.statement,
        "Compared with the vote": decision.comparison_sentence,
        "Reasons": decision.reasons,
        "Why it departs from the vote": decision.departure_reason,
        "Evidence": "\n".join(map(_named, cited_in(decision))),
        "Legal route": decision.legal_route,
        "Formal consultation": follows,
        "Responsible": decision.responsible,
        "To be done by": _day(decision.due_on),
        "To be reviewed on": _day(decision.review_on),
        "Decided by": decision.decided_by,
        "Approved by": decision.approved_by,
    }


def _named(piece: Any) -> str:
    """Cited reasons by their line: their words may be hidden or erased, and stand on the decision's own page."""
    if piece.kind == "comment":
        return f"A reason to {piece.side}, line {piece.entry[:8]}…"
    return piece.title or piece.text


def _day(day: Any) -> str:
    return f"{day:%-d %B %Y}" if day else ""
