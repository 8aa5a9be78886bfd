"""What each line of the record says, in a plain sentence. Pure: no Flask, no database, never the present time."""

from collections.abc import Callable, Mapping
from typing import Any

from core.clock import in_uk, last_day
from pages.sentences_after import TOLD_BY
from pages.wording import Around, Sentence, day, how_many, moment, plainly, speaker, theme_of
from voting.rules import Direction, ErasureBasis, ModerationRule

NO_SUCH_DECISION = "Demonstration: no such decision was made. "


def sentence(type: str, said: Mapping[str, Any], around: Around) -> Sentence:
    """A type that this release doesn't know is named, never hidden, and so is a line whose fields it can't read."""
    tell = _TOLD_BY.get(type)
    if tell is None:
        return Sentence(f"An entry of the type {type} was written.")
    try:
        return tell(said, around)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return Sentence(f"An entry of the type {type} was written, in a form that this page cannot tell.")


def _opened(said: Mapping[str, Any], around: Around) -> Sentence:
    what = "The record of a demonstration was opened." if said["demonstration"] else "The record was opened."
    return Sentence(what, f"Its origin is {said['origin']}.", "count")


def _theme(said: Mapping[str, Any], around: Around) -> Sentence:
    split = {
        "shown": "Its running tallies are shown.",
        "folded": "Its running tallies are folded behind a click.",
        "kept": "How people are split is kept until the count is final.",
    }.get(said["split"], "")
    return Sentence(f"The theme {theme_of(said, around)} was announced.", split)


def _window(said: Mapping[str, Any], around: Around) -> Sentence:
    opens, closes = moment(said["opens"]), moment(said["closes"])
    theme = theme_of(said, around)
    reason = f"The reason given: {around.reason}" if around.reason else ""
    if said["act"] == "closed_early":
        return Sentence(f"{said['actor']} closed {theme} early, on {day(in_uk(closes))}.", reason)
    if said["act"] == "extended":
        return Sentence(f"{said['actor']} kept {theme} open for longer, until {day(last_day(closes))}.", reason)
    if said["act"] == "days_set":
        days = how_many(said["days"], "day")
        return Sentence(f"{said['actor']} set when decisions on {theme} are due: {days} after the close.", reason)
    days = f"from {day(in_uk(opens))} to {day(last_day(closes))}"
    due = f" Decisions are due {how_many(said['days'], 'day')} after that." if "days" in said else ""
    set_by = f"Set by {said['actor']}.{due}"
    return Sentence(f"The window of {theme} was set: votes are taken {days}.", reason or set_by)


def _version(said: Mapping[str, Any], around: Around) -> Sentence:
    return Sentence(
        f"{around.regulation or said['item']} was listed under {theme_of(said, around)}.",
        "The line fixes the words under which people are asked about it.",
    )


def _stage(said: Mapping[str, Any], around: Around) -> Sentence:
    return Sentence(f"The stage was set to {plainly(said['stage'])}, by {said['actor']}.")


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
    done = {
        "hide": "hid a reason",
        "hold": "held a reason back until it is looked at",
        "mask": "took words out of a reason, and left the rest",
    }.get(said["action"], f"acted on a reason ({plainly(said['action'])})")
    return Sentence(f"{said['actor']} {done}. The rule: {rule}.", detail, "moderation")


def _erasure(said: Mapping[str, Any], around: Around) -> Sentence:
    try:
        basis = ErasureBasis(said["basis"]).because
    except ValueError:
        basis = f"on this ground: {plainly(said['basis'])}"
    return Sentence(
        f"What an earlier line stands for was deleted for good, {basis}.",
        "The earlier line itself stays as it was. Nobody can read any more what it sealed, or whose it is.",
        "moderation",
    )


def _invalidation(said: Mapping[str, Any], around: Around) -> Sentence:
    what = f"{said['actor']} took {_votes_meant(said)} out of the count"
    return Sentence(f"{what}. The rule: {plainly(said['rule'])}.", _part_of_an_act(said), "moderation")


