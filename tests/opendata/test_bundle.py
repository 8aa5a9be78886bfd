"""The whole record in one file: it verifies with the program inside it, holds what may be read, and stays fresh."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import zipfile

import pytest

import commands
from accounts.models import Account
from accounts.rules import Role
from audit.notes import Checkpoint, note_text
from audit.queries import log_size
from audit.tiles import log_folder
from core import clock
from core.db import db, transaction
from opendata import bundle
from opendata.bundle import Keeper, kept_bundle, kept_path, tiles_of, write_bundle
from opendata.openings import NotYet
from regulations.models import Regulation
from regulations.rules import Split
from tests.conftest import both_databases
from tests.factories import (
    NOON,
    a_decision,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    settle_the_record,
    the_record,
)
from voting.erasure import erase_person
from voting.moderation import hide_comment
from voting.queries import comment_by
from voting.rules import Choice, ErasureBasis, ModerationRule
from voting.services import withdraw_vote


@pytest.fixture
def file(app, tmp_path):
    kept_path().unlink(missing_ok=True)
    yield tmp_path / "record.zip"
    kept_path().unlink(missing_ok=True)


def checked(file, folder):
    """What the program in the file says of it, run by itself and far from here."""
    with zipfile.ZipFile(file) as opened:
        opened.extractall(folder)
    return subprocess.run(
        [sys.executable, "-I", "verify.py", "."], cwd=folder, capture_output=True, text=True, check=False, env={}
    )


def texts(file):
    with zipfile.ZipFile(file) as opened:
        return [json.loads(line)["text"] for line in opened.read("openings.jsonl").decode().splitlines()]


def hide(comment):
    moderator = a_member_of_staff(Role.MODERATOR)
    with transaction():
        hide_comment(
            comment=db.session.merge(comment), rule=ModerationRule.SPAM, reason="It advertises.", by=moderator, now=NOON
        )


def a_reason(regulation, text, voter=None):
    voter = voter or a_voter()
    a_vote(regulation, Choice.KEEP, voter=voter, text=text)
    return comment_by(voter, regulation)


@both_databases
def test_a_played_site_verifies_with_the_program_in_its_own_file(file, tmp_path):
    theme, kept = a_theme(), a_theme(split=Split.KEPT)
    regulation, sealed, late = a_regulation(theme), a_regulation(kept), a_regulation(a_theme(split=Split.KEPT))
    back, erased = a_voter(), a_voter()
    hide(a_reason(regulation, "Call this number."))
    a_reason(regulation, "First words.", voter=back)
    a_reason(regulation, "Second words.", voter=back)
    a_reason(regulation, "Nobody is to know.", voter=erased)
    for choice in Choice:
        a_vote(regulation, choice, text="It matters to us.")
        a_vote(sealed, choice, text="Sealed until the close.")
        a_vote(late, choice, text="Sealed still.")
    with transaction():
        withdraw_vote(voter=back, regulation=regulation, now=NOON)
    with transaction():
        erase_person(account=erased, basis=ErasureBasis.REQUEST, now=NOON)
    a_frozen_theme(theme)
    a_frozen_theme(kept)
    a_decision(regulation)
    settle_the_record()
    made = write_bundle(file, log_folder())
    done = checked(file, tmp_path / "unpacked")
    assert done.returncode == 0, done.stdout + done.stderr
    assert made.size == log_size()
    read = texts(file)
    assert {"It matters to us.", "Sealed until the close.", "keep:", "It advertises."} <= set(read)
    gone = {"Call this number.", "First words.", "Second words.", "Nobody is to know.", "Sealed still."}
    assert not gone & set(read)
    assert made.openings == len(read)


def test_a_reason_that_is_left_out_without_a_line_that_says_why_does_not_verify(file, tmp_path):
    a_reason(a_regulation(), "It matters to us.")
    settle_the_record()
    with transaction():
        db.session.execute(db.text("DELETE FROM opening"))
    write_bundle(file, log_folder())
    done = checked(file, tmp_path / "unpacked")
    assert done.returncode == 1
    assert "missing-opening" in done.stdout


def test_it_reads_the_same_by_byte_for_the_same_record_and_says_how_to_check_it(file, tmp_path):
    a_reason(a_regulation(), "It matters to us.")
    settle_the_record()
    write_bundle(file, log_folder())
    write_bundle(tmp_path / "again.zip", log_folder())
    assert file.read_bytes() == (tmp_path / "again.zip").read_bytes()
    with zipfile.ZipFile(file) as opened:
        assert opened.read("checkpoint").decode() == log_folder().checkpoint()
        assert "python3 verify.py ." in opened.read("README.txt").decode()
        assert [name for name in opened.namelist() if not name.startswith("tile/")] == [
            "README.txt", "checkpoint", "vkey", "policy", "verify.py", "openings.jsonl",
        ]  # fmt: skip
    assert sorted(os.listdir(tmp_path)) == ["again.zip", "record.zip"]


def test_a_tree_of_a_size_has_just_the_tiles_it_needs():
    assert list(tiles_of(1)) == [("entries", 0, 1), (0, 0, 1)]
    assert list(tiles_of(256)) == [("entries", 0, 256), (0, 0, 256), (1, 0, 1)]
    assert list(tiles_of(600))[-4:] == [(0, 0, 256), (0, 1, 256), (0, 2, 88), (1, 0, 2)]
    assert list(tiles_of(256 * 256 + 1))[-3:] == [(0, 256, 1), (1, 0, 256), (2, 0, 1)]
    assert list(tiles_of(0)) == []


def test_before_anything_is_signed_there_is_nothing_to_give_out(file, tmp_path):
    with pytest.raises(NotYet):
        write_bundle(file, bundle.LogFolder(tmp_path / "nothing"))
    assert not file.exists()


def test_what_was_just_hidden_is_given_out_neither_now_nor_later(file):
    comment = a_reason(a_regulation(), "Call this number.")
    settle_the_record()
    hide(comment)
    with pytest.raises(NotYet):
        write_bundle(file, log_folder())
    settle_the_record()
    write_bundle(file, log_folder())
    assert "Call this number." not in texts(file)


def test_what_came_after_the_checkpoint_is_in_the_next_file_not_in_this(file, tmp_path):
    regulation = a_regulation()
    a_reason(regulation, "In time for it.")
    settle_the_record()
    a_reason(regulation, "Too late for it.")
    write_bundle(file, log_folder())
    assert checked(file, tmp_path / "unpacked").returncode == 0
    assert "In time for it." in texts(file)
    assert "Too late for it." not in texts(file)


@both_databases
def test_a_file_made_while_people_vote_verifies(app, file, tmp_path):
    regulation_id = a_regulation().id
    voters = [a_voter().id for _ in range(30)]
    settle_the_record()
    begun, faults = threading.Event(), []

    def vote():
        with app.app_context(), clock.pretending(NOON):
            try:
                for n, voter in enumerate(voters):
                    a_vote(db.session.get(Regulation, regulation_id), voter=db.session.get(Account, voter))
                    settle_the_record()
                    if n == 2:
                        begun.set()
            except Exception as fault:
                faults.append(fault)
                raise
            finally:
                begun.set()
                db.session.remove()

    thread = threading.Thread(target=vote)
    thread.start()
    assert begun.wait(60)
    made = []
    while thread.is_alive():
        path = tmp_path / f"{len(made)}.zip"
        made.append((path, write_bundle(path, log_folder()).size))
    thread.join()
    assert faults == []
    assert made
    for path, size in (made[0], made[len(made) // 2], made[-1]):
        with zipfile.ZipFile(path) as opened:
            assert Checkpoint.read(note_text(opened.read("checkpoint").decode())).size == size
        assert checked(path, tmp_path / path.stem).returncode == 0


def test_the_keeper_makes_the_file_again_only_when_the_record_has_grown_and_it_has_rested(file):
    regulation, keeper = a_regulation(), Keeper()
    settle_the_record()
    first = keeper.refresh()
    assert first.size == kept_bundle().size == log_size()
    assert Keeper().refresh() is None, "nothing is new"
    a_vote(regulation)
    settle_the_record()
    keeper.rests_until = float("inf")
    assert keeper.refresh() is None, "it has made one just now"
    keeper.rests_until = 0.0
    assert keeper.refresh().size == log_size() > first.size


def test_the_workers_chores_keep_the_file(file):
    a_vote(a_regulation())
    settle_the_record()
    commands.do_chores(Keeper())
    assert kept_bundle().size == log_size()


@pytest.mark.parametrize("what", ["hide", "erase"])
def test_the_keeper_does_not_rest_when_a_text_is_to_be_read_no_more(file, what):
    voter, regulation, keeper = a_voter(), a_regulation(), Keeper()
    comment = a_reason(regulation, "Call this number.", voter=voter)
    settle_the_record()
    keeper.refresh()
    assert "Call this number." in texts(kept_path())
    keeper.rests_until = float("inf")
    if what == "hide":
        hide(comment)
    else:
        with transaction():
            erase_person(account=voter, basis=ErasureBasis.REQUEST, now=NOON)
    assert keeper.refresh() is None, "no checkpoint says it yet"
    settle_the_record()
    assert keeper.refresh() is not None
    assert "Call this number." not in texts(kept_path())


def test_the_command_writes_the_file_where_it_is_told_to(app, file):
    a_vote(a_regulation())
    settle_the_record()
    done = app.test_cli_runner().invoke(args=["log", "bundle", str(file)])
    assert done.exit_code == 0, done.output
    assert f"holds {log_size():,} lines" in done.output
    assert file.exists()


def test_the_file_is_there_for_everybody_in_part_or_whole_under_one_tag(client, file):
    a_vote(a_regulation())
    settle_the_record()
    Keeper().refresh()
    whole = client.get("/data/record.zip")
    assert whole.status_code == 200
    assert whole.mimetype == "application/zip"
    assert whole.headers["Content-Disposition"] == "attachment; filename=record.zip"
    assert whole.headers["Access-Control-Allow-Origin"] == "*"
    assert hashlib.sha256(whole.data).digest() == hashlib.sha256(kept_path().read_bytes()).digest()
    part = client.get("/data/record.zip", headers={"Range": "bytes=10-19", "If-Range": whole.headers["ETag"]})
    assert (part.status_code, part.data) == (206, whole.data[10:20])
    assert client.get("/data/record.zip", headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    a_vote(a_regulation())
    settle_the_record()
    Keeper().refresh()
    assert client.get("/data/record.zip").headers["ETag"] != whole.headers["ETag"]


def test_before_there_is_a_file_its_address_says_so_in_words(client, file):
    answer = client.get("/data/record.zip")
    assert answer.status_code == 503
    assert "is being made" in answer.text
    assert "It will be here in a few minutes" in client.get("/data").text


def test_the_data_page_says_how_much_the_file_holds_and_the_program_can_be_read_by_itself(client, file):
    a_vote(a_regulation())
    settle_the_record()
    Keeper().refresh()
    page = client.get("/data").text
    assert f"{log_size():,} lines" in page
    assert "/data/record.zip" in page
    program = client.get("/data/verify.py")
    assert program.data == bundle.VERIFIER.read_bytes()
    assert program.headers["Content-Disposition"] == "attachment; filename=verify.py"


def test_the_texts_behind_a_line_have_an_address(client, file):
    comment = a_reason(a_regulation(), "It matters to us.")
    answer = client.get(f"/log/openings/{comment.entry_id}.json")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    (opening,) = answer.json["openings"]
    assert (answer.json["entry"], answer.json["absent"]) == (comment.entry_id, [])
    assert (opening["field"], opening["kind"], opening["text"]) == ("body_commit", "comment", "It matters to us.")
    hide(comment)
    settle_the_record()
    shut = client.get(f"/log/openings/{comment.entry_id}.json").json
    assert shut["openings"] == []
    assert shut["absent"] == [{"field": "body_commit", "because": "hidden", "by": the_record("moderation")[-1]["id"]}]


@pytest.mark.parametrize("name", ["0" * 32, "nothing", "%00", "%ED%A0%80", "0" * 33])
def test_texts_of_a_line_that_is_not_there_are_not_found(client, name):
    assert client.get(f"/log/openings/{name}.json").status_code == 404
