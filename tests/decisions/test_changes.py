"""What is shown as changed between two texts."""

from itertools import pairwise
from random import Random
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.changes import Kind, changes, common, compared

SAME, GONE, NEW = Kind.SAME, Kind.GONE, Kind.NEW
TEXTS = st.lists(st.text("ab c.", max_size=30), max_size=5).map("\n".join)


def test_words_that_went_and_came_stand_where_they_stood():
    assert compared("The rule stays as it is.", "The rule stays for now.") == [
        [(SAME, "The rule stays"), (GONE, "as it is."), (NEW, "for now.")]
    ]


def test_whole_paragraphs_come_and_go():
    assert compared("One thing.\nTwo.", "One thing.\n\nThree were added here.\nTwo.") == [
        [(SAME, "One thing.")],
        [(NEW, "Three were added here.")],
        [(SAME, "Two.")],
    ]
    assert compared("It costs too much.", "Nobody showed harm anywhere.") == [
        [(GONE, "It costs too much."), (NEW, "Nobody showed harm anywhere.")]
    ]


@given(TEXTS, TEXTS)
def test_both_texts_can_be_read_off_what_is_shown(before, after):
    def read(*kinds):
        shown = compared(before, after)
        return " ".join(words for paragraph in shown for kind, words in paragraph if kind in kinds).split()

    assert (read(SAME, GONE), read(SAME, NEW)) == (before.split(), after.split())


@given(*[st.lists(st.sampled_from("abc"), max_size=12).map(" ".join)] * 2)
def test_as_many_words_as_can_count_as_common(before, after):
    found = common(before.split(), after.split())
    assert [before.split()[i] for i, _ in found] == [after.split()[j] for _, j in found]
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(found))
    assert len(found) == most_in_common(before.split(), after.split())


def most_in_common(one, other):
    row = [0] * (len(other) + 1)
    for word in one:
        last = row
        row = [0]
        for j, also in enumerate(other):
            row.append(last[j] + 1 if word == also else max(last[j + 1], row[j]))
    return row[-1]


def test_a_word_that_stayed_by_chance_between_longer_changes_is_not_left_alone():
    said = "This is so: {} That is all."
    assert compared(said.format("costs fell for small shops."), said.format("harm rose for the young.")) == [
        [
            (SAME, "This is so:"), (GONE, "costs fell for small shops."), (NEW, "harm rose for the young."),
            (SAME, "That is all."),
        ]
    ]  # fmt: skip


@pytest.mark.parametrize("between", [" ", "\n"])
def test_texts_made_to_be_slow_to_compare_are_compared_at_once(between):
    drawn = Random(4)
    texts = [between.join(drawn.choices("ab", k=5000)) for _ in range(2)]
    began = perf_counter()
    assert compared(*texts)
    assert perf_counter() - began < 1


def test_parts_that_neither_has_are_left_out_and_those_that_stayed_are_known():
    found = changes({"Outcome": "Keep", "Reasons": "", "Route": "A bill"}, {"Outcome": "Keep", "Reasons": ""})
    assert [(part.label, part.is_changed) for part in found] == [("Outcome", False), ("Route", True)]
