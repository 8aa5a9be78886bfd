"""The words that sentences about lines of the record are made of. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from accounts.rules import Capacity


@dataclass(frozen=True)
class Around:
    """What an entry does not say itself: the titles of what it names, and the text a public commitment stands for."""

    regulation: str = ""
    theme: str = ""
    reason: str = ""
    demonstration: bool = False


@dataclass(frozen=True)
class Sentence:
    """One line told to people. ``kind`` is for the eye: decision, count, moderation or nothing."""

    text: str
    detail: str = ""
    kind: str = ""


def speaker(capacity: str) -> str:
    try:
        label = Capacity(capacity).label
    except ValueError:
        return capacity
    return "a member of the public" if label == Capacity.PUBLIC.label else label[0].lower() + label[1:]


def how_many(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def day(moment: Any) -> str:
    return f"{moment.day} {moment:%B %Y}"


def plainly(name: str) -> str:
    """A word from one of the record's lists, as people write it."""
    return name.replace("_", " ").replace("-", " ")


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def theme_of(said: Mapping[str, Any], around: Around) -> str:
    return f"“{around.theme or said['theme']}”"
