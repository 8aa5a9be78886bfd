from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import Account


@pytest.fixture
def signed_in(app: Flask) -> Callable[[Account], FlaskClient]:
    """A browser of one's own, signed in already."""

    def sign_in(account: Account) -> FlaskClient:
        client = app.test_client()
        with client.session_transaction("/account/sign-in") as session:
            session["_user_id"] = account.session_key
        return client

    return sign_in
