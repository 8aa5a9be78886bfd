"""The invented people of the demonstration who can be signed in as, and how any of its people is found by name."""

from datetime import datetime

from sqlalchemy import select

from accounts import services as accounts
from accounts.models import Account, Department
from accounts.rules import Role
from core.db import db

DOMAIN = "demonstration.example"
PASSWORD = "demonstration only"  # noqa: S105 - printed at every start, and good on 127.0.0.1 alone
VOTER = "voter"
STAFF = (
    ("official", Role.OFFICIAL, "Example Department, decisions office"),
    ("second-official", Role.OFFICIAL, "Example Department, approvals office"),
    ("analyst", Role.ANALYST, "Example Department, analysis office"),
    ("moderator", Role.MODERATOR, "Example Department, moderation office"),
    ("administrator", Role.ADMINISTRATOR, "Example Department, site office"),
)
SCHOOLS = ("schools-official", Role.OFFICIAL, "Example schools office")
"""An office of one department, which works on that department's regulations and on no others."""
SCHOOLS_DEPARTMENT = "Department for Education"
COUNCIL = "Example Ridings Council"


def person(name: str, now: datetime) -> Account:
    return accounts.account_for(email=address(name), now=now, demonstration=True)


def address(name: str) -> str:
    return f"{name}@{DOMAIN}"


def shown_addresses() -> list[str]:
    """Those whose mail can be read in the mailbox, since one can sign in as them."""
    return [address(name) for name in (VOTER, SCHOOLS[0], *(name for name, _, _ in STAFF))]


def appoint_staff(now: datetime) -> None:
    for name, role, office in STAFF:
        account = person(name, now)
        accounts.set_password(account=account, password=PASSWORD)
        accounts.appoint(account=account, role=role, office=office, department=None, by="The operator", now=now)
    accounts.set_password(account=person(VOTER, now), password=PASSWORD)
    council, moderator = person("council-clerk", now), person("moderator", now)
    accounts.check_organisation(account=council, name=COUNCIL, domain=DOMAIN, by=moderator, now=now)


def appoint_to_department(now: datetime) -> None:
    """Once the department is known, which is when its first regulation is listed."""
    name, role, office = SCHOOLS
    account = person(name, now)
    accounts.set_password(account=account, password=PASSWORD)
    department = db.session.scalars(select(Department).filter_by(name=SCHOOLS_DEPARTMENT)).one()
    accounts.appoint(account=account, role=role, office=office, department=department, by=STAFF[-1][2], now=now)


def accounts_text(site_url: str) -> str:
    """What the operator of a demonstration is told at every start."""
    lines = [f"  {address(name):<44} {office}" for name, _, office in STAFF]
    lines.append(f"  {address(SCHOOLS[0]):<44} {SCHOOLS[2]}, for that department’s regulations alone")
    lines.append(f"  {address(VOTER):<44} Somebody who has taken part and follows a theme")
    return (
        f"Demonstration accounts for {site_url}/account/sign-in (invented people; password for all: {PASSWORD})\n"
        + "\n".join(lines)
        + f"\nMail lands in {site_url}/dev/mailbox\n"
    )
