"""How an outcome stands to the vote of everybody and of each capacity."""

import pytest

from accounts.rules import Capacity
from core.errors import RuleBroken
from decisions.comparing import compare, comparisons, departures, enough_to_weigh, kept, rows
from decisions.rules import Comparison, Outcome, check_proposal
from tests.decisions.test_rules import FEW, KEEPERS, a_proposal
from voting.rules import Direction, Tally

IMPROVERS = Tally(participants=30, scrap=5, improve=20, improve_stricter=15, improve_lighter=5, keep=5)
TIED = Tally(participants=30, scrap=15, keep=15)
BUSINESSES = Tally(participants=98, scrap=44, improve=14, improve_lighter=14, keep=40)
CHARITIES = Tally(participants=19, scrap=19)
REGULATORS = Tally(participants=24, scrap=12, keep=12)
PUBLIC = Tally(participants=200, scrap=20, keep=180)
MIXED = Tally(
    participants=341, scrap=95, improve=14, improve_lighter=14, keep=232,
    by_capacity=(
        ("Members of the public", PUBLIC), ("Businesses", BUSINESSES), ("Charities", CHARITIES),
        ("Regulators", REGULATORS),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "direction", "tally", "word", "agrees"),
    [
        (Outcome.KEEP, None, KEEPERS, Comparison.SAME, True),
        (Outcome.SCRAP, None, KEEPERS, Comparison.DIFFERS, False),
        (Outcome.IMPROVE, Direction.STRICTER, IMPROVERS, Comparison.SAME, True),
        (Outcome.IMPROVE, Direction.LIGHTER, IMPROVERS, Comparison.DIFFERS, False),
        (Outcome.KEEP, None, TIED, Comparison.TIED, None),
        (Outcome.KEEP, None, FEW, Comparison.TOO_FEW, True),
        (Outcome.SCRAP, None, FEW, Comparison.TOO_FEW, False),
        (Outcome.KEEP, None, Tally(participants=2, scrap=1, keep=1), Comparison.TOO_FEW, None),
        (Outcome.KEEP, None, Tally(), Comparison.TOO_FEW, None),
        (Outcome.MOVED, None, KEEPERS, Comparison.NOT_COMPARABLE, None),
        (Outcome.ALREADY_SPENT, None, KEEPERS, Comparison.NOT_COMPARABLE, None),
    ],
)
def test_how_an_outcome_stands_to_the_vote(outcome, direction, tally, word, agrees):
    compared = compare(outcome, direction, tally)
    assert (compared.word, compared.agrees) == (word, agrees)


def test_the_comparison_names_the_group_and_its_size():
    assert compare(Outcome.KEEP, None, KEEPERS).sentence == "The same as the largest group chose: keep, 20 of 30."
    improved = "The same as the largest group chose: improve, 20 of 30; stricter, 15 of 20."
    assert compare(Outcome.IMPROVE, Direction.STRICTER, IMPROVERS).sentence == improved
    assert "who chose keep: 20 of 30" in compare(Outcome.SCRAP, None, KEEPERS).sentence
    otherwise = compare(Outcome.IMPROVE, Direction.LIGHTER, IMPROVERS).sentence
    assert otherwise == "Differs from what those who chose improve asked for most: stricter, 15 of 20."
    assert "Fewer than 20 people" in compare(Outcome.SCRAP, None, FEW).sentence


def test_a_way_to_improve_is_the_same_where_as_many_asked_for_it_as_for_any_other():
    split = Tally(participants=30, scrap=10, improve=20, improve_lighter=10, improve_clearer=10)
    said = "The same as the largest group chose: improve, 20 of 30; {}, tied with {}, 10 of 20 each."
    lighter, clearer = (compare(Outcome.IMPROVE, way, split) for way in (Direction.LIGHTER, Direction.CLEARER))
    assert (lighter.word, lighter.sentence) == (Comparison.SAME, said.format("lighter", "clearer"))
    assert (clearer.word, clearer.sentence) == (Comparison.SAME, said.format("clearer", "lighter"))


def test_a_way_to_improve_that_nobody_asked_for_differs_though_those_asked_for_are_level():
    split = Tally(participants=30, scrap=10, improve=20, improve_lighter=10, improve_clearer=10)
    for way in (Direction.STRICTER, Direction.OTHER):
        compared = compare(Outcome.IMPROVE, way, split)
        said = "Differs from what those who chose improve asked for most: lighter and clearer, 10 of 20 each."
        assert (compared.word, compared.agrees, compared.sentence) == (Comparison.DIFFERS, False, said)
    businesses = compare(Outcome.IMPROVE, Direction.STRICTER, split, Capacity.BUSINESS).sentence
    assert businesses.startswith("Differs from what businesses who chose improve asked for most: lighter")


