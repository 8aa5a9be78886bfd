"""What a point is, and what happens to the objection of somebody whose reason was put under one. Pure."""

import unicodedata
from collections.abc import Mapping
from enum import StrEnum

from core.errors import NotAllowed, RuleBroken

TITLE_LENGTH = 160
SUMMARY_LENGTH = 2_000
COMMENTS_AT_ONCE = 500
FEW_TITLE = "Raised by few people"
FEW_SUMMARY = (
    "Reasons that few people gave, and that make none of the other points. They are read and answered together."
)


FEWEST = 5
"""Of fewer people than this nothing is shown apart that they told in confidence."""


class Outcome(StrEnum):
    """What came of an objection: the reason stays where it was put, or goes elsewhere."""

    KEPT = "kept"
    MOVED = "moved"
    NOTED = "noted"
    """It keeps the answer it was given there, and the next decision has to answer it anew."""


def check_wording(title: str, summary: str) -> None:
    """A point says in one plain sentence what people said, so that its title can stand alone in a list."""
    if not any(letter.isalpha() for letter in title):
        raise RuleBroken("Say the point in one plain sentence, as those who made it would.", field="title")
    if "\n" in title or "\r" in title:
        raise RuleBroken("Keep the point to one line. What explains it goes into the summary.", field="title")
    if len(title) > TITLE_LENGTH:
        raise RuleBroken(
            f"Shorten the point to {TITLE_LENGTH} characters or fewer. It has {len(title):,}.", field="title"
        )
    if len(summary) > SUMMARY_LENGTH:
        raise RuleBroken(
            f"Shorten the summary to {SUMMARY_LENGTH:,} characters or fewer. It has {len(summary):,}.", field="summary"
        )


def check_open_to_grouping(is_kept: bool) -> None:
    """Which way people argue must not show through what is said of their reasons."""
    if is_kept:
        raise RuleBroken(
            "This theme keeps its split until the count is final. Reasons can be read and put under points from then."
        )


def check_stands(is_withdrawn: bool) -> None:
    if is_withdrawn:
        raise RuleBroken("This point has been given up, so nothing can be changed about it.")


def check_none_was_answered(number: int) -> None:
    """What a decision answered stays answered for as long as it stands."""
    if number:
        these = "one of these reasons" if number == 1 else f"{number:,} of these reasons"
        raise RuleBroken(
            f"The decision answered {these} through this point, and the author was told so. It stays under this point "
            "until another decision answers it; where it was put wrongly, its author can object.",
            field="comments",
        )


def check_submission_keeps_its_answer(is_lost: bool) -> None:
    if is_lost:
        raise RuleBroken(
            "The decision answered this submission through a point it makes, and no other point chosen here has an "
            "answer. Keep one of those that have, until another decision takes its place.",
            field="points",
        )


def check_point_has_no_answer(is_answered: bool) -> None:
    if is_answered:
        raise RuleBroken(
            "The decision that stands answers this point, so it is not given up until another one takes its place."
        )


def check_ticked(number: int) -> None:
    if not number:
        raise RuleBroken("Tick at least one comment.", field="comments")
    if number > COMMENTS_AT_ONCE:
        raise RuleBroken(f"Put at most {COMMENTS_AT_ONCE} comments under a point at a time.", field="comments")


def check_may_object(is_author: bool, stands: bool, has_objected: bool) -> None:
    if not is_author:
        raise NotAllowed("Only whoever wrote a reason can object to where it was put.")
    if not stands:
        raise RuleBroken("Your reason is not under this point any more.")
    if has_objected:
        raise RuleBroken("You have told us so already. Staff look at it again, and you will find the result here.")


def same_words(text: str) -> str:
    """What two texts share when they differ in nothing but case, spacing and signs: the words sent round."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(letter if letter.isalnum() else " " for letter in plain).split()) or plain.strip()


def shown_apart(sizes: Mapping[str, int]) -> set[str] | None:
    """Which groups are large enough to be shown by themselves; None where even all together are too few to be shown.

    The rest goes into one, which takes the smallest of the others in as well where it would be too small itself: or it
    would tell what it hides.
    """
    rest = sum(size for size in sizes.values() if size < FEWEST)
    apart = sorted((name for name, size in sizes.items() if size >= FEWEST), key=lambda name: (sizes[name], name))
    while 0 < rest < FEWEST and apart:
        rest += sizes[apart.pop(0)]
    return set(apart) if apart or rest >= FEWEST else None
