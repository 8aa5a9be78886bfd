"""Every kind of entry the record knows, one frozen dataclass each, and their canonical bytes.

An entry is canonical JSON (RFC 8785) of its fields with ``v``, ``id``, ``t`` and ``type``. It holds no free text:
texts stand in it as SHA-256 digests (public texts) or salted commitments (texts that may have to be erased).
"""

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import rfc8785

from audit.body import Body
from audit.deciding import (
    AnswerEntry,
    DisputeEntry,
    DueSet,
    EditionEntry,
    GroupingEntry,
    MilestoneEntry,
    Overdue,
    PointEntry,
    SubmissionEntry,
)

VERSION = 1
MAX_BYTES = 8 * 1024
HOUR = 3600
LARGEST = 2**53
_TAG = b"regulation-review/v1/"


@dataclass(frozen=True, kw_only=True)
class LogOpen(Body):
    """The first line, always: which log this is, and the keys that speak for it."""

    type = "log.open"
    origin: str
    log_key: str
    promise_key: str
    demonstration: bool


@dataclass(frozen=True, kw_only=True)
class ThemeListed(Body):
    type = "theme"
    theme: str
    kind: str
    split: str
    text_sha256: str


@dataclass(frozen=True, kw_only=True)
class WindowSet(Body):
    """When a theme takes votes. ``act`` is set, days_set, closed_early or extended; times are seconds since 1970.

    ``days`` after the close its decisions are due.
    """

    type = "window"
    theme: str
    act: str
    opens: int
    closes: int
    days: int | None = None
    actor: str
    reason_commit: str | None = None


@dataclass(frozen=True, kw_only=True)
class ItemVersion(Body):
    type = "item.version"
    item: str
    theme: str
    text_sha256: str


@dataclass(frozen=True, kw_only=True)
class StageSet(Body):
    type = "stage"
    item: str
    stage: str
    actor: str


@dataclass(frozen=True, kw_only=True)
class VoteEntry(Body):
    """A vote cast, changed or withdrawn. ``voter`` is a pseudonym for this item alone; ``prev`` their last vote on it.

    Where the split is kept until the close, ``commit`` stands for choice and direction.
    """

    type = "vote"
    refers = ("prev",)
    item: str
    voter: str
    capacity: str
    level: int
    choice: str | None = None
    direction: str | None = None
    commit: str | None = None
    withdrawn: bool | None = None
    prev: str | None = None


@dataclass(frozen=True, kw_only=True)
class CommentEntry(Body):
    """A reason given, or taken back. ``author`` is another pseudonym than the voter's; ``vote`` the side it argues."""

    type = "comment"
    refers = ("prev",)
    item: str
    author: str
    capacity: str
    vote: str | None = None
    direction: str | None = None
    commit: str | None = None
    provision: str | None = None
    body_commit: str | None = None
    withdrawn: bool | None = None
    prev: str | None = None


@dataclass(frozen=True, kw_only=True)
class SupportEntry(Body):
    """Somebody stands behind a reason that another gave, or no longer does."""

    type = "support"
    refers = ("comment", "prev")
    item: str
    comment: str
    author: str
    withdrawn: bool | None = None
    prev: str | None = None


@dataclass(frozen=True, kw_only=True)
class ModerationEntry(Body):
    """A reason was held, hidden, masked or restored by a public rule. A mask commits to the words that are left."""

    type = "moderation"
    refers = ("target",)
    item: str
    target: str
    action: str
    rule: str
    actor: str
    reason_commit: str
    body_commit: str | None = None


@dataclass(frozen=True, kw_only=True)
class Erasure(Body):
    """What opened an earlier line was deleted for good: a text, or the salt that says whose line it is."""

    type = "erasure"
    refers = ("target",)
    target: str
    basis: str
    item: str | None = None


@dataclass(frozen=True, kw_only=True)
class _OfVotes(Body):
    """An act on many votes, 200 lines at most; a larger one takes several entries that share ``act``.

    ``targets_commit`` stands in place of a list too long to print, with a public opening.
    """

    refers = ("targets",)
    act: str
    rule: str
    actor: str
    targets: list[str] | None = None
    targets_commit: str | None = None


@dataclass(frozen=True, kw_only=True)
class Invalidation(_OfVotes):
    """Votes that no longer count."""

    type = "invalidation"


