"""The promises of CONTRIBUTING.md about where code lives and what it may do."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ["core", "audit", "accounts", "regulations", "voting", "analysis"]
PACKAGES += ["decisions", "search", "notices", "opendata", "pages", "seed_data"]
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
OURS = [*SOURCES, *ROOT.glob("*.py"), *(ROOT / "tests").rglob("*.py"), *(ROOT / "tools").rglob("*.py")]
MOST_LINES = 400
PROMISED_AS_ONE_FILE = "audit/verify.py"
"""Whoever checks the record downloads it alone and reads it from top to bottom."""


def name(path):
    return str(path.relative_to(ROOT))


def test_only_core_db_commits():
    commits = re.compile(r"session\.commit\(|\.begin\(\)|connection\.commit\(")
    found = [name(path) for path in SOURCES if commits.search(path.read_text("utf-8"))]
    assert found == ["core/db.py", "search/comment_index.py"], "only the search index, which is derived, keeps its own"


def test_no_file_outgrows_its_room():
    files = [
        *OURS,
        *(ROOT / "templates").rglob("*.*"),
        *(ROOT / "static" / "css").glob("*"),
        *(ROOT / "static" / "js").glob("*"),
    ]
    too_long = {
        name(path): lines
        for path in files
        if (lines := len(path.read_text("utf-8").splitlines())) > MOST_LINES and name(path) != PROMISED_AS_ONE_FILE
    }
    assert too_long == {}


def test_packages_say_in_one_docstring_what_they_own():
    for package in PACKAGES:
        body = ast.parse((ROOT / package / "__init__.py").read_text("utf-8")).body
        assert len(body) == 1, f"{package}/__init__.py holds more than its docstring"
        assert isinstance(body[0], ast.Expr)
        assert isinstance(body[0].value, ast.Constant)


def test_there_is_no_room_for_odds_and_ends():
    assert [name(path) for path in OURS if path.stem in {"utils", "util", "helpers", "misc", "common", "manager"}] == []


def test_services_neither_ask_the_time_nor_who_is_asking():
    for path in SOURCES:
        if path.stem in {"services", "rules", "models", "moderation", "ballots", "tallying"}:
            text = path.read_text("utf-8")
            assert "clock.now" not in text, name(path)
            assert "current_user" not in text, name(path)


def test_no_fault_is_swallowed():
    for path in OURS:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException")
            ):
                assert not all(isinstance(line, ast.Pass | ast.Continue) for line in node.body), (
                    f"{name(path)}:{node.lineno}"
                )


def test_the_repository_names_no_place_but_its_own():
    forbidden = re.compile(r"/(?:work|root|home/\w+)/|registry\.(?:npmjs)|files\.(?:pythonhosted)|pypi\.org/(?:simple)")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split(
        "\n"
    )
    for file in filter(None, listed):
        path = ROOT / file
        if path.is_file() and path.suffix not in {".woff2", ".png"}:
            found = forbidden.search(path.read_text("utf-8", "replace"))
            assert found is None, f"{file} names {found and found[0]}"


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy"],
        ["lint-imports"],
        ["djlint", "templates", "--lint", "--quiet"],
    ],
    ids=" ".join,
)
def test_the_checks_that_people_run_by_hand_pass(command):
    program = shutil.which(command[0], path=str(Path(sys.executable).parent))
    assert program, f"{command[0]} is not installed beside {sys.executable}"
    done = subprocess.run([program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
