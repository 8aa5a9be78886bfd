"""docs/witnessing.md says what is so."""

import re
import shlex
import shutil
import subprocess
import sys

from audit.notes import VerifierKey
from audit.policy import of_site
from audit.witness import main
from tests.audit.witnesses import ROOT, a_signer

PAGE = (ROOT / "docs" / "witnessing.md").read_text("utf-8")
COMMAND, POLICY = re.findall(r"^```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_policy_that_it_shows_is_one():
    policy, _ = of_site(POLICY.encode(), a_signer().key, "https://test.example/log")
    assert policy.is_met({"university", "library"})
    assert not policy.is_met({"gazette"})


def test_the_command_that_it_shows_is_understood(tmp_path, capsys):
    words = shlex.split(COMMAND.replace("\\\n", ""))
    assert words[:3] == ["python3", "-m", "audit.witness"]
    given = dict(zip(words[3::2], words[4::2], strict=True))
    assert VerifierKey.read(given["--log"]).name == "regulation-review.example/log"
    (tmp_path / "key").write_text("no key", "ascii")
    assert main([*words[3:], "--folder", str(tmp_path)]) == 2, "the later folder is taken, and has no key"
    assert "holds no key" in capsys.readouterr().err


def test_it_names_every_option_and_no_other():
    shown = subprocess.run(
        [sys.executable, "-m", "audit.witness", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    options = set(re.findall(r"--[a-z]+", shown)) - {"--help"}
    assert options == set(re.findall(r"--[a-z]+", PAGE))
    assert "8300" in PAGE


def test_the_witness_runs_on_four_files_alone(tmp_path):
    (tmp_path / "audit").mkdir()
    for name in ("__init__.py", "merkle.py", "notes.py", "witness.py"):
        shutil.copy(ROOT / "audit" / name, tmp_path / "audit" / name)
    forbidden = "import sys; sys.modules.update(dict.fromkeys(['flask', 'sqlalchemy', 'rfc8785'])); "
    start = (
        f"{forbidden}import runpy; sys.argv[1:] = ['--help']; runpy.run_module('audit.witness', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", start], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Watch a public record" in done.stdout
