"""Whose words stand in what several wrote."""

import pytest

from decisions.authorship import writers

ANN, BEN = 1, 2
LONG = "The rule stays as it is, since nobody showed a safer way at less cost to those it binds."


@pytest.mark.parametrize(
    ("versions", "standing"),
    [
        ([(ANN, LONG)], {ANN}),
        ([(ANN, LONG), (BEN, LONG)], {ANN}),
        ([(ANN, LONG), (BEN, LONG.replace("less", "lower"))], {ANN, BEN}),
        ([(ANN, LONG), (BEN, "The fee goes, and the form with it, from next spring on.")], {BEN}),
        ([(ANN, LONG), (BEN, LONG + " It will be looked at again."), (ANN, LONG)], {ANN}),
        ([(ANN, ["a", "b"]), (BEN, ["a", "b", "c"]), (ANN, ["a", "b"])], {ANN}),
        ([(ANN, "Keep"), (BEN, "Scrap"), (ANN, "Keep")], {ANN}),
        ([(ANN, False), (BEN, True)], {BEN}),
        ([(ANN, LONG), (BEN, "")], set()),
    ],
)
def test_whose_words_stand_in_the_last_version(versions, standing):
    assert writers(versions) == standing


def test_a_few_words_found_again_in_a_sentence_written_anew_are_its_writers_own():
    assert writers(
        [(BEN, "It goes, and the form with it."), (ANN, "The rule stays, and the guidance is rewritten.")]
    ) == {ANN}
