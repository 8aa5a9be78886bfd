"""Signing in without a password, with one, and what staff may be given to do."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from threading import BoundedSemaphore

from cryptography.exceptions import InvalidKey
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from flask import current_app
from sqlalchemy import delete, select, update

from accounts import limits, queries, rules
from accounts.models import (
    Account,
    AssistedPerson,
    Department,
    EndedSession,
    Membership,
    Organisation,
    Post,
    SignInLink,
    StoppedAddress,
)
from accounts.rules import Role
from audit.entries import OrganisationChecked, RoleEntry, text_digest
from audit.services import record
from core.db import db, take_turn
from core.errors import Clash, Gone, NotAllowed, RuleBroken
from core.mail import write_mail

_HASHING = BoundedSemaphore(2)
"""Each hash takes 64 MiB for a while: many at once would take the memory from everybody else."""


@dataclass(frozen=True)
class Way:
    """A fresh way in, for the mail that carries it. Neither part is kept anywhere else."""

    secret: str
    code: str


def take_address_turn(email: str) -> None:
    """Whoever touches what belongs to an address waits here, before ballots and links: in any other order two could
    hold what the other waits for."""
    take_turn(f"address {digest(rules.normal_email(email))}")


def way_in(*, email: str, now: datetime, life: timedelta = rules.LINK_LIFE) -> Way | None:
    """A link and code for an address, or None when it may not be mailed: too often today, or it asked us to stop."""
    email = rules.normal_email(email)
    take_address_turn(email)
    if not queries.mail_record(email, now).may_be_mailed:
        return None
    limits.count_mail(email=email, now=now)
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


def send_way_in(*, email: str, about: str | None, confirm_url: str, not_me_url: str, now: datetime) -> None:
    """Mail the link and the six digits, if the address may be mailed today; the two urls hold {secret}, each its own.

    ``about`` names what waits to be confirmed. Without it the mail only lets its reader in, and not for long.
    """
    life = rules.LINK_LIFE if about else rules.SIGN_IN_LIFE
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
        code_lasts=rules.in_words(rules.CODE_LIFE),
        confirm_url=confirm_url.replace("{secret}", way.secret),
        not_me_url=not_me_url.replace("{secret}", not_me_secret(email=email, now=now)),
    )


def use_link(*, secret: str, now: datetime) -> str:
    """Use up a mailed link; returns the address it was mailed to. Raises Gone when unknown, used or too old."""
    link = db.session.scalar(select(SignInLink).filter_by(secret_sha256=digest(secret)).with_for_update())
    if link is None or link.used_at is not None or rules.is_past(link.expires_at, now):
        raise Gone("This link has been used already, or is too old.")
    link.used_at = now
    return link.email


def use_code(*, email: str, code: str, now: datetime) -> str | None:
    """Use up six digits lately mailed to an address. None when they are wrong; the try is counted, so commit it.

    Raises TooOften after five wrong ones in a day, which make all the address's codes void. Links go on working.
    """
    email = rules.normal_email(email)
    rules.check_wrong_codes(limits.wrong_codes(email=email, now=now))
    unused = (SignInLink.email == email, SignInLink.used_at.is_(None))
    wanted = (
        select(SignInLink)
        .where(*unused, SignInLink.expires_at > now, SignInLink.made_at > now - rules.CODE_LIFE)
        .order_by(SignInLink.made_at.desc(), SignInLink.id.desc())
        .limit(rules.MAILS_A_DAY_UNCONFIRMED)
        .with_for_update()
    )
    for link in db.session.scalars(wanted):
        if hmac.compare_digest(link.code_sha256, _code_digest(email, code)):
            link.used_at = now
            return email
    if limits.count_wrong_code(email=email, now=now) >= rules.CODE_TRIES_A_DAY:
        db.session.execute(update(SignInLink).where(*unused).values(code_sha256=""))
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
    """'This wasn't me': no more mail, the links already sent are void, and who is signed in with them is signed out."""
    email = rules.normal_email(email)
    account = queries.account_with(email)
    if account is not None:
        sign_out_everywhere(account=account)
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


def not_me_secret(*, email: str, now: datetime) -> str:
    """Whose address a 'this wasn't me' link is about, sealed, so that it works whatever became of the way in."""
    sealed = _seal().encrypt_at_time(rules.normal_email(email).encode(), int(now.timestamp()))
    return sealed.decode().rstrip("=")  # what makes links of plain text may leave the last signs out


def address_of_not_me(*, secret: str, now: datetime) -> str | None:
    """None when the link is over 30 days old, or not one of ours."""
    sealed, life = secret.encode(errors="replace") + b"==", int(rules.NOT_ME_LIFE.total_seconds())
    try:
        return _seal().decrypt_at_time(sealed, life, int(now.timestamp())).decode()
    except InvalidToken:
        return None


def _seal() -> Fernet:
    key = hmac.new(current_app.config["SECRET_KEY"].encode(), b"this was not me", "sha256").digest()
    return Fernet(base64.urlsafe_b64encode(key))


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
    with _HASHING:
        return kdf.derive_phc_encoded(password.encode())


def password_holder(*, email: str, password: str) -> Account | None:
    """The account, or None when address and password don't match. Slow by design: keep it out of a transaction."""
    account = queries.account_with(email)
    return account if _password_fits(account, password) else None


def _password_fits(account: Account | None, password: str) -> bool:
    """Takes as long for an unknown address as for a known one."""
    own = account.password_hash if account else None
    wanted = own or _nobodys_hash()
    try:
        with _HASHING:
            Argon2id.verify_phc_encoded(password.encode(), wanted)
    except InvalidKey:
        return False
    return own is not None


@cache
def _nobodys_hash() -> str:
    return hash_password(secrets.token_urlsafe(12))


def end_session(*, browser: str, now: datetime) -> None:
    """Sign one browser out for good: nobody gets in with a copy of its cookie."""
    take_turn(f"session {digest(browser)}")
    if db.session.get(EndedSession, digest(browser)) is None:
        db.session.add(EndedSession(browser_sha256=digest(browser), ended_at=now))


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


def wait_for(account: Account) -> None:
    """Two clicks of one person take turns. Raises Gone when what is held of them was erased while this one waited."""
    wanted = select(Account.email).where(Account.id == account.id).with_for_update(of=Account.__table__)
    email = db.session.scalar(wanted)
    if email is None and queries.reference_of(account) is None:
        raise Gone("What was held under this address has been erased. Begin again if you want to take part.")


def forget_person(*, account: Account) -> None:
    """Nothing is left by which an account is anybody's. The row stays, since votes in the record are counted by it."""
    if account.email:
        db.session.execute(delete(SignInLink).where(SignInLink.email == account.email))
    for kept in (Membership, AssistedPerson):
        db.session.execute(delete(kept).where(kept.account_id == account.id))
    account.email = account.password_hash = account.capacity = None
    account.organisation_name = account.display_name = ""
    sign_out_everywhere(account=account)


def forget_old(now: datetime) -> None:
    """Links, counts and tries that can no longer matter."""
    db.session.execute(delete(SignInLink).where(SignInLink.expires_at < now - timedelta(days=1)))
    db.session.execute(delete(EndedSession).where(EndedSession.ended_at < now - rules.SIGNED_IN_FOR))
    limits.forget_counts(now)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _code_digest(email: str, code: str) -> str:
    """Six digits are soon guessed from a plain digest, so the site's own secret goes into it."""
    return hmac.new(current_app.config["SECRET_KEY"].encode(), f"{email}\n{code}".encode(), "sha256").hexdigest()
