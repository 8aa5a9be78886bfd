"""What a mail gives back of the reader's reason where a moderator was at it, or where few people said the same."""

import pytest
from sqlalchemy import select

from accounts.models import Account
from accounts.rules import Role
from core.db import db, transaction
from notices.rules import How
from pages.personal_queries import contribution_to
from tests.analysis.making import a_comment, a_point, put, stands_behind
from tests.factories import (
    NOON,
    a_decision,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_voter,
    settle_the_record,
)
from tests.notices.telling import hears, mails
from tests.pages.readers import hide, page
from tests.pages.test_personal import signed_in
from voting.models import Comment
from voting.moderation import mask_comment
from voting.rules import ModerationRule

WORDS = "Call me on 01632 960000, it costs a day a month."
POINT = "It costs small shops too much"


@pytest.fixture
def reason(app) -> Comment:
    """Ada's, under a point, and Kim stands behind it; both hear as it happens."""
    regulation = a_regulation(a_theme(), title="Shop Hours Regulations 1992")
    comment = a_comment(regulation, WORDS, voter=reader("ada"))
    stands_behind(comment, voter=reader("kim"))
    official = a_member_of_staff(Role.OFFICIAL)
    put(a_point(regulation, official, title=POINT), comment, by=official)
    return comment


def reader(name: str) -> Account:
    return hears(a_voter(f"{name}@example.org"), How.IMMEDIATELY)


def mask(comment: Comment) -> None:
    moderator = a_member_of_staff(Role.MODERATOR)
    with transaction():
        mask_comment(
            comment=db.session.get_one(Comment, comment.id), words=["01632 960000"], rule=ModerationRule.PERSONAL_DATA,
            reason="It gives a telephone number.", by=moderator, now=NOON,
        )  # fmt: skip
    settle_the_record()


def decision_mails(comment: Comment) -> dict[str, str]:
    """By who got it, its words on one line."""
    regulation = db.session.get_one(Comment, comment.id).regulation
    a_frozen_theme(regulation.theme)
    a_decision(regulation)
    return {mail.recipient.partition("@")[0]: " ".join(mail.text.split()) for mail in mails("decision")}


def test_whoever_stands_behind_a_covered_reason_reads_what_was_left_of_it_its_point_and_the_answer(app, reason):
    mask(reason)
    said = decision_mails(reason)
    assert f"You said: “{WORDS}”" in said["ada"]
    assert (
        "You stand behind a reason that somebody else gave: “Call me on ▇▇, it costs a day a month.” "
        f"It was counted in the point, with 2 people behind it: “{POINT}” The answer: accepted in part:"
    ) in said["kim"]
    assert "01632" not in said["kim"]


def test_so_does_the_page_of_their_own(app, reason):
    mask(reason)
    kim = db.session.scalars(select(Account).filter_by(email="kim@example.org")).one()
    found = contribution_to(reason.regulation.slug, kim.id, NOON)
    assert found.stands_behind == "Call me on ▇▇, it costs a day a month."
    assert "Call me on ▇▇" in page(signed_in(app, kim), "/my/contributions")


def test_who_wrote_a_hidden_reason_is_told_the_rule_and_of_no_point(app, reason):
    hide(reason.public_id)
    said = decision_mails(reason)
    hidden = (
        "A moderator hid {} by a public rule: it gives somebody’s personal details. "
        "So it stands under no point and has no answer. Your vote counts all the same."
    )
    assert f"You said: “{WORDS}” {hidden.format('your reason')}" in said["ada"]
    assert hidden.format("the reason you stand behind") in said["kim"]
    assert "01632" not in said["kim"]
    for text in said.values():
        assert POINT not in text
        assert "The answer" not in text


def test_what_few_people_raised_is_told_in_the_words_of_the_page(app):
    comment = a_comment(a_regulation(a_theme()), "It costs a day a month.", voter=reader("ada"))
    text = decision_mails(comment)["ada"]
    assert "Your reason was counted among those that few people gave." in text
    assert "The answer: accepted in part, to all that few people raised: “We have weighed this" in text
    assert "Raised by few people" not in text
