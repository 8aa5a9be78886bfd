"""How a mail gives back what its reader said, where it was counted, and what was answered to it."""

from flask import current_app

from notices.rules import in_short
from notices.said import Said

LONGEST_ANSWER = 1_500
OWN_PAGE = "What you said, and where it stands, on a page that only you can open"


def own_page(slug: str) -> tuple[str, str]:
    return OWN_PAGE, f"{current_app.config['SITE'].url}/my/contributions/{slug}"


def quoted(said: Said | None) -> tuple[tuple[str, str], ...]:
    """Their reason, the points it was counted in, and what was answered, each with whose words they are."""
    if said is None:
        return ()
    quotes = []
    if said.words:
        quotes.append(
            ("You said" if said.own else "You stand behind a reason that somebody else gave", in_short(said.words))
        )
    answered = {answer.to for answer in said.answers if answer.to}
    quotes += [
        ("It was counted in the point", point.title)
        for point in said.points
        if not point.few and point.title not in answered
    ]
    for answer in said.answers:
        if answer.to and not answer.few:
            others = f", with {answer.behind:,} people behind it" if answer.behind > 1 else ""
            quotes.append((f"It was counted in the point{others}", answer.to))
        told = f"The answer: {answer.verdict.lower()}"
        told_to_all = f"{told}, to all that few people raised" if answer.few else told
        quotes.append((told_to_all, in_short(answer.reasons, LONGEST_ANSWER)))
    return tuple(quotes)


def noted(said: Said | None) -> tuple[str, ...]:
    """Why their reason, or part of what is told of others, is missing."""
    if said is None:
        return ()
    whose = "your reason" if said.own else "the reason you stand behind"
    if said.hidden_by:
        return (
            f"A moderator hid {whose} by a public rule: {said.hidden_by[0].lower()}{said.hidden_by[1:]}. "
            "So it stands under no point and has no answer. Your vote counts all the same.",
        )
    if said.erased:
        return (f"{whose[0].upper()}{whose[1:]} was deleted for good, so it has no answer. Your vote still counts.",)
    if any(point.few for point in said.points) and not any(not point.few for point in said.points):
        return (f"{whose[0].upper()}{whose[1:]} was counted among those that few people gave.",)
    return ()
