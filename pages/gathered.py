"""A day's votes, reasons or supports on one regulation, added up and told in one sentence. Pure."""

from dataclasses import dataclass

from pages.sentences import how_many
from voting.rules import Choice


@dataclass
class Gathered:
    """A day's votes, reasons or supports on one regulation, added up."""

    scrap: int = 0
    improve: int = 0
    keep: int = 0
    unsaid: int = 0
    """Those that do not say which way: a kept split, or a support."""
    again: int = 0
    """How many of them took the place of an earlier one."""
    taken_back: int = 0

    @property
    def given(self) -> int:
        return self.scrap + self.improve + self.keep + self.unsaid

    @property
    def lines(self) -> int:
        return self.given + self.taken_back

    def add(self, side: str | None, number: int, *, taken_back: bool, again: bool) -> None:
        if taken_back:
            self.taken_back += number
            return
        name = side if side in tuple(Choice) else "unsaid"
        setattr(self, name, getattr(self, name) + number)
        self.again += number if again else 0


def gathered_sentence(type: str, day: Gathered) -> str:
    """One sentence for many lines: "31 votes counted: 12 scrap, 9 improve, 10 keep"."""
    one, many, done, undone = _GATHERED[type]
    parts = []
    if day.given:
        split = ", ".join(f"{n:,} {word}" for word in Choice if (n := getattr(day, word)))
        again = f" ({day.again:,} in place of an earlier one)" if day.again else ""
        parts.append(f"{how_many(day.given, one, many)} {done}{f': {split}' if split else ''}{again}")
    if day.taken_back:
        parts.append(f"{day.taken_back:,} {undone}" if parts else f"{how_many(day.taken_back, one, many)} {undone}")
    return "; ".join(parts)


_GATHERED = {
    "vote": ("vote", "votes", "counted", "withdrawn"),
    "comment": ("reason", "reasons", "given", "taken back"),
    "support": (
        "person",
        "people",
        "stood behind a reason that another gave",
        "stepped back from a reason that another gave",
    ),
}
