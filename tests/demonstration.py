"""A demonstration made once for all test processes, and copied for whoever wants to change it."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def flask(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a `flask` command as an operator would, on a data folder of its own."""
    command = [sys.executable, "-m", "flask", "--app", "app", *words]
    return subprocess.run(
        command, cwd=ROOT, env=environment(folder, **settings), capture_output=True, text=True, check=False
    )


def environment(folder: Path, **settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "SECRET_KEY", "MAIL_URL"}}
    return {**kept, "DATA_DIR": str(folder), "SITE_MODE": "demonstration", **settings}


@pytest.fixture(scope="session")
def made_demonstration(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder `flask prepare` makes. Read it, but change only a copy."""
    shared = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    folder, done = shared / "demonstration", shared / "demonstration.done"
    with (shared / "demonstration.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            made = flask(folder, "prepare")
            assert made.returncode == 0, made.stdout + made.stderr
            done.write_text(made.stdout, "utf-8")
    return folder


@pytest.fixture(scope="session")
def demonstration(made_demonstration: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of one's own."""
    folder = tmp_path_factory.mktemp("own") / "demonstration"
    shutil.copytree(made_demonstration, folder)
    return folder
