"""The one command: what it skips, what it says when it cannot start, and that it leaves nothing running."""

import ast
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

import run
from core import config
from tools import serving, setting_up
from tools.setting_up import ROOT, CannotStart, digest, is_done, once

LOCKS = [*ROOT.glob("requirements*.txt"), *ROOT.glob("tools/borrowed-*.txt")]
READY = "Stop it with Ctrl-C."
ENDS_WITHIN_SECONDS = 30


def a_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "run.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=ENDS_WITHIN_SECONDS)


@contextmanager
def started(data_dir: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(ROOT / "run.py"), "--empty", "--data-dir", str(data_dir), "--port", str(port)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SITE_", "DATABASE_"))}
    pipe, both = subprocess.PIPE, subprocess.STDOUT
    with subprocess.Popen(command, env=environment, stdout=pipe, stderr=both, text=True) as site:
        try:
            yield site
        finally:
            site.terminate()


def read_until_ready(site: subprocess.Popen[str]) -> str:
    said = ""
    for line in site.stdout or ():
        said += line
        if READY in line:
            return said
    raise AssertionError(f"It never became ready:\n{said}")


def everything_ended(site: subprocess.Popen[str]) -> str:
    """What the site still said. Its children share its output, so that this ends only with the last of them."""
    said, _ = site.communicate(timeout=ENDS_WITHIN_SECONDS)
    return said


def children_of(process: int) -> dict[str, int]:
    """The commands of a process's children, with their numbers. A small Debian has no ps, macOS no /proc."""
    if not Path("/proc/self/stat").exists():
        listed = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
        ).stdout
        rows = [line.split(maxsplit=2) for line in listed.splitlines()]
        return {command: int(pid) for pid, parent, command in rows if int(parent) == process}
    children = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == process:
                children[(folder / "cmdline").read_text().replace("\0", " ")] = int(folder.name)
    return children


def test_an_old_python_can_read_run_py():
    ast.parse((ROOT / "run.py").read_text("utf-8"), feature_version=(3, 6))


def test_an_old_python_is_told_which_one_is_needed():
    assert run.too_old((3, 8, 18)).startswith("Python 3.11 or newer is needed; this is 3.8.")


def test_a_word_that_is_not_ours_is_a_flask_command():
    assert run.chosen([]) == (run.serve, [])
    assert run.chosen(["--port", "8100"]) == (run.serve, ["--port", "8100"])
    assert run.chosen(["serve", "--empty"]) == (run.serve, ["--empty"])
    assert run.chosen(["test", "-k", "votes"]) == (run.test, ["-k", "votes"])
    assert run.chosen(["accounts", "create"]) == (run.flask, ["accounts", "create"])


def test_help_names_every_way_to_call_it():
    said = call("--help").stdout
    assert all(part in said for part in ("[serve]", "--port", "--data-dir", "--empty", "test", "accounts create"))


