"""A decision that is approved and waits for its time."""

import re
import threading

import pytest
from sqlalchemy import select

from accounts.rules import Role
from analysis.models import Point
from analysis.services import reword_point
from commands import publish_due
from core import clock
from core.db import db, transaction
from core.errors import Clash, NotAllowed, RuleBroken
from decisions.models import AnswerDraft, Decision, Draft
from decisions.queries import draft_of
from decisions.rules import DraftStatus
from decisions.services import approve, return_draft, submit_draft, take_back_approval, withdraw_draft
from tests.conftest import both_databases
from tests.decisions.test_routes import decide
from tests.decisions.test_services import LATER, a_closed_regulation, saved, submitted
from tests.factories import DAY, a_member_of_staff, everything_answered, how_many, the_record
from voting.models import Comment
from voting.moderation import hide_comment
from voting.rules import Choice, ModerationRule

AT = LATER + DAY


def approved_for(when):
    """A draft that a second official has approved for a set time, and who that is."""
    first, second = a_member_of_staff(Role.OFFICIAL), a_member_of_staff(Role.OFFICIAL, "Second Office")
    regulation = a_closed_regulation(Choice.KEEP)
    cited = tuple(db.session.scalars(select(Comment.public_id).filter_by(regulation_id=regulation.id)))
    draft = submitted(regulation, first, publish_at=when, cited_comments=cited)
    with transaction():
        assert approve(draft=draft, version=draft.version, by=second, now=LATER, demonstration=False) is None
    return regulation, first, second


def the_draft():
    db.session.expire_all()
    return db.session.scalars(select(Draft)).one()


@both_databases
def test_the_worker_publishes_it_at_its_time_and_not_before(app):
    approved_for(AT)
    with clock.pretending(LATER):
        publish_due()
    assert (how_many(Decision), the_draft().status) == (0, DraftStatus.APPROVED)
    with clock.pretending(AT):
        publish_due()
    decision = db.session.scalars(select(Decision)).one()
    assert (decision.published_at, decision.approved_by, how_many(Draft)) == (AT, "Second Office", 0)
    assert len(the_record("decision")) == 1


@both_databases
def test_two_workers_publish_it_once(app):
    approved_for(AT)
    db.session.rollback()
    ready = threading.Barrier(2)

    def work():
        with app.app_context(), clock.pretending(AT):
            ready.wait()
            publish_due()
            db.session.remove()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (how_many(Decision), how_many(Draft), len(the_record("decision"))) == (1, 0, 1)


def test_a_point_reworded_after_the_approval_sends_it_back_to_be_read_again(app):
    _, first, _ = approved_for(AT)
    with transaction():
        point = db.session.scalars(select(Point)).first()
        reword_point(point=point, version=point.version, title="Other words", summary="", by=first, now=LATER)
    with clock.pretending(AT):
        publish_due()
    assert (how_many(Decision), the_draft().status) == (0, DraftStatus.RETURNED)
    assert "has changed since it was approved" in the_draft().return_note


def test_an_edit_after_the_approval_voids_it(app):
    regulation, first, _ = approved_for(AT)
    saved(regulation, first, version=1, statement="The regulation stays after all.", publish_at=AT)
    with transaction():
        submit_draft(draft=draft_of(regulation), by=first, now=LATER)
    with clock.pretending(AT):
        publish_due()
    draft = the_draft()
    assert (how_many(Decision), draft.status, draft.approved_by) == (0, DraftStatus.SUBMITTED, None)


def test_what_cannot_be_published_at_its_time_goes_back_with_the_reason(app):
    approved_for(AT)
    moderator = a_member_of_staff(Role.MODERATOR)
    with transaction():
        comment, why = db.session.scalars(select(Comment)).one(), "It names a neighbour and their address."
        hide_comment(comment=comment, rule=ModerationRule.PERSONAL_DATA, reason=why, by=moderator, now=LATER)
    with clock.pretending(AT):
        publish_due()
    draft = the_draft()
    assert (how_many(Decision), draft.status) == (0, DraftStatus.RETURNED)
    assert draft.return_note.startswith("It could not be published at the time set. A reason this decision cites is")


def test_answers_changed_since_the_approval_are_read_again_first(app):
    regulation, first, _ = approved_for(AT)
    with transaction():
        answer = db.session.scalars(select(AnswerDraft).filter_by(regulation_id=regulation.id)).first()
        answer.reasons, answer.changed_at = "Something else altogether, said after the approval.", LATER + DAY / 2
    with clock.pretending(AT):
        publish_due()
    assert (how_many(Decision), the_draft().status) == (0, DraftStatus.RETURNED)
    assert "has changed since it was approved" in the_draft().return_note


