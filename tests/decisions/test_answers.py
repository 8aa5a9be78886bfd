import pytest
from sqlalchemy import select

from accounts.rules import Role
from analysis.services import make_point, put_under, take_out
from audit.entries import text_digest
from audit.tiles import log_folder
from core.db import db, transaction
from core.errors import Clash, NotAllowed, RuleBroken
from decisions.answers import (
    answer_text,
    answers_given_in,
    answers_to_comments,
    answers_to_publish,
    assign_answer,
    awaiting_by_theme,
    save_answer,
)
from decisions.models import Answer, AnswerDraft, Decision, Draft
from decisions.queries import draft_of
from decisions.rules import DraftStatus, Outcome, Verdict
from decisions.services import approve_and_publish, submit_draft
from decisions.unanswered import (
    check_all_answered,
    unanswered,
    unanswered_comments,
    unanswered_points,
)
from opendata.checking import check
from opendata.openings import openings_of_line
from tests.conftest import both_databases
from tests.decisions.test_services import LATER, approved, saved
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    everything_answered,
    how_many,
    settle_the_record,
    the_record,
)
from voting.models import Comment
from voting.moderation import hide_comment, show_comment
from voting.rules import Choice, ModerationRule

SAID = {"verdict": Verdict.REJECT, "reasons": "It would cost more than it saves."}


@pytest.fixture
def official(app):
    return a_member_of_staff(Role.OFFICIAL, "First Office")


@pytest.fixture
def closed(app):
    return a_closed_regulation()


def a_closed_regulation(title="Retail"):
    """Two keep it, one scraps it, each with words; nothing is read yet."""
    theme = a_theme(title=title)
    regulation = a_regulation(theme)
    for choice, text in ((Choice.KEEP, "It is safe."), (Choice.KEEP, "It is known."), (Choice.SCRAP, "It is dear.")):
        a_vote(regulation, choice, text=text)
    a_frozen_theme(theme)
    return regulation


def comments_on(regulation):
    return list(db.session.scalars(select(Comment).filter_by(regulation_id=regulation.id).order_by(Comment.id)))


def a_point_of(regulation, *comments, by, title="It costs shops too much", few=False):
    with transaction():
        point = make_point(regulation=regulation, title=title, summary="", by=by, now=LATER, few=few)
        if comments:
            put_under(point=point, comments=comments, by=by, now=LATER)
    return point


def answer(regulation, by, version=0, now=LATER, **given):
    with transaction():
        return save_answer(regulation=regulation, version=version, by=by, now=now, **(SAID | given))


def hide(comment, back=False):
    given = {"rule": ModerationRule.OFF_TOPIC, "reason": "It is about something else.", "now": LATER}
    moderator = a_member_of_staff(Role.MODERATOR)
    with transaction():
        (show_comment if back else hide_comment)(comment=comment, by=moderator, **given)


@both_databases
def test_a_comment_is_answered_through_its_point_the_group_of_few_or_its_own_answer(app):
    official, regulation = a_member_of_staff(Role.OFFICIAL), a_closed_regulation()
    first, second, third = comments_on(regulation)
    point = a_point_of(regulation, first, by=official)
    few = a_point_of(regulation, second, by=official, title="Raised by few", few=True)
    lacking = unanswered(regulation.id)
    assert set(db.session.scalars(unanswered_points(regulation.id))) == {point.id, few.id}
    assert list(db.session.scalars(unanswered_comments(regulation.id))) == [third.id]
    assert (lacking.points, lacking.comments, lacking.number) == (2, 1, 3)
    assert unanswered(regulation.id).number == 3
    for about, left in (({"point": point}, 2), ({"point": few}, 1), ({"comment": third}, 0)):
        with pytest.raises(RuleBroken, match="no answer yet"):
            check_all_answered(regulation)
        answer(regulation, official, **about)
        assert unanswered(regulation.id).number == left
    check_all_answered(regulation)


def test_a_decision_is_not_submitted_while_an_answer_is_missing_and_the_message_counts_them(official, closed):
    draft = saved(closed, official)
    a_point_of(closed, comments_on(closed)[0], by=official)
    lacking = "1 point and 2 published comments have no answer yet"
    with pytest.raises(RuleBroken, match=lacking) as refused, transaction():
        submit_draft(draft=draft, by=official, now=LATER)
    assert refused.value.field == "answers"
    assert db.session.get_one(Draft, draft.id).status == DraftStatus.DRAFT


def test_a_point_that_nobody_stands_behind_needs_no_answer(official, closed):
    everything_answered(closed, by=official, now=LATER)
    a_point_of(closed, by=official, title="Nobody said so")
    check_all_answered(closed)


