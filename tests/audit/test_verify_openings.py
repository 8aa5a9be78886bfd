"""What the verifier says of texts: those that must be there, those that may be withheld, and false ones."""

import json

import pytest

from audit.entries import Invalidation, TallyEntry, VoteEntry
from audit.verify import main, verify
from tests.audit.bundles import (
    OTHER_ITEM,
    WAITING_ITEM,
    Sealed,
    a_record,
    counts,
    found_in,
    lines,
    names,
    sealed,
    somebody,
)

RECORD = a_record()


def openings(record, **changed):
    """The openings as lines, those of named entries changed, or left out where the change is None."""
    names_by_id = {json.loads(record.entries[place])["id"]: name for name, place in record.places.items()}
    kept = []
    for opening in record.openings:
        name = names_by_id[opening["entry"]]
        if name not in changed:
            kept.append(opening)
        elif changed[name] is not None:
            kept.append(opening | changed[name])
    return lines(kept)


@pytest.mark.parametrize(
    "name",
    ["standing", "replacing", "shown again", "hide of hide", "mask of mask", "due", "decision", "ada on uksi-1999-3242",
     "comment on uksi-1999-3242"],
)  # fmt: skip
def test_a_text_withheld_without_a_word_is_named(tmp_path, name):
    bundle = RECORD.write(tmp_path / "b")
    (bundle / "openings.jsonl").write_bytes(openings(RECORD, **{name: None}))
    report = verify(bundle)
    assert "missing-opening" in names(report)
    first = next(failure for failure in report.failures if failure.name == "missing-opening")
    assert first.place == RECORD.places[name]


@pytest.mark.parametrize(
    "changed", [{"text": "Other words"}, {"salt": "00" * 32}, {"kind": "other"}, {"salt": "00" * 31}, {"kind": 7}]
)
@pytest.mark.parametrize("name", ["standing", "comment on uksi-1999-3242"])
def test_a_text_that_is_not_what_was_committed_to_is_named(tmp_path, name, changed):
    bundle = RECORD.write(tmp_path / "b")
    (bundle / "openings.jsonl").write_bytes(openings(RECORD, **{name: changed}))
    assert "false-opening" in names(verify(bundle))


def test_a_salt_cannot_lend_its_last_letter_to_the_text(tmp_path):
    bundle = RECORD.write(tmp_path / "b")
    given = next(opening for opening in RECORD.openings if opening["entry"] == RECORD.id("standing"))
    moved = {"salt": given["salt"] + given["text"][:1].encode().hex(), "text": given["text"][1:]}
    (bundle / "openings.jsonl").write_bytes(openings(RECORD, standing=moved))
    assert "false-opening" in names(verify(bundle))


@pytest.mark.parametrize(
    "junk",
    [b"{}\n", b"[" * 9000, b"\xff\n", b'{"entry":1}\n', b"null\n",
     b'{"entry":"' + b"a" * 32 + b'","field":"x_sha256","text":"\\ud800"}\n'],
)  # fmt: skip
def test_junk_among_the_openings_is_named(tmp_path, junk):
    bundle = RECORD.write(tmp_path / "b")
    (bundle / "openings.jsonl").write_bytes(junk + lines(RECORD.openings))
    assert "false-opening" in names(verify(bundle))


def test_openings_of_nothing_and_openings_given_twice_are_named(tmp_path):
    bundle = RECORD.write(tmp_path / "b")
    stray = {"entry": "f" * 32, "field": "text_sha256", "text": "x"}
    (bundle / "openings.jsonl").write_bytes(lines([*RECORD.openings, stray]))
    assert names(verify(bundle)) == ["false-opening"]
    (bundle / "openings.jsonl").write_bytes(lines([*RECORD.openings, RECORD.openings[3]]))
    assert "false-opening" in names(verify(bundle))


def test_without_any_openings_all_are_missing_unless_one_asks_for_the_log_alone(tmp_path, capsys):
    bundle = RECORD.write(tmp_path / "b")
    (bundle / "openings.jsonl").unlink()
    assert "missing-opening" in names(verify(bundle))
    assert main([str(bundle)]) == 1
    assert main([str(bundle), "--log-only"]) == 0
    assert capsys.readouterr().out.endswith("\nVERIFIED, the log alone\n")
    report = verify(bundle, log_only=True)
    assert report.failures == []
    assert any(note.startswith("LOG ONLY") for note in report.notes)
    assert report.counts["tallies recounted"] == 0, "the list of struck votes is among the openings"


def test_a_text_may_be_away_while_the_last_act_on_it_holds_it_back(tmp_path):
    def hold(bodies):
        bodies[RECORD.places["restore of shown again"]]["action"] = "hold"

    bundle = RECORD.rewritten(hold).write(tmp_path / "b")
    (bundle / "openings.jsonl").write_bytes(openings(RECORD, **{"shown again": None}))
    report = verify(bundle)
    assert (report.failures, report.counts["openings absent held"]) == ([], 2)


def test_the_words_that_a_mask_leaves_must_be_there_as_long_as_it_is_the_last_word(tmp_path):
    bundle = RECORD.write(tmp_path / "b")
    mask = RECORD.id("mask of mask")
    kept = [opening for opening in RECORD.openings if (opening["entry"], opening["field"]) != (mask, "body_commit")]
    (bundle / "openings.jsonl").write_bytes(lines(kept))
    report = verify(bundle)
    assert names(report) == ["missing-opening"]
    assert report.failures[0].place == RECORD.places["mask of mask"]


def test_while_a_theme_keeps_its_split_nothing_of_it_need_be_open_and_afterwards_all(tmp_path):
    record = a_record()
    record.add(tally_of_waiting(record), name="late tally")
    report = found_in(record, tmp_path)
    assert names(report) == ["missing-opening"]
    assert report.failures[0].place == record.places[f"ada on {WAITING_ITEM}"]
    assert report.times["missing-opening"] == 2, "the first of the votes, and the comment's text"


def tally_of_waiting(record):
    return TallyEntry(item=WAITING_ITEM, at_size=len(record.entries), counts=counts(participants=3))


def test_a_vote_may_be_sealed_only_where_the_theme_keeps_its_split(tmp_path):
    record = a_record()
    commit = sealed("vote", "keep:").commit
    vote = VoteEntry(item=OTHER_ITEM, voter=somebody("x", OTHER_ITEM), capacity="public", level=1, commit=commit)
    record.add(vote, name="sealed for no reason")
    report = found_in(record, tmp_path)
    assert names(report) == ["missing-opening"]
    assert report.failures[0].place == record.places["sealed for no reason"]


def test_a_sealed_vote_that_opens_to_no_choice_is_named(tmp_path):
    record, odd = a_record(), Sealed("vote", "burn:", bytes(32))
    body = VoteEntry(
        item=WAITING_ITEM, voter=somebody("x", WAITING_ITEM), capacity="public", level=1, commit=odd.commit
    )
    record.add(body, opens={"commit": odd}, name="odd")
    assert names(found_in(record, tmp_path)) == ["false-opening"]


def test_a_list_of_struck_votes_that_is_no_list_is_named(tmp_path):
    record = a_record()
    for n, text in enumerate(('["x"]', "{}", "nonsense")):
        listed = sealed("targets", text)
        act = Invalidation(act="a2", rule="automated", actor="Desk", targets_commit=listed.commit)
        record.add(act, opens={"targets_commit": listed}, name=f"act {n}")
    report = found_in(record, tmp_path)
    assert (names(report), report.times["false-opening"]) == (["false-opening"], 3)