def _reinstatement(said: Mapping[str, Any], around: Around) -> Sentence:
    what = f"{said['actor']} put {_votes_meant(said)} back into the count"
    return Sentence(f"{what}. They had been taken out by the rule: {plainly(said['rule'])}.", _part_of_an_act(said))


def _votes_meant(said: Mapping[str, Any]) -> str:
    return how_many(len(said["targets"]), "vote") if "targets" in said else "a list of votes"


def _part_of_an_act(said: Mapping[str, Any]) -> str:
    listed = "" if "targets" in said else " The list is too long for one line, which holds its digest instead."
    return f"Lines that belong to the same act carry the mark {said['act']}.{listed}"


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
    outcome = plainly(said["outcome"])
    later = " It takes the place of an earlier decision." if "supersedes" in said else ""
    size = said.get("evidence_at_size")
    cited = f" What it cites stands among the first {how_many(size, 'line')} of the record." if size else ""
    return Sentence(
        f"{NO_SUCH_DECISION if around.demonstration else ''}Decision {said['reference']} was published: {outcome}.",
        f"Decided by {said['official']}, approved by {said['approver']}.{later}{cited}",
        "decision",
    )


def _key(said: Mapping[str, Any], around: Around) -> Sentence:
    does = {"log": "signs the record", "promise": "signs the promises on receipts"}.get(
        said["which"], f"takes the place of the one called {plainly(said['which'])}"
    )
    return Sentence(
        f"{said['actor']} changed a key: from the next checkpoint on, another one {does}.",
        f"The old key: {said['old']} The new key: {said['new']}",
        "count",
    )


def _incident(said: Mapping[str, Any], around: Around) -> Sentence:
    return Sentence(
        f"Something went wrong with the record itself: {plainly(said['kind'])}. Told by {said['actor']}.",
        around.reason,
        "moderation",
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
    "erasure": _erasure,
    "invalidation": _invalidation,
    "reinstatement": _reinstatement,
    "tally": _tally,
    "decision": _decision,
    "key.rotate": _key,
    "incident": _incident,
    "role": _role,
    "organisation": _organisation,
    **TOLD_BY,
}
TYPE_WORDS = {
    "vote": "Votes",
    "comment": "Reasons",
    "support": "Reasons people stand behind",
    "moderation": "Moderation",
    "erasure": "What was erased",
    "invalidation": "Votes taken out of the count",
    "reinstatement": "Votes put back into the count",
    "point": "Points",
    "grouping": "Reasons put under points",
    "tally": "Final counts",
    "dispute": "Reasons looked at again",
    "submission": "Submissions",
    "decision": "Decisions",
    "answer": "Answers",
    "due": "Days on which decisions are due",
    "overdue": "Decisions overdue",
    "milestone": "Steps after a decision",
    "stage": "Stages",
    "window": "Windows",
    "theme": "Themes",
    "item.version": "Regulations listed",
    "role": "Offices and roles",
    "organisation": "Organisations checked",
    "census": "Regulations counted when themes opened",
    "edition": "Editions of reports",
    "incident": "What went wrong with the record",
    "key.rotate": "Changes of key",
    "log.open": "Opening of the record",
}
ACTORS = {
    "participant": ("People who take part", ("vote", "comment", "support", "erasure", "dispute")),
    "moderator": ("Moderators", ("moderation", "invalidation", "reinstatement", "organisation")),
    "official": (
        "Officials",
        (
            "decision",
            "answer",
            "stage",
            "milestone",
            "point",
            "grouping",
            "submission",
            "due",
            "theme",
            "window",
            "item.version",
        ),
    ),
    "administrator": ("Administrators", ("role", "key.rotate", "incident")),
    "site": ("The site by itself", ("log.open", "tally", "census", "overdue", "edition")),
}  # fmt: skip
"""Who acts, in words, and the kinds of line that come of it. A line is put down to whose act brought it about."""


def side(choice: str, direction: str | None) -> str:
    """What follows "a vote to": keep it, scrap it, improve it (clearer)."""
    if not direction:
        return f"{choice} it"
    return f"{choice} it ({'in another way' if direction == Direction.OTHER else direction})"
