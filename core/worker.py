"""Keeps the background processes running: starts each, starts it again when it dies, stops all when told to."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType

log = logging.getLogger(__name__)

RESTART_AFTER_SECONDS = 1.0
STOP_WITHIN_SECONDS = 10.0


class _Stopped(BaseException):
    """Told to stop. Nothing that catches mere errors may swallow it."""


def supervise(commands: dict[str, Sequence[str]]) -> None:
    """Run each named command until SIGTERM or SIGINT; a child that ends early is started again after a second."""
    _stop_on_signals()
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        while True:
            for name, command in commands.items():
                child = children.get(name)
                if child is None or child.poll() is not None:
                    if child is not None:
                        log.error("The %s process ended with %s; starting it again.", name, child.returncode)
                        time.sleep(RESTART_AFTER_SECONDS)
                    children[name] = subprocess.Popen(list(command))  # noqa: S603 - our own commands
            time.sleep(0.5)
    except _Stopped:
        pass
    finally:
        _stop(list(children.values()))


def every(seconds: float, step: Callable[[], object]) -> None:
    """Do ``step`` again and again until told to stop; a step that fails is logged and tried again."""
    _stop_on_signals()
    parent = os.getppid()
    try:
        while os.getppid() == parent:
            try:
                step()
            except Exception:
                log.exception("A background step failed; trying again.")
            time.sleep(seconds)
    except _Stopped:
        sys.exit(0)


def _stop_on_signals() -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        for again in (signal.SIGTERM, signal.SIGINT):  # a second one must not disturb the stopping itself
            signal.signal(again, signal.SIG_IGN)
        raise _Stopped

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.terminate()
    deadline = time.monotonic() + STOP_WITHIN_SECONDS
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
