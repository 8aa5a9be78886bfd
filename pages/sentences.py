"""What each line of the record says, in a plain sentence. Pure: no Flask, no database, never the present time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from accounts.rules import Capacity
from core.clock import in_uk, last_day
from voting.rules import Choice, Direction, ModerationRule

NO_SUCH_DECISION = "Demonstration: no such decision was made. "


@dataclass(frozen=True)
class Around:
    """What an entry does not say itself: the titles of what it names, and the text a public commitment stands for."""

    regulation: str = ""
    theme: str = ""
    reason: str = ""
    demonstration: bool = False


@dataclass(frozen=True)
class Sentence:
    """One line told to people. ``kind`` is for the eye: decision, count, moderation or nothing."""

    text: str
    detail: str = ""
    kind: str = ""


def sentence(type: str, said: Mapping[str, Any], around: Around) -> Sentence:
    """A type that this release doesn't know is named, never hidden."""
    tell = _TOLD_BY.get(type)
    return tell(said, around) if tell else Sentence(f"An entry of the type {type} was written.")


def _opened(said: Mapping[str, Any], around: Around) -> Sentence:
    what = "The record of a demonstration was opened." if said["demonstration"] else "The record was opened."
    return Sentence(what, f"Its origin is {said['origin']}.", "count")


def _theme(said: Mapping[str, Any], around: Around) -> Sentence:
    split = {
        "shown": "Its running tallies are shown.",
        "folded": "Its running tallies are folded behind a click.",
        "kept": "How people are split is kept until the count is final.",
    }.get(said["split"], "")
    return Sentence(f"The theme {_theme_of(said, around)} was announced.", split)


def _window(said: Mapping[str, Any], around: Around) -> Sentence:
    opens, closes = _moment(said["opens"]), _moment(said["closes"])
    theme = _theme_of(said, around)
    reason = f"The reason given: {around.reason}" if around.reason else ""
    if said["act"] == "closed_early":
        return Sentence(f"{said['actor']} closed {theme} early, on {day(in_uk(closes))}.", reason)
    if said["act"] == "extended":
        return Sentence(f"{said['actor']} kept {theme} open for longer, until {day(last_day(closes))}.", reason)
    days = f"from {day(in_uk(opens))} to {day(last_day(closes))}"
    return Sentence(f"The window of {theme} was set: votes are taken {days}.", reason or f"Set by {said['actor']}.")


def _version(said: Mapping[str, Any], around: Around) -> Sentence:
    return Sentence(
        f"{around.regulation or said['item']} was listed under {_theme_of(said, around)}.",
        "The line fixes the words under which people are asked about it.",
    )


def _stage(said: Mapping[str, Any], around: Around) -> Sentence:
    return Sentence(f"The stage was set to {said['stage'].replace('_', ' ')}, by {said['actor']}.")


def _vote(said: Mapping[str, Any], around: Around) -> Sentence:
    by = speaker(said["capacity"])
    if said.get("withdrawn"):
        return Sentence(f"A vote was withdrawn, by {by}.")
    again = "prev" in said
    level = {2: "The organisation was matched.", 3: "The organisation was checked by staff."}.get(said["level"], "")
    if "choice" not in said:
        what = "A vote took the place of an earlier one" if again else "A vote was counted"
        return Sentence(f"{what}, by {by}. Which way it went is kept until the count is final.", level)
    way = f"to {side(said['choice'], said.get('direction'))}"
    if again:
        return Sentence(f"A vote took the place of an earlier one: {way}, by {by}.", level)
    return Sentence(f"A vote {way} was counted, by {by}.", level)


def _comment(said: Mapping[str, Any], around: Around) -> Sentence:
    by = speaker(said["capacity"])
    if said.get("withdrawn"):
        return Sentence(f"A reason was taken back, by {by}.")
    way = f" to {side(said['vote'], said.get('direction'))}" if "vote" in said else ""
    if "prev" in said:
        return Sentence(f"A reason{way} took the place of an earlier one, by {by}.")
    return Sentence(f"A reason{way} was given, by {by}.")


def _support(said: Mapping[str, Any], around: Around) -> Sentence:
    if said.get("withdrawn"):
        return Sentence("Somebody no longer stands behind a reason that another gave.")
    return Sentence("Somebody stood behind a reason that another gave.")


def _moderation(said: Mapping[str, Any], around: Around) -> Sentence:
    try:
        rule = ModerationRule(said["rule"]).label
    except ValueError:
        rule = said["rule"]
    detail = f"The moderator’s reason: {around.reason}" if around.reason else ""
    if said["action"] == "restore":
        return Sentence(f"{said['actor']} showed a hidden reason again. It was hidden by the rule: {rule}.", detail)
    if said["action"] == "hide":
        return Sentence(f"{said['actor']} hid a reason. The rule: {rule}.", detail, "moderation")
    return Sentence(f"{said['actor']} acted on a reason ({said['action']}). The rule: {rule}.", detail, "moderation")


