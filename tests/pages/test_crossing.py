"""The evidence by any two things at once, as a page and as data, with nobody picked out."""

import csv
import io
from collections import Counter, namedtuple
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.rules import Capacity
from analysis.crossing import between
from core import clock
from pages import crossing
from regulations.rules import Split
from tests.conftest import both_databases
from tests.factories import DAY, NOON, a_frozen_theme, a_regulation, a_theme, a_vote, settle_the_record
from tests.pages.readers import page
from tests.pages.test_evidence import told
from voting.rules import Choice, Direction, Tally, add_up

SCRAP, IMPROVE, KEEP = Choice


@pytest.fixture
def regulation(app):
    """Final: retail is large in England and Wales, finance is large in England and has two in Wales."""
    found = a_regulation(a_theme())
    for sector, nation, choices in (
        ("retail", "england", [SCRAP] * 6 + [KEEP] * 2),
        ("retail", "wales", [KEEP] * 5 + [SCRAP] * 2),
        ("finance", "england", [SCRAP] * 4 + [KEEP] * 5),
        ("finance", "wales", [KEEP] + [SCRAP]),
        ("health", "england", [SCRAP] * 9 + [KEEP] * 4),
        ("health", "wales", [SCRAP] * 6 + [KEEP] * 8),
        ("retail", "scotland", [SCRAP] * 8 + [KEEP] * 8),
        ("finance", "scotland", [SCRAP] * 8 + [KEEP] * 9),
        ("health", "scotland", [SCRAP] * 9 + [KEEP] * 9),
    ):
        for choice in choices:
            told(found, choice, sector=sector, nation=nation)
    a_frozen_theme(found.theme)
    return found


def crossed(client, regulation, rows, by):
    told = client.get(f"/regulations/{regulation.slug}/evidence.json?rows={rows}&by={by}").get_json()
    found = {(row["group"], row["by_group"]): row for row in told["rows"] if row["part"] == f"{rows}_by_{by}"}
    return found, told["crossed"]["why_not"]


@both_databases
def test_small_cells_are_kept_back_with_others_so_that_subtracting_tells_nothing(app, regulation):
    found, _ = crossed(app.test_client(), regulation, "sector", "nation")
    shown = {cell: row["participants"] for cell, row in found.items()}
    assert ("finance", "wales") not in shown
    assert min(shown.values()) >= 5
    assert Counter(of for (of, nation), n in shown.items() for _ in range(n)) == {
        "retail": 31, "finance": 28, "health": 45,
    }  # fmt: skip
    assert (found["health", "scotland"]["scrap"], found["health", "scotland"]["keep"]) == (9, 9)
    hidden_in_wales = 23 - sum(n for (_, nation), n in shown.items() if nation == "wales")
    assert hidden_in_wales >= 5


Told = namedtuple("Told", "capacity level size_band sector nation choice direction votes")
some_votes = st.lists(
    st.builds(
        Told, st.just("business"), st.just(1), st.none(), st.sampled_from(["retail", "health", "finance", None]),
        st.sampled_from(["england", "wales", "scotland", None]), st.sampled_from(list(Choice)),
        st.sampled_from(list(Direction)), st.integers(1, 12),
    ),
    min_size=12, max_size=40,
)  # fmt: skip


def cells_of(votes, rows, by):
    return {
        (group.word, part.word): part.tally.counts
        for group in crossing.crossed(votes, rows, by, is_final=True).groups
        for part in group.parts
        if part.word != crossing.NOT_APART
    }


@settings(max_examples=300, deadline=None)
@given(some_votes)
def test_turning_a_table_shows_no_other_cell_of_it(votes):
    turned = cells_of(votes, "nation", "sector")
    assert {(row, column): n for (column, row), n in turned.items()} == cells_of(votes, "sector", "nation")


@settings(max_examples=300, deadline=None)
@given(some_votes)
def test_every_table_adds_up_and_shows_nothing_of_fewer_than_five(votes):
    found = crossing.crossed(votes, "sector", "nation", is_final=True)
    if found.groups:
        assert sum(group.tally.participants for group in found.groups) == sum(vote.votes for vote in votes)
    for group in found.groups:
        assert sum(part.tally.keep for part in group.parts) == group.tally.keep
        assert all(part.tally.participants >= 5 for part in group.parts)


COUNTED = [name for name in Tally().counts if name not in ("participants", "improve")]
"""What the data count of each cell: the rest of it is these added up."""


def hidden_in(votes, rows, by):
    """The cells that are not shown, each with what a reader would learn of it were it shown."""
    groups = {
        one: {group.word for group in crossing.crossed(votes, one, other, is_final=True).groups}
        for one, other in ((rows, by), (by, rows))
    }
    shown = cells_of(votes, rows, by)
    hidden = {cell: Counter() for cell in product(groups[rows], groups[by]) if cell not in shown}
    for vote in votes:
        said = {name: str(getattr(vote, name) or "not_said") for name in (rows, by)}
        cell = tuple(said[name] if said[name] in groups[name] else "other" for name in (rows, by))
        if cell in hidden:
            hidden[cell].update(add_up([crossing.cell(vote)]).counts)
    return {cell: tuple(counts[name] for name in COUNTED) for cell, counts in hidden.items()}


@settings(max_examples=600, deadline=None)
@given(some_votes)
def test_nothing_is_told_of_a_small_cell_by_subtracting_any_count_that_the_data_hold(votes):
    hidden = hidden_in(votes, "sector", "nation")
    for cell, counts in hidden.items():
        if 0 < sum(counts) < 5:
            least, most = between(hidden, cell)
            assert (least, most >= 5) == (0, True)


