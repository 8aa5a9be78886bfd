"""Which cells of a table must be kept back, so that nobody learns of fewer than five people from all that is shown.

Whoever reads the table knows its totals too, and can subtract. What such a reader can work out is what D. Gusfield
describes in "A Graph Theoretic Approach to Statistical Data Security" (SIAM Journal on Computing 17:3, 1988): a cell
that is kept back can be more or less than it is exactly as far as people can be moved round a ring of such cells
without any total changing, and none of them falling below nought. Pure.
"""

from collections.abc import Collection, Mapping

from analysis.rules import FEWEST

Cell = tuple[str, str]
"""Its row and its column."""
Counts = tuple[int, ...]
"""People by what they chose; of all cells in the same order."""


def kept_back(cells: Mapping[Cell, Counts]) -> set[Cell] | None:
    """The cells not to be shown where rows, columns and everything shown add up to known totals, by choice as well.

    Every row and every column must be of at least five people, or of none. Cells of fewer than five are kept back, and
    then further ones, the smallest first, until what is kept back in a row or column is nobody or at least five people,
    and of no cell under five it can be told that anybody is in it, or that fewer than five are. None: all would be.
    """
    small = {cell for cell, counts in cells.items() if sum(counts) < FEWEST}
    back = set(small)
    while beside := _told_by_subtracting(cells, back):
        shown = [cell for cell in cells if cell not in back]
        more = [cell for cell in shown if cell in beside] or shown
        if not more:
            return None
        back.add(min(more, key=lambda cell: _price(cells, cell)))
    for cell in sorted(back - small, key=lambda cell: _price(cells, cell), reverse=True):
        if not _told_by_subtracting(cells, back - {cell}):
            back.remove(cell)
    return back if len(back) < len(cells) else None


def _price(cells: Mapping[Cell, Counts], cell: Cell) -> tuple[int, Cell]:
    return sum(cells[cell]), cell


def _told_by_subtracting(cells: Mapping[Cell, Counts], back: Collection[Cell]) -> set[Cell]:
    """The row and the column of which something can be worked out; nothing when all is well."""
    for side in (0, 1):
        for line in sorted({cell[side] for cell in back}):
            if 0 < sum(sum(cells[cell]) for cell in back if cell[side] == line) < FEWEST:
                return {cell for cell in cells if cell[side] == line}
    hidden = {each: cells[each] for each in back}
    for cell in sorted(back):
        if 0 < sum(cells[cell]) < FEWEST:
            least, most = between(hidden, cell, FEWEST)
            if least > 0 or most < FEWEST:
                return {each for each in cells if each[0] == cell[0] or each[1] == cell[1]}
    return set()


def between(back: Mapping[Cell, Counts], cell: Cell, enough: int | None = None) -> tuple[int, int]:
    """The fewest and the most people that may be in a cell for all that can be worked out from the totals.

    Whoever only asks whether there may be ``enough`` is told that there may, not how many more.
    """
    least = most = 0
    row, column = ("row", cell[0]), ("column", cell[1])
    along = _along([each for each in back if each != cell])
    for choice, people in enumerate(back[cell]):
        others = {each: counts[choice] for each, counts in back.items() if each != cell}
        least += people - _moved(dict(others), along, row, column, people)
        more = None if enough is None else max(0, enough - most - people)
        most += people + _moved(others, along, column, row, more)
    return least, most


Line = tuple[str, str]
Along = Mapping[Line, Collection[tuple[Line, Cell]]]
"""From each line the lines across it, with the cell where they meet."""


def _along(cells: Collection[Cell]) -> Along:
    along: dict[Line, list[tuple[Line, Cell]]] = {}
    for cell in cells:
        row, column = ("row", cell[0]), ("column", cell[1])
        along.setdefault(row, []).append((column, cell))
        along.setdefault(column, []).append((row, cell))
    return along


def _moved(people: dict[Cell, int], along: Along, start: Line, end: Line, limit: int | None) -> int:
    """How many people can be moved from one line to another through other cells: the largest flow, path by path.

    From a row on to a column a cell gains people, of which there is no end; from a column on to a row it loses some.
    """
    moved = 0
    while limit is None or moved < limit:
        path = _path(people, along, start, end)
        if not path:
            return moved
        step = min(people[cell] for cell, gains in path if not gains)
        step = step if limit is None else min(step, limit - moved)
        for cell, gains in path:
            people[cell] += step if gains else -step
        moved += step
    return moved


def _path(people: Mapping[Cell, int], along: Along, start: Line, end: Line) -> list[tuple[Cell, bool]]:
    """The shortest way, as cells with whether each gains people; none leads nowhere."""
    came: dict[Line, tuple[Line, Cell, bool]] = {}
    reached, seen = [start], {start}
    for line in reached:
        if line == end:
            break
        gains = line[0] == "row"
        for onward, cell in along.get(line, ()):
            if onward not in seen and (gains or people[cell]):
                seen.add(onward)
                came[onward] = (line, cell, gains)
                reached.append(onward)
    if end not in came:
        return []
    path = []
    line = end
    while line != start:
        line, cell, gains = came[line]
        path.append((cell, gains))
    return path[::-1]
