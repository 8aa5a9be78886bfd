from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import Account
from accounts.rules import Role
from tests.factories import a_member_of_staff, a_regulation, a_theme, its_session


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
def analyst(app):
    return a_member_of_staff(Role.ANALYST, "Analysis Office")


@pytest.fixture
def regulation(app):
    return a_regulation(a_theme(title="Retail"), title="The Workplace Regulations 1992")
