"""Starts the site: prepares its data, runs the web server and the worker, and stops both together."""

import argparse
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError

from tools.setting_up import LOCK, PYTHON, ROOT, CannotStart, alone, digest, is_done, must, once, say, set_up

DATABASE_FILE = "regulation-review.sqlite"
ACCOUNTS_FILE = "accounts.txt"
FLASK = ("-m", "flask", "--app", "app")
ANSWERS_WITHIN_SECONDS = 60
STOPS_WITHIN_SECONDS = 10


def serve(arguments: list[str]) -> int:
    """Set up, prepare and run until told to stop; the exit code is 0, or that of the process that gave up."""
    options = serve_options(arguments)
    data_dir = Path(options.data_dir).absolute()
    check_port(options.port)
    check_data_dir(data_dir)
    set_up(LOCK)
    address = f"http://127.0.0.1:{options.port}"
    environment = {"SITE_URL": address, **os.environ, "DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"}
    prepare(data_dir, environment, empty=options.empty)
    return Site(environment).run(options.port, welcome(address, data_dir))


def serve_options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 run.py serve", description="Set up and start the site.")
    data_dir = os.environ.get("DATA_DIR") or ROOT / "data"
    parser.add_argument("--port", type=int, default=8000, help="where to listen on 127.0.0.1 (8000)")
    parser.add_argument("--data-dir", default=data_dir, help="where everything is kept (data, beside run.py)")
    parser.add_argument("--empty", action="store_true", help="begin without demonstration people, votes and decisions")
    options = parser.parse_args(arguments)
    if not 0 < options.port < 65536:
        parser.error("--port must be a number from 1 to 65535")
    return options


def check_port(port: int) -> None:
    """Refuse a port that cannot be had at once, not after minutes of setting up."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except PermissionError:
            raise CannotStart(f"Port {port} is kept for root. Choose another:  --port 8000") from None
        except OSError:
            another = port + 1 if port < 65535 else 8000
            raise CannotStart(
                f"Port {port} is in use. Stop what uses it, or choose another:  --port {another}"
            ) from None


def check_data_dir(data_dir: Path) -> None:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data_dir) as file:
            file.write(bytes(4096))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise CannotStart(f"{data_dir} cannot be used ({why}). Choose another folder:  --data-dir DIR") from None


def prepare(data_dir: Path, environment: dict[str, str], *, empty: bool) -> None:
    """Migrate and load the catalogue, unless this very release has prepared this folder already."""
    stamp = data_dir / ".prepared"
    database = environment.get("DATABASE_URL", "")
    if not database and not (data_dir / DATABASE_FILE).exists():
        stamp.unlink(missing_ok=True)
    mode, address = environment.get("SITE_MODE", ""), environment["SITE_URL"]
    proof = digest(what_prepare_reads(), str(data_dir), database, mode, address, str(empty))
    if is_done(stamp, proof):
        return
    command = (*FLASK, "prepare", *(["--empty"] if empty else []))
    unprepared = f"The data in {data_dir} could not be prepared; the lines above say why."
    say("Preparing the data …" if empty else "Loading the catalogue and playing the demonstration …")
    with alone(data_dir / "prepare.lock"):
        once(stamp, proof, lambda: must(*command, otherwise=unprepared, env=environment))


def what_prepare_reads() -> list[Path]:
    folders = (ROOT / "migrations", ROOT / "seed_data")
    found = (file for folder in folders for file in folder.rglob("*") if "__pycache__" not in file.parts)
    return [ROOT / "core/config.py", *sorted(file for file in found if file.is_file())]


def welcome(address: str, data_dir: Path) -> str:
    """The address, and under it the demonstration accounts where this folder has any."""
    accounts = data_dir / ACCOUNTS_FILE
    people = accounts.read_text("utf-8").strip().splitlines() if accounts.is_file() else []
    lines = ["", f"The site is ready:  {address}", "", *people, *([""] if people else []), "Stop it with Ctrl-C.", ""]
    return "\n".join(f"  {line}".rstrip() for line in lines)


class Site:
    """The site's processes. They start together, and when one ends all end."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.told_to_stop = False

    def run(self, port: int, message: str) -> int:
        """Start everything, say so once the site answers, and stay until a signal comes or a process ends."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self.stop_soon)
        try:
            self.start("web server", *web_server(port))
            self.start("worker", *FLASK, "worker")
            if self.wait_until_it_answers(port):
                say(message)
            while not self.told_to_stop and not self.ended():
                time.sleep(0.1)
            return self.explain()
        finally:
            self.stop()

    def stop_soon(self, number: int, frame: object) -> None:
        self.told_to_stop = True

    def start(self, name: str, *arguments: str) -> None:
        """Each leads a group of its own: the terminal's Ctrl-C then reaches only us, and we stop them in order."""
        self.children[name] = subprocess.Popen(
            [PYTHON, *arguments], cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, start_new_session=True
        )

    def wait_until_it_answers(self, port: int) -> bool:
        deadline = time.monotonic() + ANSWERS_WITHIN_SECONDS
        while not self.told_to_stop and not self.ended():
            if answers(f"http://127.0.0.1:{port}/healthz"):
                return True
            if time.monotonic() > deadline:
                raise CannotStart(f"The site started, but did not answer within {ANSWERS_WITHIN_SECONDS} seconds.")
            time.sleep(0.05)
        return False

    def ended(self) -> dict[str, int]:
        """The exit codes of the processes that have ended."""
        codes = {name: child.poll() for name, child in self.children.items()}
        return {name: code for name, code in codes.items() if code is not None}

    def explain(self) -> int:
        """Say why everything stops; the exit code for it."""
        if self.told_to_stop:
            say("\nStopping …")
            return 0
        name, code = next(iter(self.ended().items()))
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        say(f"\nThe {name} {how}; the lines above may say why. Stopping the rest …")
        return 128 - code if code < 0 else code or 1

    def stop(self) -> None:
        """Ask every process to end, wait, and then end whatever is left of their groups."""
        for child in self.children.values():
            child.terminate()
        deadline = time.monotonic() + STOPS_WITHIN_SECONDS
        while len(self.ended()) < len(self.children) and time.monotonic() < deadline:
            time.sleep(0.02)
        for child in self.children.values():
            # Nobody may be left in the group, which Linux and macOS report differently.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def web_server(port: int) -> tuple[str, ...]:
    size = ("--worker-class", "gthread", "--workers", "2", "--threads", "8")
    manners = ("--graceful-timeout", "5", "--log-level", "warning", "--no-control-socket")
    return ("-m", "gunicorn", "--bind", f"127.0.0.1:{port}", *size, *manners, "app:create_app()")


def answers(address: str) -> bool:
    """Whether a page is there. A proxy set for the outside world is not asked about our own machine."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(address, timeout=5):
            return True
    except HTTPError as error:
        if error.code == HTTPStatus.SERVICE_UNAVAILABLE:
            return False
        raise CannotStart(f"The site started, but it is not well ({error}); the lines above may say why.") from None
    except OSError:
        return False