@dataclass(frozen=True, kw_only=True)
class Reinstatement(_OfVotes):
    """Votes that count again after an invalidation."""

    type = "reinstatement"


@dataclass(frozen=True, kw_only=True)
class TallyEntry(Body):
    """The count at the moment nothing more could be added to it: over the first ``at_size`` entries."""

    type = "tally"
    item: str
    at_size: int
    counts: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class DecisionEntry(Body):
    """What was decided, on the count over the first ``at_size`` entries, whose Merkle tree hash is ``root``.

    What else is cited stands among the first ``evidence_at_size``.
    """

    type = "decision"
    refers = ("tally", "supersedes")
    item: str
    reference: str
    outcome: str
    statement_sha256: str
    at_size: int
    root: str
    tally: str
    official: str
    approver: str
    evidence_at_size: int | None = None
    supersedes: str | None = None


@dataclass(frozen=True, kw_only=True)
class CensusEntry(Body):
    """What a theme listed when it opened: how many regulations, and the digest of their slugs."""

    type = "census"
    theme: str
    opens: int
    number: int
    items_sha256: str


@dataclass(frozen=True, kw_only=True)
class KeyRotate(Body):
    """From the next checkpoint on another key speaks for the log, or signs its promises. Keys are in base64."""

    type = "key.rotate"
    which: str
    old: str
    new: str
    actor: str


@dataclass(frozen=True, kw_only=True)
class Incident(Body):
    """Something went wrong with the record itself, as its operators found it."""

    type = "incident"
    kind: str
    actor: str
    reason_commit: str | None = None


@dataclass(frozen=True, kw_only=True)
class RoleEntry(Body):
    """A public office was given a role, or lost it. People are not named."""

    type = "role"
    office: str
    role: str
    act: str
    actor: str


@dataclass(frozen=True, kw_only=True)
class OrganisationChecked(Body):
    """Staff found that whoever speaks for this organisation does so rightly."""

    type = "organisation"
    organisation: str
    act: str
    actor: str


ALL: dict[str, type[Body]] = {
    body.type: body
    for body in (
        LogOpen, ThemeListed, WindowSet, ItemVersion, StageSet, VoteEntry, CommentEntry, SupportEntry,
        ModerationEntry, Erasure, Invalidation, Reinstatement, TallyEntry, DecisionEntry, CensusEntry, KeyRotate,
        Incident, RoleEntry, OrganisationChecked, PointEntry, GroupingEntry, DisputeEntry, SubmissionEntry,
        AnswerEntry, DueSet, Overdue, MilestoneEntry, EditionEntry,
    )
}  # fmt: skip


def canonical(body: Body, *, id: str, t: int) -> bytes:
    """The entry's exact bytes (RFC 8785), strings in NFC.

    Raises ValueError over 8 KiB, as nothing that long belongs in an entry, and for what no entry may hold: a float, or
    an integer too large for every reader of JSON.
    """
    written = rfc8785.dumps(_plain({"v": VERSION, "id": id, "t": t, "type": body.type, **body.said()}))
    if len(written) > MAX_BYTES:
        raise ValueError(f"A {body.type} entry of {len(written)} bytes is over the {MAX_BYTES} allowed.")
    return written


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_plain(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) < LARGEST):
        return value
    raise ValueError(f"An entry cannot hold {value!r}.")


def hour_of(moment: datetime) -> int:
    """Seconds since 1970 of the hour a moment falls into: the record tells no finer time, so that it links nobody."""
    return int(moment.astimezone(UTC).timestamp()) // HOUR * HOUR


def text_digest(text: str) -> str:
    """SHA-256 of a public text in UTF-8, as 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def commitment(kind: str, salt: bytes, text: str) -> str:
    """SHA-256(tag ‖ salt ‖ text), 64 hex digits; without its 32-byte salt, nobody can test a guess against it."""
    return hashlib.sha256(_TAG + kind.encode() + b"\x00" + salt + text.encode()).hexdigest()


def pseudonym(kind: str, salt: bytes, identity: dict[str, str]) -> str:
    """SHA-256(tag ‖ salt ‖ canonical identity), 64 hex digits: one person on one item, nobody to anyone else."""
    return hashlib.sha256(_TAG + kind.encode() + b"\x00" + salt + rfc8785.dumps(identity)).hexdigest()
