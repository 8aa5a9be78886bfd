"""How often an address may be written to and tried, and how often a network may ask.

Kept in the database, so that neither a new mail nor another process begins a count anew, and counted alike for
addresses that are known and those that are not.
"""

import hashlib
import hmac
from datetime import datetime

from flask import current_app
from sqlalchemy import delete, func, select

from accounts import rules
from accounts.models import Account, AddressDay, FileDay, NetworkHour, SignInTry
from accounts.rules import Asked, Network
from core.db import db, take_turn


def count_mail(*, email: str, now: datetime) -> None:
    _day_of(email, now).mails += 1


def wrong_codes(*, email: str, now: datetime) -> int:
    """How many were given for an address today. Within a transaction nobody else counts until it ends."""
    address = _digest(email)
    take_turn(f"address {address}")
    return db.session.scalar(select(AddressDay.wrong_codes).filter_by(address_sha256=address, day=now.date())) or 0


def count_wrong_code(*, email: str, now: datetime) -> int:
    """Returns how many it makes today."""
    day = _day_of(email, now)
    day.wrong_codes += 1
    return day.wrong_codes


def count_try(*, email: str, now: datetime) -> None:
    """Count a try at a password before it is looked at. Raises TooOften after ten in the hour, whoever makes them."""
    address, hour = _digest(rules.normal_email(email)), _hour_of(now)
    take_turn(f"address {address}")
    tried = db.session.scalar(select(SignInTry).filter_by(address_sha256=address, hour=hour))
    if tried is None:
        tried = SignInTry(address_sha256=address, hour=hour, tries=0)
        db.session.add(tried)
    rules.check_password_tries(tried.tries)
    tried.tries += 1


def clear_tries(*, email: str) -> None:
    """The right password was given: what was tried before it doesn't matter."""
    db.session.execute(delete(SignInTry).where(SignInTry.address_sha256 == _digest(rules.normal_email(email))))


def count_from(*, network: Network, asked: Asked, email: str, now: datetime) -> None:
    """Count what a network asks before it is done. Raises TooOften when it asked too much within the hour.

    Mails are counted by the addresses they go to, as each address has a limit of its own; the rest one by one.
    """
    hour = _hour_of(now)
    ours = {"network_sha256": _blinded(network.name, hour), "asked": str(asked)}
    take_turn(f"network {ours['network_sha256']}")
    counts = select(func.count(), func.coalesce(func.sum(NetworkHour.times), 0)).filter_by(**ours)
    addresses, times = db.session.execute(counts).one()
    address = _blinded(rules.normal_email(email), hour)
    counted = db.session.scalar(select(NetworkHour).filter_by(**ours, address_sha256=address))
    if asked is not Asked.MAIL:
        rules.check_network(network, asked, times)
    elif counted is None:
        rules.check_network(network, asked, addresses)
    if counted is None:
        counted = NetworkHour(**ours, address_sha256=address, hour=hour, times=0)
        db.session.add(counted)
    counted.times += 1


def count_file(*, account: Account, size: int, now: datetime) -> None:
    """Count a file of ``size`` bytes before it is looked at. Raises TooOften after too many, or too much, in a day."""
    take_turn(f"files of {account.id}")
    sent = db.session.scalar(select(FileDay).filter_by(account_id=account.id, day=now.date()))
    if sent is None:
        sent = FileDay(account_id=account.id, day=now.date(), files=0, bytes=0)
        db.session.add(sent)
    sent.files, sent.bytes = sent.files + 1, sent.bytes + size
    rules.check_files(role=account.role, files=sent.files, size=sent.bytes)


def forget_counts(now: datetime) -> None:
    """Of a network nothing is kept beyond its hour."""
    db.session.execute(delete(AddressDay).where(AddressDay.day < rules.last_counted_day(now)))
    db.session.execute(delete(SignInTry).where(SignInTry.hour < _hour_of(now)))
    db.session.execute(delete(FileDay).where(FileDay.day < rules.last_counted_day(now)))
    db.session.execute(delete(NetworkHour).where(NetworkHour.hour < _hour_of(now)))


def _day_of(email: str, now: datetime) -> AddressDay:
    address = _digest(email)
    day = db.session.scalar(select(AddressDay).filter_by(address_sha256=address, day=now.date()))
    if day is None:
        day = AddressDay(address_sha256=address, day=now.date(), mails=0, wrong_codes=0)
        db.session.add(day)
    return day


def _hour_of(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def _digest(email: str) -> str:
    return hashlib.sha256(email.encode()).hexdigest()


def _blinded(name: str, hour: datetime) -> str:
    """There are few networks, and guessable addresses, so a plain digest would hide neither."""
    salt = hmac.new(current_app.config["SECRET_KEY"].encode(), f"networks {hour:%Y%m%d%H}".encode(), "sha256").digest()
    return hashlib.sha256(salt + name.encode()).hexdigest()
