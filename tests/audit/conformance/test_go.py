"""Go's own packages for notes and logs, which know nothing of ours, take the log, and refuse it with anything amiss."""

import os
import shutil
import subprocess

import pytest

VERIFIED, REFUSED, UNREADABLE = 0, 1, 2
OFF = "inconsistent tile"


@pytest.fixture
def copy(log, tmp_path):
    """A log to tamper with; files are shared with the sound one until they are replaced."""
    shutil.copytree(log.folder, tmp_path / "log", copy_function=os.link)
    return tmp_path / "log"


def checked(checker, folder, *earlier):
    return subprocess.run([checker, folder, *earlier], capture_output=True, text=True, check=False)


def replaced(path, change):
    content = bytearray(path.read_bytes())
    change(content)
    path.unlink()
    path.write_bytes(content)


def flip(at):
    def change(content):
        content[at] ^= 1

    return change


def cut(content):
    del content[-1]


def test_go_accepts_seventy_thousand_entries_and_every_checkpoint_before(checker, log):
    done = checked(checker, log.folder, *log.earlier)
    assert (done.returncode, done.stderr) == (VERIFIED, "")
    origin, *counts = done.stdout.splitlines()
    assert origin == "demonstration.regulation-review/log"
    assert counts == ["70000 entries", "141 proved alone", "277 tiles", "8 earlier checkpoints"]


def test_the_tiles_are_those_that_the_format_names_for_this_size(log):
    """c2sp.org/tlog-tiles, in its example of a log of 70,000 entries."""
    full = {level: len(list((log.folder / "tile" / level).glob("[0-9][0-9][0-9]"))) for level in ("0", "1", "entries")}
    assert full == {"0": 273, "1": 1, "entries": 273}
    widths = {path: (log.folder / "tile" / path).stat().st_size // 32 for path in ("0/273.p/112", "1/001.p/17")}
    assert widths == {"0/273.p/112": 112, "1/001.p/17": 17}
    assert (log.folder / "tile/2/000.p/1").stat().st_size == 32
    assert (log.folder / "tile/entries/273.p/112").exists()
    assert not (log.folder / "tile/3").exists()


@pytest.mark.parametrize(
    ("file", "change", "answer", "words"),
    [
        ("checkpoint", lambda c: c.replace(b"\n70000\n", b"\n69999\n"), REFUSED, "checkpoint"),
        ("checkpoint", lambda c: c.__setitem__(slice(0, 4), b"Demo"), REFUSED, "checkpoint"),
        ("vkey", flip(-20), REFUSED, "malformed|invalid"),
        # Older releases of the package overlook a tile of the kind that follows, and find it out by its entries.
        ("tile/0/000", flip(0), REFUSED, f"{OFF}|entry 0 is not the one that was signed"),
        ("tile/0/273.p/112", flip(-1), REFUSED, OFF),
        ("tile/1/000", flip(32 * 200), REFUSED, f"{OFF}|invalid transparency proof"),
        ("tile/1/001.p/17", flip(5), REFUSED, OFF),
        ("tile/2/000.p/1", flip(31), REFUSED, OFF),
        ("tile/0/100", cut, UNREADABLE, r"tile/0/100: too short"),
        ("tile/entries/000", flip(40), REFUSED, "entry 0 is not the one that was signed"),
        ("tile/entries/200", flip(2 + 30), REFUSED, "entry 51200 is not the one that was signed"),
        ("tile/entries/273.p/112", flip(-5), REFUSED, "entry 69999 is not the one that was signed"),
        ("tile/entries/273.p/112", cut, UNREADABLE, "ends within an entry"),
    ],
)
def test_go_refuses_the_log_with_one_file_tampered_with(checker, copy, file, change, answer, words):
    before = (copy / file).read_bytes()
    replaced(copy / file, lambda content: replacement(content, change))
    assert (copy / file).read_bytes() != before
    done = checked(checker, copy)
    assert done.returncode == answer, done.stderr
    assert any(word in done.stderr for word in words.split("|")), done.stderr


def replacement(content, change):
    if (new := change(content)) is not None:
        content[:] = new


@pytest.mark.parametrize("file", ["checkpoint", "vkey", "tile/0/100", "tile/1/001.p/17", "tile/entries/007"])
def test_go_cannot_read_a_log_with_one_file_missing(checker, copy, file):
    (copy / file).unlink()
    done = checked(checker, copy)
    assert done.returncode == UNREADABLE
    assert file in done.stderr


def test_go_refuses_two_entries_that_changed_places(checker, copy):
    def swap(content):
        ends, at = [], 0
        while len(ends) < 2:
            at += 2 + int.from_bytes(content[at : at + 2])
            ends.append(at)
        content[: ends[1]] = content[ends[0] : ends[1]] + content[: ends[0]]

    replaced(copy / "tile/entries/050", swap)
    done = checked(checker, copy)
    assert (done.returncode, "entry 12800 is not" in done.stderr) == (REFUSED, True)


def test_go_refuses_a_log_that_does_not_continue_an_earlier_checkpoint(checker, log, tmp_path, copy):
    (copy / "checkpoint").unlink()
    shutil.copy(log.earlier[-2], copy / "checkpoint")
    done = checked(checker, copy, log.earlier[-1])
    assert (done.returncode, "the log had 70000 entries and has 65537" in done.stderr) == (REFUSED, True)
    forged = tmp_path / "forged"
    forged.write_text(log.earlier[2].read_text("utf-8").replace("— ", "— x", 1), "utf-8")
    done = checked(checker, log.folder, forged)
    assert (done.returncode, "earlier checkpoint forged" in done.stderr) == (REFUSED, True)
