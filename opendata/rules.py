"""What the rows of the downloads are called and hold. Pure: no Flask, no database, no clock."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

DECISION_FIELDS = (
    "reference", "slug", "title", "theme", "department", "outcome", "reasons", "decided_by", "approved_by",
    "published_at", "agrees_with_vote", "supersedes", "superseded_by", "url", "direction", "statement",
    "participants", "scrap", "improve", "keep", "departs_from", "departures",
)  # fmt: skip
REGULATION_FIELDS = (
    "slug", "citation", "title", "theme", "department", "stage", "participants", "scrap", "improve", "improve_lighter",
    "improve_clearer", "improve_stricter", "improve_other", "keep", "comments", "closes_on", "outcome", "url",
    "reasons",
)  # fmt: skip
THEME_FIELDS = (
    "slug", "title", "kind", "stage", "opens_on", "closes_on", "decision_due_on", "split", "regulations", "decided",
    "answers", "url",
)  # fmt: skip
COUNTED = ("participants", "scrap", "improve", "keep")
"""The final count a decision was taken on, as far as its row tells it."""
NO_DECISION = "none"
"""How an address asks for regulations without a decision."""
DEMONSTRATION = "demonstration"
NO_SUCH_DECISION = "Demonstration: no such decision was made"


class Published(Protocol):
    """A decision as lists give it."""

    @property
    def reference(self) -> str: ...
    @property
    def published_at(self) -> datetime: ...
    @property
    def tally(self) -> Mapping[str, int]: ...


def decision_row(decision: Published, url: str) -> dict[str, Any]:
    """A decision under the names that every download uses; what lists know beside them stays out."""
    given = {"url": url, **{name: decision.tally[name] for name in COUNTED}}
    return {name: given[name] if name in given else getattr(decision, name) for name in DECISION_FIELDS}


def regulation_row(regulation: Any, url: str) -> dict[str, Any]:
    """A regulation likewise. Its split is null while its theme keeps it until the close."""
    row = {name: url if name == "url" else getattr(regulation, name) for name in REGULATION_FIELDS}
    return row | {"citation": str(regulation.citation)}


def labelled(rows: Iterable[Mapping[str, Any]], *, demonstration: bool) -> list[dict[str, Any]]:
    """In a demonstration every row says so, wherever it travels."""
    return [{**row, DEMONSTRATION: True} if demonstration else dict(row) for row in rows]


def fields(names: Iterable[str], *, demonstration: bool) -> tuple[str, ...]:
    """The columns of a table, with the one more that a demonstration has."""
    return (*names, DEMONSTRATION) if demonstration else tuple(names)


def decision_title(title: str, *, demonstration: bool) -> str:
    """A feed's headline, which must not be taken for news when nothing happened."""
    return f"{NO_SUCH_DECISION} – {title}" if demonstration else title
