"""Nobody learns of fewer than five people from a table, however they add and subtract what it shows."""

from collections import Counter
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.crossing import between, kept_back
from analysis.rules import FEWEST


def table(*rows):
    """Cells named by their places, each a number of people or a pair of choices."""
    return {
        (f"r{i}", f"c{j}"): cell if isinstance(cell, tuple) else (cell,)
        for i, row in enumerate(rows)
        for j, cell in enumerate(row)
    }


def shown(cells):
    back = kept_back(cells)
    return None if back is None else {cell: sum(n) for cell, n in cells.items() if cell not in back}


def test_a_table_without_small_cells_is_shown_whole():
    assert shown(table([5, 9], [7, 6])) == {("r0", "c0"): 5, ("r0", "c1"): 9, ("r1", "c0"): 7, ("r1", "c1"): 6}


def test_one_small_cell_takes_three_others_with_it():
    assert shown(table([3, 20, 30], [20, 9, 40], [30, 40, 50])) == {
        ("r0", "c2"): 30, ("r1", "c2"): 40, ("r2", "c0"): 30, ("r2", "c1"): 40, ("r2", "c2"): 50,
    }  # fmt: skip


def test_empty_cells_look_like_small_ones():
    assert ("r0", "c0") in kept_back(table([0, 20], [20, 30]))


def test_where_all_would_be_kept_back_nothing_is_shown():
    assert shown(table([3, 4], [4, 2])) is None


def test_a_table_of_two_by_two_with_one_small_cell_cannot_be_shown():
    assert shown(table([3, 20], [30, 40])) is None


def test_a_choice_that_nobody_else_made_does_not_tell_of_a_small_cell():
    """In both, people alone would allow it; in the second, one who chose otherwise can be nowhere else."""
    together = table([(2, 0), (9, 0), (40, 0)], [(9, 0), (9, 0), (40, 0)], [(40, 0), (40, 0), (50, 0)])
    alone = together | {("r0", "c0"): (1, 1)}
    assert between({cell: together[cell] for cell in kept_back(together)}, ("r0", "c0"))[0] == 0
    assert kept_back(together) < (kept_back(alone) or set(alone))


people = st.one_of(st.integers(0, 2), st.integers(0, 30))
tables = st.tuples(st.integers(3, 5), st.integers(3, 5)).flatmap(
    lambda size: st.lists(
        st.lists(st.tuples(people, people), min_size=size[1], max_size=size[1]), min_size=size[0], max_size=size[0]
    )
)


def enough_in_each(cells):
    """Rows and columns of fewer than five people are put together before anything is crossed."""
    sizes = Counter()
    for (row, column), counts in cells.items():
        sizes[row] += sum(counts)
        sizes[column] += sum(counts)
    return {cell: n for cell, n in cells.items() if sizes[cell[0]] >= FEWEST and sizes[cell[1]] >= FEWEST}


@given(tables)
def test_whatever_is_subtracted_is_nobody_or_five_people_in_two_cells_at_least(rows):
    cells = table(*rows)
    if enough_in_each(cells) != cells or (back := kept_back(cells)) is None:
        return
    assert all(sum(counts) >= FEWEST for cell, counts in cells.items() if cell not in back)
    for line in {name for cell in cells for name in cell}:
        hidden = [sum(cells[cell]) for cell in back if line in cell]
        assert sum(hidden) == 0 or (sum(hidden) >= FEWEST and len(hidden) >= 2)


@given(tables)
def test_of_no_small_cell_it_can_be_told_that_anybody_is_in_it_or_that_few_are(rows):
    cells = table(*rows)
    if enough_in_each(cells) != cells or (back := kept_back(cells)) is None:
        return
    for cell in back:
        if 0 < sum(cells[cell]) < FEWEST:
            least, most = between({each: cells[each] for each in back}, cell)
            assert least == 0
            assert most >= FEWEST


def every_table_like(cells):
    """All tables of people in the same cells that add up to the same totals: what a reader has to choose from."""
    names = sorted(cells)
    lines = {name: sum(cells[cell][0] for cell in names if name in cell) for cell in names for name in cell}

    def fill(place, left):
        if place == len(names):
            if not any(left.values()):
                yield {}
            return
        row, column = names[place]
        for n in range(min(left[row], left[column]) + 1):
            for rest in fill(place + 1, left | {row: left[row] - n, column: left[column] - n}):
                yield {names[place]: n} | rest

    return list(fill(0, lines))


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=2, max_size=2), st.data())
def test_the_bounds_of_a_cell_are_those_of_all_tables_with_the_same_totals(rows, data):
    cells = table(*rows)
    back = data.draw(st.sets(st.sampled_from(sorted(cells)), min_size=1))
    hidden = {cell: cells[cell] for cell in back}
    possible = every_table_like(hidden)
    for cell in back:
        numbers = [each[cell] for each in possible]
        assert between(hidden, cell) == (min(numbers), max(numbers))
        least, most = between(hidden, cell, FEWEST)
        assert (least, most >= FEWEST) == (min(numbers), max(numbers) >= FEWEST)


@pytest.mark.parametrize(("row", "column"), list(product(range(3), range(3))))
def test_it_does_not_depend_on_where_the_small_cell_stands(row, column):
    rows = [[20] * 3 for _ in range(3)]
    rows[row][column] = 2
    assert len(kept_back(table(*rows))) == 4