def _tally(said: Mapping[str, Any], around: Around) -> Sentence:
    counts = said["counts"]
    split = f"{counts['scrap']:,} scrap, {counts['improve']:,} improve, {counts['keep']:,} keep"
    people = how_many(counts["participants"], "person", "people")
    return Sentence(
        f"The count became final: {people}{f', {split}' if counts['participants'] else ''}.",
        f"Counted over the first {how_many(said['at_size'], 'line')} of the record.",
        "count",
    )


def _decision(said: Mapping[str, Any], around: Around) -> Sentence:
    outcome = said["outcome"].replace("_", " ")
    later = " It takes the place of an earlier decision." if "supersedes" in said else ""
    return Sentence(
        f"{NO_SUCH_DECISION if around.demonstration else ''}Decision {said['reference']} was published: {outcome}.",
        f"Decided by {said['official']}, approved by {said['approver']}.{later}",
        "decision",
    )


def _role(said: Mapping[str, Any], around: Around) -> Sentence:
    if said["act"] == "given":
        return Sentence(f"The office {said['office']} was given the role {said['role']}, by {said['actor']}.")
    return Sentence(f"The office {said['office']} lost the role {said['role']}, by {said['actor']}.")


def _organisation(said: Mapping[str, Any], around: Around) -> Sentence:
    return Sentence(f"{said['actor']} checked that an organisation is who it says, and who speaks for it.")


_TOLD_BY: dict[str, Callable[[Mapping[str, Any], Around], Sentence]] = {
    "log.open": _opened,
    "theme": _theme,
    "window": _window,
    "item.version": _version,
    "stage": _stage,
    "vote": _vote,
    "comment": _comment,
    "support": _support,
    "moderation": _moderation,
    "tally": _tally,
    "decision": _decision,
    "role": _role,
    "organisation": _organisation,
}
TYPE_WORDS = {
    "vote": "Votes",
    "comment": "Reasons",
    "support": "Reasons people stand behind",
    "moderation": "Moderation",
    "tally": "Final counts",
    "decision": "Decisions",
    "stage": "Stages",
    "window": "Windows",
    "theme": "Themes",
    "item.version": "Regulations listed",
    "role": "Offices and roles",
    "organisation": "Organisations checked",
    "log.open": "Opening of the record",
}


@dataclass
class Gathered:
    """A day's votes, reasons or supports on one regulation, added up."""

    scrap: int = 0
    improve: int = 0
    keep: int = 0
    unsaid: int = 0
    """Those that do not say which way: a kept split, or a support."""
    again: int = 0
    """How many of them took the place of an earlier one."""
    taken_back: int = 0

    @property
    def given(self) -> int:
        return self.scrap + self.improve + self.keep + self.unsaid

    @property
    def lines(self) -> int:
        return self.given + self.taken_back

    def add(self, side: str | None, number: int, *, taken_back: bool, again: bool) -> None:
        if taken_back:
            self.taken_back += number
            return
        name = side if side in tuple(Choice) else "unsaid"
        setattr(self, name, getattr(self, name) + number)
        self.again += number if again else 0


def gathered_sentence(type: str, day: Gathered) -> str:
    """One sentence for many lines: "31 votes counted: 12 scrap, 9 improve, 10 keep"."""
    one, many, done, undone = _GATHERED[type]
    parts = []
    if day.given:
        split = ", ".join(f"{n:,} {word}" for word in Choice if (n := getattr(day, word)))
        again = f" ({day.again:,} in place of an earlier one)" if day.again else ""
        parts.append(f"{how_many(day.given, one, many)} {done}{f': {split}' if split else ''}{again}")
    if day.taken_back:
        parts.append(f"{day.taken_back:,} {undone}" if parts else f"{how_many(day.taken_back, one, many)} {undone}")
    return "; ".join(parts)


_GATHERED = {
    "vote": ("vote", "votes", "counted", "withdrawn"),
    "comment": ("reason", "reasons", "given", "taken back"),
    "support": (
        "person",
        "people",
        "stood behind a reason that another gave",
        "stepped back from a reason that another gave",
    ),
}


def side(choice: str, direction: str | None) -> str:
    """What follows "a vote to": keep it, scrap it, improve it (clearer)."""
    if not direction:
        return f"{choice} it"
    return f"{choice} it ({'in another way' if direction == Direction.OTHER else direction})"


def speaker(capacity: str) -> str:
    try:
        label = Capacity(capacity).label
    except ValueError:
        return capacity
    return "a member of the public" if label == Capacity.PUBLIC.label else label[0].lower() + label[1:]


def how_many(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def day(moment: Any) -> str:
    return f"{moment.day} {moment:%B %Y}"


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _theme_of(said: Mapping[str, Any], around: Around) -> str:
    return f"“{around.theme or said['theme']}”"
