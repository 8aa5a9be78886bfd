"""What a standing decision answered stays answered, whatever staff do to points and what stands under them."""

import pytest
from sqlalchemy import select

from accounts.rules import Role
from analysis.agreement import disagreements
from analysis.models import Grouping, Point
from analysis.queries import placed_of
from analysis.rules import Outcome as Looked
from analysis.services import make_point, object_to, put_under, settle_dispute, take_out, withdraw_point
from audit.tiles import log_folder
from core.db import db, transaction
from core.errors import RuleBroken
from decisions.answers import save_answer
from decisions.rules import Verdict
from decisions.unanswered import check_all_answered, comments_alone, unanswered, unanswered_comments
from decisions.worksheet import to_answer
from notices.said import said_about
from opendata.checking import check
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    settle_the_record,
    the_record,
)
from tests.pages.test_personal import signed_in
from voting.models import Comment
from voting.moderation import hide_comment, show_comment
from voting.queries import comment_by
from voting.rules import Choice, ModerationRule

LATER = NOON + 30 * DAY


class Site:
    """A decided regulation with two answered points, a reason under each, and a third point made since."""

    def __init__(self):
        theme = a_theme(closes=NOON + DAY)
        self.regulation = a_regulation(theme)
        self.official = a_member_of_staff(Role.OFFICIAL)
        self.author, other = a_voter(), a_voter()
        for voter, words in ((self.author, "It costs too much."), (other, "It keeps us safe.")):
            a_vote(self.regulation, Choice.KEEP, voter=voter, text=words)
        a_frozen_theme(theme, now=NOON + 3 * DAY)
        self.dear, self.safe = self.point("It is dear"), self.point("It is safe")
        for point, voter in ((self.dear, self.author), (self.safe, other)):
            self.put(point, comment_by(voter, self.regulation))
        self.decision = a_decision(self.regulation)
        self.unspoken = self.point("It is unclear", now=LATER)

    def point(self, title, now=NOON + 4 * DAY):
        with transaction():
            words = {"title": title, "summary": ""}
            return make_point(regulation=db.session.merge(self.regulation), **words, by=self.official, now=now)

    def put(self, point, comment, now=NOON + 5 * DAY):
        with transaction():
            put_under(point=point, comments=[comment], by=self.official, now=now)

    @property
    def comment(self) -> Comment:
        return comment_by(self.author, self.regulation)

    def objection(self, at=None):
        with transaction():
            where = {"comment_id": self.comment.id, "point_id": (at or self.dear).id}
            (grouping,) = db.session.scalars(select(Grouping).filter_by(**where))
            return object_to(grouping=grouping, author=self.author, now=LATER)

    def looked_again(self, *to, at=None):
        dispute = self.objection(at)
        with transaction():
            settle_dispute(dispute=dispute, outcome=Looked.MOVED, by=self.official, now=LATER, to=to)
        return dispute.outcome

    def answers_mailed(self):
        said = said_about(self.regulation.id, self.decision.id, [self.author.id])[self.author.id]
        return [answer.to for answer in said.answers]

    def counted_under(self):
        return [placed.title for placed in placed_of([self.comment.id]) if placed.counts]

    def own_page(self, app):
        return signed_in(app, self.author).get("/my/contributions").get_data(as_text=True)


@pytest.fixture
def site(app):
    return Site()


def figures(client):
    (row,) = [row for row in client.get("/figures.json").get_json()["themes"] if row["published"]]
    return row["answered"], row["awaiting"]


@both_databases
def test_an_answered_reason_is_not_taken_out_of_its_point(site, app, client):
    with pytest.raises(RuleBroken, match="The decision answered one of these reasons"), transaction():
        take_out(point=site.dear, comments=[site.comment], by=site.official, now=LATER)
    assert figures(client) == (2, 0)
    assert site.answers_mailed() == ["It is dear"]
    assert "no answer to your reason" not in site.own_page(app)


@both_databases
def test_an_answered_point_is_not_given_up(site, client):
    with pytest.raises(RuleBroken, match="answers this point"), transaction():
        withdraw_point(point=site.dear, by=site.official, now=LATER)
    with transaction():
        withdraw_point(point=site.unspoken, by=site.official, now=LATER)
    assert figures(client) == (2, 0)


def test_a_reason_put_there_since_the_decision_may_be_taken_out_again(site):
    site.put(site.safe, site.comment, now=LATER)
    with transaction():
        take_out(point=site.safe, comments=[site.comment], by=site.official, now=LATER)
    assert [placed.title for placed in placed_of([site.comment.id]) if placed.counts] == ["It is dear"]


@both_databases
def test_whose_author_objects_it_moves_to_another_point_that_is_answered_too(site, app, client):
    assert site.looked_again(site.safe) == Looked.MOVED
    assert [placed.title for placed in placed_of([site.comment.id]) if placed.counts] == ["It is safe"]
    assert figures(client) == (2, 0)
    assert site.answers_mailed() == ["It is safe"]
    assert list(db.session.scalars(unanswered_comments(site.regulation.id))) == []


