"""Signing in without a password, with one, and what staff may be given to do."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from flask import current_app
from sqlalchemy import delete, select

from accounts import queries, rules
from accounts.models import (
    Account,
    AddressDay,
    Department,
    Membership,
    Organisation,
    Post,
    SignInLink,
    SignInTry,
    StoppedAddress,
)
from accounts.rules import Role
from audit.entries import OrganisationChecked, RoleEntry, text_digest
from audit.services import record
from core.db import db, take_turn
from core.errors import Clash, Gone, NotAllowed, RuleBroken
from core.mail import write_mail


@dataclass(frozen=True)
class Way:
    """A fresh way in, for the mail that carries it. Neither part is kept anywhere else."""

    secret: str
    code: str


def way_in(*, email: str, now: datetime, life: timedelta = rules.CODE_LIFE) -> Way | None:
    """A link and code for an address, or None when it may not be mailed: too often today, or it asked us to stop."""
    email = rules.normal_email(email)
    take_turn(f"address {digest(email)}")
    if not queries.mail_record(email, now).may_be_mailed:
        _stand_in_for_a_link(email, now, life)
        return None
    _count_mail(email, now)
    way = Way(secrets.token_urlsafe(24), f"{secrets.randbelow(10**6):06d}")
    db.session.add(
        SignInLink(
            email=email,
            secret_sha256=digest(way.secret),
            code_sha256=_code_digest(email, way.code),
            made_at=now,
            expires_at=now + life,
        )
    )
    return way


def _stand_in_for_a_link(email: str, now: datetime, life: timedelta) -> None:
    """A link nobody can use: wrong codes are counted on it too, so that the count tells nothing of the address."""
    good = select(SignInLink.id).where(
        SignInLink.email == email, SignInLink.used_at.is_(None), SignInLink.expires_at > now
    )
    if db.session.scalar(good.limit(1)) is None:
        never = secrets.token_hex(32)
        db.session.add(
            SignInLink(email=email, secret_sha256=never, code_sha256=never, made_at=now, expires_at=now + life)
        )


def send_way_in(*, email: str, about: str | None, confirm_url: str, not_me_url: str, now: datetime) -> None:
    """Mail the link and the six digits, if the address may be mailed today; the two urls hold {secret}.

    ``about`` names what waits to be confirmed. Without it the mail only lets its reader in, and not for long.
    """
    life = rules.CODE_LIFE if about else rules.SIGN_IN_LIFE
    way = way_in(email=email, now=now, life=life)
    if way is None:
        return
    write_mail(
        to=rules.normal_email(email),
        cause=digest(way.secret),
        kind="confirm",
        subject="Confirm your email so that your vote counts" if about else "Your link to sign in",
        template="confirm",
        now=now,
        about=about,
        code=way.code,
        lasts=rules.in_words(life),
        confirm_url=confirm_url.replace("{secret}", way.secret),
        not_me_url=not_me_url.replace("{secret}", way.secret),
    )


def use_link(*, secret: str, now: datetime) -> str:
    """Use up a mailed link; returns the address it was mailed to. Raises Gone when unknown, used or too old."""
    link = db.session.scalar(select(SignInLink).filter_by(secret_sha256=digest(secret)).with_for_update())
    if link is None or link.used_at is not None or rules.is_past(link.expires_at, now):
        raise Gone("This link has been used already, or is too old.")
    link.used_at = now
    return link.email


def use_code(*, email: str, code: str, now: datetime) -> str | None:
    """Use up the six digits last mailed to an address. None when they are wrong; the try is counted, so commit it."""
    email = rules.normal_email(email)
    wanted = (
        select(SignInLink)
        .where(SignInLink.email == email, SignInLink.used_at.is_(None), SignInLink.expires_at > now)
        .order_by(SignInLink.made_at.desc(), SignInLink.id.desc())
        .limit(rules.MAILS_A_DAY_UNCONFIRMED)
        .with_for_update()
    )
    links = list(db.session.scalars(wanted))
    rules.check_code_tries(sum(link.code_tries for link in links))
    for link in links:
        if hmac.compare_digest(link.code_sha256, _code_digest(email, code)):
            link.used_at = now
            return email
    if links:
        links[0].code_tries += 1
    return None


def account_for(*, email: str, now: datetime, demonstration: bool = False) -> Account:
    """The account of an address its holder has just confirmed, made at the first confirmation."""
    email = rules.normal_email(email)
    account = queries.account_with(email)
    if account is None:
        account = Account(
            email=email, session_key=secrets.token_urlsafe(24), created_at=now, demonstration=demonstration
        )
        db.session.add(account)
        db.session.flush()
    stopped = db.session.get(StoppedAddress, digest(email))
    if stopped is not None:
        db.session.delete(stopped)
    return account


def stop_mails(*, email: str, now: datetime) -> None:
    """'This wasn't me': no more mail, and the links already sent are void."""
    email = rules.normal_email(email)
    stop = db.session.get(StoppedAddress, digest(email))
    if stop is None:
        db.session.add(StoppedAddress(address_sha256=digest(email), stopped_at=now))
    else:
        stop.stopped_at = now
    for link in db.session.scalars(select(SignInLink).filter_by(email=email, used_at=None)):
        link.used_at = now