def test_nothing_is_approved_for_later_that_could_not_be_published_now(app):
    first, second = a_member_of_staff(Role.OFFICIAL), a_member_of_staff(Role.OFFICIAL)
    draft = submitted(a_closed_regulation(frozen=False), first, publish_at=AT)
    with pytest.raises(RuleBroken, match="24 hours at most"), transaction():
        approve(draft=draft, version=1, by=second, now=LATER, demonstration=False)
    assert the_draft().status == DraftStatus.SUBMITTED


@pytest.mark.parametrize("when", [LATER - DAY, LATER, LATER + 366 * DAY, LATER + 900 * 365 * DAY])
def test_a_time_that_went_by_or_is_more_than_a_year_off_is_refused_on_submission(app, when):
    draft = saved(a_closed_regulation(), a_member_of_staff(Role.OFFICIAL), publish_at=when)
    everything_answered(draft.regulation, now=LATER)
    with pytest.raises(RuleBroken) as refused, transaction():
        submit_draft(draft=draft, by=draft.written_by, now=LATER)
    assert refused.value.field == "publish_at"


@both_databases
def test_whoever_approved_may_think_again_until_its_time(app):
    regulation, first, second = approved_for(AT)
    with pytest.raises(NotAllowed), transaction():
        take_back_approval(draft=draft_of(regulation), version=1, by=first)
    with transaction():
        take_back_approval(draft=draft_of(regulation), version=1, by=second)
    with clock.pretending(AT):
        publish_due()
    draft = the_draft()
    assert (how_many(Decision), draft.status, draft.approved_by) == (0, DraftStatus.SUBMITTED, None)
    with pytest.raises(RuleBroken, match="not approved"), transaction():
        take_back_approval(draft=draft_of(regulation), version=1, by=second)
    with transaction():
        return_draft(draft=draft_of(regulation), version=1, note="Say whom it helps.", by=second, now=LATER)


@both_databases
def test_whoever_submitted_may_withdraw_it_until_its_time(app):
    regulation, first, second = approved_for(AT)
    with pytest.raises(NotAllowed), transaction():
        withdraw_draft(draft=draft_of(regulation), version=1, by=second)
    with pytest.raises(Clash), transaction():
        withdraw_draft(draft=draft_of(regulation), version=7, by=first)
    with transaction():
        withdraw_draft(draft=draft_of(regulation), version=1, by=first)
    with clock.pretending(AT):
        publish_due()
    draft = the_draft()
    assert (how_many(Decision), draft.status, draft.approved_by) == (0, DraftStatus.DRAFT, None)
    with pytest.raises(RuleBroken, match="nothing to withdraw"), transaction():
        withdraw_draft(draft=draft_of(regulation), version=1, by=first)


def test_both_are_one_click_on_the_page_that_each_of_them_sees(app, signed_in):
    regulation, first, second = approved_for(AT)
    with clock.pretending(LATER):
        address = f"/staff/regulations/{regulation.slug}/approve"
        assert "Take back my approval" in signed_in(second).get(address).get_data(as_text=True)
        author = signed_in(first).get(address).get_data(as_text=True)
        assert ("Take back my approval" in author, "Withdraw it" in author) == (False, True)
        facts = " ".join(re.sub("<[^>]+>", " ", author).split())
        assert f"Approved by Second Office Published {AT:%-d %B %Y}" in facts
        assert decide(signed_in(second), regulation.slug, "approve", 1).status_code == 303  # the second of two clicks
        assert decide(signed_in(second), regulation.slug, "take_back", 1).location == "/staff"
        assert the_draft().status == DraftStatus.SUBMITTED
        assert decide(signed_in(first), regulation.slug, "withdraw", 1).location == "/staff"
        assert the_draft().status == DraftStatus.DRAFT


def test_once_its_time_went_by_an_approval_says_that_it_publishes_at_once(app, signed_in):
    regulation = a_closed_regulation()
    submitted(regulation, a_member_of_staff(Role.OFFICIAL), publish_at=AT)
    approver, address = a_member_of_staff(Role.OFFICIAL), f"/staff/regulations/{regulation.slug}/approve"
    with clock.pretending(LATER):
        assert "it waits for its time" in signed_in(approver).get(address).get_data(as_text=True)
    with clock.pretending(AT):
        client = signed_in(approver)
        text = client.get(address).get_data(as_text=True)
        assert ("that time has gone by" in text, "Approve and publish" in text) == (True, True)
        assert decide(client, regulation.slug, "approve", 1).location == "/decisions/2026-0001"
