"""Who people are here and what they may do. Pure: no Flask, no database, no clock."""

import ipaddress
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum, StrEnum

from core.errors import RuleBroken, TooOften

PASSWORD_LENGTH = 12
LINK_LIFE = timedelta(days=7)
SIGN_IN_LIFE = timedelta(hours=1)
CODE_LIFE = timedelta(hours=1)
CODE_TRIES_A_DAY = 5
NOT_ME_LIFE = timedelta(days=30)
MAILS_A_DAY_UNCONFIRMED = 3
MAILS_A_DAY_CONFIRMED = 20
SIGN_IN_TRIES_AN_HOUR = 10
STOP_OF_CONFIRMED = timedelta(days=1)
MAILS_AN_HOUR_FROM_A_NETWORK = 30
PASSWORDS_AN_HOUR_FROM_A_NETWORK = 60
FILES_AN_HOUR_FROM_A_NETWORK = 60
FILES_A_DAY = 20
FILES_A_DAY_OF_STAFF = 1_000
MEGABYTES_A_DAY = 100
MEGABYTES_A_DAY_OF_STAFF = 5_000
INSIDE_NETWORKS_COUNT_AS = 20
SIGNED_IN_FOR = timedelta(days=30)
STAFF_SIGNED_IN_FOR = timedelta(hours=12)
FRESH_FOR = timedelta(minutes=15)


class Role(StrEnum):
    PARTICIPANT = "participant"
    MODERATOR = "moderator"
    ANALYST = "analyst"
    OFFICIAL = "official"
    ADMINISTRATOR = "administrator"


STAFF = (Role.MODERATOR, Role.ANALYST, Role.OFFICIAL, Role.ADMINISTRATOR)


class Capacity(StrEnum):
    """Who somebody speaks for."""

    PUBLIC = "public"
    BUSINESS = "business"
    TRADE_BODY = "trade_body"
    CHARITY = "charity"
    PUBLIC_BODY = "public_body"
    REGULATOR = "regulator"

    @property
    def speaks_for_organisation(self) -> bool:
        return self is not Capacity.PUBLIC

    @property
    def label(self) -> str:
        return _CAPACITY_WORDS[self][0]

    @property
    def plural(self) -> str:
        return _CAPACITY_WORDS[self][1]

    @property
    def question(self) -> str:
        return _CAPACITY_WORDS[self][2]


_CAPACITY_WORDS = {
    Capacity.PUBLIC: ("Member of the public", "Members of the public", "Myself, as a member of the public"),
    Capacity.BUSINESS: ("A business", "Businesses", "A business"),
    Capacity.TRADE_BODY: ("A trade body", "Trade bodies", "A trade or professional body"),
    Capacity.CHARITY: ("A charity", "Charities", "A charity or community group"),
    Capacity.PUBLIC_BODY: ("A public body", "Public bodies", "A council or other public body"),
    Capacity.REGULATOR: ("A regulator", "Regulators", "A regulator or inspectorate"),
}


class Level(IntEnum):
    """How far somebody's word about themselves has been confirmed."""

    UNCONFIRMED = 0
    EMAIL_CONFIRMED = 1
    ORGANISATION_MATCHED = 2
    CHECKED_BY_STAFF = 3


@dataclass(frozen=True)
class MailRecord:
    """What was mailed to an address today, and whether its holder asked us to stop."""

    sent_today: int
    stopped: bool
    confirmed: bool

    @property
    def may_be_mailed(self) -> bool:
        limit = MAILS_A_DAY_CONFIRMED if self.confirmed else MAILS_A_DAY_UNCONFIRMED
        return not self.stopped and self.sent_today < limit


class Asked(StrEnum):
    """What is counted by network, since guessing and flooding need not keep to one address."""

    MAIL = "mail"
    PASSWORD = "password"  # noqa: S105 - a kind of asking, not a secret
    FILE = "file"

    @property
    def most_an_hour(self) -> int:
        return {
            Asked.MAIL: MAILS_AN_HOUR_FROM_A_NETWORK,
            Asked.PASSWORD: PASSWORDS_AN_HOUR_FROM_A_NETWORK,
            Asked.FILE: FILES_AN_HOUR_FROM_A_NETWORK,
        }[self]


_INSIDE = [
    ipaddress.ip_network(block)
    for block in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
] + [ipaddress.ip_network("::1/128")]


@dataclass(frozen=True)
class Network:
    """Where a visitor comes from, as roughly as is of use: one household or office, not one device."""

    name: str
    inside: bool
    """Not on the public internet: a whole house behind one address, or a proxy that no setting names."""

    @classmethod
    def of(cls, address: str | None) -> "Network":
        try:
            known = ipaddress.ip_address((address or "").partition("%")[0])
        except ValueError:
            return cls("unknown", inside=False)
        known = getattr(known, "ipv4_mapped", None) or known
        block = ipaddress.ip_network((known, 24 if known.version == 4 else 48), strict=False)
        return cls(str(block), inside=any(known in inside for inside in _INSIDE))

    def limit(self, asked: Asked) -> int:
        return asked.most_an_hour * INSIDE_NETWORKS_COUNT_AS if self.inside else asked.most_an_hour


