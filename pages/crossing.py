"""Votes by any two things at once: who people speak for, how far that is confirmed, what they told in confidence."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.rules import Capacity, Level
from analysis.crossing import kept_back
from analysis.rules import shown_apart
from regulations.rules import SECTORS
from voting.rules import NATIONS, SIZE_BANDS, Cell, Choice, Tally, add_up

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
    of_row, of_column = (_grouped(votes, name, apart=bool(told)) for name in (rows, by))
    kinds: dict[tuple[str, str], list[Cell]] = {}
    for vote in votes:
        kinds.setdefault((of_row(vote), of_column(vote)), []).append(cell(vote))
    names = _in_order(rows, {row for row, _ in kinds}), _in_order(by, {column for _, column in kinds})
    tallies = {(row, column): add_up(kinds.get((row, column), ())) for row in names[0] for column in names[1]}
    back = kept_back({key: _by_choice(tally) for key, tally in tallies.items()}) if told else set()
    if back is None or (told and min(map(len, names)) < 2):
        return Crossing(rows, by, why_not=TOO_FEW)
    groups = [
        Group(
            row,
            _label(rows, row),
            add_up(each for (of, _), cells in kinds.items() if of == row for each in cells),
            [
                Part(column, _label(by, column), tallies[row, column])
                for column in names[1]
                if (row, column) not in back and tallies[row, column].participants
            ]
            + _not_apart(
                [(_label(by, column), kinds.get((row, column), [])) for column in names[1] if (row, column) in back]
            ),
        )
        for row in names[0]
    ]
    return Crossing(rows, by, groups, add_up(map(cell, votes)), keeps_back=bool(back))


def cell(vote: Any) -> Cell:
    return Cell(Capacity.PUBLIC, Level.EMAIL_CONFIRMED, vote.choice, vote.direction or "", vote.votes)


def _by_choice(tally: Tally) -> tuple[int, ...]:
    return tuple(getattr(tally, choice) for choice in Choice)


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


def _not_apart(back: Sequence[tuple[str, list[Cell]]]) -> list[Part]:
    """What is kept back of a row, in one: five people or more, or nothing."""
    together = add_up(each for _, cells in back for each in cells)
    labels = ", ".join(
        label[0].lower() + label[1:] if label in ("Others", "Did not say") else label for label, _ in back
    )
    return [Part(NOT_APART, f"Not shown apart: {labels}", together)] if together.participants else []
