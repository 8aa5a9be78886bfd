"""Asking about people, organisations and departments."""

import hashlib
from datetime import datetime

from sqlalchemy import select

from accounts import rules
from accounts.models import (
    Account,
    AddressDay,
    AssistedPerson,
    Department,
    EndedSession,
    Membership,
    Organisation,
    StoppedAddress,
)
from accounts.rules import Level, MailRecord
from core.db import db


def account_with(email: str) -> Account | None:
    return db.session.scalar(select(Account).filter_by(email=rules.normal_email(email)))


def account_of_session(session_key: str, browser: str) -> Account | None:
    """Whose session this is, unless that browser was signed out."""
    ended = select(EndedSession).filter_by(browser_sha256=hashlib.sha256(browser.encode()).hexdigest())
    return db.session.scalar(select(Account).filter_by(session_key=session_key).where(~ended.exists()))


def mail_record(email: str, now: datetime) -> MailRecord:
    digest = hashlib.sha256(email.encode()).hexdigest()
    sent = db.session.scalar(select(AddressDay.mails).filter_by(address_sha256=digest, day=now.date())) or 0
    stop, confirmed = db.session.get(StoppedAddress, digest), account_with(email) is not None
    stopped = rules.is_stopped(stop.stopped_at if stop else None, confirmed, now)
    return MailRecord(sent_today=sent, stopped=stopped, confirmed=confirmed)


def standing_of(account: Account, organisation_name: str) -> tuple[Level, Organisation | None]:
    """How far it is confirmed that an account speaks for an organisation, and which organisation that is."""
    person = Level.EMAIL_CONFIRMED if reference_of(account) is None else Level.CHECKED_BY_STAFF
    if not organisation_name:
        return person, None
    key = rules.organisation_key(organisation_name)
    organisation = db.session.scalar(select(Organisation).filter_by(key=key))
    if organisation is None:
        return person, None
    member = select(Membership.id).filter_by(account_id=account.id, organisation_id=organisation.id)
    if db.session.scalar(member) is not None:
        return Level.CHECKED_BY_STAFF, organisation
    if organisation.domain and (account.email or "").endswith("@" + organisation.domain):
        return Level.ORGANISATION_MATCHED, organisation
    return person, None


def reference_of(account: Account) -> str | None:
    """By what staff know somebody who has no email; None for everybody else."""
    if account.email is not None:
        return None
    return db.session.scalar(select(AssistedPerson.key).filter_by(account_id=account.id))


def known_by(account: Account) -> dict[str, str]:
    """What makes an account somebody's: their address, or the reference under which staff know them."""
    reference = reference_of(account)
    return {"email": account.email or ""} if reference is None else {"reference": reference}


def departments() -> list[Department]:
    return list(db.session.scalars(select(Department).order_by(Department.name)))


def department_with(slug: str) -> Department | None:
    return db.session.scalar(select(Department).filter_by(slug=slug))
