"""One transaction, one kind; and no write is lost on SQLite however many processes write."""

import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import StatementError

from accounts.models import Account, Department
from core.config import ROOT
from core.db import UtcDateTime, db, empty_write_ahead_log, transaction
from core.errors import Clash
from tests.conftest import application, both_databases
from tests.factories import NOON, a_department, a_voter, how_many

PROCESSES, WRITES = 8, 50


@both_databases
def test_a_transaction_keeps_all_of_its_work_or_none(app):
    with pytest.raises(ZeroDivisionError), transaction():
        db.session.add(Department(slug="one", name="One"))
        db.session.flush()
        raise ZeroDivisionError
    assert how_many(Department) == 0
    with transaction():
        db.session.add(Department(slug="one", name="One"))
    db.session.rollback()
    assert how_many(Department) == 1


@both_databases
def test_a_transaction_does_not_nest(app):
    with pytest.raises(RuntimeError, match="does not nest"), transaction(), transaction():
        pass
    with transaction():
        pass


@both_databases
def test_changes_made_before_a_transaction_are_refused_not_lost(app):
    department = a_department()
    department.name = "Changed outside"
    with pytest.raises(RuntimeError, match="before transaction"), transaction():
        pass
    db.session.rollback()

    db.session.add(Department(slug="new", name="New"))
    with pytest.raises(RuntimeError, match="before transaction"), transaction():
        pass
    db.session.rollback()
    assert db.session.scalars(select(Department.name)).all() == ["Example Department"]


@both_databases
def test_what_was_read_before_is_read_again_inside(app):
    department = a_department()
    assert department.name == "Example Department"
    with db.engine.connect() as another:
        another.execute(Department.__table__.update().values(name="Renamed meanwhile"))
        another.commit()
    with transaction():
        assert department.name == "Renamed meanwhile"


@both_databases
def test_what_the_database_refuses_is_a_clash_and_names_no_values(app, caplog):
    email = a_voter().email
    with pytest.raises(Clash) as raised, transaction():
        db.session.add(Account(email=email, session_key="another", created_at=NOON))
    assert raised.value.__cause__ is None
    assert "email" in caplog.text
    assert email not in caplog.text
    assert how_many(Account) == 1


@both_databases
def test_a_fault_of_the_database_names_no_values_either(app):
    with pytest.raises(StatementError) as raised, transaction():
        db.session.execute(text("SELECT nothing FROM nowhere WHERE email = :email"), {"email": "kim@example.org"})
    assert "kim@example.org" not in str(raised.value)


@both_databases
def test_moments_come_back_as_they_went_in_whatever_their_zone(app):
    elsewhere = datetime(2026, 7, 1, 9, 30, tzinfo=timezone(timedelta(hours=5)))
    account = a_voter()
    with transaction():
        account.created_at = elsewhere
    db.session.rollback()
    db.session.expire_all()
    kept = account.created_at
    assert (kept, kept.utcoffset()) == (elsewhere, timedelta(0))
    assert db.session.scalar(select(func.count()).where(Account.created_at == elsewhere)) == 1


def test_a_moment_without_a_zone_is_refused(app):
    with pytest.raises(ValueError, match="no time zone"):
        UtcDateTime().process_bind_param(datetime(2026, 7, 1), db.engine.dialect)


def test_what_was_deleted_stands_in_no_file_of_the_database_any_more(tmp_path: Path):
    def files_with_it() -> list[str]:
        return [file.name for file in tmp_path.glob("*.sqlite*") if b"Unforgettable" in file.read_bytes()]

    with application(tmp_path).app_context():
        with transaction():
            db.session.add(Department(slug="gone", name="Department of Unforgettable Things"))
        with transaction():
            db.session.delete(db.session.scalars(select(Department).filter_by(slug="gone")).one())
        db.session.remove()
        assert files_with_it()
        empty_write_ahead_log()
        assert files_with_it() == []
        with transaction():
            db.session.add(Department(slug="next", name="Goes on"))
        db.session.remove()


@pytest.mark.slow
def test_eight_processes_that_write_at_once_on_sqlite_lose_nothing(tmp_path: Path):
    app = application(tmp_path)
    with app.app_context(), transaction():
        db.session.add(Department(slug="counter", name="0"))
    done = subprocess.run(
        [sys.executable, "-c", WRITERS, str(tmp_path), str(PROCESSES), str(WRITES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, "every writer succeeded\n"), done.stderr
    with app.app_context():
        assert how_many(Department) == PROCESSES * WRITES + 1
        assert db.session.scalars(select(Department.name).filter_by(slug="counter")).one() == str(PROCESSES * WRITES)
        db.session.remove()


WRITERS = """
import multiprocessing, sys
from sqlalchemy import select
from app import create_app
from accounts.models import Department
from core.db import db, transaction

folder, processes, writes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

def write(who, start):
    app = create_app({"DATA_DIR": folder, "SECRET_KEY": "a secret for tests"})
    with app.app_context():
        counter = select(Department).filter_by(slug="counter")
        start.wait()
        for n in range(writes):
            db.session.scalars(counter).one()  # read first, as every page does
            with transaction():
                found = db.session.scalars(counter).one()
                found.name = str(int(found.name) + 1)
                db.session.add(Department(slug=f"{who}-{n}", name=f"Department {who}-{n}"))

if __name__ == "__main__":
    fork = multiprocessing.get_context("fork")
    start = fork.Barrier(processes)
    writers = [fork.Process(target=write, args=(who, start)) for who in range(processes)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * processes
    print("every writer succeeded")
"""
