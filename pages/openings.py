"""What a line's page shows of the texts behind it: those that may be read, and where the others went."""

from collections.abc import Sequence
from dataclasses import dataclass

from audit.queries import Line, entry_line
from core.clock import in_uk
from opendata.openings import Absent, Because, Opened, openings_of_line
from pages.trail import Told
from voting.rules import ModerationRule

WORDS = {
    "body_commit": "The reason given",
    "reason_commit": "Why this was done",
    "commit": "Which way it went",
    "text_commit": "What was sent in",
}
MASKED_WORDS = "What is left of the reason"
LINKS = {
    Because.WITHDRAWN: "The line that takes it back",
    Because.REPLACED: "Where it stands now",
}


@dataclass(frozen=True)
class Readable:
    """A text that anybody may hold against the line that commits to it."""

    words: str
    field: str
    kind: str
    text: str
    salt: str


@dataclass(frozen=True)
class Shut:
    """Why a text is not there, in a sentence, with the line of the act that took it away."""

    because: str
    link: str
    line_id: str


@dataclass(frozen=True)
class Openings:
    opened: Sequence[Readable]
    shut: Sequence[Shut]


def public_openings(told: Told) -> Openings:
    found = openings_of_line(told.line.id)
    if found is None:
        return Openings([], [])
    sealed = [opened for opened in found.opened if opened.salt]
    by = {absent.by: entry_line(absent.by) for absent in found.absent if absent.by}
    shut = dict.fromkeys(_shut(absent, by.get(absent.by or ""), told.line.id) for absent in found.absent)
    return Openings([_readable(told, opened) for opened in sealed], list(shut))


def _readable(told: Told, opened: Opened) -> Readable:
    masked = told.line.type == "moderation" and opened.field == "body_commit"
    words = MASKED_WORDS if masked else WORDS.get(opened.field, opened.field)
    return Readable(words, opened.field, opened.kind, opened.text, opened.salt)


def _shut(absent: Absent, act: Line | None, line_id: str) -> Shut:
    link = LINKS.get(absent.because, "The line that says so")
    return Shut(_sentence(absent, act), link, act.id if act is not None and act.id != line_id else "")


def _sentence(absent: Absent, act: Line | None) -> str:
    on, rule = _day(act), _rule(act)
    return {
        Because.KEPT: "Which way people went, and why, is kept until the count is final.",
        Because.ERASED: f"The text this line stands for was deleted for good{on}. The line itself stays.",
        Because.WITHDRAWN: f"This reason was taken back{on}, so its text is not shown.",
        Because.HELD: f"A moderator holds this reason back{rule}, so its text is not shown until it was looked at.",
        Because.HIDDEN: f"A moderator hid this reason{on}{rule}, so its text is not shown.",
        Because.MASKED: f"A moderator took words out of this reason{on}{rule}. What is left is read there.",
        Because.WITHHELD: f"This was withheld by a public rule{on}, so what it says is not shown. It is counted.",
        Because.REPLACED: f"This reason was written anew{on}, so its earlier text is not shown.",
        Because.MISSING: "The text this line stands for is missing, and no line says why. That should not be.",
    }[absent.because]


def _day(act: Line | None) -> str:
    return f" on {(at := in_uk(act.at)).day} {at:%B %Y}" if act is not None else ""


def _rule(act: Line | None) -> str:
    try:
        return f", by the rule “{ModerationRule(act.said['rule']).label}”" if act is not None else ""
    except (KeyError, ValueError):
        return ""
