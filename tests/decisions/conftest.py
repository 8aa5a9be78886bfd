from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import Account
from accounts.rules import Role
from core import clock
from core.db import db, transaction
from tests.factories import (
    DAY,
    NOON,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    everything_answered,
    its_session,
)
from voting.models import PendingBallot
from voting.rules import Choice

LATER = NOON + 10 * DAY


@pytest.fixture
def signed_in(app: Flask) -> Callable[[Account], FlaskClient]:
    """A browser of one's own, signed in already."""

    def sign_in(account: Account) -> FlaskClient:
        client = app.test_client()
        with client.session_transaction("/account/sign-in") as session:
            session.update(its_session(account))
        return client

    return sign_in


@pytest.fixture
def official(app):
    return a_member_of_staff(Role.OFFICIAL, "First Office")


@pytest.fixture
def second(app):
    return a_member_of_staff(Role.OFFICIAL, "Second Office")


@pytest.fixture
def regulation(app):
    """Closed, with a final count: two for keep, one for scrap, and an answer to the reasons they gave."""
    theme = a_theme(title="Retail")
    found = a_regulation(theme, title="The Workplace Regulations 1992")
    a_vote(found, Choice.KEEP, text="It keeps <b>people</b> safe.")
    a_vote(found, Choice.KEEP, text="")
    a_vote(found, Choice.SCRAP, text="It costs too much.")
    a_frozen_theme(theme)
    everything_answered(found, now=LATER)
    return found


@pytest.fixture
def after_the_close(app):
    with clock.pretending(LATER):
        yield


def ballots_wait(regulation, number, given_at=LATER):
    with transaction():
        for n in range(number):
            db.session.add(
                PendingBallot(
                    secret=f"s{n}",
                    regulation_id=regulation.id,
                    order="0",
                    email=f"{n}@example.org",
                    begun_at=NOON,
                    given_at=given_at,
                )
            )
