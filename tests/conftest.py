"""One app a worker process, one empty database a test. Real commits, real files, nothing mocked."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, current_app, g, has_app_context
from flask.testing import FlaskClient
from flask_migrate import upgrade
from werkzeug.test import TestResponse

from app import create_app
from audit.publishing import LAST_SIGNED
from core import clock
from core.db import db
from tests.factories import NOON, open_the_record
from tests.postgres import private_postgres

both_databases = pytest.mark.parametrize("app", ["sqlite", "postgresql"], indirect=True)


class Browser(FlaskClient):
    """Keeps nothing from one request to the next but cookies, although a test's own app context spans them all."""

    def open(self, *given: Any, **named: Any) -> TestResponse:
        for kept in list(g) if has_app_context() else ():
            g.pop(kept)
        return super().open(*given, **named)


def application(folder: Path, **settings: str) -> Flask:
    app = create_app({"DATA_DIR": str(folder), "SECRET_KEY": "a secret for tests", **settings})
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    app.test_client_class = Browser
    with app.app_context():
        upgrade()
    return app


@pytest.fixture(scope="session")
def sqlite_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return application(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def postgresql_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with private_postgres() as server:
        app = application(tmp_path_factory.mktemp("data-pg"), DATABASE_URL=server.url)
        yield app
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def app(request: pytest.FixtureRequest) -> Iterator[Flask]:
    """An app on an empty database whose record is open, at NOON."""
    chosen: Flask = request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_app")
    with chosen.app_context(), clock.pretending(NOON):
        open_the_record()
        yield chosen
        db.session.rollback()
        empty_database()
        db.session.remove()


def empty_database() -> None:
    """With what was signed of its record, or the next one, which is another, would rightly be refused."""
    folder = Path(current_app.config["DATA_DIR"])
    shutil.rmtree(folder / "log", ignore_errors=True)
    (folder / "keys" / LAST_SIGNED).unlink(missing_ok=True)
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            names = ", ".join(f'"{table.name}"' for table in db.metadata.sorted_tables)
            connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
        else:
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            for table in reversed(db.metadata.sorted_tables):
                connection.exec_driver_sql(f'DELETE FROM "{table.name}"')
        connection.commit()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
