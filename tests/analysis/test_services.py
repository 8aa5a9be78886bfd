import pytest
from sqlalchemy import select

from accounts.models import Account
from accounts.rules import Capacity, Role
from analysis import queries
from analysis.models import Dispute, Grouping, PointWording
from analysis.rules import Outcome
from analysis.services import (
    make_point,
    object_to,
    point_text,
    put_under,
    reword_point,
    settle_dispute,
    take_out,
    withdraw_point,
)
from audit.entries import text_digest
from audit.tiles import log_folder
from core.db import db, transaction
from core.errors import Clash, NotAllowed, RuleBroken
from opendata.checking import check
from opendata.openings import openings_of_line
from regulations.rules import Split
from tests.analysis.making import a_comment, a_point, put, stands_behind
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_ballot,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    how_many,
    settle_the_record,
    the_record,
)
from voting.erasure import erase_person
from voting.moderation import hide_comment, mask_comment
from voting.rules import Choice, ErasureBasis, ModerationRule
from voting.services import cast_vote, withdraw_vote

LATER = NOON + DAY


def the_row(point):
    return next(row for row in queries.points_of(point.regulation_id) if row.id == point.id)


def rewrite(comment, text):
    with transaction():
        cast_vote(
            voter=db.session.get_one(Account, comment.account_id), regulation=comment.regulation,
            ballot=a_ballot(Choice(comment.choice), text=text), now=NOON,
        )  # fmt: skip


def test_a_point_is_on_the_record_with_a_digest_of_its_words(regulation, analyst):
    point = a_point(regulation, analyst, "It costs shops too much", "Mostly small shops say so.")
    (line,) = the_record("point")
    assert line["point"] == point.public_id
    assert line["text_sha256"] == text_digest(point_text("It costs shops too much", "Mostly small shops say so."))
    assert (line["actor"], line["id"]) == ("Analysis Office", point.entry_id)


def test_earlier_words_of_a_point_stay_readable_and_each_line_opens_to_its_own(regulation, analyst):
    point = a_point(regulation, analyst, "It costs too much")
    with transaction():
        reword_point(point=point, version=1, title="It costs small shops too much", summary="", by=analyst, now=LATER)
    first, second = the_record("point")
    assert second["prev"] == first["id"]
    for line, title in ((first, "It costs too much"), (second, "It costs small shops too much")):
        (opened,) = openings_of_line(line["id"]).opened
        assert opened.text == point_text(title, "")
    assert [w.title for w in queries.wordings_of(point.id)] == ["It costs small shops too much", "It costs too much"]


def test_two_who_word_a_point_at_once_do_not_write_over_each_other(regulation, analyst):
    point = a_point(regulation, analyst)
    with transaction():
        reword_point(point=point, version=1, title="First", summary="", by=analyst, now=LATER)
    with pytest.raises(Clash), transaction():
        reword_point(point=point, version=1, title="Second", summary="", by=analyst, now=LATER)
    assert queries.points_of(regulation.id)[0].title == "First"


def test_the_same_words_again_add_no_line(regulation, analyst):
    point = a_point(regulation, analyst, "It costs too much")
    with transaction():
        reword_point(point=point, version=1, title="It costs too much", summary="", by=analyst, now=LATER)
    assert len(the_record("point")) == how_many(PointWording) == 1


@pytest.mark.parametrize("role", [Role.MODERATOR, Role.ADMINISTRATOR])
def test_only_analysts_and_officials_make_points(regulation, role):
    colleague = a_member_of_staff(role)
    with pytest.raises(NotAllowed), transaction():
        make_point(regulation=regulation, title="A", summary="", by=colleague, now=NOON)


@pytest.mark.parametrize("title", ["", "…", "Two\nlines", "x" * 161])
def test_a_point_is_one_plain_sentence(regulation, analyst, title):
    with pytest.raises(RuleBroken) as refused, transaction():
        make_point(regulation=regulation, title=title, summary="", by=analyst, now=NOON)
    assert refused.value.field == "title"


def test_there_is_one_group_for_what_few_people_raised(regulation, analyst):
    point = a_point(regulation, analyst, few=True)
    with pytest.raises(RuleBroken, match="already"):
        a_point(regulation, analyst, few=True)
    with transaction():
        withdraw_point(point=point, by=analyst, now=LATER)
    assert a_point(regulation, analyst, few=True).few


