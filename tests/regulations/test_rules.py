from datetime import UTC, datetime, timedelta

import pytest

from core.errors import RuleBroken
from regulations.rules import (
    GRACE,
    Citation,
    Stage,
    Window,
    check_closing_early,
    check_window,
    stage_of,
)

OPENS = datetime(2026, 3, 1, 9, tzinfo=UTC)
CLOSES = datetime(2026, 3, 31, 23, tzinfo=UTC)
SECOND = timedelta(seconds=1)
WINDOW = Window(OPENS, CLOSES)


@pytest.mark.parametrize(
    ("now", "stage", "confirms"),
    [
        (OPENS - SECOND, Stage.UPCOMING, False),
        (OPENS, Stage.OPEN, True),
        (CLOSES - SECOND, Stage.OPEN, True),
        (CLOSES, Stage.UNDER_CONSIDERATION, True),
        (CLOSES + GRACE - SECOND, Stage.UNDER_CONSIDERATION, True),
        (CLOSES + GRACE, Stage.UNDER_CONSIDERATION, False),
    ],
)
def test_a_window_opens_at_its_first_second_and_closes_at_its_last(now, stage, confirms):
    assert (WINDOW.stage(now), WINDOW.takes_confirmations(now)) == (stage, confirms)
    assert WINDOW.is_open(now) == (stage is Stage.OPEN)
    assert WINDOW.has_closed(now) == (stage is Stage.UNDER_CONSIDERATION)


@pytest.mark.parametrize("closes", [OPENS, OPENS - SECOND])
def test_a_window_closes_after_it_opens(closes):
    check_window(WINDOW)
    with pytest.raises(RuleBroken, match="close after it opens"):
        check_window(Window(OPENS, closes))


@pytest.mark.parametrize("now", [OPENS - SECOND, CLOSES])
def test_only_an_open_window_is_closed_early(now):
    with pytest.raises(RuleBroken, match="not open"):
        check_closing_early(WINDOW, "The bill it belongs to was withdrawn.", now)


def test_closing_early_gives_a_reason():
    check_closing_early(WINDOW, "The bill was withdrawn.", OPENS)
    with pytest.raises(RuleBroken, match="It is published") as refusal:
        check_closing_early(WINDOW, "Because", OPENS)
    assert refusal.value.field == "reason"


@pytest.mark.parametrize("settled", [None, *Stage])
def test_what_was_settled_stands_whatever_the_window_says(settled):
    assert stage_of(settled, WINDOW, OPENS) is (settled or Stage.OPEN)


@pytest.mark.parametrize(
    ("kind", "official"),
    [("uksi", "SI 1992/2792"), ("ssi", "SSI 1992/2792"), ("wsi", "WSI 1992/2792"), ("nisr", "SR 1992/2792")],
)
def test_a_citation_in_all_its_forms(kind, official):
    citation = Citation.read(kind, "1992", "2792")
    assert (citation.official, citation.slug) == (official, f"{kind}-1992-2792")
    assert citation.link == f"https://www.legislation.gov.uk/{kind}/1992/2792"


@pytest.mark.parametrize(
    ("kind", "year", "number"),
    [
        ("ukpga", "1992", "1"),
        ("uksi", "1892", "1"),
        ("uksi", "92", "1"),
        ("uksi", "1992", "0"),
        ("uksi", "1992", "0012"),
        ("uksi", "1992", "123456"),
        ("uksi", "1992", "12a"),
        ("uksi", "１９９２", "12"),
        ("UKSI", "1992", "12"),
        ("uksi", "1992\n", "12"),
    ],
)
def test_what_is_no_citation_is_refused(kind, year, number):
    with pytest.raises(RuleBroken, match="not a citation"):
        Citation.read(kind, year, number)
