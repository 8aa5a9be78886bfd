"""How an outcome stands to what people asked for: everybody together, and each capacity. Pure, like the rules."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.rules import Capacity
from decisions.rules import DEPARTURE_LEAST, EVERYONE, Compared, Comparison, Outcome, Proposal
from voting.rules import Choice, Direction, Tally

TOO_FEW = 20
_NOBODY = Tally()


def comparisons(outcome: Outcome, direction: Direction | None, tally: Tally) -> dict[str, Compared]:
    """The comparison with everybody (``all``), then with each capacity, whether anybody spoke in it or not."""
    parts = dict(tally.by_capacity)
    by_capacity = {str(who): compare(outcome, direction, parts.get(who.plural, _NOBODY), who) for who in Capacity}
    return {EVERYONE: compare(outcome, direction, tally)} | by_capacity


def enough_to_weigh(tally: Tally) -> list[str]:
    """The capacities from which a decision could differ."""
    parts = dict(tally.by_capacity)
    return [str(who) for who in Capacity if parts.get(who.plural, _NOBODY).participants >= TOO_FEW]


def compare(outcome: Outcome, direction: Direction | None, tally: Tally, who: Capacity | None = None) -> Compared:
    """The comparison with all who voted, or with those of one capacity, in the words pages use."""
    participants = tally.participants
    if outcome in (Outcome.MOVED, Outcome.ALREADY_SPENT):
        sentence = f"Not comparable with the vote: {outcome.label.lower()}."
        return Compared(Comparison.NOT_COMPARABLE, None, sentence, participants)
    if not participants:
        nobody = f"{who.plural}: nobody answered" if who else "Nobody voted"
        return Compared(Comparison.TOO_FEW, None, f"{nobody}, so there is nothing to compare with.")
    agrees, sentence = _stands(outcome, direction, tally, who)
    if participants < TOO_FEW:
        return Compared(Comparison.TOO_FEW, agrees, f"{sentence} {_few(who)}", participants)
    word = {True: Comparison.SAME, False: Comparison.DIFFERS, None: Comparison.TIED}[agrees]
    return Compared(word, agrees, sentence, participants)


def _few(who: Capacity | None) -> str:
    return f"Fewer than {TOO_FEW} {who.plural.lower() if who else 'people'} answered, too few to weigh."


def _stands(
    outcome: Outcome, direction: Direction | None, tally: Tally, who: Capacity | None
) -> tuple[bool | None, str]:
    group, leading = who.plural.lower() if who else "", _leading(tally, Choice, "")
    votes = f"{leading.votes:,} of {tally.participants:,}"
    ways = _leading(tally, Direction, "improve_")
    way = direction.label.lower() if outcome is Outcome.IMPROVE and direction and ways.votes else ""
    asked = f"{ways.votes:,} of {tally.improve:,}{' each' if len(ways.names) > 1 else ''}"
    if outcome in leading.names and way and way not in ways.names:
        return False, f"Differs from what {group or 'those'} who chose improve asked for most: {ways}, {asked}."
    if len(leading.names) > 1:
        neither = "" if outcome in leading.names else "; the decision is neither"
        return None, f"The vote {f'of {group} ' if who else ''}was tied between {leading}, {votes} each{neither}."
    if outcome not in leading.names:
        if who:
            return False, f"Differs from the largest group of {group}, {votes}, who chose {leading}."
        return False, f"Differs from the largest group, who chose {leading}: {votes}."
    same = f"The same as the largest group{f' of {group}' if who else ''} chose: {leading}, {votes}"
    return True, f"{same}; {way}{_tied_with(way, ways)}, {asked}." if way else f"{same}."


@dataclass(frozen=True)
class _Leading:
    """What most votes went to: several where they are level."""

    names: list[str]
    votes: int

    def __str__(self) -> str:
        return _listed(self.names)


def _leading(tally: Tally, among: Iterable[Choice] | Iterable[Direction], prefix: str) -> _Leading:
    votes = {each.label.lower(): getattr(tally, f"{prefix}{each}") for each in among}
    most = max(votes.values())
    return _Leading([name for name, number in votes.items() if number == most], most)


def _tied_with(way: str, ways: _Leading) -> str:
    """Where several ways to improve were asked for alike, each of them is what the largest group asked for."""
    others = [name for name in ways.names if name != way]
    return f", tied with {_listed(others)}" if others else ""


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def kept(compared: Mapping[str, Compared], proposal: Proposal) -> dict[str, Any]:
    """The comparisons as a decision keeps and publishes them, each *differs* with where its reason stands."""
    return {who: _kept(who, how, proposal) for who, how in compared.items()}


def _kept(who: str, how: Compared, proposal: Proposal) -> dict[str, Any]:
    said: dict[str, Any] = {
        "comparison": str(how.word),
        "agrees": how.agrees,
        "participants": how.participants,
        "sentence": how.sentence,
    }
    if how.word is not Comparison.DIFFERS:
        return said
    own = proposal.departures.get(who, "") if who != EVERYONE else ""
    return said | ({"reason": own} if len(own) >= DEPARTURE_LEAST else {"covered_by": "departure_reason"})


@dataclass(frozen=True)
class Row:
    """A comparison with one capacity as a page lists it: that they are few is said by the word before the sentence."""

    who: str
    word: str
    sentence: str


def rows(comparisons: Mapping[str, Any]) -> list[Row]:
    """Each capacity in which somebody answered. How it stands to everybody is said in the headline."""
    return [
        Row(_named(who), Comparison(said["comparison"]).label, said["sentence"].removesuffix(f" {_few(Capacity(who))}"))
        for who, said in comparisons.items()
        if who != EVERYONE and said["participants"]
    ]


@dataclass(frozen=True)
class Departure:
    """One reason for departing, those to whom it is given, and what they had asked for."""

    who: list[str]
    sentences: list[str]
    reason: str


def departures(comparisons: Mapping[str, Any], departure_reason: str) -> list[Departure]:
    """Every *differs* under the reason given for it; the one that several share comes first."""
    found: dict[str, Departure] = {}
    for who, said in comparisons.items():
        if "covered_by" in said or "reason" in said:
            reason = said.get("reason", departure_reason)
            departure = found.setdefault(reason, Departure([], [], reason))
            departure.who.append(_named(who))
            departure.sentences.append(said["sentence"])
    return sorted(found.values(), key=lambda departure: departure.reason != departure_reason)


def _named(who: str) -> str:
    return "Everyone who answered" if who == EVERYONE else Capacity(who).plural