def check_network(network: Network, asked: Asked, already: int) -> None:
    if already < network.limit(asked):
        return
    if asked is Asked.PASSWORD:
        raise TooOften(
            "Too many passwords were tried from your network. Ask for a sign-in link by email, or try in an hour.",
            field="password",
        )
    if asked is Asked.FILE:
        raise TooOften("Too many files came from your network within an hour. Try again in an hour.", field="paper")
    raise TooOften(
        "Emails to too many addresses were asked for from your network. Try in an hour, or from another connection."
    )


def normal_email(email: str) -> str:
    """One spelling per mailbox, as people mean it: NFC, lower case, no stray space."""
    return unicodedata.normalize("NFC", email.strip()).casefold()


def organisation_key(name: str) -> str:
    """What two spellings of one organisation's name have in common: its words, in whatever script they are written."""
    words = unicodedata.normalize("NFC", "".join(_plain_letters(name))).split()
    return " ".join(word for word in words if word not in {"the", "ltd", "limited", "plc", "llp"})


def _plain_letters(name: str) -> Iterator[str]:
    """Latin letters lose their accents; in other scripts what looks like one may be a letter of its own."""
    letter = ""
    for c in unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold()):
        kind = unicodedata.category(c)
        if kind[0] in "LN":
            letter = c
            yield c
        elif kind[0] == "M":
            if not letter.isascii():
                yield c
        elif kind != "Cf":
            letter = ""
            yield " "


def check_password(password: str, email: str) -> None:
    if len(password) < PASSWORD_LENGTH:
        raise RuleBroken(f"Use at least {PASSWORD_LENGTH} characters. Three unrelated words do well.", field="password")
    if len(password) > 200:
        raise RuleBroken("Use at most 200 characters.", field="password")
    if len(set(password)) < 5 or password.casefold() in email or email.split("@")[0] == password.casefold():
        raise RuleBroken("Choose a password that is harder to guess.", field="password")


def check_capacity(capacity: Capacity, organisation: str) -> None:
    if capacity.speaks_for_organisation and not organisation:
        raise RuleBroken("Enter the name of the organisation you speak for.", field="organisation")


def check_wrong_codes(today: int) -> None:
    if today >= CODE_TRIES_A_DAY:
        raise TooOften(
            "Too many wrong codes were given for this address today. Use the link in the email instead.", field="code"
        )


def masked(email: str) -> str:
    """Enough for its holder to know it again, on a page that others may come upon."""
    holder, _, domain = email.partition("@")
    return f"{holder[:1]}•••@{domain}"


def is_signed_in(role: str, since: datetime, now: datetime) -> bool:
    """Whether a session that began then still holds. Those who act for an office sign in each day."""
    return now < since + (STAFF_SIGNED_IN_FOR if role in STAFF else SIGNED_IN_FOR)


def is_fresh(since: datetime, now: datetime) -> bool:
    """Whether somebody signed in just now, so that it is they and not whoever found the browser open."""
    return now < since + FRESH_FOR


def last_counted_day(now: datetime) -> date:
    return (now - timedelta(days=2)).date()


def check_files(*, role: str, files: int, size: int) -> None:
    """``files`` and ``size``, in bytes, are what somebody sent today with the one that is to be looked at."""
    of_staff = role in STAFF
    most_files = FILES_A_DAY_OF_STAFF if of_staff else FILES_A_DAY
    megabytes = MEGABYTES_A_DAY_OF_STAFF if of_staff else MEGABYTES_A_DAY
    if files > most_files or size > megabytes * 1024 * 1024:
        raise TooOften(
            f"You can send {most_files:,} files a day, of {megabytes:,} MB together, and have sent as many. "
            "Send this one tomorrow.",
            field="paper",
        )


def check_password_tries(tries: int) -> None:
    if tries >= SIGN_IN_TRIES_AN_HOUR:
        raise TooOften(
            "Too many passwords were tried for this address. Ask for a sign-in link by email, or try in an hour.",
            field="password",
        )


def in_words(life: timedelta) -> str:
    """How long a link lasts, as the mail that carries it says."""
    whole, unit = (life.days, "day") if life.days else (life.seconds // 3600, "hour")
    return f"{whole} {unit}" if whole == 1 else f"{whole} {unit}s"


def is_stopped(stopped_at: datetime | None, confirmed: bool, now: datetime) -> bool:
    """Whether 'this wasn't me' still holds. It never locks out for good who has shown the address to be theirs."""
    return stopped_at is not None and (not confirmed or now < stopped_at + STOP_OF_CONFIRMED)


def own_path(asked: str | None, otherwise: str) -> str:
    """Where to go after signing in: a path of this site as it was asked for, or ``otherwise`` for anything else."""
    path = asked or ""
    own = re.fullmatch(r"/(?![/\\])[!-\[\]-~]*", path) is not None
    return otherwise if not own or len(path) > 2_000 or path.startswith("/account/sign-") else path


def is_past(expires_at: datetime, now: datetime) -> bool:
    return now >= expires_at
