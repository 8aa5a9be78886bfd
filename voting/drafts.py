"""Which ballots a browser is on its way with. Its session keeps their order and secret, and nothing they say."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from flask import session

from voting.rules import check_begun, draw_order

DRAFTS = "ballots"
BEGUN = "ballots_begun"
KEPT = 12


@dataclass
class Draft:
    """One regulation's ballot in this browser."""

    seed: str
    secret: str = ""
    """Of the pending ballot its first screen was kept in."""
    replaces: str = ""
    """Of the one it gave before, which waits for its address until this one does."""
    counted: bool = False

    @property
    def order(self) -> str:
        return draw_order(self.seed)


def draft_of(slug: str) -> Draft:
    """The draft of a regulation; its seed is drawn when the ballot is first opened, and kept from then on."""
    drafts = session.get(DRAFTS, {})
    if slug not in drafts:
        keep(slug, Draft(secrets.token_hex(4)))
    return Draft(*session[DRAFTS][slug])


def keep(slug: str, draft: Draft) -> None:
    """A cookie holds only so much, so the oldest of many drafts give way."""
    drafts = session.get(DRAFTS, {})
    drafts.pop(slug, None)
    newest = list(drafts.items())[-(KEPT - 1) :]
    session[DRAFTS] = dict([*newest, (slug, [draft.seed, draft.secret, draft.replaces, draft.counted])])


def secrets_kept() -> list[str]:
    """Of all the pending ballots that this browser is on its way with."""
    drafts = [Draft(*kept) for kept in session.get(DRAFTS, {}).values()]
    return [secret for draft in drafts for secret in (draft.secret, draft.replaces) if secret]


def begin_again(slug: str) -> None:
    """What was counted, or confirmed, is done with: the next ballot here is drawn anew."""
    drafts = session.get(DRAFTS, {})
    if drafts.pop(slug, None) is not None:
        session[DRAFTS] = drafts


def count_begun(now: datetime) -> None:
    """Raises TooOften when this browser begins too many ballots within the hour."""
    hour = f"{now:%Y%m%d%H}"
    when, ballots = session.get(BEGUN, ("", 0))
    ballots = ballots if when == hour else 0
    check_begun(ballots)
    session[BEGUN] = [hour, ballots + 1]