def test_a_port_in_use_is_named_with_the_way_out_before_anything_is_made(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = call("--port", str(port), "--data-dir", str(tmp_path / "new"))
    assert done.returncode == 1
    assert f"Port {port} is in use." in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_is_none_is_refused(port):
    done = call("--port", port)
    assert done.returncode == 2
    assert "--port" in done.stderr


def test_a_data_folder_that_cannot_be_is_named_with_the_way_out(tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = call("--port", str(a_free_port()), "--data-dir", str(tmp_path / "file" / "data"))
    assert done.returncode == 1
    assert done.stderr.strip().endswith("Choose another folder:  --data-dir DIR")
    assert "Traceback" not in done.stderr


def test_a_step_is_done_once_and_again_when_what_it_is_made_from_changes(tmp_path):
    steps: list[str] = []
    for proof in ("first", "first", "second", "second"):
        once(tmp_path / "stamp", proof, partial(steps.append, proof))
    assert steps == ["first", "second"]


def test_a_step_that_is_cut_short_is_not_taken_for_done(tmp_path):
    stamp = tmp_path / "stamp"
    once(stamp, "old", lambda: None)
    with pytest.raises(CannotStart):
        once(stamp, "new", lambda: setting_up.must("-c", "raise SystemExit(1)", otherwise="It broke."))
    assert not is_done(stamp, "old", "new")


def test_a_fingerprint_changes_with_each_file_and_each_word():
    base = digest([ROOT / "run.py"], "a", "b")
    assert base == digest([ROOT / "run.py"], "a", "b")
    others = {
        digest([ROOT / "run.py"], "ab"),
        digest([ROOT / "run.py"], "a", "c"),
        digest([ROOT / "LICENSE"], "a", "b"),
    }
    assert len(others - {base}) == 3


def test_the_developers_lock_holds_the_very_packages_that_are_served():
    def pins(lock: str) -> set[str]:
        return {line for line in (ROOT / lock).read_text("utf-8").splitlines() if re.match(r"\w", line)}

    assert pins(setting_up.LOCK) < pins(setting_up.DEV_LOCK)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_locks_carry_a_hash_for_every_package_and_no_registry(lock):
    text = lock.read_text("utf-8")
    packages = re.findall(r"^\w[^\n]*==(?:[^\n]*\\\n)+[^\n]*", text, re.MULTILINE)
    assert len(packages) == len(re.findall(r"^\w", text, re.MULTILINE))
    assert all("--hash=sha256:" in package for package in packages)
    assert "://" not in text


def test_run_py_looks_for_the_database_under_the_name_that_the_site_gives_it(tmp_path):
    made = config.Settings.from_environment({"DATA_DIR": str(tmp_path)})
    assert made.database_url == f"sqlite:///{tmp_path / serving.DATABASE_FILE}"


@pytest.mark.slow
def test_the_second_start_skips_what_is_done_and_ctrl_c_leaves_nothing_behind(tmp_path):
    port = a_free_port()
    with started(tmp_path, port) as site:
        assert f"http://127.0.0.1:{port}" in read_until_ready(site)
        site.send_signal(signal.SIGINT)
        assert "Stopping" in everything_ended(site)
    assert site.returncode == 0
    stamped_at = (tmp_path / ".prepared").stat().st_mtime_ns

    with started(tmp_path, port) as site:
        told = read_until_ready(site)
        site.send_signal(signal.SIGTERM)
        everything_ended(site)
    assert site.returncode == 0
    assert (tmp_path / ".prepared").stat().st_mtime_ns == stamped_at
    assert told.lstrip().startswith("The site is ready"), "nothing was set up or loaded again"
    serving.check_port(port)


@pytest.mark.slow
@pytest.mark.parametrize(("program", "name"), [("gunicorn", "web server"), ("flask", "worker")])
def test_when_one_process_dies_the_rest_is_stopped_and_the_reader_told(tmp_path, program, name):
    with started(tmp_path, a_free_port()) as site:
        read_until_ready(site)
        [victim] = [pid for arguments, pid in children_of(site.pid).items() if program in arguments]
        os.kill(victim, signal.SIGKILL)
        said = everything_ended(site)
    assert site.returncode == 128 + signal.SIGKILL
    assert f"The {name} was killed by signal 9" in said


@pytest.mark.slow
def test_a_database_that_was_taken_away_is_made_again(tmp_path):
    environment = {
        **os.environ,
        "DATA_DIR": str(tmp_path),
        "SITE_MODE": "demonstration",
        "SITE_URL": "http://127.0.0.1",
    }
    environment.pop("DATABASE_URL", None)
    database = tmp_path / serving.DATABASE_FILE
    serving.prepare(tmp_path, environment, empty=True)
    database.unlink()
    serving.prepare(tmp_path, environment, empty=True)
    assert database.exists()


@pytest.mark.slow
def test_a_real_record_whose_database_was_taken_away_is_not_begun_anew(tmp_path):
    environment = {
        **os.environ,
        "DATA_DIR": str(tmp_path),
        "SITE_MODE": "production",
        "SITE_URL": "https://review.example",
        "SECRET_KEY": "a secret for tests that is long enough",
        "MAIL_URL": "smtp://localhost:1",
        "SITE_CONTACT": "Example House",
    }
    environment.pop("DATABASE_URL", None)
    serving.prepare(tmp_path, environment, empty=True)
    (tmp_path / serving.DATABASE_FILE).unlink()
    with pytest.raises(CannotStart):
        serving.prepare(tmp_path, environment, empty=True)
    assert (tmp_path / "keys" / "log.key").exists()


def test_the_welcome_shows_the_address_and_the_demonstration_accounts(tmp_path):
    assert "Sign in as" not in serving.welcome("http://127.0.0.1:8000", tmp_path)
    (tmp_path / serving.ACCOUNTS_FILE).write_text("Sign in as\n  official@example.org\n", "utf-8")
    said = serving.welcome("http://127.0.0.1:8000", tmp_path)
    assert said.index("http://127.0.0.1:8000") < said.index("official@example.org") < said.index(READY)
