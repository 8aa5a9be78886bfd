"""The kinds of entry that come after the vote: what people said as points, answers to it, days and steps."""

from dataclasses import dataclass

from audit.body import Body


@dataclass(frozen=True, kw_only=True)
class PointEntry(Body):
    """A distinct argument was named, worded anew, or given up. ``few``: it gathers what few people raised."""

    type = "point"
    refers = ("prev",)
    item: str
    point: str
    text_sha256: str | None = None
    few: bool | None = None
    withdrawn: bool | None = None
    actor: str
    prev: str | None = None


@dataclass(frozen=True, kw_only=True)
class GroupingEntry(Body):
    """A reason was put under a point, or taken out again."""

    type = "grouping"
    refers = ("comment", "point")
    item: str
    comment: str
    point: str
    actor: str
    withdrawn: bool | None = None


@dataclass(frozen=True, kw_only=True)
class SubmissionEntry(Body):
    """What came by another way than the ballot, or that it was withheld: counted beside the votes, never among them."""

    type = "submission"
    refers = ("prev",)
    theme: str
    reference: str
    how: str
    capacity: str
    received: int
    actor: str
    item: str | None = None
    text_commit: str | None = None
    file_sha256: str | None = None
    signatures: int | None = None
    withheld: bool | None = None
    prev: str | None = None


@dataclass(frozen=True, kw_only=True)
class AnswerEntry(Body):
    """What a decision answers to a point, or to one comment. ``point`` and ``comment`` are the ids of their lines."""

    type = "answer"
    refers = ("decision", "point", "comment")
    item: str
    decision: str
    verdict: str
    text_sha256: str
    point: str | None = None
    comment: str | None = None


@dataclass(frozen=True, kw_only=True)
class DueSet(Body):
    """The day decisions of a theme fall due was moved. ``due`` is in seconds since 1970."""

    type = "due"
    theme: str
    due: int
    actor: str
    reason_commit: str


@dataclass(frozen=True, kw_only=True)
class Overdue(Body):
    """The day went by, and so many of a theme's regulations had no decision."""

    type = "overdue"
    theme: str
    due: int
    undecided: int


@dataclass(frozen=True, kw_only=True)
class EditionEntry(Body):
    """What the report on a theme said was kept, so that it can be cited: the digest is of the file that anybody gets.

    ``at_size``: how many entries the record had when it was written.
    """

    type = "edition"
    theme: str
    number: int
    at_size: int
    text_sha256: str


@dataclass(frozen=True, kw_only=True)
class DisputeEntry(Body):
    """A comment's author objects to where it was put (state raised); staff looked again (kept or moved)."""

    type = "dispute"
    refers = ("grouping",)
    item: str
    grouping: str
    state: str
    actor: str | None = None


@dataclass(frozen=True, kw_only=True)
class MilestoneEntry(Body):
    """A step towards what was decided. ``due`` is in seconds since 1970, ``moved_from`` the day it replaces, if any."""

    type = "milestone"
    refers = ("decision", "prev")
    item: str
    decision: str
    step: str
    state: str
    actor: str
    due: int | None = None
    moved_from: int | None = None
    text_sha256: str | None = None
    prev: str | None = None
