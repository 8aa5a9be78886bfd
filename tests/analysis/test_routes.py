import re

import pytest

from accounts.models import Account
from accounts.rules import Capacity, Role
from analysis import queries
from analysis.models import Point
from core.db import db, transaction
from regulations.rules import Split
from tests.analysis.making import a_comment, a_point, put, stands_behind
from tests.factories import (
    NOON,
    a_ballot,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    how_many,
    the_record,
)
from tests.pages.readers import words_of
from tests.queries_counted import queries_counted
from voting.rules import Choice
from voting.services import cast_vote


@pytest.fixture
def desk(signed_in, analyst):
    return signed_in(analyst)


def keys(client, regulation, query=""):
    text = client.get(f"/staff/regulations/{regulation.slug}/points{query}").text
    return re.findall(r'name="comments" value="(\w+)"', text)


def sort(client, regulation, **given):
    return client.post(f"/staff/regulations/{regulation.slug}/points", data=given)


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.ANALYST, 200), (Role.OFFICIAL, 200), (Role.MODERATOR, 403), (Role.ADMINISTRATOR, 403), (None, 403)],
)
def test_points_are_the_work_of_analysts_and_officials(signed_in, regulation, analyst, role, status):
    point = a_point(regulation, analyst)
    client = signed_in(a_member_of_staff(role) if role else a_voter())
    for address in (
        f"/staff/regulations/{regulation.slug}/points",
        f"/staff/points/{point.public_id}",
        "/staff/disputes",
    ):
        assert client.get(address).status_code == status, address


def test_the_same_words_are_read_once_and_put_under_a_new_point_in_one_go(desk, regulation):
    for n in range(3):
        a_comment(regulation, f"It costs   TOO much{'!' * n}")
    a_comment(regulation, "Something else.")
    text = words_of(desk.get(f"/staff/regulations/{regulation.slug}/points").text)
    assert "4 comments wait to be read" in text
    assert "3 people sent these words" in text
    first, _ = keys(desk, regulation)
    answer = sort(desk, regulation, comments=[first], title="It costs too much", summary="Small shops say so.")
    assert answer.status_code == 303
    (row,) = queries.points_of(regulation.id)
    assert (row.title, row.comments) == ("It costs too much", 3)
    text = words_of(desk.get(answer.location).text)
    assert "3 comments are put under “It costs too much”" in text
    assert "1 comment waits to be read" in text


def test_one_comment_goes_under_two_points_and_the_few(desk, regulation, analyst):
    a_comment(regulation)
    first, second = a_point(regulation, analyst), a_point(regulation, analyst, "It is not clear")
    (key,) = keys(desk, regulation)
    assert sort(desk, regulation, comments=[key], under=[first.public_id, second.public_id, "few"]).status_code == 303
    assert [row.comments for row in queries.points_of(regulation.id)] == [1, 1, 1]
    assert queries.points_of(regulation.id)[-1].few


def test_nothing_ticked_or_no_point_is_said_beside_it_and_nothing_typed_is_lost(desk, regulation):
    a_comment(regulation)
    (key,) = keys(desk, regulation)
    answer = sort(desk, regulation, title="It costs too much", summary="Typed with care.")
    assert answer.status_code == 422
    assert answer.text.count("There is a problem") == 1
    assert 'href="#comments"' in answer.text
    assert "Tick at least one comment." in answer.text
    assert "Typed with care." in answer.text
    answer = sort(desk, regulation, comments=[key], title="")
    assert "Choose a point, or name a new one." in answer.text
    assert re.search(rf'value="{key}" checked', answer.text)
    assert how_many(Point) == 0


