"""What tests of the reading pages share: people who give reasons, and what a reader reads."""

import re

from sqlalchemy import select

from accounts.rules import Role
from core.db import db, transaction
from tests.factories import (
    NOON,
    a_member_of_staff,
    a_vote,
    settle_the_record,
)
from voting.models import Comment
from voting.moderation import hide_comment
from voting.rules import Choice, ModerationRule, ReasonKind

SCRAP, IMPROVE, KEEP = Choice


def words_of(html: str) -> str:
    """What a reader reads: the text of the page's main part."""
    main = html.partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", main))


def page(client, address):
    answer = client.get(address)
    assert answer.status_code == 200, address
    return words_of(answer.text)


def no_reason(regulation, choice=KEEP, **given):
    return a_vote(regulation, choice, text="", reason_kind=ReasonKind.NOT_SAID, **given)


def a_reason(regulation, text, choice=KEEP, **given):
    """A vote with a reason; returns the comment's public id."""
    a_vote(regulation, choice, text=text, **given)
    return db.session.scalars(select(Comment.public_id).filter_by(text=text)).one()


def behind(regulation, public_id, choice=KEEP):
    return a_vote(regulation, choice, text="", reason_kind=ReasonKind.SUPPORTED, supports=public_id)


def hide(public_id, office="", now=NOON):
    moderator = a_member_of_staff(Role.MODERATOR, office)
    with transaction():
        comment = db.session.scalars(select(Comment).filter_by(public_id=public_id)).one()
        rule, reason = ModerationRule.PERSONAL_DATA, "It gives a telephone number."
        hide_comment(comment=comment, rule=rule, reason=reason, by=moderator, now=now)
    settle_the_record()
