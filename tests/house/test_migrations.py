"""Migrations walk up and down on both databases and arrive at the models."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, select

from accounts.rules import Capacity
from analysis.models import Submission
from analysis.submissions import attach_paper
from app import create_app
from core import clock
from core.db import db, transaction
from decisions.models import Decision
from tests.factories import (
    NOON,
    a_decision,
    a_frozen_theme,
    a_regulation,
    a_vote,
    a_voter,
    open_the_record,
)
from tests.postgres import private_postgres
from voting.queries import standing_vote

ROOT = Path(__file__).parents[2]
STANDARD = {"import hashlib", "import json", "import secrets"}


@pytest.fixture(scope="module")
def server():
    with private_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_app(request, tmp_path):
    settings = {"DATA_DIR": str(tmp_path), "SECRET_KEY": "a secret for tests"}
    if request.param == "postgresql":
        settings["DATABASE_URL"] = request.getfixturevalue("server").empty_database()
    app = create_app(settings)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def differences():
    with db.engine.connect() as connection:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), db.metadata)


def test_migrations_arrive_at_the_models(empty_app):
    upgrade()
    assert differences() == []


def test_migrations_can_be_walked_back_and_up_again(empty_app):
    upgrade()
    downgrade(revision="base")
    assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
    upgrade()
    assert differences() == []


def test_migrations_import_none_of_our_models():
    for path in (ROOT / "migrations" / "versions").glob("*.py"):
        imports = [line for line in path.read_text("utf-8").splitlines() if line.startswith(("import ", "from "))]
        assert set(imports) <= STANDARD | {"import sqlalchemy as sa", "from alembic import op"}, path.name


@pytest.mark.parametrize("empty_app", ["sqlite"], indirect=True)
def test_the_record_reads_by_its_indexes(empty_app):
    """Plans on an empty SQLite say which index a query would use; PostgreSQL prefers none until there are rows."""
    upgrade()
    for query, index in {
        "SELECT seq FROM entry WHERE idx IS NULL ORDER BY seq LIMIT 10": "(idx=?)",
        "SELECT body FROM entry WHERE item = 'x' ORDER BY idx DESC LIMIT 10": "ix_entry_item_idx",
        "SELECT body FROM entry WHERE type = 'vote' AND idx >= 5 ORDER BY idx": "ix_entry_type_idx",
        "SELECT id FROM comment WHERE regulation_id = 1 AND status = 'published'": "ix_comment_shown",
        "SELECT id FROM pending_ballot WHERE email = 'x' AND given_at > '2026-01-01'": "ix_pending_ballot_email_given",
    }.items():
        with db.engine.connect() as connection:
            plan = " ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}"))
        assert index in plan, f"{query}: {plan}"


def test_migrations_walk_a_site_that_is_in_use_back_one_step_and_up_again(empty_app):
    upgrade()
    with clock.pretending(NOON):
        open_the_record()
        regulation, clerk = a_regulation(), a_voter()
        a_vote(regulation, voter=clerk, capacity=Capacity.BUSINESS, organisation="Example Bakery")
        vote = standing_vote(clerk, regulation)
        db.session.rollback()
        with transaction():
            attach_paper(vote=vote, paper="a" * 64, file_name="ours.pdf", now=NOON)
        whose = select(Submission.vote_id)
        came_with = db.session.scalar(whose)
        a_frozen_theme(regulation.theme)
        kept = [(made.reference, made.entry_id) for made in (a_decision(regulation), a_decision(regulation))]
    db.session.remove()
    downgrade()
    upgrade()
    rows = db.session.execute(select(Decision.reference, Decision.entry_id).order_by(Decision.id))
    assert [tuple(row) for row in rows] == kept
    assert db.session.scalar(whose) == came_with is not None
    assert differences() == []
