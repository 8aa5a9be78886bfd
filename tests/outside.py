"""What the tests need from outside the house, where it may be, and the one command that installs what is missing."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Need:
    name: str
    programs: tuple[str, ...]
    folders: tuple[str, ...]
    debian: str
    brew: str

    def find(self) -> Path | None:
        """The program's own path, taken from PATH first, then from the newest of the places packages put it."""
        for program in self.programs:
            if on_path := shutil.which(program):
                return Path(on_path)
            for pattern in self.folders:
                found = sorted(Path("/").glob(f"{pattern}/{program}"), key=_by_number)
                if found:
                    return found[-1]
        return None


CHROMIUM = Need(
    name="Chromium",
    programs=("chromium", "chromium-browser", "google-chrome", "Chromium", "Google Chrome"),
    folders=("Applications/Chromium.app/Contents/MacOS", "Applications/Google Chrome.app/Contents/MacOS"),
    debian="chromium",
    brew="--cask chromium",
)
POSTGRES = Need(
    name="PostgreSQL",
    programs=("initdb",),
    folders=("usr/lib/postgresql/*/bin", "opt/homebrew/opt/postgresql*/bin", "usr/local/opt/postgresql*/bin"),
    debian="postgresql",
    brew="postgresql@17",
)
GO = Need(
    name="Go",
    programs=("go",),
    folders=("usr/lib/go*/bin", "opt/homebrew/opt/go/bin", "usr/local/go/bin"),
    debian="golang-go",
    brew="go",
)
GO_LOGS = Need(
    name="Go's package for transparency logs",
    programs=("tlog.go",),
    folders=tuple(
        f"{folder}/golang.org/x/mod/sumdb/tlog"
        for folder in (
            "usr/share/gocode/src",
            "usr/lib/go*/src/cmd/vendor",
            "usr/local/go/src/cmd/vendor",
            "opt/homebrew/opt/go/libexec/src/cmd/vendor",
        )
    ),
    debian="golang-golang-x-mod-dev",
    brew="go",
)
NEEDS = (CHROMIUM, POSTGRES, GO, GO_LOGS)


def need(thing: Need) -> Path:
    """Where it is. Without it a test is skipped by name, except in CI, which must not leave a test out."""
    where = thing.find()
    if where is None:
        give_up = pytest.fail if must_have_all() else pytest.skip
        give_up(f"{thing.name} is missing. Install it with: {install([thing])}")
    return where


def must_have_all() -> bool:
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


def install(missing: list[Need]) -> str:
    """One command for this machine that installs everything missing."""
    if sys.platform == "darwin":
        return " && ".join(dict.fromkeys(f"brew install {thing.brew}" for thing in missing))
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get install -y {' '.join(thing.debian for thing in missing)}"


def _by_number(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in path.parts]


def main() -> int:
    """Say what is missing before the tests begin; answer with 1 where that must not be."""
    missing = [thing for thing in NEEDS if thing.find() is None]
    if not missing:
        return 0
    names = " and ".join(thing.name for thing in missing)
    print(f"Missing on this machine: {names}. Install with:\n\n    {install(missing)}\n", flush=True)
    if must_have_all():
        print("CI runs every test, so it stops here.", flush=True)
        return 1
    print("The tests that need it are skipped, and named at the end.\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
