"""A PostgreSQL of the tests' own: made for one run, reached through a private folder, thrown away afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

from tests.outside import POSTGRES, need

OWNER = "postgres"
TIMEOUT_SECONDS = 60


class PrivatePostgres:
    """A running server. It listens on no port, only on a socket in `folder`."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self._programs = programs
        self._numbers = count(1)

    @property
    def url(self) -> str:
        """The address of the database that every server begins with."""
        return self.url_of(OWNER)

    def url_of(self, database: str) -> str:
        return f"postgresql+psycopg://{OWNER}@/{database}?host={self.folder}"

    def empty_database(self) -> str:
        """The address of a new database with nothing in it."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(host=str(self.folder), user=OWNER, dbname=OWNER, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url_of(name)

    def start(self) -> None:
        cluster = self.folder / "cluster"
        self._run("initdb", "-D", cluster, "-U", OWNER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        options = f"-h '' -k {self.folder} -F -c synchronous_commit=off -c full_page_writes=off"
        self._run("pg_ctl", "-D", cluster, "-w", "-l", self.folder / "log", "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self.folder / "cluster", "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: str | Path) -> None:
        # PostgreSQL refuses to run as root; the log goes to a file because the server would keep a pipe open for good.
        with (self.folder / "commands.log").open("ab") as log:
            done = subprocess.run(
                [self._programs / program, *arguments],
                user=OWNER if os.geteuid() == 0 else None,
                group=pwd.getpwnam(OWNER).pw_gid if os.geteuid() == 0 else None,
                extra_groups=[] if os.geteuid() == 0 else None,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=TIMEOUT_SECONDS,
            )
        if done.returncode:
            said = "\n".join(path.read_text("utf-8", "replace") for path in self.folder.glob("*log"))
            raise RuntimeError(f"{program} failed in the private PostgreSQL:\n{said}")


@contextmanager
def private_postgres() -> Iterator[PrivatePostgres]:
    """A private server for the block; skips the test, or fails it in CI, where PostgreSQL is not installed."""
    programs = need(POSTGRES).resolve().parent
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, OWNER, OWNER)
    server = PrivatePostgres(folder, programs)
    try:
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
