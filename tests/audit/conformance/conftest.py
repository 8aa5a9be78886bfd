"""The checker, built with the Go of this machine, and the log that it is to check."""

import fcntl
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from app import create_app
from audit import guard, queries
from audit import services as audit
from audit.entries import VoteEntry, canonical
from audit.merkle import leaf_hash
from audit.models import Entry
from audit.publishing import publisher_of_this_site
from core import clock
from core.db import db, transaction
from tests.demonstration import made_demonstration
from tests.outside import GO, GO_LOGS, need

__all__ = ["made_demonstration"]

SIZE = 70_000
CHECKER = Path(__file__).with_name("checker.go")


@pytest.fixture(scope="session")
def checker(tmp_path_factory):
    """The checker, built with what is on this machine and nothing fetched."""
    go, package = need(GO), need(GO_LOGS)
    folder = tmp_path_factory.mktemp("go")
    sources = folder / "path" / "src" / "golang.org"
    sources.mkdir(parents=True)
    (sources / "x").symlink_to(package.parents[3])
    built = folder / "checker"
    settings = {"GO111MODULE": "off", "GOPATH": folder / "path", "GOCACHE": folder / "cache", "GOFLAGS": ""}
    done = subprocess.run(
        [go, "build", "-o", built, CHECKER],
        cwd=folder,
        env={**os.environ, **{name: str(value) for name, value in settings.items()}},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return built


@dataclass(frozen=True)
class Log:
    folder: Path
    earlier: list[Path]
    """What was signed before, one checkpoint a file, at sizes that no tile ends with."""


@pytest.fixture(scope="session")
def log(made_demonstration, tmp_path_factory, worker_id):
    """Made once for all test processes. Read it, but change only a copy."""
    base = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    data, kept, done = base / "grown", base / "grown.kept", base / "grown.done"
    with (base / "grown.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.copytree(made_demonstration, data)
            kept.mkdir()
            grow(data, kept)
            done.touch()
    return Log(data / "log", sorted(kept.iterdir(), key=lambda path: int(path.name)))


def grow(data, kept):
    """The record of a demonstration, grown to the size that the format takes as its example, in uneven steps."""
    with create_app({"DATA_DIR": str(data), "SECRET_KEY": "a secret for tests"}).app_context():
        publisher = publisher_of_this_site()
        assert publisher.check()
        first = queries.log_size()
        assert first % 256, "the demonstration should leave a partial tile"
        for size in (first, first + 1, first + 137, 8_191, 8_193, 30_011, 65_537, SIZE):
            write_votes(size - queries.log_size())
            publisher.publish(clock.now())
            shutil.copy(data / "log" / "checkpoint", kept / f"{size}")
        assert queries.head().size == SIZE
        db.session.remove()
        db.engine.dispose()


def write_votes(how_many):
    """As many votes, each by somebody new, recorded and given their places."""
    item = db.session.scalars(select(Entry.item).where(Entry.type == "vote").order_by(Entry.seq.desc())).first()
    t = queries.latest_time()
    numbers = range(queries.log_size(), queries.log_size() + how_many)
    db.session.rollback()
    bodies = {
        f"{n:032x}": VoteEntry(item=item, voter=f"{n:064x}", capacity="public", level=1, choice="keep") for n in numbers
    }
    rows = [
        {"id": id, "t": t, "type": "vote", "item": item, "body": written, "leaf": leaf_hash(written)}
        for id, body in bodies.items()
        if (written := canonical(body, id=id, t=t))
    ]
    if rows:
        with transaction(), guard.writing_rows_with_entries():
            db.session.execute(insert(Entry), rows)
    while queries.some_wait():
        with transaction():
            audit.sequence_waiting()