def test_reasons_are_not_grouped_while_the_split_is_kept(analyst):
    theme = a_theme(split=Split.KEPT)
    regulation = a_regulation(theme)
    with pytest.raises(RuleBroken, match="until the count is final"):
        a_point(regulation, analyst)
    a_frozen_theme(theme)
    assert a_point(regulation, analyst).id


@both_databases
def test_behind_a_point_stands_everybody_once_who_wrote_or_supports_a_reason_under_it(app):
    analyst, regulation = a_member_of_staff(Role.ANALYST), a_regulation()
    shop = {"capacity": Capacity.BUSINESS, "organisation": "A shop"}
    first, second = a_comment(regulation, **shop), a_comment(regulation, "Too dear by far.")
    stands_behind(first)
    stands_behind(first, **shop)
    third = a_comment(regulation, "It is dear, and should be clearer.", Choice.IMPROVE)
    point, other = a_point(regulation, analyst), a_point(regulation, analyst, "It is not clear")
    put(point, first, second, third, by=analyst)
    put(other, third, by=analyst)
    row, less = queries.points_of(regulation.id)
    assert (row.behind, row.comments) == (5, 3)
    assert row.by_choice == {"scrap": 4, "improve": 1, "keep": 0}
    assert row.by_capacity == {"public": 3, "business": 2}
    assert (less.title, less.behind) == ("It is not clear", 1)
    assert len(the_record("grouping")) == 4
    assert check(log_folder()).wrong == []


def test_putting_a_reason_where_it_is_already_adds_nothing(regulation, analyst):
    comment, point = a_comment(regulation), a_point(regulation, analyst)
    put(point, comment, by=analyst)
    put(point, comment, by=analyst)
    assert len(the_record("grouping")) == how_many(Grouping) == 1


def test_a_reason_whose_author_changed_its_words_has_to_be_read_again(regulation, analyst):
    comment, point = a_comment(regulation), a_point(regulation, analyst)
    stands_behind(comment)
    put(point, comment, by=analyst)
    assert queries.count_ungrouped(regulation.id) == 0
    rewrite(comment, "It is fine as it is, on second thoughts.")
    assert the_row(point).behind == 0
    (waiting,) = queries.ungrouped(regulation.id)
    assert waiting.id == comment.id
    assert queries.read_before([waiting.id]) == {comment.id}
    put(point, comment, by=analyst)
    assert the_row(point).behind == 1  # whoever stood behind the old words does not stand behind these
    assert queries.count_ungrouped(regulation.id) == 0


def test_hidden_withdrawn_and_erased_reasons_count_nowhere_and_masked_ones_do(regulation, analyst):
    comments = [a_comment(regulation, f"Reason {name}.") for name in ("hidden", "withdrawn", "erased", "masked Bob")]
    point = a_point(regulation, analyst)
    put(point, *comments, by=analyst)
    hidden, withdrawn, erased, masked = comments
    moderator = a_member_of_staff(Role.MODERATOR)
    rule = {"rule": ModerationRule.PERSONAL_DATA, "reason": "It names a neighbour.", "by": moderator, "now": NOON}
    with transaction():
        hide_comment(comment=hidden, **rule)
        mask_comment(comment=masked, words=["Bob"], **rule)
        withdraw_vote(
            voter=db.session.get_one(Account, withdrawn.account_id), regulation=withdrawn.regulation, now=NOON
        )
    with transaction():
        erase_person(account=db.session.get_one(Account, erased.account_id), basis=ErasureBasis.REQUEST, now=LATER)
    settle_the_record()
    assert (the_row(point).behind, how_many(Grouping)) == (1, 4)
    (shown,) = queries.comments_under(point.id)
    assert shown.id == masked.id
    assert "Bob" not in shown.text
    assert queries.ungrouped(regulation.id) == []


