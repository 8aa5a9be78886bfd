import pytest
from flask import g
from flask.testing import FlaskClient


class Browser(FlaskClient):
    """Requests within a test share the test's app context; in life each has its own and remembers nobody."""

    def open(self, *given, **named):
        for remembered in ("_login_user", "csrf_valid", "csrf_token"):
            g.pop(remembered, None)
        return super().open(*given, **named)


@pytest.fixture(autouse=True)
def _each_request_for_itself(request, monkeypatch):
    for name in ("sqlite_app", "postgresql_app"):
        if name in request.fixturenames:
            monkeypatch.setattr(request.getfixturevalue(name), "test_client_class", Browser)
    if "app" in request.fixturenames:
        monkeypatch.setattr(request.getfixturevalue("app"), "test_client_class", Browser)
