import pytest

from analysis.rules import check_wording, same_words, shown_apart
from core.errors import RuleBroken


def test_words_sent_round_are_the_same_in_any_case_spacing_and_signs():
    assert same_words("Scrap it  NOW!") == same_words("scrap it, now")
    assert same_words("Scrap it now") != same_words("Keep it now")
    assert same_words("ﬁne") == same_words("Fine.")
    assert same_words("?!") == "?!"


def test_small_groups_are_put_together_and_none_is_left_alone_to_be_found_out():
    assert shown_apart({"a": 5, "b": 9}) == {"a", "b"}
    assert shown_apart({"a": 5, "b": 9, "c": 3, "d": 2}) == {"a", "b"}
    assert shown_apart({"a": 5, "b": 9, "c": 1}) == {"b"}
    assert shown_apart({"a": 3, "b": 3}) == set()
    assert shown_apart({"a": 4}) is None
    assert shown_apart({}) is None


def test_a_summary_that_is_too_long_says_by_how_much_it_has_to_be_cut():
    with pytest.raises(RuleBroken, match="2,001") as refused:
        check_wording("It costs too much", "x" * 2_001)
    assert refused.value.field == "summary"
