"""What `flask accounts` does for those who run the site."""

import click
from flask.cli import AppGroup

from accounts import services as accounts
from accounts.queries import account_with, department_with
from accounts.rules import STAFF, Role
from core import clock
from core.db import db, transaction
from core.errors import RuleBroken
from voting.assisted import Person, account_known_as
from voting.erasure import erase_person
from voting.rules import ErasureBasis

accounts_group = AppGroup("accounts", help="People who work here, and people who ask to be forgotten.")


@accounts_group.command("create")
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in STAFF], case_sensitive=False), required=True)
@click.option("--office", required=True, help="The public name under which this person acts.")
@click.option("--department", help="Slug of their department.")
@click.password_option()
def accounts_create(email: str, role: str, office: str, department: str | None, password: str) -> None:
    """Make an account for somebody who works here."""
    found = department_with(department) if department else None
    if department and found is None:
        raise click.ClickException(f"There is no department {department}.")
    db.session.rollback()
    try:
        with transaction():
            account = account_with(email) or accounts.account_for(email=email, now=clock.now())
            accounts.set_password(account=account, password=password)
            accounts.appoint(
                account=account, role=Role(role), office=office, department=found, by="The operator", now=clock.now()
            )
    except RuleBroken as refusal:
        raise click.ClickException(refusal.message) from refusal
    click.echo(f"{email} now holds the office {office} as {role}.")


@accounts_group.command("erase")
@click.argument("email", required=False)
@click.option("--name", help="Of somebody without email, as staff entered it.")
@click.option("--contact", help="Their postcode or telephone number.")
@click.option(
    "--basis", type=click.Choice([basis.value for basis in ErasureBasis]), required=True, help="Stands in the record."
)
@click.confirmation_option(prompt="This deletes for good all that is held of this person. Go on?")
def accounts_erase(email: str | None, name: str | None, contact: str | None, basis: str) -> None:
    """Delete what is held of a person: by their EMAIL, or by --name and --contact."""
    try:
        with transaction():
            account = account_with(email) if email else account_known_as(Person(name or "", contact or ""))
            if account is None:
                raise RuleBroken("Nobody is known by that.")
            erase_person(account=account, basis=ErasureBasis(basis), now=clock.now())
    except RuleBroken as refusal:
        raise click.ClickException(refusal.message) from refusal
    click.echo("It is deleted. The record says that it was, and on which ground; the search follows within seconds.")