def address_of_link(*, secret: str, now: datetime) -> str | None:
    """Whose link this is, while it is good; it is not used up."""
    link = db.session.scalar(select(SignInLink).filter_by(secret_sha256=digest(secret)))
    return None if link is None or link.used_at is not None or rules.is_past(link.expires_at, now) else link.email


def set_password(*, account: Account, password: str) -> None:
    """Set or change it; every browser is signed out, so sign the one at hand in again."""
    rules.check_password(password, account.email or "")
    account.password_hash = hash_password(password)
    account.session_key = secrets.token_urlsafe(24)


def tell_of_new_password(*, account: Account, now: datetime) -> None:
    """So that whoever did not change it themselves hears of it."""
    write_mail(
        to=account.email or "",
        cause=digest(account.session_key),
        kind="password",
        subject="Your password was changed",
        template="password",
        now=now,
    )


def hash_password(password: str) -> str:
    """Argon2id in PHC form, with the first recommended parameters of RFC 9106 scaled to 64 MiB (its second)."""
    kdf = Argon2id(salt=secrets.token_bytes(16), length=32, iterations=3, lanes=4, memory_cost=64 * 1024)
    return kdf.derive_phc_encoded(password.encode())


def count_try(*, email: str, now: datetime) -> None:
    """Count a try at a password before it is looked at. Raises TooOften after ten in the hour, whoever makes them."""
    address, hour = digest(rules.normal_email(email)), now.replace(minute=0, second=0, microsecond=0)
    take_turn(f"address {address}")
    tried = db.session.scalar(select(SignInTry).filter_by(address_sha256=address, hour=hour))
    if tried is None:
        tried = SignInTry(address_sha256=address, hour=hour, tries=0)
        db.session.add(tried)
    rules.check_password_tries(tried.tries)
    tried.tries += 1


def clear_tries(*, email: str) -> None:
    """The right password was given: what was tried before it doesn't matter."""
    db.session.execute(delete(SignInTry).where(SignInTry.address_sha256 == digest(rules.normal_email(email))))


def password_holder(*, email: str, password: str) -> Account | None:
    """The account, or None when address and password don't match. Slow by design: keep it out of a transaction."""
    account = queries.account_with(email)
    return account if _password_fits(account, password) else None


def _password_fits(account: Account | None, password: str) -> bool:
    """Takes as long for an unknown address as for a known one."""
    own = account.password_hash if account else None
    try:
        Argon2id.verify_phc_encoded(password.encode(), own or _nobodys_hash())
    except InvalidKey:
        return False
    return own is not None


@cache
def _nobodys_hash() -> str:
    return hash_password(secrets.token_urlsafe(12))


def sign_out_everywhere(*, account: Account) -> None:
    account.session_key = secrets.token_urlsafe(24)


def appoint(
    *, account: Account, role: Role, office: str, department: Department | None, by: str, now: datetime
) -> Post:
    """Give an account an office and its role. The record names the office, never the person."""
    if db.session.scalar(select(Post.id).filter_by(office=office)) is not None:
        raise Clash(f"The office {office} is held already.", field="office")
    post = Post(account=account, role=role, office=office, department=department)
    db.session.add(post)
    record(RoleEntry(office=office, role=role, act="given", actor=by), about=post, now=now)
    return post


def check_organisation(*, account: Account, name: str, domain: str, by: Account, now: datetime) -> Organisation:
    """Staff have seen that this account speaks for that organisation; from now on its name may appear."""
    if by.role not in (Role.MODERATOR, Role.OFFICIAL, Role.ADMINISTRATOR):
        raise NotAllowed("Only staff may confirm who speaks for an organisation.")
    key = rules.organisation_key(name)
    if not key:
        raise RuleBroken("Enter the organisation’s name.", field="name")
    organisation = db.session.scalar(select(Organisation).filter_by(key=key))
    if organisation is None:
        organisation = Organisation(name=name, key=key, domain=domain or None, checked_at=now)
        db.session.add(organisation)
        body = OrganisationChecked(organisation=text_digest(key), act="checked", actor=by.office)
        record(body, about=organisation, now=now)
    if (
        db.session.scalar(select(Membership.id).filter_by(account_id=account.id, organisation_id=organisation.id))
        is None
    ):
        db.session.add(Membership(account_id=account.id, organisation_id=organisation.id, checked_at=now))
    return organisation


def forget_old(now: datetime) -> None:
    """Links, counts and tries that can no longer matter."""
    db.session.execute(delete(SignInLink).where(SignInLink.expires_at < now - timedelta(days=1)))
    db.session.execute(delete(AddressDay).where(AddressDay.day < (now - timedelta(days=2)).date()))
    db.session.execute(delete(SignInTry).where(SignInTry.hour < now - timedelta(hours=2)))


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _code_digest(email: str, code: str) -> str:
    """Six digits are soon guessed from a plain digest, so the site's own secret goes into it."""
    return hmac.new(current_app.config["SECRET_KEY"].encode(), f"{email}\n{code}".encode(), "sha256").hexdigest()


def _count_mail(email: str, now: datetime) -> None:
    counted = db.session.scalar(select(AddressDay).filter_by(address_sha256=digest(email), day=now.date()))
    if counted is None:
        counted = AddressDay(address_sha256=digest(email), day=now.date(), mails=0)
        db.session.add(counted)
    counted.mails += 1
