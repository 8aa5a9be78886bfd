import pytest

from accounts.rules import Capacity, Role
from analysis.services import reword_point, withdraw_point
from analysis.submission_rules import How, Received, Withheld
from analysis.submissions import change_submission, enter_submission
from core.db import transaction
from tests.analysis.making import a_comment, a_point, put, stands_behind
from tests.factories import DAY, NOON, a_member_of_staff, a_regulation, a_theme, settle_the_record
from tests.pages.readers import hide, page
from tests.pages.test_personal import signed_in
from tests.queries_counted import queries_counted
from voting.rules import Choice


@pytest.fixture
def analyst(app):
    return a_member_of_staff(Role.ANALYST, "Analysis Office")


@pytest.fixture
def regulation(app):
    return a_regulation(a_theme(), title="The Workplace Regulations 1992")


def test_a_point_shows_who_stands_behind_it_and_their_own_words(client, regulation, analyst):
    first = a_comment(regulation, "It costs us a day a week.", capacity=Capacity.BUSINESS, organisation="A shop")
    second = a_comment(regulation, "It is dear, but worth it.", Choice.KEEP)
    stands_behind(second)
    point = a_point(regulation, analyst, "It costs shops too much", "Small shops most of all.")
    put(point, first, second, by=analyst)
    words = page(client, f"/points/{point.public_id}")
    for said in (
        "It costs shops too much", "Small shops most of all.", "3 people", "Scrap 1", "Keep 2", "Businesses 1",
        "It costs us a day a week.", "It is dear, but worth it.", "Not yet. The decision on this regulation",
    ):  # fmt: skip
        assert said in words, said
    said = client.get(f"/points/{point.public_id}.json").get_json()
    assert (said["behind"], said["scrap"], said["keep"], said["by_capacity"]) == (3, 1, 2, {"public": 2, "business": 1})
    assert [reason["text"] for reason in said["reasons"]] == ["It is dear, but worth it.", "It costs us a day a week."]
    hide(second.public_id)
    assert "1 person" in page(client, f"/points/{point.public_id}")


def test_what_a_point_said_before_stays_readable(client, regulation, analyst):
    point = a_point(regulation, analyst, "It costs too much")
    put(point, a_comment(regulation), by=analyst)
    with transaction():
        reword_point(
            point=point, version=1, title="It costs small shops too much", summary="", by=analyst, now=NOON + DAY
        )
    settle_the_record()
    words = page(client, f"/points/{point.public_id}")
    assert "What it said before" in words
    assert words.index("It costs small shops too much") < words.rindex("It costs too much")


def test_a_point_that_was_given_up_keeps_its_page_and_counts_nobody(client, regulation, analyst):
    point = a_point(regulation, analyst)
    put(point, a_comment(regulation), by=analyst)
    with transaction():
        withdraw_point(point=point, by=analyst, now=NOON + DAY)
    settle_the_record()
    assert "Staff gave this point up" in page(client, f"/points/{point.public_id}")
    assert client.get(f"/points/{point.public_id}.json").get_json()["behind"] == 0


def test_there_is_no_page_of_a_point_that_is_not(client):
    assert client.get("/points/nothing").status_code == 404
    assert client.get("/points/nothing.json").status_code == 404


def test_many_reasons_are_paged_and_asked_for_at_once(client, regulation, analyst):
    point = a_point(regulation, analyst)
    put(point, *[a_comment(regulation, f"Reason {n}.") for n in range(25)], by=analyst)
    address = f"/points/{point.public_id}"
    client.get(address)
    with queries_counted() as sent:
        first = page(client, address)
    assert len(sent) <= 10, sent
    assert "1 to 20 of 25 reasons" in first
    assert "21 to 25 of 25 reasons" in page(client, f"/points/{point.public_id}?page=99")


def test_a_point_under_which_nothing_can_be_read_is_for_staff_alone(client, app, regulation, analyst):
    """Its words would tell what was withheld."""
    official, reason = a_member_of_staff(Role.OFFICIAL), a_comment(regulation)
    point = a_point(regulation, analyst, "It costs shops too much")
    received = Received(
        how=How.LETTER, capacity=Capacity.BUSINESS, received_on=NOON.date(), text="It costs us a day.",
        points=(point.public_id,),
    )  # fmt: skip
    with transaction():
        letter = enter_submission(
            theme=regulation.theme, regulation=regulation, received=received, by=official, now=NOON
        )

    settle_the_record()

    def seen():
        evidence = client.get(f"/regulations/{regulation.slug}/evidence.json").get_json()["points"]
        pages = [client.get(f"/points/{point.public_id}{form}").status_code for form in ("", ".json")]
        words = page(client, f"/regulations/{regulation.slug}/evidence")
        return [row["submissions"] for row in evidence], pages, "It costs shops too much" in words

    assert seen() == ([1], [200, 200], True)
    with transaction():
        change_submission(
            submission=letter, seen=letter.entry_id, withheld=Withheld.PERSONAL_DATA, organisation="",
            points=[point.public_id], by=official, now=NOON,
        )  # fmt: skip
    assert seen() == ([], [404, 404], False)
    words = page(signed_in(app, analyst), f"/staff/points/{point.public_id}")
    assert "Staff alone see this point" in words
    assert "1 submission withheld" in words
    put(point, reason, by=analyst)
    assert seen() == ([0], [200, 200], True)