@both_databases
def test_what_moved_to_another_answered_point_is_not_taken_out_there_either(site, app, client):
    site.looked_again(site.safe)
    with pytest.raises(RuleBroken, match="The decision answered one of these reasons"), transaction():
        take_out(point=site.safe, comments=[site.comment], by=site.official, now=LATER)
    assert figures(client) == (2, 0)
    assert site.answers_mailed() == ["It is safe"]
    assert "no answer to your reason" not in site.own_page(app)


@both_databases
def test_whose_author_objects_a_second_time_it_keeps_the_answer_it_has_by_now(site, client):
    site.looked_again(site.safe)
    assert site.looked_again(site.unspoken, at=site.safe) == Looked.NOTED
    assert site.counted_under() == ["It is safe", "It is unclear"]
    assert figures(client) == (2, 0)
    assert site.answers_mailed() == ["It is safe"]


@both_databases
@pytest.mark.parametrize("to_another", [True, False])
def test_where_no_answer_fits_the_objection_is_noted_and_the_answer_stays(site, app, client, to_another):
    assert site.looked_again(*([site.unspoken] if to_another else [])) == Looked.NOTED
    assert figures(client) == (2, 0)
    assert "It is dear" in site.answers_mailed()
    page = site.own_page(app)
    assert "has to answer your reason anew" in page
    assert "no answer to your reason" not in page
    assert [line["state"] for line in the_record("dispute")] == ["raised", "noted"]
    settle_the_record()
    assert check(log_folder()).wrong == []


def test_the_next_decision_has_to_answer_what_was_noted_anew(site, client):
    assert list(db.session.scalars(unanswered_comments(site.regulation.id))) == []
    site.looked_again()
    assert list(db.session.scalars(unanswered_comments(site.regulation.id))) == [site.comment.id]
    with transaction():
        save_answer(
            regulation=site.regulation, comment=site.comment, verdict=Verdict.ACCEPT, reasons="You are right about it.",
            version=0, by=site.official, now=LATER,
        )  # fmt: skip
    assert list(db.session.scalars(unanswered_comments(site.regulation.id))) == []
    site.decision = a_decision(site.regulation, now=LATER + DAY)
    assert figures(client) == (2, 0)
    assert site.answers_mailed()[0] == ""
    with transaction():
        point = db.session.get_one(Point, site.unspoken.id)
        withdraw_point(point=point, by=site.official, now=LATER + 2 * DAY)


def test_a_reason_that_the_decision_never_answered_may_leave_an_answered_point(site, client):
    """It was hidden when the decision was published, so nobody was told of an answer to it."""
    moderator = a_member_of_staff(Role.MODERATOR)
    said = {"rule": ModerationRule.PERSONAL_DATA, "reason": "It says who somebody is.", "by": moderator}
    site.looked_again()
    with transaction():
        hide_comment(comment=site.comment, now=LATER, **said)
    a_decision(site.regulation, now=LATER + DAY)
    with transaction():
        show_comment(comment=site.comment, now=LATER + 2 * DAY, **said)
    assert figures(client) == (1, 1)
    site.put(site.safe, site.comment, now=LATER + 3 * DAY)
    with transaction():
        take_out(point=site.safe, comments=[site.comment], by=site.official, now=LATER + 4 * DAY)
    assert figures(client) == (1, 1)


@both_databases
def test_with_the_next_decision_a_noted_reason_leaves_the_point_it_does_not_belong_to(site, app, client):
    site.looked_again()
    assert (unanswered(site.regulation.id).comments, unanswered(site.regulation.id).points) == (1, 0)
    with pytest.raises(RuleBroken, match="has no answer"):
        check_all_answered(site.regulation)
    assert [row.comment.id for row in to_answer(site.regulation.id) if row.comment] == [site.comment.id]
    assert {row.about: row.behind for row in to_answer(site.regulation.id) if row.point}["It is dear"] == 0
    site.put(site.unspoken, site.comment, now=LATER)
    site.decision = a_decision(site.regulation, now=LATER + DAY)
    assert site.counted_under() == ["It is unclear"]
    assert site.answers_mailed() == ["It is unclear"]
    assert figures(client) == (2, 0)
    assert "has to answer your reason anew" not in site.own_page(app)
    assert [line["actor"] for line in the_record("grouping") if line.get("withdrawn")] == [site.decision.approved_by]
    assert list(disagreements()) == []
    assert check(log_folder()).wrong == []


def test_a_reason_that_is_put_back_where_it_was_noted_not_to_belong_counts_there_again(site):
    site.looked_again()
    with transaction():
        save_answer(
            regulation=site.regulation, comment=site.comment, verdict=Verdict.ACCEPT, reasons="You are right about it.",
            version=0, by=site.official, now=LATER,
        )  # fmt: skip
    a_decision(site.regulation, now=LATER + DAY)
    assert site.counted_under() == []
    site.put(site.dear, site.comment, now=LATER + 2 * DAY)
    assert list(db.session.scalars(comments_alone(site.regulation.id))) == []
    assert site.counted_under() == ["It is dear"]