def test_a_way_to_improve_that_few_chose_does_not_tell_where_they_are(client):
    """Two are in finance in Wales, and one of them chose a way that else only people in health in Scotland chose."""
    found = a_regulation(a_theme())
    for sector, nation in product(("retail", "finance", "health"), ("england", "wales", "scotland")):
        few = (sector, nation) == ("finance", "wales")
        for n in range(2 if few else 6):
            rare = n % 2 and (few or (sector, nation) == ("health", "scotland"))
            way = Direction.OTHER if rare else Direction.CLEARER
            told(found, IMPROVE, direction=way, sector=sector, nation=nation)
    a_frozen_theme(found.theme)
    by_sector, by_nation = (
        {row: cell["improve_other"] for (row, column), cell in cells.items() if column == "not_shown_apart"}
        for cells in (crossed(client, found, *names)[0] for names in (("sector", "nation"), ("nation", "sector")))
    )
    assert by_sector["finance"] + by_nation["wales"] <= sum(by_sector.values()) == sum(by_nation.values())


def test_where_the_groups_are_small_the_smallest_go_together_until_something_can_be_shown(client):
    found = a_regulation(a_theme())
    for nation in ("england", "wales", "scotland", "northern_ireland"):
        for sector in ("retail", "health", "finance"):
            for n in range(4 if nation != "england" else 3):
                told(found, SCRAP if n % 2 else KEEP, nation=nation, sector=sector)
    a_frozen_theme(found.theme)
    cells, why_not = crossed(client, found, "sector", "nation")
    assert why_not is None
    assert sum(cell["participants"] for cell in cells.values()) == 45
    assert any("other" in cell for cell in cells)


def test_the_page_shows_each_group_with_its_parts_and_one_line_for_the_rest(client, regulation):
    said = page(client, f"/regulations/{regulation.slug}/evidence?rows=sector&by=nation")
    assert "Line of business, by where they are" in said
    assert "Health and care 45 24 0 21" in said
    assert "Not shown apart: England, Wales" in said
    assert "anything about fewer than five people" in said


def test_the_same_table_comes_as_data_under_the_same_question(client, regulation):
    address = f"/regulations/{regulation.slug}/evidence"
    assert f'href="{address}.csv?rows=sector&amp;by=nation"' in client.get(f"{address}?rows=sector&by=nation").text
    rows = csv.DictReader(io.StringIO(client.get(f"{address}.csv?rows=sector&by=nation").text))
    mine = [row for row in rows if row["part"] == "sector_by_nation"]
    assert {row["by_group"] for row in mine} <= {"england", "wales", "scotland", "not_shown_apart"}
    assert sum(int(row["participants"]) for row in mine) == 104


def test_who_and_how_far_confirmed_stand_in_clear_in_the_record_and_are_shown_as_they_are(client):
    found = a_regulation(a_theme())
    a_vote(found, SCRAP)
    a_vote(found, KEEP, capacity=Capacity.CHARITY, organisation="Example Aid")
    settle_the_record()
    cells, why_not = crossed(client, found, "level", "capacity")
    assert {cell: row["participants"] for cell, row in cells.items()} == {("1", "public"): 1, ("1", "charity"): 1}
    assert why_not is None


def test_small_capacities_go_together_before_they_are_crossed_with_what_was_told(client):
    found = a_regulation(a_theme())
    for n in range(12):
        told(found, SCRAP if n % 2 else KEEP, nation="wales" if n < 6 else "england")
    for capacity in (Capacity.CHARITY, Capacity.REGULATOR):
        a_vote(found, KEEP, text="", capacity=capacity, organisation=f"Example {capacity}")
    a_frozen_theme(found.theme)
    cells, why_not = crossed(client, found, "capacity", "nation")
    assert (cells, "Too few people told enough" in why_not) == ({}, True)


def test_before_the_count_is_final_what_was_told_is_not_crossed(client):
    found = a_regulation(a_theme())
    for n in range(20):
        told(found, nation="wales" if n % 2 else "england", sector="retail" if n < 10 else "health")
    settle_the_record()
    address = f"/regulations/{found.slug}/evidence?rows=sector&by=nation"
    with clock.pretending(NOON + 2 * DAY):
        assert crossed(client, found, "sector", "nation")[0] == {}
        assert "is crossed once the count is final" in page(client, address)


def test_a_kept_split_is_not_crossed_either(client):
    found = a_regulation(a_theme(split=Split.KEPT))
    for _ in range(6):
        a_vote(found)
    settle_the_record()
    for rows, by in (("level", "capacity"), ("sector", "nation")):
        assert crossed(client, found, rows, by)[0] == {}


def test_a_question_that_cannot_be_answered_is_said_beside_it(client, regulation):
    address = f"/regulations/{regulation.slug}/evidence"
    assert "Choose two different things to cross." in page(client, f"{address}?rows=sector&by=sector")
    for odd in ("?rows=nothing&by=%00", "?rows=&by=", "?rows=level"):
        assert "Two things at once" in page(client, address + odd)


def test_what_each_group_says_stands_first_with_its_points(client, regulation):
    said = page(client, f"/regulations/{regulation.slug}/evidence")
    assert "The largest group would scrap it: 53 of 104 people." in said
    assert said.index("What each group says, and why") < said.index("The points people make")
