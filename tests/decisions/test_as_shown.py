"""Nobody approves what they have not read: what changed since the page was opened is found, shown and read again."""

import os
import re

import pytest
from sqlalchemy import select

from accounts.rules import Role
from analysis.models import Point
from analysis.services import reword_point
from core.db import db, transaction
from decisions.answers import save_answer
from decisions.as_shown import EVERYTHING, MOST_CARRIED, packed, unpacked
from decisions.models import AnswerDraft, Decision, Draft
from decisions.rules import DraftStatus, Verdict
from regulations.models import Regulation
from tests.conftest import both_databases
from tests.decisions.conftest import LATER
from tests.decisions.test_routes import decide, send, what_is_shown
from tests.factories import a_member_of_staff, how_many
from voting.models import Comment
from voting.moderation import mask_comment
from voting.rules import ModerationRule

pytestmark = pytest.mark.usefixtures("after_the_close")


@pytest.fixture
def submitted(app, signed_in, regulation, official):
    """A decision that cites one reason and waits for approval."""
    cited = db.session.scalars(select(Comment).filter_by(choice="keep")).first()
    done = send(signed_in(official), regulation.slug, do="submit", cited=[cited.public_id])
    assert done.status_code == 303
    db.session.rollback()
    return regulation


@pytest.fixture
def approver(signed_in, second):
    return signed_in(second)


def approve(client, regulation, shown):
    return decide(client, regulation.slug, "approve", "1", shown=shown)


def the_point():
    return db.session.scalars(select(Point)).one()


def reworded(official, title):
    with transaction():
        point = the_point()
        reword_point(point=point, version=point.version, title=title, summary="", by=official, now=LATER)


@both_databases
def test_a_point_reworded_meanwhile_is_shown_and_approved_only_once_it_was_read(app, submitted, approver, official):
    shown = what_is_shown(approver, submitted.slug)
    reworded(official, "Few people raised these, in their own words")
    refused = approve(approver, submitted, shown)
    text = refused.get_data(as_text=True)
    meanwhile = text.partition("What changed since you opened this page")[2].partition("</section>")[0]
    assert (refused.status_code, how_many(Decision)) == (409, 0)
    assert "Few people raised these, in their own words" in meanwhile
    assert "Raised by few people" in meanwhile
    assert "The regulation stays as it is." not in meanwhile  # what did not change is not repeated
    read_again = re.search(r'name="shown"[^>]*value="([^"]*)"', text)[1]
    assert (approve(approver, submitted, read_again).status_code, how_many(Decision)) == (303, 1)


def test_an_answer_changed_meanwhile_is_shown_and_the_decision_asks_for_approval_anew(
    app, submitted, approver, official
):
    shown = what_is_shown(approver, submitted.slug)
    with transaction():
        answer = db.session.scalars(select(AnswerDraft)).one()
        save_answer(
            regulation=db.session.get_one(Regulation, submitted.id), point=the_point(), verdict=Verdict.REJECT,
            reasons="Inspections found otherwise last year.", version=answer.version, by=official, now=LATER,
        )  # fmt: skip
    refused = approve(approver, submitted, shown)
    text = refused.get_data(as_text=True)
    meanwhile = text.partition("What changed since you opened this page")[2].partition("</section>")[0]
    assert (refused.status_code, how_many(Decision)) == (409, 0)
    assert "Inspections found otherwise last year." in meanwhile
    assert "We have weighed this" in meanwhile
    assert db.session.scalars(select(Draft)).one().status == DraftStatus.DRAFT
    assert "Still a draft" in text


def test_words_covered_in_a_cited_reason_meanwhile_are_shown(app, submitted, approver):
    shown, moderator = what_is_shown(approver, submitted.slug), a_member_of_staff(Role.MODERATOR)
    with transaction():
        comment = db.session.scalars(select(Comment).filter_by(choice="keep")).first()
        mask_comment(
            comment=comment, words=["people"], rule=next(iter(ModerationRule)), reason="It names somebody.",
            by=moderator, now=LATER,
        )  # fmt: skip
    refused = approve(approver, submitted, shown)
    meanwhile = refused.get_data(as_text=True).partition("What changed since you opened this page")[2]
    assert (refused.status_code, how_many(Decision)) == (409, 0)
    assert "Cited comment" in meanwhile.partition("</section>")[0]


@pytest.mark.parametrize("shown", ["", "nonsense", "bm90IHppcHBlZA=="])
def test_an_approval_that_does_not_say_what_was_read_is_refused(app, submitted, approver, shown):
    assert (approve(approver, submitted, shown).status_code, how_many(Decision)) == (409, 0)


def test_a_draft_edited_meanwhile_is_shown_word_by_word(app, submitted, approver, official, signed_in):
    shown = what_is_shown(approver, submitted.slug)
    send(signed_in(official), submitted.slug, version="1", statement="The regulation stays, but for one part.")
    text = approve(approver, submitted, shown).get_data(as_text=True)
    meanwhile = text.partition("What changed since you opened this page")[2].partition("</section>")[0]
    assert "but for one part." in meanwhile
    assert how_many(Decision) == 0


def test_what_a_page_carries_of_itself_comes_back_and_too_much_of_it_by_its_digest():
    parts = {"Reasons": "In full, “so”.\nAnd on."}
    assert unpacked(packed(parts)) == parts
    much = {"Reasons": os.urandom(MOST_CARRIED).hex()}
    carried = packed(much)
    assert len(carried) < 1000
    assert unpacked(carried).keys() == {EVERYTHING}
    assert unpacked(carried) != unpacked(packed({"Reasons": os.urandom(MOST_CARRIED).hex()}))
