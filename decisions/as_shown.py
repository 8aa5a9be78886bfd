"""What an approver reads, part by part, as their form carries it: what changed meanwhile is found and shown."""

import base64
import binascii
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from audit.entries import text_digest
from core.clock import in_uk
from core.errors import Clash, RuleBroken
from decisions import rules
from decisions.answers import AnswerRow, answers_to_publish
from decisions.changes import Changed, changes
from decisions.evidence import Cited, cited_in
from decisions.models import Draft
from decisions.queries import DecisionRow, preview
from decisions.rules import Outcome

MOST_CARRIED = 300_000
"""Characters of a form. What does not fit is carried by its digest alone: a difference is found, but not shown."""
MOST_UNPACKED = 16_000_000
EVERYTHING = "Everything shown"

Parts = Mapping[str, str]


class ChangedMeanwhile(Clash):
    """What somebody is about to approve is not what they read. Nothing was done."""

    def __init__(self, parts: list[Changed]):
        super().__init__("This has changed since you opened it. Read what changed, then decide again.")
        self.parts = parts


def check_as_shown(draft: Draft, shown: str | None) -> None:
    """Raises ChangedMeanwhile unless ``shown`` is what the page of this draft says now."""
    before, now = unpacked(shown), parts_now(draft)
    if EVERYTHING in before:
        now = {EVERYTHING: _digest(now)}
    if before != now:
        raise ChangedMeanwhile([part for part in changes(before, now) if part.is_changed])


def parts_now(draft: Draft) -> Parts:
    try:
        decision = preview(draft, approver="", now=draft.changed_at, demonstration=False)
    except RuleBroken as error:
        return {"It cannot be published": error.message}
    return parts_of(decision, cited_in(decision), answers_to_publish(draft.regulation_id, draft.outcome), draft)


def parts_of(decision: DecisionRow, cited: Iterable[Cited], answers: Iterable[AnswerRow], draft: Draft) -> Parts:
    """Each part by its name, in the order of the page."""
    parts: dict[str, str] = {}
    for label, text in _parts(decision, cited, answers, draft):
        again = sum(name == label or name.startswith(f"{label} (") for name in parts)
        parts[f"{label} ({again + 1})" if again else label] = text
    return {label: text for label, text in parts.items() if text}


def _parts(
    decision: DecisionRow, cited: Iterable[Cited], answers: Iterable[AnswerRow], draft: Draft
) -> Iterator[tuple[str, str]]:
    yield "Outcome", f"{Outcome(decision.outcome).label} {decision.direction or ''}".strip()
    yield "In one sentence", decision.statement
    yield "Reasons", decision.reasons
    yield "Why it departs from the vote", decision.departure_reason
    yield "The count", ", ".join(f"{name} {number}" for name, number in decision.tally.items())
    for who, said in decision.comparisons.items():
        whom = "everybody" if who == rules.EVERYONE else who.replace("_", " ")
        yield f"How it compares: {whom}", f"{said['sentence']}\n{said.get('reason', '')}".strip()
    yield "Legal route", decision.legal_route
    if decision.consultation is not None:
        yield "Formal consultation follows", "Yes" if decision.consultation else "No"
    yield "Responsible", decision.responsible
    yield "To be done by", str(decision.due_on or "")
    yield "To be reviewed on", str(decision.review_on or "")
    yield "To be published at", f"{in_uk(draft.publish_at):%Y-%m-%d %H:%M}" if draft.publish_at else ""
    yield "Written by", decision.decided_by
    yield "Takes the place of", decision.supersedes or ""
    for each in cited:
        yield f"Cited {each.kind}", "\n".join(filter(None, _cited(each)))
    for answer in answers:
        about = answer.point_title or (answer.said.text if answer.said and answer.said.is_readable else "a comment")
        behind = "1 person" if answer.behind == 1 else f"{answer.behind} people"
        yield f"Answer to “{about[:80]}”", f"{answer.told}\n{answer.reasons}\n{behind} behind it"


def _cited(each: Cited) -> Iterator[str]:
    yield each.title
    yield (each.reason.text if each.reason.is_readable else "It cannot be read any more.") if each.reason else ""
    yield each.text
    yield each.address
    yield each.sha256
    yield "Withheld, counted" if each.withheld else ""


def packed(parts: Parts) -> str:
    """As the page carries them."""
    carried = _packed(parts)
    return carried if len(carried) <= MOST_CARRIED else _packed({EVERYTHING: _digest(parts)})


def _packed(parts: Parts) -> str:
    return base64.b64encode(zlib.compress(json.dumps(dict(parts)).encode(), 9)).decode()


def _digest(parts: Parts) -> str:
    return text_digest(json.dumps(dict(parts)))


def unpacked(carried: str | None) -> dict[str, str]:
    """Nothing for what our page did not write: then all of it counts as new."""
    try:
        raw = zlib.decompressobj().decompress(base64.b64decode(carried or "", validate=True), MOST_UNPACKED)
        found: Any = json.loads(raw)
        return {str(label): str(text) for label, text in found.items()}
    except (binascii.Error, zlib.error, ValueError, AttributeError):
        return {}
