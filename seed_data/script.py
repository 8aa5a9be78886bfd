"""What the demonstration's invented people say and its invented offices decide, read from invented/*.toml."""

import random
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accounts.rules import Capacity
from decisions.rules import Outcome
from voting.rules import Choice, Direction

FOLDER = Path(__file__).parent / "invented"
QUIET_VOTES = (2, 11)


@dataclass(frozen=True)
class Voice:
    """One invented person's reason."""

    choice: Choice
    direction: Direction | None
    text: str
    capacity: Capacity
    organisation: str
    name: str


@dataclass(frozen=True)
class Wordless:
    """One invented person's choice, with no words of their own."""

    choice: Choice
    direction: Direction | None


@dataclass(frozen=True)
class Part:
    """How one regulation is answered: how many people, which way they lean, and what some of them write."""

    votes: int
    lean: dict[str, int]
    directions: dict[str, int]
    voices: tuple[Voice, ...] = ()

    def without_words(self, draw: random.Random) -> list[Wordless]:
        """The choices of those who write nothing, shuffled, so that all together lean as they are meant to."""
        wordless: list[Wordless] = []
        for choice, people in shares(self.votes, self.lean).items():
            silent = max(0, people - sum(voice.choice == choice for voice in self.voices))
            ways = draw.choices(list(self.directions), list(self.directions.values()), k=silent)
            improve = choice == Choice.IMPROVE
            wordless += [Wordless(Choice(choice), Direction(way) if improve else None) for way in ways]
        draw.shuffle(wordless)
        return wordless


def shares(whole: int, weights: dict[str, int]) -> dict[str, int]:
    """Divide ``whole`` by weights into whole numbers that add up to it (largest remainders, Hamilton's method)."""
    total = sum(weights.values())
    exact = {name: whole * weight / total for name, weight in weights.items()}
    given = {name: int(part) for name, part in exact.items()}
    nearest = sorted(exact, key=lambda name: given[name] - exact[name])
    for name in nearest[: whole - sum(given.values())]:
        given[name] += 1
    return given


@dataclass(frozen=True)
class Ruling:
    """One invented decision, so many days after its theme closed."""

    slug: str
    outcome: Outcome
    direction: Direction | None
    statement: str
    reasons: str
    departure_reason: str
    other_evidence: str
    days_after_close: int


@dataclass(frozen=True)
class Script:
    parts: dict[str, Part] = field(default_factory=dict)
    rulings: tuple[Ruling, ...] = ()


def read_script() -> Script:
    parts = {slug: _part(given) for slug, given in _table("voices.toml").items()}
    return Script(parts, tuple(_ruling(given) for given in _table("decisions.toml")["decision"]))


def quiet_part(draw: random.Random) -> Part:
    """A regulation few people looked at, and nobody wrote about."""
    lean = {"scrap": draw.randint(1, 4), "improve": draw.randint(1, 5), "keep": draw.randint(1, 6)}
    return Part(draw.randint(*QUIET_VOTES), lean, dict.fromkeys(Direction, 1))


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name).read_text("utf-8"))


def _part(given: dict[str, Any]) -> Part:
    voices = tuple(
        Voice(
            choice=Choice(voice["choice"]),
            direction=Direction(voice["direction"]) if "direction" in voice else None,
            text=voice["text"],
            capacity=Capacity(voice.get("capacity", "public")),
            organisation=voice.get("organisation", ""),
            name=voice.get("name", ""),
        )
        for voice in given.get("reasons", ())
    )
    return Part(given["votes"], given["lean"], given.get("directions", dict.fromkeys(Direction, 1)), voices)


def _ruling(given: dict[str, Any]) -> Ruling:
    return Ruling(
        slug=given["regulation"],
        outcome=Outcome(given["outcome"]),
        direction=Direction(given["direction"]) if "direction" in given else None,
        statement=given["statement"],
        reasons=given["reasons"],
        departure_reason=given.get("departure_reason", ""),
        other_evidence=given.get("other_evidence", ""),
        days_after_close=given.get("days_after_close", 45),
    )
