from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from accounts.rules import Capacity
from core.errors import RuleBroken, TooOften
from regulations.rules import Window
from voting import rules
from voting.rules import ORDERS, Cell, Choice, Direction, ReasonKind, VotingClosed

OPENS = datetime(2026, 3, 1, tzinfo=UTC)
CLOSES = datetime(2026, 4, 1, tzinfo=UTC)
WINDOW = Window(OPENS, CLOSES)
DAY = timedelta(days=1)


def test_all_six_orders_are_drawn_about_as_often():
    drawn = Counter(rules.draw_order(f"seed {n}") for n in range(6_000))
    assert set(drawn) == {str(n) for n in range(6)}
    assert len(set(ORDERS)) == 6
    assert all(850 < times < 1_150 for times in drawn.values())


def test_the_same_seed_draws_the_same_order():
    assert rules.draw_order("a") == rules.draw_order("a")


@pytest.mark.parametrize("forged", ["", "6", "-1", "scrap", "٣", "00"])
def test_an_order_that_was_never_drawn_is_the_first(forged):
    assert rules.choices_in_order(forged) == ORDERS[0]


@pytest.mark.parametrize("choice", Choice)
def test_each_choice_is_asked_the_same_for_a_reason(choice):
    given = {"choice": choice, "direction": Direction.OTHER if choice is Choice.IMPROVE else None}
    assert rules.check_ballot(**given, text="Why", supports="", not_said=False) is ReasonKind.WRITTEN
    assert rules.check_ballot(**given, text="", supports="abc", not_said=False) is ReasonKind.SUPPORTED
    assert rules.check_ballot(**given, text="", supports="", not_said=True) is ReasonKind.NOT_SAID
    with pytest.raises(RuleBroken, match=f"why you would {choice}") as refused:
        rules.check_ballot(**given, text="", supports="", not_said=False)
    assert refused.value.field == "text"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"choice": None}, "choice"),
        ({"choice": Choice.IMPROVE}, "direction"),
        ({"text": "x" * 5_001}, "text"),
        ({"not_said": True}, "not_said"),
        ({"supports": "abc"}, "supports"),
    ],
)
def test_what_does_not_fit_together_is_said_beside_its_field(said, field):
    ballot = {"choice": Choice.KEEP, "direction": None, "text": "Why", "supports": "", "not_said": False} | said
    with pytest.raises(RuleBroken) as refused:
        rules.check_ballot(**ballot)
    assert refused.value.field == field


@pytest.mark.parametrize("name", ["", "Kim", "Zoë 🦊", "王芳", "3rd Baker Street Stores"])
def test_a_name_may_be_written_in_any_script(name):
    rules.check_display_name(name)


@pytest.mark.parametrize("name", ["🦊", "123", "…", "x" * 61])
def test_a_name_has_to_be_one_that_can_be_read_out(name):
    with pytest.raises(RuleBroken) as refused:
        rules.check_display_name(name)
    assert refused.value.field == "display_name"


def test_the_sixty_first_ballot_within_an_hour_waits():
    rules.check_begun(59)
    with pytest.raises(TooOften):
        rules.check_begun(60)


def test_votes_are_taken_from_the_opening_up_to_and_not_including_the_close():
    rules.check_window(WINDOW, OPENS)
    rules.check_window(WINDOW, CLOSES - timedelta(seconds=1))
    for moment in (OPENS - timedelta(seconds=1), CLOSES):
        with pytest.raises(VotingClosed):
            rules.check_window(WINDOW, moment)


def test_what_was_given_in_time_may_be_confirmed_for_a_day():
    rules.check_confirmation(WINDOW, CLOSES - DAY, CLOSES + DAY - timedelta(seconds=1))
    for given_at, now in ((CLOSES - DAY, CLOSES + DAY), (CLOSES, CLOSES + timedelta(hours=1))):
        with pytest.raises(VotingClosed):
            rules.check_confirmation(WINDOW, given_at, now)


def test_improve_is_the_sum_of_its_four_directions():
    cells = [Cell(Capacity.PUBLIC, 1, "improve", direction, n + 1) for n, direction in enumerate(Direction)]
    tally = rules.add_up([*cells, Cell(Capacity.BUSINESS, 1, "keep", "", 3)])
    parts = (tally.improve_lighter, tally.improve_clearer, tally.improve_stricter, tally.improve_other)
    assert (sum(parts), tally.improve, tally.participants) == (10, 10, 13)


def test_a_shared_lead_is_no_lead():
    even = [Cell(Capacity.PUBLIC, 1, "keep", "", 2), Cell(Capacity.PUBLIC, 1, "scrap", "", 2)]
    assert rules.add_up(even).leading is None
    assert rules.add_up([*even, Cell(Capacity.PUBLIC, 1, "keep", "", 1)]).leading is Choice.KEEP


def test_votes_without_a_choice_are_counted_as_people_and_sealed():
    tally = rules.add_up([Cell(Capacity.PUBLIC, 1, "", "", 4)])
    assert (tally.participants, tally.sealed, tally.keep) == (4, True, 0)