def test_words_that_changed_while_they_were_read_are_not_put_anywhere(desk, regulation):
    comment = a_comment(regulation)
    a_comment(regulation, "Another one.")
    ticked = keys(desk, regulation)
    with transaction():
        author = db.session.get_one(Account, comment.account_id)
        cast_vote(voter=author, regulation=comment.regulation, ballot=a_ballot(Choice.SCRAP, text="No."), now=NOON)
    answer = sort(desk, regulation, comments=ticked, title="It costs too much")
    assert answer.status_code == 409
    assert "Nothing was done" in answer.text
    assert 'value="It costs too much"' in answer.text
    assert how_many(Point) == 0


def test_the_list_is_narrowed_and_paged_and_five_hundred_stay_few_questions(desk, regulation):
    for n in range(60):
        who = {"capacity": Capacity.CHARITY, "organisation": "A charity"} if n == 7 else {}
        a_vote(regulation, text=f"Reason number {n}", **who)
    assert len(keys(desk, regulation)) == 25
    assert len(keys(desk, regulation, "?page=3")) == 10
    assert len(keys(desk, regulation, "?page=99")) == 10
    assert len(keys(desk, regulation, "?capacity=charity")) == 1
    assert len(keys(desk, regulation, "?q=number+59")) == 1
    assert keys(desk, regulation, "?choice=scrap") == []
    with queries_counted() as asked:
        desk.get(f"/staff/regulations/{regulation.slug}/points")
    assert len(asked) <= 10, asked


def test_a_kept_split_keeps_its_comments_from_the_desk(desk):
    theme = a_theme(split=Split.KEPT)
    regulation = a_regulation(theme)
    a_comment(regulation, "Words that tell.")
    text = desk.get(f"/staff/regulations/{regulation.slug}/points").text
    assert "Words that tell" not in text
    assert "kept until the count is final" in text
    a_frozen_theme(theme)
    assert len(keys(desk, regulation)) == 1


def test_a_point_is_worded_anew_and_two_at_once_see_each_other(desk, regulation, analyst):
    point = a_point(regulation, analyst)
    address = f"/staff/points/{point.public_id}"
    given = {"do": "reword", "version": "1", "title": "It costs small shops too much", "summary": ""}
    assert desk.post(address, data=given).status_code == 303
    answer = desk.post(address, data=given | {"title": "Mine"})
    assert answer.status_code == 409
    assert "It costs small shops too much" in answer.text
    assert 'value="Mine"' in answer.text
    assert 'name="version" type="hidden" value="2"' in answer.text
    assert desk.post(address, data=given | {"title": "", "version": "2"}).status_code == 422


@pytest.mark.parametrize("version", ["", "-1", "one", "9" * 5_000])
def test_a_version_that_nobody_was_shown_fits_no_wording(desk, regulation, analyst, version):
    point = a_point(regulation, analyst)
    given = {"do": "reword", "version": version, "title": "Mine", "summary": ""}
    assert desk.post(f"/staff/points/{point.public_id}", data=given).status_code == 409


def test_comments_are_taken_out_or_put_under_another_as_well(desk, regulation, analyst):
    comment, other = a_comment(regulation), a_comment(regulation, "Dear.")
    point, second = a_point(regulation, analyst), a_point(regulation, analyst, "It is not clear")
    put(point, comment, other, by=analyst)
    address = f"/staff/points/{point.public_id}"
    assert desk.post(address, data={"do": "also", "comments": [comment.offer], "also": ""}).status_code == 422
    assert (
        desk.post(address, data={"do": "also", "comments": [comment.offer], "also": second.public_id}).status_code
        == 303
    )
    assert {row.title: row.comments for row in queries.points_of(regulation.id)} == {
        "It costs shops too much": 2, "It is not clear": 1,
    }  # fmt: skip
    assert desk.post(address, data={"do": "take_out"}).status_code == 422
    assert desk.post(address, data={"do": "take_out", "comments": [other.offer]}).status_code == 303
    assert queries.count_ungrouped(regulation.id) == 1
    assert desk.post(address, data={"do": "withdraw"}).location.endswith(f"/{regulation.slug}/points")
    assert "given up" in desk.get(address).text
    assert desk.post(address, data={"do": "withdraw"}).status_code == 422


