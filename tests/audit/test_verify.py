"""What the verifier says of files that somebody changed after they were signed."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from audit import entries
from audit import verify as verifier
from audit.verify import FIELDS, FORMS, Unreadable, signature_holds, verify
from tests.audit.bundles import (
    LOG,
    ORIGIN,
    WITNESSES,
    a_key,
    a_policy,
    a_record,
    edit_entries,
    lines,
    names,
    the_tile,
    zipped,
)

RECORD = a_record(fill=700)


@pytest.fixture
def bundle(tmp_path):
    return RECORD.write(tmp_path / "bundle")


def the_failure(report, name):
    return next(failure for failure in report.failures if failure.name == name)


def called(name):
    return f"entry {RECORD.places[name]} (id {RECORD.id(name)})"


def test_a_record_that_nobody_touched_passes_and_its_numbers_are_told(bundle):
    report = verify(bundle)
    assert report.failures == []
    wanted = {
        "entries": len(RECORD.entries),
        "entries of unknown types": 1,
        "votes counted": 4 + 3 + 3 + 700,
        "votes counted scrap": 2,
        "votes counted sealed": 3,
        "tallies recounted": 2,
        "decisions checked": 2,
        "signatures": 1,
        "cosignatures": 2,
        "openings present": len(RECORD.openings),
    }
    assert {name: report.counts[name] for name in wanted} == wanted
    causes = ("erased", "held", "hidden", "kept", "masked", "replaced", "withdrawn")
    assert {cause: report.counts[f"openings absent {cause}"] for cause in causes} == dict.fromkeys(causes, 1)


def test_the_zip_and_the_folder_give_the_same_answer(bundle, tmp_path):
    assert verify(zipped(bundle, tmp_path / "record.zip")).counts == verify(bundle).counts


def test_it_runs_alone_and_answers_by_its_exit(bundle, tmp_path):
    alone = tmp_path / "verify.py"
    alone.write_text(Path(verifier.__file__).read_text("utf-8"), "utf-8")

    def run(path):
        given = [sys.executable, "-I", "-S", str(alone), str(path)]
        done = subprocess.run(given, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return done.returncode, done.stdout

    code, told = run(bundle)
    assert (code, told.split("\n")[-2]) == (0, "VERIFIED")
    assert f"{len(RECORD.entries)}  entries\n" in told
    assert f"The checkpoint is signed by the key {LOG.key.text}.\n" in told
    edit_entries(bundle, 0, lambda found: found.reverse())
    code, told = run(bundle)
    assert (code, told.split("\n")[-2]) == (1, "FAILED")
    assert "FAILED reordered-entries" in told
    assert run(tmp_path / "nothing.zip")[0] == run(alone)[0] == run(tmp_path)[0] == 2


def test_it_knows_every_type_with_every_field_that_the_record_writes():
    assert set(FIELDS) == set(entries.ALL)
    for type, body in entries.ALL.items():
        assert set(FORMS[type].kinds) == {field.name for field in fields(body)}, type
        needed = [field.name for field in fields(body) if field.default is not None]
        assert sorted(FORMS[type].needed) == sorted(needed), type


# RFC 8032, section 7.1, tests 1, 2, 3 and the one on SHA("abc")
VECTORS = [
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
    ("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_signatures_are_checked_as_the_standard_shows(key, message, signature):
    key, message, signature = bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature)
    assert signature_holds(key, message, signature)
    assert not signature_holds(key, message + b"!", signature)
    for at in (0, 31, 32, 63):
        bent = bytearray(signature)
        bent[at] ^= 1
        assert not signature_holds(key, message, bytes(bent))
    s = int.from_bytes(signature[32:], "little") + verifier.ORDER
    if s < 2**256:
        assert not signature_holds(key, message, signature[:32] + s.to_bytes(32, "little"))
    assert not signature_holds(key, message, signature[:63])
    assert not signature_holds(b"\xff" * 32, message, signature)


def test_it_agrees_on_signatures_with_the_library_that_signs():
    for n in range(8):
        key = a_key(f"key{n}")
        signature = key.private.sign(b"message")
        assert signature_holds(key.key.public, b"message", signature)
        assert not signature_holds(a_key("another").key.public, b"message", signature)


def test_an_altered_vote_is_named(bundle):
    place = RECORD.places["vote"]

    def change(found):
        found[place] = found[place].replace(b'"choice":"keep"', b'"choice":"scrap"')

    edit_entries(bundle, 0, change)
    report = verify(bundle)
    assert the_failure(report, "altered-entry").where == called("vote")
    assert "tally-mismatch" in names(report)
    assert report.failures[0].name == "altered-entry"


def test_a_dropped_entry_is_named(bundle):
    edit_entries(bundle, 0, lambda found: found.pop(RECORD.places["comment on uksi-1999-3242"]))
    dropped = the_failure(verify(bundle), "dropped-entry")
    assert dropped.place == RECORD.places["comment on uksi-1999-3242"]
    assert "altered-entry" not in names(verify(bundle))


def test_an_entry_dropped_so_that_all_others_move_up_is_still_named(tmp_path):
    bundle = RECORD.write(tmp_path / "bundle")
    shorter = [entry for place, entry in enumerate(RECORD.entries) if place != 300]
    for n in range(4):
        edit_entries(bundle, n, lambda found, n=n: found.__setitem__(slice(None), shorter[256 * n : 256 * n + 256]))
    assert the_failure(verify(bundle), "dropped-entry").place == 300


def test_the_last_entry_dropped_is_named(bundle):
    edit_entries(bundle, 3, lambda found: found.pop())
    assert the_failure(verify(bundle), "dropped-entry").place == len(RECORD.entries) - 1


def test_a_reordered_pair_is_named(bundle):
    def swap(found):
        found[200], found[201] = found[201], found[200]

    edit_entries(bundle, 0, swap)
    report = verify(bundle)
    assert names(report) == ["reordered-entries"]
    assert report.failures[0].place == 200


def test_an_entry_put_in_is_named(bundle):
    edit_entries(bundle, 3, lambda found: found.append(RECORD.entries[1].replace(b"Deputy", b"Acting")))
    assert the_failure(verify(bundle), "added-entry").place == len(RECORD.entries)


def test_a_tile_that_says_otherwise_than_its_entries_is_named(bundle):
    for level, n in ((0, 1), (1, 0)):
        path = the_tile(bundle, level, n)
        whole = path.read_bytes()
        path.write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
        report = verify(bundle)
        assert names(report) == ["altered-tile"]
        assert report.failures[0].where.startswith(f"tile/{level}/00{n}")
        path.write_bytes(whole)


@pytest.mark.parametrize(("level", "n", "kept"), [(0, 0, -32), (0, 3, -1), (1, 0, -5), ("entries", 1, -3), (0, 2, 40)])
def test_a_truncated_tile_is_named(bundle, level, n, kept):
    path = the_tile(bundle, level, n)
    path.write_bytes(path.read_bytes()[:kept])
    report = verify(bundle)
    assert names(report) == ["truncated-tile"]
    assert report.failures[0].where.startswith(f"tile/{level}/00{n}")


@pytest.mark.parametrize(("level", "named"), [(0, "truncated-tile"), (1, "truncated-tile"), ("entries", "added-entry")])
def test_a_tile_with_more_than_belongs_there_or_none_at_all_is_named(bundle, level, named):
    path = the_tile(bundle, level, 1 if level != 1 else 0)
    whole = path.read_bytes()
    path.write_bytes(whole + (b"\x00\x02{}" if level == "entries" else bytes(32)))
    assert names(verify(bundle))[0] == named
    path.unlink()
    assert names(verify(bundle)) == ["missing-tile"]


def test_with_the_first_tile_gone_that_alone_is_named(bundle):
    the_tile(bundle, 0, 0).unlink()
    the_tile(bundle, "entries", 0).unlink()
    assert names(verify(bundle)) == ["missing-tile"]


def test_a_full_tile_stands_in_for_the_part_of_it_that_the_checkpoint_covers(tmp_path):
    smaller, whole = RECORD.write(tmp_path / "smaller", size=700), RECORD.write(tmp_path / "whole")
    for level, n in ((0, 2), ("entries", 2)):
        partial, full = the_tile(smaller, level, n), the_tile(whole, level, n)
        partial.unlink()
        partial.parent.rmdir()
        partial.parent.with_suffix("").write_bytes(full.read_bytes())
    openings = [opening for opening in RECORD.openings if RECORD.entries.index(entry_of(opening)) < 700]
    (smaller / "openings.jsonl").write_bytes(lines(openings))
    report = verify(smaller)
    assert (report.failures, report.counts["entries"]) == ([], 700)


def entry_of(opening):
    return next(entry for entry in RECORD.entries if opening["entry"].encode() in entry[:600] and _is(entry, opening))


def _is(entry, opening):
    return f'"id":"{opening["entry"]}"'.encode() in entry


def test_a_checkpoint_over_other_entries_is_named(bundle):
    other = a_record(fill=699)
    other.entries.append(RECORD.entries[-2])
    (bundle / "checkpoint").write_text(other.checkpoint())
    assert names(verify(bundle)) == ["root-mismatch"]


def test_a_forged_signature_is_named(bundle):
    note = (bundle / "checkpoint").read_text()
    forged = a_key(ORIGIN, seed="forger").private.sign(note.encode())
    line = LOG.line("another text")
    (bundle / "checkpoint").write_text(note.replace(LOG.line(note.split("\n\n")[0] + "\n"), line))
    assert names(verify(bundle)) == ["forged-signature"]
    assert len(forged) == 64
    (bundle / "checkpoint").write_text(note.replace(LOG.line(note.split("\n\n")[0] + "\n"), ""))
    assert names(verify(bundle)) == ["forged-signature"]


def test_a_swapped_key_is_named_whether_or_not_it_signed(bundle, tmp_path):
    other = a_key(ORIGIN, seed="another")
    (bundle / "vkey").write_text(f"{other.key.text}\n")
    report = verify(bundle)
    assert [(failure.name, failure.where) for failure in report.failures] == [("swapped-key", "vkey")]
    resigned = RECORD.write(tmp_path / "resigned", by=other)
    report = verify(resigned)
    assert names(report) == ["swapped-key"]
    assert report.times["swapped-key"] == 3
    (bundle / "vkey").write_text("nonsense")
    assert names(verify(bundle)) == ["swapped-key"]


def test_a_false_cosignature_is_named_and_a_strangers_is_not_counted(bundle):
    note = (bundle / "checkpoint").read_text()
    text = note.split("\n\n")[0] + "\n"
    one, two = (witness.line(text, seconds=1_790_000_400) for witness in WITNESSES)
    head = LOG.note(text)
    (bundle / "checkpoint").write_text(head + one + WITNESSES[1].line("another text", seconds=1_790_000_400))
    assert names(verify(bundle)) == ["forged-cosignature", "quorum-not-met"]
    (bundle / "checkpoint").write_text(head + one)
    assert names(verify(bundle)) == ["quorum-not-met"]
    (bundle / "policy").write_text(a_policy(quorum="any"))
    report = verify(bundle)
    assert (report.failures, report.counts["cosignatures"]) == ([], 1)
    (bundle / "policy").write_text(a_policy(quorum="none"))
    (bundle / "checkpoint").write_text(head + two + a_key("stranger", kind=4).line(text, seconds=1))
    report = verify(bundle)
    assert (report.failures, report.counts["cosignatures"]) == ([], 1)


@pytest.mark.parametrize(
    "policy", ["\n", "quorum everybody\n", "witness a b\nquorum none\n", "quorum none\nquorum none\n", "\xff"]
)
def test_a_policy_that_cannot_be_read_is_no_policy(bundle, policy):
    (bundle / "policy").write_bytes(policy.encode("latin-1"))
    assert names(verify(bundle)) == ["malformed-policy"]


def test_what_is_no_bundle_is_unreadable(bundle, tmp_path):
    junk = tmp_path / "junk.zip"
    junk.write_bytes(b"PK\x03\x04 not a zip")
    checkpoint = (bundle / "checkpoint").read_text()
    for wrong in (
        "",
        "\n\n",
        checkpoint.replace("\n\n", "\n"),
        checkpoint.replace(f"\n{len(RECORD.entries)}\n", "\n-1\n"),
    ):
        (bundle / "checkpoint").write_text(wrong)
        with pytest.raises(Unreadable):
            verify(bundle)
    for path in (junk, tmp_path / "absent.zip", tmp_path):
        with pytest.raises(Unreadable):
            verify(path)