def test_taking_a_reason_out_and_giving_a_point_up_leave_it_waiting_to_be_read(regulation, analyst):
    first, second, point = a_comment(regulation), a_comment(regulation, "Dear."), a_point(regulation, analyst)
    put(point, first, second, by=analyst)
    with transaction():
        take_out(point=point, comments=[first], by=analyst, now=LATER)
    assert [reason.id for reason in queries.ungrouped(regulation.id)] == [first.id]
    assert the_record("grouping")[-1]["withdrawn"] is True
    with transaction():
        withdraw_point(point=point, by=analyst, now=LATER)
    assert queries.count_ungrouped(regulation.id) == 2
    assert queries.points_of(regulation.id) == []
    assert the_record("point")[-1]["withdrawn"] is True
    with pytest.raises(RuleBroken, match="given up"):
        put(point, first, by=analyst)
    assert check(log_folder()).wrong == []


def test_unread_reasons_are_found_by_choice_capacity_and_words(regulation, analyst):
    a_comment(regulation, "The paperwork costs us a day a month.", capacity=Capacity.BUSINESS, organisation="A shop")
    a_comment(regulation, "Paperwork is no trouble.", Choice.KEEP)
    assert len(queries.ungrouped(regulation.id, words="paperwork")) == 2
    assert len(queries.ungrouped(regulation.id, words="PAPERWORK month")) == 1
    assert len(queries.ungrouped(regulation.id, choice="keep")) == 1
    assert len(queries.ungrouped(regulation.id, capacity="business")) == 1
    assert queries.ungrouped(regulation.id, words="100%") == []


def an_objection(regulation, analyst):
    author = a_voter()
    comment, point = a_comment(regulation, voter=author), a_point(regulation, analyst)
    (grouping,) = put(point, comment, by=analyst)
    with transaction():
        dispute = object_to(grouping=grouping, author=author, now=LATER)
    return author, comment, point, grouping, dispute


def test_an_author_objects_once_and_is_told_what_came_of_it(regulation, analyst):
    author, comment, _, grouping, dispute = an_objection(regulation, analyst)
    assert queries.placed_of([comment.id])[0].disputed == "open"
    with pytest.raises(RuleBroken, match="already"), transaction():
        object_to(grouping=grouping, author=author, now=LATER)
    with transaction():
        settle_dispute(dispute=dispute, outcome=Outcome.KEPT, by=analyst, now=LATER)
    assert queries.placed_of([comment.id])[0].disputed == "kept"
    assert [line["state"] for line in the_record("dispute")] == ["raised", "kept"]
    assert "actor" not in the_record("dispute")[0]
    assert queries.open_disputes() == []
    with pytest.raises(Clash), transaction():
        settle_dispute(dispute=dispute, outcome=Outcome.MOVED, by=analyst, now=LATER)


def test_a_reason_that_was_put_in_the_wrong_place_is_moved(regulation, analyst):
    _, comment, point, _, dispute = an_objection(regulation, analyst)
    better = a_point(regulation, analyst, "It is not clear")
    (waiting,) = queries.open_disputes(regulation.id)
    assert (waiting.id, waiting.point_title) == (dispute.id, "It costs shops too much")
    with transaction():
        settle_dispute(dispute=dispute, outcome=Outcome.MOVED, by=analyst, now=LATER, to=[better])
    settle_the_record()
    assert [placed.title for placed in queries.placed_of([comment.id]) if placed.counts] == ["It is not clear"]
    assert queries.placed_of([comment.id])[0].disputed == "moved"
    assert check(log_folder()).wrong == []


def test_taking_a_disputed_reason_out_settles_the_objection(regulation, analyst):
    _, comment, point, _, _ = an_objection(regulation, analyst)
    with transaction():
        take_out(point=point, comments=[comment], by=analyst, now=LATER)
    assert db.session.scalars(select(Dispute)).one().outcome == Outcome.MOVED


def test_nobody_objects_for_another(regulation, analyst):
    comment, point = a_comment(regulation), a_point(regulation, analyst)
    (grouping,) = put(point, comment, by=analyst)
    stranger = a_voter()
    with pytest.raises(NotAllowed), transaction():
        object_to(grouping=grouping, author=stranger, now=LATER)


def test_many_reasons_at_once_are_limited(regulation, analyst):
    point = a_point(regulation, analyst)
    with pytest.raises(RuleBroken, match="at least one"), transaction():
        put_under(point=point, comments=[], by=analyst, now=NOON)


def test_a_vote_without_a_reason_stands_behind_no_point(regulation, analyst):
    a_vote(regulation, text="")
    assert queries.count_ungrouped(regulation.id) == 0
