from datetime import date, datetime

from flask_login import UserMixin
from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.rules import Role
from audit.guard import Audited
from core.db import Model


class Department(Model):
    """A public body that is responsible for regulations."""

    __tablename__ = "department"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)


class Account(UserMixin, Model):
    """A person, known by a confirmed email address, or to staff by name: see AssistedPerson."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str | None] = mapped_column(unique=True)
    password_hash: Mapped[str | None]
    capacity: Mapped[str | None]
    organisation_name: Mapped[str] = mapped_column(default="")
    display_name: Mapped[str] = mapped_column(default="")
    session_key: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    demonstration: Mapped[bool] = mapped_column(default=False)

    post: Mapped["Post | None"] = relationship(back_populates="account", lazy="joined")

    def get_id(self) -> str:
        """What the session holds; a new key signs every browser out."""
        return self.session_key

    @property
    def role(self) -> str:
        return self.post.role if self.post else Role.PARTICIPANT

    @property
    def office(self) -> str:
        """The public name under which staff act; people's own names stand nowhere."""
        return self.post.office if self.post else ""


class Post(Audited, Model):
    """A public office held by an account: the role it gives, and the name under which its acts are recorded."""

    __tablename__ = "post"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), unique=True)
    role: Mapped[str]
    office: Mapped[str] = mapped_column(unique=True)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))

    account: Mapped[Account] = relationship(back_populates="post")
    department: Mapped[Department | None] = relationship()


class Organisation(Audited, Model):
    """An organisation that staff have found to be who it says, with the mail domain its people write from."""

    __tablename__ = "organisation"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    domain: Mapped[str | None] = mapped_column(unique=True)
    checked_at: Mapped[datetime]


class Membership(Model):
    """Staff have seen that this account speaks for that organisation."""

    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("account_id", "organisation_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    checked_at: Mapped[datetime]


class AssistedPerson(Model):
    """Somebody who takes part by phone, by letter or beside staff. Name and contact are for staff alone."""

    __tablename__ = "assisted_person"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), unique=True)
    key: Mapped[str] = mapped_column(unique=True)
    """A digest of name and contact as voting.assisted spells them: who comes again is found by it."""
    name: Mapped[str]
    contact: Mapped[str]
    made_at: Mapped[datetime]

    account: Mapped[Account] = relationship()


class SignInLink(Model):
    """A mailed way in: the secret in the link, and the six digits for the page still open. Only digests are kept.

    The digits last for an hour, whatever the link's own life; an empty digest says that they were made void.
    """

    __tablename__ = "sign_in_link"
    __table_args__ = (Index("ix_sign_in_link_email_made", "email", "made_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    secret_sha256: Mapped[str] = mapped_column(unique=True)
    code_sha256: Mapped[str]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class AddressDay(Model):
    """How many mails strangers have made us send to an address on a day, and how many wrong codes were given for it.

    Only a digest of the address is kept.
    """

    __tablename__ = "address_day"
    __table_args__ = (UniqueConstraint("address_sha256", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    address_sha256: Mapped[str]
    day: Mapped[date] = mapped_column(index=True)
    mails: Mapped[int] = mapped_column(default=0)
    wrong_codes: Mapped[int] = mapped_column(default=0)


class StoppedAddress(Model):
    """Its holder said 'this wasn't me': nothing more is sent unless they ask from within the mailbox."""

    __tablename__ = "stopped_address"

    address_sha256: Mapped[str] = mapped_column(primary_key=True)
    stopped_at: Mapped[datetime]


class SignInTry(Model):
    """Wrong passwords for an address within an hour, so that guessing is slow whatever address it comes from."""

    __tablename__ = "sign_in_try"
    __table_args__ = (UniqueConstraint("address_sha256", "hour"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    address_sha256: Mapped[str]
    hour: Mapped[datetime] = mapped_column(index=True)
    tries: Mapped[int] = mapped_column(default=0)


class NetworkHour(Model):
    """How often a network asked something of an address within an hour.

    Both are kept as digests under a salt that only this hour has, so that no hour can be joined to another.
    """

    __tablename__ = "network_hour"
    __table_args__ = (UniqueConstraint("network_sha256", "asked", "address_sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    network_sha256: Mapped[str]
    asked: Mapped[str]
    address_sha256: Mapped[str]
    hour: Mapped[datetime] = mapped_column(index=True)
    times: Mapped[int] = mapped_column(default=0)


class FileDay(Model):
    """How many files somebody sent on a day, and how many bytes they had in all, whether they were taken or not."""

    __tablename__ = "file_day"
    __table_args__ = (UniqueConstraint("account_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    day: Mapped[date] = mapped_column(index=True)
    files: Mapped[int] = mapped_column(default=0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)


class EndedSession(Model):
    """A browser that was signed out: a copy of its cookie opens nothing any more."""

    __tablename__ = "ended_session"

    browser_sha256: Mapped[str] = mapped_column(primary_key=True)
    ended_at: Mapped[datetime] = mapped_column(index=True)
