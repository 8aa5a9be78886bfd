"""A reason as readers see it: in the words it was given in, or in those a moderator left, or in none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select

from accounts.rules import Capacity, Level
from audit.models import Opening
from core.db import db
from voting import rules
from voting.models import Comment, ModerationAct
from voting.rules import CommentStatus


@dataclass(frozen=True)
class Reason:
    """A comment as readers see it."""

    id: int
    public_id: str
    choice: str
    direction: str | None
    text: str
    capacity: Capacity
    level: int
    display_name: str
    organisation_name: str
    written_at: datetime
    entry_id: str
    supports: int
    hidden_by: str | None
    demonstration: bool
    regulation_slug: str
    regulation_title: str
    hidden_at: datetime | None = None
    hidden_office: str = ""
    version: int = 1
    erased_at: datetime | None = None
    erased_because: str = ""
    erasure_id: str = ""
    """The line that says its words were erased."""
    masked_by: str | None = None
    """The rule under which a moderator covered words of it. Without a text, its author has written it anew since."""
    act_id: str = ""
    """The line of the act that hid or masked it."""

    @property
    def is_readable(self) -> bool:
        return bool(self.text) and self.hidden_by is None and self.erased_at is None

    @property
    def offer(self) -> str:
        return rules.offer_of(self.public_id, self.version)

    @property
    def who(self) -> str:
        return rules.name_shown(
            level=self.level,
            organisation=self.organisation_name,
            display_name=self.display_name,
            capacity=self.capacity,
        )

    @property
    def name_checked(self) -> bool | None:
        """None where no personal name is shown, False where one is that nobody checked."""
        if self.level >= Level.ORGANISATION_MATCHED and self.organisation_name:
            return True
        return False if self.display_name else None


def as_reasons(rows: Sequence[Any]) -> list[Reason]:
    """From rows of comments with what voting.queries selects beside them."""
    shut = [row.id for row in rows if row.status in (CommentStatus.HIDDEN, CommentStatus.MASKED)]
    acts = _last_acts(shut) if shut else {}
    return [_reason(row, acts.get(row.id)) for row in rows]


def masked_words(ids: Sequence[int]) -> dict[int, str]:
    """What moderators left of masked comments, by their ids; none where the author has written anew since."""
    wanted = select(Comment.id, Comment.entry_id).where(Comment.id.in_(ids), Comment.status == CommentStatus.MASKED)
    stand_in = {row.id: row.entry_id for row in db.session.execute(wanted)}
    acts = _last_acts(list(stand_in)) if stand_in else {}
    return {id: act.left or "" for id, act in acts.items() if act.target == stand_in[id]}


def _last_acts(ids: Sequence[int]) -> dict[int, Any]:
    """The last act on each comment, with the words it left where it is a mask."""
    left = and_(Opening.entry_id == ModerationAct.entry_id, Opening.field == "body_commit")
    acts = select(
        ModerationAct.comment_id, ModerationAct.rule, ModerationAct.office, ModerationAct.done_at,
        ModerationAct.target, ModerationAct.entry_id, Opening.text.label("left"),
    ).outerjoin(Opening, left)  # fmt: skip
    found = db.session.execute(acts.where(ModerationAct.comment_id.in_(ids)).order_by(ModerationAct.id))
    return {act.comment_id: act for act in found}


def _reason(row: Any, act: Any | None) -> Reason:
    """A hidden reason keeps its place, with the rule, the day and the office that hid it, and loses its words.

    A masked one has the words that its moderator left. An erased one says on which day and why, and nothing is left to
    show again.
    """
    hidden, masked = row.status == CommentStatus.HIDDEN, row.status == CommentStatus.MASKED
    rule = rules.ModerationRule(act.rule).label if act is not None else None
    text = row.text
    if hidden or masked:
        text = (act.left or "") if masked and act is not None and act.target == row.entry_id else ""
    return Reason(
        id=row.id,
        public_id=row.public_id,
        choice=row.choice,
        direction=row.direction,
        text=text,
        capacity=Capacity(row.capacity),
        level=row.level,
        display_name="" if hidden else row.display_name,
        organisation_name=row.organisation_name,
        written_at=row.written_at,
        entry_id=row.entry_id,
        supports=row.supports,
        hidden_by=rule if hidden else None,
        demonstration=row.demonstration,
        regulation_slug=row.slug,
        regulation_title=row.title,
        hidden_at=act.done_at if act is not None else None,
        hidden_office=act.office if act is not None else "",
        version=row.version,
        erased_at=row.erased_at,
        erased_because=rules.ErasureBasis(row.erasure_basis).because if row.erasure_basis else "",
        erasure_id=row.erasure_entry_id or "",
        masked_by=rule if masked else None,
        act_id=(act.entry_id or "") if act is not None else "",
    )
