"""Background processes are started, started again when they die, and stopped when their keeper is told to."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.config import ROOT

CHILD = "import os, sys, time; open(os.path.join(sys.argv[1], f'{sys.argv[2]}-{os.getpid()}'), 'w'); time.sleep(600)"
KEEPER = f"""
import sys
from core.worker import supervise
child = [sys.executable, "-c", {CHILD!r}, sys.argv[1]]
supervise({{"first": [*child, "first"], "second": [*child, "second"]}})
"""
STEPS = """
import sys
from core.worker import every
def step():
    with open(sys.argv[1], "a") as file:
        file.write("step\\n")
    if sys.argv[2] == "fails":
        raise ValueError("this step failed")
    if sys.argv[2] == "swallows":
        try:
            import time; time.sleep(600)
        except Exception:
            pass
every(0.05, step)
"""


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        threading.Event().wait(0.05)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", *arguments], cwd=ROOT, stderr=subprocess.PIPE, text=True)


class Kept:
    """A keeper and the children that told of themselves in a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.process = start(KEEPER, str(folder))

    def pids(self, name: str) -> list[int]:
        return [int(path.name.partition("-")[2]) for path in self.folder.glob(f"{name}-*")]

    def running(self) -> list[int]:
        return [pid for name in ("first", "second") for pid in self.pids(name) if is_running(pid)]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path)
    until(lambda: bool(kept.pids("first") and kept.pids("second")))
    yield kept
    for process in [kept.process.pid, *kept.running()]:
        if is_running(process):
            os.kill(process, signal.SIGKILL)
    kept.process.communicate()


def test_a_child_that_is_killed_is_started_again_and_the_other_left_alone(kept):
    (killed,), (spared,) = kept.pids("first"), kept.pids("second")
    os.kill(killed, signal.SIGKILL)
    until(lambda: len(kept.pids("first")) == 2)
    (started,) = set(kept.pids("first")) - {killed}
    assert is_running(started)
    assert kept.pids("second") == [spared]
    assert is_running(spared)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_stops_every_child_and_ends_well(kept, number):
    children = kept.running()
    kept.process.send_signal(number)
    kept.process.send_signal(number)
    assert kept.process.wait(20) == 0
    assert len(children) == 2
    assert kept.running() == []


def test_a_step_that_fails_is_logged_and_tried_again(tmp_path):
    steps = tmp_path / "steps"
    process = start(STEPS, str(steps), "fails")
    until(lambda: steps.exists() and steps.read_text().count("step") >= 3)
    process.terminate()
    _, logged = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "this step failed" in logged


def test_a_step_that_swallows_errors_cannot_swallow_the_order_to_stop(tmp_path):
    steps = tmp_path / "steps"
    process = start(STEPS, str(steps), "swallows")
    until(lambda: steps.exists() and "step" in steps.read_text())
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 0