def test_an_author_objects_in_one_click_staff_look_again_and_the_author_is_told(signed_in, desk, regulation, analyst):
    author = a_voter()
    comment, point = a_comment(regulation, voter=author), a_point(regulation, analyst)
    (grouping,) = put(point, comment, by=analyst)
    other = a_point(regulation, analyst, "It is not clear")
    browser, objection = signed_in(author), f"/my/contributions/objections/{grouping.id}"
    shown = browser.get("/my/contributions").text
    assert "It costs shops too much" in shown
    assert f'action="{objection}"' in shown
    assert browser.post(objection).status_code == 303
    shown = words_of(browser.get("/my/contributions").text)
    assert "Staff will look at it again" in shown
    assert browser.post(objection).status_code == 422
    (waiting,) = queries.open_disputes()
    assert "1 author says" in words_of(desk.get("/staff/disputes").text)
    address = f"/staff/disputes/{waiting.id}"
    assert "It costs too much." in desk.get(address).text
    refused = desk.post(address, data={})
    assert (refused.status_code, refused.text.count("There is a problem")) == (422, 1)
    answer = desk.post(address, data={"outcome": "moved", "to": [other.public_id]})
    assert answer.status_code == 303
    assert "Nobody objects" in words_of(desk.get(answer.location).text)
    assert desk.post(address, data={"outcome": "kept"}).status_code == 409
    shown = words_of(browser.get("/my/contributions").text)
    assert "took it out of this point" in shown
    assert "It is not clear" in shown


def test_strangers_object_to_nothing(signed_in, client, regulation, analyst):
    (grouping,) = put(a_point(regulation, analyst), a_comment(regulation), by=analyst)
    objection = f"/my/contributions/objections/{grouping.id}"
    assert signed_in(a_voter()).post(objection).status_code == 403
    assert "/account/sign-in" in client.post(objection).location
    assert signed_in(a_voter()).post("/my/contributions/objections/999").status_code == 404
    assert the_record("dispute") == []


def test_who_holds_the_receipt_sees_and_objects_without_signing_in(client, regulation, analyst):
    author = a_voter()
    receipt = a_vote(regulation, Choice.SCRAP, voter=author, text="It costs too much.")
    address = f"/receipts/{receipt.secret}/points"
    assert f'href="{address}"' in client.get(f"/receipts/{receipt.secret}").text
    assert "No point yet" in client.get(address).text
    comment = queries.ungrouped(regulation.id)[0]
    (grouping,) = put(
        a_point(regulation, analyst), *queries.comments_named(regulation.id, [comment.public_id]), by=analyst
    )
    assert "This is not what I meant" in client.get(address).text
    assert client.post(address, data={"grouping": str(grouping.id)}).status_code == 303
    assert "look at it again" in client.get(address).text
    assert client.get("/receipts/nothing/points").status_code == 404


def test_whoever_stands_behind_a_reason_finds_the_points_it_is_counted_under(signed_in, regulation, analyst):
    comment, reader = a_comment(regulation), a_voter()
    stands_behind(comment, reader)
    put(a_point(regulation, analyst), comment, by=analyst)
    shown = signed_in(reader).get("/my/contributions").text
    assert "It costs shops too much" in shown
    assert "This is not what I meant" not in shown


def test_the_desk_lists_regulations_on_which_comments_wait(desk, regulation, analyst):
    comment = a_comment(regulation)
    kept = a_regulation(a_theme(split=Split.KEPT))
    a_comment(kept, "Words that tell.")
    text = desk.get("/staff/points").text
    assert f'href="/staff/regulations/{regulation.slug}/points"' in text
    assert kept.slug not in text
    assert "1 comment on 1 regulation stands under no point yet" in words_of(text)
    put(a_point(regulation, analyst), comment, by=analyst)
    assert "Every comment has been read" in words_of(desk.get("/staff/points").text)
