"""Whatever a stranger puts into a bundle, the verifier answers: it neither breaks nor is it talked into a yes."""

import io
import json
import os
import resource
import shutil
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.notes import Checkpoint
from audit.verify import Unreadable, main, tile_path, verify
from tests.audit.bundles import ITEM, LOG, ORIGIN, Record, a_receipt, a_record, lines, names

RECORD = a_record(fill=200)
FILES = RECORD.files()
LOG_FILES = sorted(name for name in FILES if name not in ("policy", "openings.jsonl"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return RECORD.write(tmp_path_factory.mktemp("hostile") / "bundle")


def answer(path, **given):
    """VERIFIED with its counts, or anything else as None."""
    try:
        report = verify(path, **given)
    except Unreadable:
        return None
    return None if report.failures else report.counts


@settings(max_examples=100, deadline=None)
@given(name=st.sampled_from(LOG_FILES), at=st.floats(0, 0.999999), flip=st.integers(1, 255))
def test_no_byte_of_the_log_can_be_flipped_unseen(folder, name, at, flip):
    path, whole = folder / name, FILES[name]
    place = int(at * len(whole))
    path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
    try:
        assert answer(folder) is None
    finally:
        path.write_bytes(whole)


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(sorted(FILES)), cut=st.floats(0, 0.99), junk=st.binary(max_size=40))
def test_no_file_can_be_cut_short_or_continued_with_junk_unseen(folder, name, cut, junk):
    path, whole = folder / name, FILES[name]
    path.write_bytes(whole[: int(cut * len(whole))] + junk)
    try:
        found = answer(folder)
        assert found is None or name == "policy"
    finally:
        path.write_bytes(whole)


@settings(max_examples=50, deadline=None)
@given(raw=st.binary(max_size=400))
def test_any_bytes_for_an_entry_are_answered(tmp_path_factory, raw):
    record = Record(list(RECORD.entries[:40]))
    record.places = {name: place for name, place in RECORD.places.items() if place < 40}
    record.add_bytes(raw, "junk")
    folder = tmp_path_factory.mktemp("raw")
    assert answer(record.write(folder), log_only=True) is None
    shutil.rmtree(folder)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
RECEIPT_FIELDS = ["log_vkey", "entry", "promise", "index", "size", "proof", "checkpoint", "pseudonym", "opening"]


@settings(max_examples=50, deadline=None)
@given(data=st.data(), what=JSON)
def test_an_entry_with_anything_for_a_field_is_answered(tmp_path_factory, data, what):
    place = data.draw(st.integers(0, 70))
    body = json.loads(RECORD.entries[place])
    body[data.draw(st.sampled_from(sorted(body)))] = what
    raw = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    record = Record([*RECORD.entries[:place], raw, *RECORD.entries[place + 1 : 75]], openings=RECORD.openings)
    folder = tmp_path_factory.mktemp("field")
    try:
        verify(record.write(folder))
    except Unreadable:
        pytest.fail("the bundle is whole")
    finally:
        shutil.rmtree(folder)


@settings(max_examples=100, deadline=None)
@given(changed=st.dictionaries(st.sampled_from(RECEIPT_FIELDS), JSON, min_size=1))
def test_a_receipt_with_anything_in_it_is_answered(folder, tmp_path_factory, changed):
    path = tmp_path_factory.mktemp("receipt") / "receipt.json"
    path.write_text(json.dumps(a_receipt(RECORD, size=300) | changed), "utf-8")
    answer(folder, receipt=path, identity="ada@example.org")


@pytest.mark.parametrize("depth", [300, 450, 600, 900, 960, 990])
def test_a_receipt_nested_to_any_depth_is_answered(folder, tmp_path, depth):
    told = a_receipt(RECORD, size=200)
    path = tmp_path / "receipt.json"
    deep = "[" * depth + "]" * depth
    for field in ("pseudonym", "opening", "log_vkey"):
        text = json.dumps(told | {field: told.get(field) or {"field": "commit"}}).replace(
            f'"item": "{ITEM}"', f'"item": {deep}'
        )
        path.write_text(text.replace('"field": "commit"', f'"field": {deep}'))
        answer(folder, receipt=path, identity="ada@example.org")


def a_zip(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return path


@settings(max_examples=100, deadline=None)
@given(at=st.floats(0, 0.999999), flip=st.integers(1, 255))
def test_a_damaged_zip_is_answered(tmp_path_factory, at, flip):
    whole = io.BytesIO()
    a_zip(whole, FILES.items())
    raw = bytearray(whole.getvalue())
    raw[int(at * len(raw))] ^= flip
    path = tmp_path_factory.mktemp("zip") / "record.zip"
    path.write_bytes(raw)
    answer(path)


def test_two_files_of_one_name_are_refused(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = a_zip(tmp_path / "record.zip", [*FILES.items(), ("checkpoint", FILES["checkpoint"])])
    with pytest.raises(Unreadable, match="two files of the same name"):
        verify(path)


def test_a_file_that_unpacks_to_far_more_than_it_may_is_not_unpacked(tmp_path):
    for name in (tile_path(0, 0), tile_path("entries", 0), "checkpoint", "vkey"):
        files = {**FILES, name: FILES[name] + bytes(80_000_000)}
        path = a_zip(tmp_path / "record.zip", files.items())
        before = peak_memory()
        assert answer(path) is None
        assert peak_memory() - before < 30_000_000


def peak_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_openings_without_end_are_not_read_to_it(tmp_path):
    lines_without_end = "".join(
        f'{{"entry":"{n:032x}","field":"x_sha256","text":""}}\n' for n in range(4 * len(RECORD.entries) + 2)
    ).encode()
    path = a_zip(tmp_path / "record.zip", {**FILES, "openings.jsonl": lines_without_end}.items())
    found = next(failure for failure in verify(path).failures if failure.name == "false-opening")
    assert found.where == f"openings.jsonl, line {4 * len(RECORD.entries) + 1}"


def test_a_checkpoint_that_claims_more_than_anybody_could_send_is_answered_at_once(tmp_path):
    folder = RECORD.write(tmp_path / "b")
    (folder / "checkpoint").write_text(LOG.note(Checkpoint(ORIGIN, 10**17, bytes(32)).text))
    (folder / "policy").unlink()
    assert names(verify(folder)) == ["missing-tile"]


def test_a_name_that_leads_out_of_the_bundle_is_never_followed(tmp_path):
    path = a_zip(tmp_path / "record.zip", [*FILES.items(), ("../../escaped", b"x"), ("/escaped", b"x")])
    assert answer(path) is not None
    assert [file.name for file in tmp_path.rglob("*")] == ["record.zip"]


def test_what_is_no_plain_file_is_not_waited_for(tmp_path):
    folder = RECORD.write(tmp_path / "b")
    (folder / "vkey").unlink()
    os.mkfifo(folder / "vkey")
    assert verify(folder).failures == []


def test_a_stranger_cannot_steer_the_readers_terminal(tmp_path, capsys):
    origin = "evil\x9b2Jlog\u202e"
    record = RECORD.rewritten(lambda bodies: bodies[0].update(origin=origin))
    folder = record.write(tmp_path / "b")
    assert main([str(folder)]) == 1
    told = capsys.readouterr().out
    assert "evil?2Jlog?" in told
    assert all(sign.isprintable() or sign == "\n" for sign in told)


def test_openings_in_another_order_are_not_read(tmp_path):
    folder = RECORD.write(tmp_path / "b")
    ordered = lines(RECORD.openings).splitlines(keepends=True)
    (folder / "openings.jsonl").write_bytes(b"".join(reversed(ordered)))
    assert "false-opening" in names(verify(folder))