def test_a_comment_taken_out_from_under_its_point_has_to_be_answered_again(official, closed):
    first = comments_on(closed)[0]
    point = a_point_of(closed, first, by=official)
    answer(closed, official, point=point)
    everything_answered(closed, by=official, now=LATER)
    check_all_answered(closed)
    with transaction():
        take_out(point=point, comments=[first], by=official, now=LATER)
    with pytest.raises(RuleBroken, match="1 published comment has no answer yet"):
        check_all_answered(closed)


def test_a_comment_that_comes_back_after_submission_is_caught_at_approval(official, closed):
    late = comments_on(closed)[0]
    hide(late)
    everything_answered(closed, by=official, now=LATER)
    draft = saved(closed, official)
    with transaction():
        submit_draft(draft=draft, by=official, now=LATER)
    hide(late, back=True)
    with pytest.raises(RuleBroken, match="1 published comment has no answer"):
        approved(draft, a_member_of_staff(Role.OFFICIAL))
    assert how_many(Decision) == how_many(Answer) == 0


def test_two_who_write_one_answer_do_not_write_over_each_other(official, closed):
    point = a_point_of(closed, *comments_on(closed), by=official)
    answer(closed, official, point=point)
    with pytest.raises(Clash, match="A colleague"):
        answer(closed, a_member_of_staff(Role.OFFICIAL), point=point, reasons="Something else entirely, from me.")
    assert db.session.scalars(select(AnswerDraft)).one().reasons == SAID["reasons"]
    answer(closed, official, point=point, version=1, reasons="Better put, and as long as needed.")
    assert db.session.scalars(select(AnswerDraft)).one().version == 2


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"verdict": None}, "verdict"),
        ({"reasons": "Too short."}, "reasons"),
        ({"reasons": "x" * 5_001}, "reasons"),
    ],
)
def test_an_answer_says_what_it_is_and_why(official, closed, given, field):
    point = a_point_of(closed, *comments_on(closed), by=official)
    with pytest.raises(RuleBroken) as refused:
        answer(closed, official, point=point, **given)
    assert refused.value.field == field
    assert how_many(AnswerDraft) == 0


def test_an_answer_can_be_taken_back_and_is_then_missing(official, closed):
    point = a_point_of(closed, *comments_on(closed), by=official)
    answer(closed, official, point=point)
    check_all_answered(closed)
    answer(closed, official, point=point, version=1, verdict=None, reasons="")
    assert unanswered(closed.id).number == 1


def test_an_analyst_writes_only_what_was_given_to_them(official, closed):
    analyst = a_member_of_staff(Role.ANALYST)
    point = a_point_of(closed, *comments_on(closed), by=official)
    with pytest.raises(NotAllowed, match="given to them"):
        answer(closed, analyst, point=point)
    with pytest.raises(NotAllowed, match="Officials say"), transaction():
        assign_answer(regulation=closed, point=point, to=analyst, instead_of=None, by=analyst, now=LATER)
    with transaction():
        assign_answer(regulation=closed, point=point, to=analyst, instead_of=None, by=official, now=LATER)
    answer(closed, analyst, point=point)
    with pytest.raises(Clash, match="somebody else"), transaction():
        assign_answer(regulation=closed, point=point, to=official, instead_of=None, by=official, now=LATER)


@pytest.mark.parametrize("role", [Role.MODERATOR, Role.ADMINISTRATOR])
def test_answers_are_written_by_officials_and_analysts(official, closed, role):
    point = a_point_of(closed, *comments_on(closed), by=official)
    with pytest.raises(NotAllowed):
        answer(closed, a_member_of_staff(role), point=point)
    colleague = a_member_of_staff(role)
    with pytest.raises(RuleBroken, match="by officials and analysts"), transaction():
        assign_answer(regulation=closed, point=point, to=colleague, instead_of=None, by=official, now=LATER)


def test_answers_are_written_once_the_theme_has_closed(official):
    regulation = a_regulation()
    a_vote(regulation)
    point = a_point_of(regulation, *comments_on(regulation), by=official)
    with pytest.raises(RuleBroken, match="once the theme has closed"):
        answer(regulation, official, point=point, now=NOON)


def test_an_answer_changed_after_submission_asks_for_approval_anew(official, closed):
    point = a_point_of(closed, *comments_on(closed), by=official)
    answer(closed, official, point=point)
    draft = saved(closed, official)
    with transaction():
        submit_draft(draft=draft, by=official, now=LATER)
    shown = draft.version
    answer(closed, official, point=point, version=1, reasons="Something that no approver has read.")
    second = a_member_of_staff(Role.OFFICIAL)
    with pytest.raises(RuleBroken, match="not been submitted"):
        approved(draft_of(closed), second)
    with transaction():
        submit_draft(draft=draft_of(closed), by=official, now=LATER)
    with pytest.raises(Clash), transaction():
        approve_and_publish(draft=draft_of(closed), version=shown, by=second, now=LATER, demonstration=False)