def test_another_way_to_improve_differs_though_the_vote_was_tied():
    tied = Tally(participants=40, improve=20, improve_lighter=20, keep=20)
    stricter, lighter = (compare(Outcome.IMPROVE, way, tied) for way in (Direction.STRICTER, Direction.LIGHTER))
    assert (stricter.word, lighter.word) == (Comparison.DIFFERS, Comparison.TIED)
    assert stricter.sentence == "Differs from what those who chose improve asked for most: lighter, 20 of 20."


def test_a_decision_that_says_no_way_yet_is_compared_by_its_outcome_alone():
    compared = compare(Outcome.IMPROVE, None, IMPROVERS)
    assert (compared.agrees, compared.sentence) == (True, "The same as the largest group chose: improve, 20 of 30.")


def test_a_tie_says_between_what_and_whether_the_decision_is_one_of_them():
    assert compare(Outcome.KEEP, None, TIED).sentence == "The vote was tied between scrap and keep, 15 of 30 each."
    neither = compare(Outcome.IMPROVE, Direction.CLEARER, TIED)
    assert neither.sentence == "The vote was tied between scrap and keep, 15 of 30 each; the decision is neither."
    three = compare(Outcome.KEEP, None, Tally(participants=30, scrap=10, improve=10, improve_other=10, keep=10))
    assert three.sentence == "The vote was tied between scrap, improve and keep, 10 of 30 each."


def test_each_capacity_is_compared_for_itself_in_exact_words():
    found = comparisons(Outcome.KEEP, None, MIXED)
    assert {who: how.word.value for who, how in found.items()} == {
        "all": "same", "public": "same", "business": "differs", "trade_body": "too_few", "charity": "too_few",
        "public_body": "too_few", "regulator": "tied",
    }  # fmt: skip
    assert found["business"].sentence == "Differs from the largest group of businesses, 44 of 98, who chose scrap."
    assert found["charity"].sentence.endswith("Fewer than 20 charities answered, too few to weigh.")
    assert found["regulator"].sentence == "The vote of regulators was tied between scrap and keep, 12 of 24 each."
    assert found["trade_body"].sentence == "Trade bodies: nobody answered, so there is nothing to compare with."
    assert {how.word for how in comparisons(Outcome.MOVED, None, MIXED).values()} == {Comparison.NOT_COMPARABLE}
    assert enough_to_weigh(MIXED) == ["public", "business", "regulator"]


def test_a_capacity_from_which_a_decision_departs_is_given_a_reason_though_everybody_together_agrees():
    found, why = (
        comparisons(Outcome.KEEP, None, MIXED),
        "Their costs are met by the grant of 2026, which they asked for.",
    )
    with pytest.raises(RuleBroken, match="businesses, 44 of 98") as refusal:
        check_proposal(a_proposal(), found)
    assert refusal.value.field == "departs_business"
    with pytest.raises(RuleBroken, match="44 of 98"):
        check_proposal(a_proposal(covers=("business",)), found)
    with pytest.raises(RuleBroken, match="44 of 98"):
        check_proposal(a_proposal(departure_reason=why), found)
    check_proposal(a_proposal(departure_reason=why, covers=("business",)), found)
    check_proposal(a_proposal(departures={"business": why}), found)


def test_one_reason_may_answer_several_and_it_is_said_whom():
    shared, own = "Safety of drinking water weighs more than cost.", "Most of their cost falls away in April."
    proposal = a_proposal(
        outcome=Outcome.IMPROVE, direction=Direction.STRICTER, departure_reason=shared, covers=("public",),
        departures={"business": own, "charity": "Not needed: they are too few to weigh."},
    )  # fmt: skip
    said = kept(comparisons(Outcome.IMPROVE, Direction.STRICTER, MIXED), proposal)
    assert (said["all"]["covered_by"], said["public"]["covered_by"]) == ("departure_reason", "departure_reason")
    assert (said["business"]["reason"], "reason" in said["charity"]) == (own, False)
    first, second = departures(said, shared)
    assert (first.who, first.reason) == (["Everyone who answered", "Members of the public"], shared)
    assert (second.who, second.sentences, second.reason) == (["Businesses"], [said["business"]["sentence"]], own)
    listed = {row.who: f"{row.word}. {row.sentence}" for row in rows(said)}
    assert list(listed) == ["Members of the public", "Businesses", "Charities", "Regulators"]
    few = "Too few to weigh. Differs from the largest group of charities, 19 of 19, who chose scrap."
    assert listed["Charities"] == few, "that they are few is said once"
