"""One page out of a longer list."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Generic, TypeVar

T = TypeVar("T")

PER_PAGE = 20


@dataclass(frozen=True)
class Page(Generic[T]):
    rows: Sequence[T]
    number: int
    total: int
    per_page: int = PER_PAGE

    @property
    def pages(self) -> int:
        return max(1, ceil(self.total / self.per_page))

    @property
    def first(self) -> int:
        """The place of the first row shown, counted from 1; 0 when there is none."""
        return (self.number - 1) * self.per_page + 1 if self.rows else 0

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1 if self.rows else 0


def page_number(asked: str | None) -> int:
    """What a query string asks for, or the first page when it asks for nothing sensible."""
    try:
        return max(1, min(int(asked or 1), 1_000_000))
    except ValueError:
        return 1