@both_databases
def test_a_decision_is_published_with_its_answers_each_with_its_line(app):
    official, regulation = a_member_of_staff(Role.OFFICIAL), a_closed_regulation()
    first, second, third = comments_on(regulation)
    keep = a_point_of(regulation, first, by=official, title="It keeps people safe")
    scrap = a_point_of(regulation, third, by=official, title="It costs too much")
    for about in ({"point": keep}, {"point": scrap}, {"comment": second}):
        answer(regulation, official, **about)
    said = second.public_id
    decision = a_decision(regulation, Outcome.KEEP)
    rows = answers_given_in(decision.reference)
    assert [row.point_title for row in rows] == ["It costs too much", "It keeps people safe", ""]
    assert [row.behind for row in rows] == [1, 1, 1]
    assert (rows[2].comment, rows[2].said.text) == (said, "It is known.")
    lines = {line["id"]: line for line in the_record("answer")}
    for row in rows:
        line = lines[row.entry_id]
        assert (line["decision"], line["verdict"]) == (decision.entry_id, "reject")
        assert line["text_sha256"] == text_digest(answer_text(row))
        (opened,) = openings_of_line(row.entry_id).opened
        assert opened.text == answer_text(row)
    assert check(log_folder()).wrong == []


def test_those_who_wanted_otherwise_come_first_among_equals_and_the_few_last(official, closed):
    keep, _, scrap = comments_on(closed)
    points = {
        name: a_point_of(closed, comment, by=official, title=name, few=name == "few")
        for name, comment in (("few", keep), ("agrees", keep), ("dissents", scrap))
    }
    for point in points.values():
        answer(closed, official, point=point)
    assert [row.point_title for row in answers_to_publish(closed.id, "keep")] == ["dissents", "agrees", "few"]
    assert [row.point_title for row in answers_to_publish(closed.id, "scrap")] == ["agrees", "dissents", "few"]


def test_a_later_decision_begins_with_the_answers_of_the_former(official, closed):
    point = a_point_of(closed, *comments_on(closed), by=official)
    answer(closed, official, point=point)
    first = a_decision(closed, Outcome.KEEP).reference
    answer(closed, official, point=point, version=1, verdict=Verdict.ACCEPT, now=NOON + 30 * DAY)
    second = a_decision(closed, Outcome.SCRAP, now=NOON + 40 * DAY).reference
    assert [row.verdict for row in answers_given_in(first)] == ["reject"]
    assert [row.verdict for row in answers_given_in(second)] == ["accept"]


@both_databases
def test_who_wrote_a_comment_finds_the_answer_to_it(app):
    official, regulation = a_member_of_staff(Role.OFFICIAL), a_closed_regulation()
    first, second, third = comments_on(regulation)
    point = a_point_of(regulation, first, second, by=official)
    answer(regulation, official, point=point)
    answer(regulation, official, comment=third, reasons="To you alone, and at length.")
    a_decision(regulation)
    to_each = answers_to_comments([first.id, second.id, third.id])
    assert to_each[first.id].point_title == "It costs shops too much"
    assert to_each[third.id].reasons == "To you alone, and at length."
    assert set(to_each) == {first.id, second.id, third.id}
    assert awaiting_by_theme() == {}


@both_databases
def test_an_answer_reaches_those_under_its_point_and_not_whoever_else_spoke_on_the_regulation(app):
    """It once reached them all, as soon as one comment stood under the point it is to."""
    official, regulation = a_member_of_staff(Role.OFFICIAL), a_closed_regulation()
    first, *others = comments_on(regulation)
    point = a_point_of(regulation, *others, by=official)
    answer(regulation, official, point=point)
    hide(first)
    a_decision(regulation)
    assert awaiting_by_theme() == {}
    hide(db.session.merge(first), back=True)
    assert awaiting_by_theme() == {"retail": (1, 0)}
    assert set(answers_to_comments([comment.id for comment in comments_on(regulation)])) == {c.id for c in others}


def test_comments_wait_for_an_answer_until_the_decision_is_published(official, closed):
    everything_answered(closed, by=official, now=LATER)
    assert awaiting_by_theme() == {"retail": (3, 0)}
    a_decision(closed)
    late = comments_on(closed)[0]
    hide(late)
    settle_the_record()
    assert awaiting_by_theme() == {}
    hide(late, back=True)
    assert awaiting_by_theme() == {}
