"""The way of a contribution, from the day it was heard to the day what was decided is done. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Reached(StrEnum):
    """Whether a contribution has come to a step of its way."""

    YES = "yes"
    NOT_YET = "not_yet"
    NOT_NEEDED = "not_needed"

    @property
    def label(self) -> str:
        return {"yes": "Done", "not_yet": "Not yet", "not_needed": "Not needed"}[self.value]


@dataclass(frozen=True)
class WayStep:
    name: str
    reached: Reached
    words: str
    on: date | None = None
    by: date | None = None
    """The day by which it is due, while it is not reached."""
    href: str = ""


@dataclass(frozen=True)
class Becoming:
    """What is known of a contribution and of the regulation it is about."""

    cast_on: date
    stands: bool
    """False once the vote was withdrawn."""
    reason: bool
    hidden: bool
    points: Sequence[str] = ()
    """What the points say under which the reason counts."""
    named: bool = True
    """False where neither they nor the answers are to be told, as the page is to be shown to others."""
    verdict: str = ""
    """What was answered, in words; empty while nothing was."""
    outcome: str = ""
    decided_on: date | None = None
    due_on: date | None = None
    decision_href: str = ""
    stage: str = ""
    steps_done: int = 0
    steps: int = 0


def way_of(known: Becoming) -> list[WayStep]:
    """heard → grouped → answered → decided → done."""
    return [_heard(known), _grouped(known), _answered(known), _decided(known), _done(known)]


def _heard(known: Becoming) -> WayStep:
    words = "Your vote is counted and stands in the record." if known.stands else "You have taken your vote back."
    return WayStep("Heard", Reached.YES if known.stands else Reached.NOT_NEEDED, words, on=known.cast_on)


def _grouped(known: Becoming) -> WayStep:
    if known.points:
        if not known.named:
            return WayStep("Grouped", Reached.YES, "Counted in a point.")
        named = ", ".join(f"“{title}”" for title in known.points)
        return WayStep("Grouped", Reached.YES, f"Counted in the point {named}.")
    if known.hidden:
        return WayStep("Grouped", Reached.NOT_NEEDED, "A moderator hid your reason, so it stands under no point.")
    if not known.reason:
        return WayStep("Grouped", Reached.NOT_NEEDED, "There is no reason of yours to put under a point.")
    if known.verdict:
        return WayStep("Grouped", Reached.NOT_NEEDED, "Your reason was answered by itself.")
    return WayStep("Grouped", Reached.NOT_YET, "Staff will put your reason under the point it makes.")


def _answered(known: Becoming) -> WayStep:
    if known.verdict:
        told = f"{known.verdict}." if known.named else "It was answered with the decision."
        return WayStep("Answered", Reached.YES, told, on=known.decided_on, href=known.decision_href)
    if not known.reason or known.hidden:
        return WayStep("Answered", Reached.NOT_NEEDED, "There is no published reason of yours to answer.")
    if known.outcome:
        return WayStep("Answered", Reached.NOT_YET, "The decision has no answer to your reason yet.")
    return WayStep("Answered", Reached.NOT_YET, "The answer comes with the decision.", by=known.due_on)


def _decided(known: Becoming) -> WayStep:
    if known.outcome:
        said = f"Decided: {known.outcome}."
        return WayStep("Decided", Reached.YES, said, on=known.decided_on, href=known.decision_href)
    if known.stage in ("already_spent", "moved"):
        return WayStep("Decided", Reached.NOT_NEEDED, "It was settled without a decision.")
    return WayStep("Decided", Reached.NOT_YET, "Officials decide once the theme has closed.", by=known.due_on)


def _done(known: Becoming) -> WayStep:
    if known.stage == "done" or (known.steps and known.steps == known.steps_done):
        return WayStep("Done", Reached.YES, "What was decided is done.", href=known.decision_href)
    if known.steps:
        so_far = f"{known.steps_done} of {known.steps} steps are done so far."
        return WayStep("Done", Reached.NOT_YET, so_far, href=known.decision_href)
    if known.outcome in ("Keep", "Moved elsewhere", "Already spent") or known.stage in ("already_spent", "moved"):
        return WayStep("Done", Reached.NOT_NEEDED, "Nothing has to be changed for it.")
    if known.outcome:
        return WayStep("Done", Reached.NOT_YET, "No steps have been named yet.", href=known.decision_href)
    return WayStep("Done", Reached.NOT_YET, "After the decision, each step towards it is shown with its day.")


@dataclass(frozen=True)
class Shown:
    """What a page to be shown to others tells; empty is what its owner keeps to themselves, or what there is not."""

    title: str
    asked_for: str
    point: str
    others: int | None
    """How many others said so; None where the reason stands under no point of its own."""
    words: str
    answer: str
    outcome: str
    statement: str
    href: str
    """Of the decision, or else of the regulation: a page that everybody can read."""
    demonstration: bool


def in_words(shown: Shown) -> str:
    """To be sent in a message."""
    said = f"I asked for “{shown.asked_for}”" if shown.asked_for else "I had my say"
    lines = ["Demonstration: none of this happened."] if shown.demonstration else []
    lines.append(f"{said} on {shown.title}.")
    if shown.words:
        lines.append(f"I wrote: “{shown.words}”")
    if shown.point:
        lines.append(f"My reason was counted in the point “{shown.point}”.")
    if shown.others is not None:
        lines.append("1 other person said so too." if shown.others == 1 else f"{shown.others:,} others said so too.")
    if shown.answer:
        lines.append(f"The answer: {shown.answer}.")
    lines.append(f"Decided: {shown.outcome}. {shown.statement}" if shown.outcome else "It is not decided yet.")
    return "\n".join([*lines, shown.href])
