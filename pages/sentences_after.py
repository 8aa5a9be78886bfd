"""The sentences for what comes after the vote: points, answers, submissions, days that are due, and steps."""

from collections.abc import Callable, Mapping
from typing import Any

from core.clock import in_uk, last_day
from pages.wording import Around, Sentence, day, how_many, moment, plainly, speaker, theme_of

DISTINCT = "A point is one distinct argument that many reasons make."
FEW = "Reasons that make no other point are read and answered together there."
VERDICTS = {
    "accept": "accepted",
    "accept_in_part": "accepted in part",
    "reject": "rejected",
    "out_of_scope": "found to be out of scope",
}


CAME = {
    "email": "by email",
    "letter": "by letter",
    "phone": "by telephone",
    "workshop": "out of a workshop",
    "petition": "as a petition",
    "paper": "as a paper",
}


def _point(said: Mapping[str, Any], around: Around) -> Sentence:
    if said.get("withdrawn"):
        return Sentence(f"{said['actor']} gave up a point.", "Reasons that stood under it stay published.")
    if said.get("few"):
        done = "worded anew" if "prev" in said else "made"
        return Sentence(f"{said['actor']} {done} the group for what few people raised.", FEW)
    if "prev" in said:
        return Sentence(f"{said['actor']} worded a point anew.", DISTINCT)
    return Sentence(f"{said['actor']} named a point.", DISTINCT)


def _grouping(said: Mapping[str, Any], around: Around) -> Sentence:
    if said.get("withdrawn"):
        return Sentence(f"{said['actor']} took a reason out from under a point.")
    return Sentence(f"{said['actor']} put a reason under a point.")


def _dispute(said: Mapping[str, Any], around: Around) -> Sentence:
    if said["state"] == "raised":
        return Sentence("The author of a reason objected to the point it was put under.")
    if said["state"] == "noted":
        return Sentence(
            f"{said['actor']} looked again at where a reason was put, and noted that it belongs elsewhere.",
            "It keeps the answer it was given, and the next decision has to answer it anew.",
        )
    return Sentence(f"{said['actor']} looked again at where a reason was put: it was {plainly(said['state'])}.")


def _submission(said: Mapping[str, Any], around: Around) -> Sentence:
    how, by = CAME.get(said["how"], f"by {plainly(said['how'])}"), speaker(said["capacity"])
    received = f"It was received on {day(in_uk(moment(said['received'])))} and entered by {said['actor']}."
    if "prev" in said:
        who = said["actor"][:1].upper() + said["actor"][1:]
        done = "withheld: it stays counted" if said.get("withheld") else "looked at again: it can be read"
        return Sentence(f"{who} changed how submission {said['reference']} stands. It is {done}.")
    if said.get("withheld"):
        return Sentence(f"A submission came {how}, from {by}: withheld, counted.", received)
    if "signatures" in said:
        signed = how_many(said["signatures"], "signature")
        return Sentence(f"A petition with {signed} came in.", f"{received} Signatures are not votes.")
    return Sentence(f"A submission came {how}, from {by}.", received)


def _answer(said: Mapping[str, Any], around: Around) -> Sentence:
    to = "A point" if "point" in said else "A reason"
    return Sentence(f"{to} was answered: {VERDICTS.get(said['verdict'], plainly(said['verdict']))}.", "", "decision")


def _due(said: Mapping[str, Any], around: Around) -> Sentence:
    by = day(last_day(moment(said["due"])))
    reason = f"The reason given: {around.reason}" if around.reason else ""
    return Sentence(
        f"{said['actor']} moved the day on which decisions on {theme_of(said, around)} are due to {by}.", reason
    )


def _overdue(said: Mapping[str, Any], around: Around) -> Sentence:
    missing = how_many(said["undecided"], "decision")
    return Sentence(
        f"The day on which decisions on {theme_of(said, around)} were due went by.",
        f"{missing} {'was' if said['undecided'] == 1 else 'were'} missing on {day(last_day(moment(said['due'])))}.",
    )


def _census(said: Mapping[str, Any], around: Around) -> Sentence:
    listed = how_many(said["number"], "regulation")
    return Sentence(
        f"{theme_of(said, around)} opened with {listed}.",
        "What became of them has to add up to that number. What is listed later is counted apart.",
        "count",
    )


def _edition(said: Mapping[str, Any], around: Around) -> Sentence:
    return Sentence(
        f"Edition {said['number']:,} of the report on {theme_of(said, around)} was kept.",
        "What was asked, said and done by then can be cited from it, and checked against the digest in this line.",
    )


def _milestone(said: Mapping[str, Any], around: Around) -> Sentence:
    step, state = f"“{plainly(said['step'])}”", plainly(said["state"])
    due = day(in_uk(moment(said["due"]))) if "due" in said else ""
    by = f" by {due}" if due else ""
    if state == "missed":
        return Sentence(f"The day for a step towards what was decided, {step}, went by{f': {due}' if due else ''}.")
    if "moved_from" in said and "due" in said:
        moved = "put off" if said["due"] > said["moved_from"] else "brought forward"
        days = f"from {day(in_uk(moment(said['moved_from'])))} to {due}"
        return Sentence(f"{said['actor']}: a step towards what was decided, {step}, was {moved} {days}.")
    if state not in ("done", "dropped") and said["actor"] == "The site":
        return Sentence(f"The day came by which what was decided is to be reviewed{f': {due}' if due else ''}.")
    if state in ("done", "dropped"):
        return Sentence(
            f"{said['actor']} said that a step towards what was decided, {step}, is {state}.", "", "decision"
        )
    told = f"{state}, to be done{by}" if by else state
    if "prev" in said:
        return Sentence(f"{said['actor']} set a step towards what was decided, {step}, anew: {told}.")
    return Sentence(f"{said['actor']} named a step towards what was decided, {step}: {told}.")


TOLD_BY: dict[str, Callable[[Mapping[str, Any], Around], Sentence]] = {
    "point": _point,
    "grouping": _grouping,
    "dispute": _dispute,
    "submission": _submission,
    "answer": _answer,
    "due": _due,
    "overdue": _overdue,
    "census": _census,
    "edition": _edition,
    "milestone": _milestone,
}
