"""The steps that follow a decision: what they can be, and what may become of them. Pure: no database, no clock."""

import re
from collections.abc import Collection
from datetime import date, timedelta
from enum import StrEnum

from core.errors import RuleBroken
from regulations.rules import Stage

WORDS_LENGTH = 200
INSTRUMENT_LENGTH = 300
REASON_LENGTH = 1_000
MOST_STEPS = 30
FURTHEST = timedelta(days=10 * 366)


class Step(StrEnum):
    CONSULTATION = "consultation"
    GUIDANCE = "guidance"
    LAW_DRAFTED = "law_drafted"
    LAW_LAID = "law_laid"
    IN_FORCE = "in_force"
    REVOKED = "revoked"
    ENFORCEMENT = "enforcement"
    SYSTEMS = "systems"
    REVIEW = "review"
    OTHER = "other"

    @property
    def label(self) -> str:
        return _STEP_WORDS[self]


_STEP_WORDS = {
    Step.CONSULTATION: "Formal consultation",
    Step.GUIDANCE: "New guidance published",
    Step.LAW_DRAFTED: "Draft of the law published",
    Step.LAW_LAID: "Law laid before Parliament",
    Step.IN_FORCE: "Change comes into force",
    Step.REVOKED: "Regulation revoked",
    Step.ENFORCEMENT: "Enforcement changed",
    Step.SYSTEMS: "Forms or systems changed",
    Step.REVIEW: "Review of how it works",
    Step.OTHER: "Another step",
}


class State(StrEnum):
    PLANNED = "planned"
    UNDER_WAY = "under_way"
    DONE = "done"
    MISSED = "missed"
    DROPPED = "dropped"

    @property
    def label(self) -> str:
        return "Day missed" if self is State.MISSED else self.value.replace("_", " ").capitalize()

    @property
    def is_ended(self) -> bool:
        return self in (State.DONE, State.DROPPED)


RUNNING = (State.PLANNED, State.UNDER_WAY)
"""Those whose day can go by."""
CHOSEN = (State.PLANNED, State.UNDER_WAY, State.DONE, State.DROPPED)
"""What people set a step to; missed is set by the calendar alone."""


def check_new_step(step: Step | None, words: str, due_on: date, state: State, steps: int, *, today: date) -> None:
    if step is None:
        raise RuleBroken("Choose what kind of step this is.", field="step")
    if step is Step.OTHER and len(words) < 5:
        raise RuleBroken("Say in your own words what this step is.", field="words")
    if state not in RUNNING:
        raise RuleBroken("A new step is planned or under way.", field="state")
    if steps >= MOST_STEPS:
        raise RuleBroken(f"A decision has {MOST_STEPS} steps at most. Drop or finish one first.")
    _check_day(due_on, today)


def check_change(
    now_state: State, now_due: date, state: State, due_on: date, instrument: str, reason: str, *, today: date
) -> None:
    """Whether a step may be set so. A day once given is moved only with a reason, and an ended step stays ended."""
    if now_state.is_ended:
        raise RuleBroken(f"This step is {now_state.label.lower()} already. Add another if there is more to do.")
    if state not in CHOSEN:
        raise RuleBroken("Choose where this step stands.", field="state")
    if state is State.DONE:
        if not names_an_instrument(instrument):
            sentence = "Name what did it: a citation such as SI 2027/123, or the address of the page that shows it."
            raise RuleBroken(sentence, field="instrument")
        return
    if state is State.DROPPED:
        if len(reason) < 10:
            raise RuleBroken("Say in a sentence why this step is dropped. It is published.", field="reason")
        return
    if now_state is State.MISSED and due_on <= now_due:
        raise RuleBroken("Its day went by. Give it a later one.", field="due_on")
    if due_on != now_due:
        _check_day(due_on, today)
        if len(reason) < 10:
            raise RuleBroken("Say in a sentence why the day is moved. It is published.", field="reason")
    elif state is now_state:
        raise RuleBroken("Nothing would change: choose another state, or another day.", field="state")


def _check_day(due_on: date, today: date) -> None:
    if due_on < today:
        raise RuleBroken("Choose a day that has not gone by already.", field="due_on")
    if due_on > today + FURTHEST:
        raise RuleBroken("Choose a day within ten years.", field="due_on")


_CITATION = re.compile(
    r"\b(?:(?:ssi|si|wsi|sr|uksi|ukpga|asp|asc|nisr|no\.?)\s*)?(?:19|20)\d\d\s*/\s*\d+|\bAct (?:19|20)\d\d", re.I
)
_ADDRESS = re.compile(r"https?://[^\s/]+\.[^\s]+", re.I)


def names_an_instrument(written: str) -> bool:
    return bool(_CITATION.search(written) or _ADDRESS.search(written))


def address_in(instrument: str) -> str | None:
    """The web address an instrument is given by, where it is nothing else."""
    return instrument if _ADDRESS.fullmatch(instrument) else None


def stage_after(stage: Stage, steps: Collection[tuple[Step, State]]) -> Stage:
    """Where a decided regulation stands once its steps stand so.

    A review looks at what was done later on, so nothing waits for it where there is anything else.
    """
    running = [(step, state) for step, state in steps if state is not State.DROPPED]
    kept = [state for step, state in running if step is not Step.REVIEW] or [state for _, state in running]
    if not kept:
        return Stage.DECIDED
    if all(state is State.DONE for state in kept):
        return Stage.DONE
    if State.UNDER_WAY in kept or State.DONE in kept or stage is Stage.DONE:
        return Stage.BEING_IMPLEMENTED
    return stage
