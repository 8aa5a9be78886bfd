"""Votes by any two things at once: who people speak for, how far that is confirmed, what they told in confidence."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.rules import Capacity, Level
from analysis.crossing import kept_back
from analysis.rules import shown_apart
from regulations.rules import SECTORS
from voting.rules import NATIONS, SIZE_BANDS, Cell, Choice, Direction, Tally, add_up

OTHER, NOT_SAID, NOT_APART = "other", "not_said", "not_shown_apart"
CAPACITY, LEVEL = "capacity", "level"
LEVELS = {str(level.value): level.name.replace("_", " ").capitalize() for level in Level}

THINGS: dict[str, tuple[str, dict[str, str]]] = {
    CAPACITY: ("Who they speak for", {capacity.value: capacity.plural for capacity in Capacity}),
    LEVEL: ("How far it is confirmed", LEVELS),
    "size_band": ("How many people work there", SIZE_BANDS),
    "sector": ("Line of business", SECTORS),
    "nation": ("Where they are", NATIONS),
}
"""What votes can be crossed by: its name in addresses, its words, and those of its values."""
IN_CONFIDENCE = ("size_band", "sector", "nation")
PUBLISHED = (Choice.SCRAP, *(f"{Choice.IMPROVE}_{way}" for way in Direction), Choice.KEEP)
"""What the data count of every cell, down to the ways to improve: each can be subtracted by itself."""


@dataclass(frozen=True)
class Part:
    """Votes of one cell: the word in the data, its label, and the votes."""

    word: str
    label: str
    tally: Tally


@dataclass(frozen=True)
class Group:
    """One row of the table, with the cells that are shown, and together those that are not."""

    word: str
    label: str
    tally: Tally
    parts: Sequence[Part]

    @property
    def is_whole(self) -> bool:
        """None of its cells can be shown."""
        return [part.word for part in self.parts] == [NOT_APART]


@dataclass(frozen=True)
class Crossing:
    """A table of two things. Without groups, ``why_not`` says why it cannot be shown."""

    rows: str
    by: str
    groups: Sequence[Group] = ()
    whole: Tally = Tally()
    why_not: str = ""
    keeps_back: bool = False

    @property
    def title(self) -> str:
        rows, by = THINGS[self.rows][0], THINGS[self.by][0]
        return f"{rows}, by {by[0].lower()}{by[1:]}"


NOT_FINAL = (
    "What people tell of themselves is crossed once the count is final. Until then whoever compared one day’s table "
    "with the next could pick somebody out."
)
SEALED = "The split is kept until the count is final."
TOO_FEW = "Too few people told enough of themselves to cross these two without picking somebody out."
THE_SAME = "Choose two different things to cross."


def things_asked(rows: str | None, by: str | None) -> tuple[str, str]:
    """The two that an address names; who people speak for and how far that is confirmed where it names none."""
    given = rows if rows in THINGS else CAPACITY
    return given, by if by in THINGS else (LEVEL if given == CAPACITY else CAPACITY)


def crossed(votes: Sequence[Any], rows: str, by: str, *, is_final: bool) -> Crossing:
    """``votes`` say all five things, choice and direction, and how many votes there are of the kind.

    What stands in clear in the record for each vote is shown as it is; of what was told in confidence nobody is to
    learn about fewer than five people.
    """
    told = [name for name in (rows, by) if name in IN_CONFIDENCE]
    if rows == by:
        return Crossing(rows, by, why_not=THE_SAME)
    if told and not is_final:
        return Crossing(rows, by, why_not=NOT_FINAL)
    first, second = sorted((rows, by), key=list(THINGS).index)
    table = _Table.of(votes, first, second, apart=bool(told))
    back: set[tuple[str, str]] | None = set()
    if told:
        table, back = _most_telling(table)
    if first != rows:  # turned only now: were the two kept back differently, one would tell what the other hides
        table, back = table.turned(), back and {(column, row) for row, column in back}
    if back is None or (told and min(len(table.names(side)) for side in (0, 1)) < 2):
        return Crossing(rows, by, why_not=TOO_FEW)
    groups = [_group(table, row, back) for row in table.names(0)]
    return Crossing(rows, by, groups, add_up(map(cell, votes)), keeps_back=bool(told))


@dataclass(frozen=True)
class _Table:
    """Votes by their row and column."""

    things: tuple[str, str]
    cells: dict[tuple[str, str], list[Cell]]

    @classmethod
    def of(cls, votes: Sequence[Any], rows: str, by: str, *, apart: bool) -> "_Table":
        of_row, of_column = (_grouped(votes, name, apart=apart) for name in (rows, by))
        cells: dict[tuple[str, str], list[Cell]] = {}
        for vote in votes:
            cells.setdefault((of_row(vote), of_column(vote)), []).append(cell(vote))
        return cls((rows, by), cells)

    def names(self, side: int) -> list[str]:
        return _in_order(self.things[side], {key[side] for key in self.cells})

    def tally(self, key: tuple[str, str]) -> Tally:
        return add_up(self.cells.get(key, ()))

    def people(self, side: int, name: str) -> int:
        return sum(each.votes for key, cells in self.cells.items() if key[side] == name for each in cells)

    def turned(self) -> "_Table":
        return _Table(self.things[::-1], {(column, row): votes for (row, column), votes in self.cells.items()})

    def without(self, side: int, name: str) -> "_Table":
        """The same with one group put in with the others."""
        cells: dict[tuple[str, str], list[Cell]] = {}
        for key, votes in self.cells.items():
            other = (OTHER, key[1]) if side == 0 else (key[0], OTHER)
            cells.setdefault(other if key[side] == name else key, []).extend(votes)
        return _Table(self.things, cells)


def _most_telling(table: _Table) -> tuple[_Table, set[tuple[str, str]] | None]:
    """The table with what must be kept back of it, its smallest groups put together until half the people are shown.

    Where that is never reached, the one that shows most; None where none can be shown.
    """
    best: tuple[int, _Table, set[tuple[str, str]] | None] = (0, table, None)
    everybody = sum(each.votes for cells in table.cells.values() for each in cells)
    while True:
        tallies = {(row, column): table.tally((row, column)) for row in table.names(0) for column in table.names(1)}
        back = kept_back({key: tuple(getattr(tally, name) for name in PUBLISHED) for key, tally in tallies.items()})
        shown = 0 if back is None else sum(n.participants for key, n in tallies.items() if key not in back)
        if shown > best[0]:
            best = (shown, table, back)
        named = [[name for name in table.names(side) if name not in (OTHER, NOT_SAID)] for side in (0, 1)]
        side = 0 if len(named[0]) > len(named[1]) else 1
        if 2 * shown >= everybody or len(named[side]) < 2:
            return best[1:]
        sizes = {name: table.people(side, name) for name in named[side]}
        table = table.without(side, min(named[side], key=lambda name: (sizes[name], name)))


def _group(table: _Table, row: str, back: Collection[tuple[str, str]]) -> Group:
    rows, by = table.things
    names = [name for name in table.names(1) if (row, name) not in back]
    shown = [Part(name, _label(by, name), table.tally((row, name))) for name in names]
    together = [name for name in table.names(1) if (row, name) in back]
    return Group(
        row,
        _label(rows, row),
        add_up(each for key, cells in table.cells.items() if key[0] == row for each in cells),
        [part for part in shown if part.tally.participants] + _not_apart(table, row, together),
    )


def _not_apart(table: _Table, row: str, names: Sequence[str]) -> list[Part]:
    """What is kept back of a row, in one: five people or more, or nothing."""
    together = add_up(each for name in names for each in table.cells.get((row, name), ()))
    labels = ((name, _label(table.things[1], name)) for name in names)
    said = ", ".join(label.lower() if name in (OTHER, NOT_SAID) else label for name, label in labels)
    return [Part(NOT_APART, f"Not shown apart: {said}", together)] if together.participants else []


def cell(vote: Any) -> Cell:
    return Cell(Capacity.PUBLIC, Level.EMAIL_CONFIRMED, vote.choice, vote.direction or "", vote.votes)


def _grouped(votes: Sequence[Any], name: str, *, apart: bool) -> Callable[[Any], str]:
    """Puts a vote into its group: no group has fewer than five people, and none is smaller than what stands elsewhere.

    First what was told is grouped as it is where it stands alone; then whatever is still small goes in with others.
    """
    if not apart:
        return lambda vote: _said(vote, name)
    sizes: Counter[str] = Counter()
    for vote in votes:
        sizes[_said(vote, name)] += vote.votes
    first = set(sizes)
    if name in IN_CONFIDENCE:
        first = (shown_apart({word: n for word, n in sizes.items() if word != NOT_SAID}) or set()) | {NOT_SAID}
    again: Counter[str] = Counter()
    for word, n in sizes.items():
        again[word if word in first else OTHER] += n
    second = shown_apart(again) or set()
    return lambda vote: said if (said := _said(vote, name)) in first and said in second else OTHER


def _said(vote: Any, name: str) -> str:
    return str(getattr(vote, name) or NOT_SAID)


def _in_order(name: str, found: set[str]) -> list[str]:
    words = THINGS[name][1]
    known = [word for word in words if word in found]
    return known + sorted(found - set(words) - {OTHER, NOT_SAID}) + [w for w in (OTHER, NOT_SAID) if w in found]


def _label(name: str, word: str) -> str:
    return {OTHER: "Others", NOT_SAID: "Did not say"}.get(word) or THINGS[name][1].get(word, word)
