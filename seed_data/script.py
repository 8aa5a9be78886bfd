"""What the demonstration's invented people say and its invented offices decide, read from invented/*.toml."""

import random
import tomllib
from dataclasses import dataclass, field
from functools import cache
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
    alike: str = ""
    """How another reason begins that makes the same point; they are put under one point."""
    paper: str = ""
    """What stands in the paper that comes with the ballot."""


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
    speaks: dict[str, dict[Capacity, int]] = field(default_factory=dict)
    """By choice, who those are who write nothing, where it is not as everywhere."""
    tells: bool = False
    """Most add where they are, how large they are and what it costs them."""
    steady: bool = False
    """Nobody has second thoughts, so that the numbers come out as they are written."""

    @classmethod
    def of_few(cls) -> "Part":
        return cls(0, {}, {})

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
    departures: dict[str, str] = field(default_factory=dict)
    """For some capacities a reason of their own."""


@dataclass(frozen=True)
class Script:
    parts: dict[str, Part] = field(default_factory=dict)
    rulings: tuple[Ruling, ...] = ()


@cache
def read_script() -> Script:
    parts = {slug: _part(given) for slug, given in table("voices.toml").items()}
    return Script(parts, tuple(ruling(given) for given in table("decisions.toml")["decision"]))


@cache
def alike() -> dict[str, str]:
    """By the text of each reason that makes another's point, how that other one begins."""
    written = [each for part in read_script().parts.values() for each in part.voices]
    written += [voice(given) for given in table("one_voter.toml")["contribution"]]
    return {each.text: each.alike for each in written if each.alike}


def quiet_part(draw: random.Random) -> Part:
    """A regulation few people looked at, and nobody wrote about."""
    lean = {"scrap": draw.randint(1, 4), "improve": draw.randint(1, 5), "keep": draw.randint(1, 6)}
    return Part(draw.randint(*QUIET_VOTES), lean, dict.fromkeys(Direction, 1))


@cache
def table(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name).read_text("utf-8"))


def _part(given: dict[str, Any]) -> Part:
    speaks = given.get("speaks", {})
    return Part(
        given["votes"],
        given["lean"],
        given.get("directions", dict.fromkeys(Direction, 1)),
        tuple(voice(each) for each in given.get("reasons", ()) for _ in range(each.get("sent_by", 1))),
        {choice: {Capacity(who): number for who, number in of.items()} for choice, of in speaks.items()},
        tells=given.get("tells", False),
        steady=given.get("steady", False),
    )


def voice(given: dict[str, Any]) -> Voice:
    return Voice(
        choice=Choice(given["choice"]),
        direction=Direction(given["direction"]) if "direction" in given else None,
        text=given["text"],
        capacity=Capacity(given.get("capacity", "public")),
        organisation=given.get("organisation", ""),
        name=given.get("name", ""),
        alike=given.get("alike", ""),
        paper=given.get("paper", ""),
    )


def ruling(given: dict[str, Any]) -> Ruling:
    return Ruling(
        slug=given["regulation"],
        outcome=Outcome(given["outcome"]),
        direction=Direction(given["direction"]) if "direction" in given else None,
        statement=given["statement"],
        reasons=given["reasons"],
        departure_reason=given.get("departure_reason", ""),
        other_evidence=given.get("other_evidence", ""),
        days_after_close=given.get("days_after_close", 45),
        departures=given.get("departures", {}),
    )
