from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text

from search import services
from tests.postgres import PrivatePostgres, private_postgres


def a_house(folder: Path, database: str = "sqlite://") -> Flask:
    """As little of an app as search needs."""
    app = Flask("search")
    app.config.update(DATA_DIR=folder, SQLALCHEMY_DATABASE_URI=database)
    SQLAlchemy(app)
    services.init_app(app)
    return app


@pytest.fixture(scope="module")
def postgres() -> Iterator[PrivatePostgres]:
    with private_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def postgres_url(postgres: PrivatePostgres) -> str:
    return postgres.empty_database()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Flask]:
    app = a_house(tmp_path)
    with app.app_context():
        yield app


@pytest.fixture(params=["sqlite", "postgresql"])
def either_house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """The same house on SQLite and on PostgreSQL, with no index made yet."""
    on_postgres = request.param == "postgresql"
    app = a_house(tmp_path, request.getfixturevalue("postgres_url") if on_postgres else "sqlite://")
    with app.app_context():
        if not on_postgres:
            yield app
            return
        engine = app.extensions["sqlalchemy"].engine
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA IF EXISTS search CASCADE"))
        yield app
        engine.dispose()
