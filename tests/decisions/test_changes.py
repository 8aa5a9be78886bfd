"""What is shown as changed between two texts."""

from hypothesis import given
from hypothesis import strategies as st

from decisions.changes import Kind, changes, compared

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


def test_parts_that_neither_has_are_left_out_and_those_that_stayed_are_known():
    found = changes({"Outcome": "Keep", "Reasons": "", "Route": "A bill"}, {"Outcome": "Keep", "Reasons": ""})
    assert [(part.label, part.is_changed) for part in found] == [("Outcome", False), ("Route", True)]
