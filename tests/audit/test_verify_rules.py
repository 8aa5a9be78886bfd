"""What the verifier says of a keeper who rewrites the record and signs all of it anew."""

import hashlib
import json

import pytest
import rfc8785

from audit.entries import KeyRotate, VoteEntry, text_digest
from audit.verify import verify
from tests.audit.bundles import (
    FIRST_HOUR,
    ITEM,
    KEPT_ITEM,
    LOG,
    ORIGIN,
    Record,
    a_key,
    a_record,
    counts,
    found_in,
    in_base64,
    names,
    public,
    somebody,
)

RECORD = a_record()
NEW = a_key(ORIGIN, seed="new")


def saying(name, /, **changed):
    """A change that makes one entry say something else; None takes a field away."""

    def change(bodies):
        body = bodies[RECORD.places[name]]
        for field, value in changed.items():
            body.pop(field, None)
            if value is not None:
                body[field] = value

    return change


def in_front(name, of):
    def change(bodies):
        moved = bodies.pop(RECORD.places[name])
        bodies.insert(RECORD.places[of], moved)

    return change


ABSENT = "f" * 32
DIGEST = "e" * 64

REWRITTEN = [
    ("an altered vote", saying("vote", choice="scrap"), ["tally-mismatch", "decision-cites-wrong-tally"], "tally"),
    ("a changed tally", saying("tally", counts=counts(participants=4, scrap=4)),
     ["tally-mismatch", "decision-cites-wrong-tally"], "tally"),
    ("a tally with a word of its own", saying("tally", counts=RECORD.said("tally")["counts"] | {"maybe": 1}),
     ["tally-mismatch", "decision-cites-wrong-tally"], "tally"),
    ("a tally of what is still to come", saying("kept tally", at_size=2**40),
     ["tally-mismatch"], None),
    ("a tally that leaves out the last votes", saying("kept tally", at_size=RECORD.places["ada on uksi-1999-3242"]),
     ["tally-mismatch"], "kept tally"),
    ("a changed vote that goes before another", saying("changing vote", prev=None), ["broken-chain"], "changing vote"),
    ("a chain that leaves a line out", saying("withdrawal", prev=RECORD.id("vote")), ["broken-chain"], "withdrawal"),
    ("a comment's chain", saying("replacing", prev=RECORD.id("standing")), ["broken-chain"], "replacing"),
    ("a first vote that follows nothing", saying("vote", prev=ABSENT), ["broken-chain"], "vote"),
    ("a dropped vote that another follows", RECORD.without("changed vote"), ["broken-chain"], None),
    ("a dropped comment that was supported", RECORD.without("standing"), ["unknown-reference", "false-opening"], None),
    ("a moderation of what is no comment", saying("hide of hide", target=RECORD.id("vote")),
     ["unknown-reference", "missing-opening"], "hide of hide"),
    ("a moderation of another item's comment", saying("hide of hide", item=KEPT_ITEM),
     ["unknown-reference"], "hide of hide"),
    ("a grouping of what comes later", in_front("grouping", "standing"),
     ["unknown-reference", "back-dated-entry"], None),
    ("an answer to what is no point", saying("answer", point=RECORD.id("standing")), ["unknown-reference"], "answer"),
    ("a dispute of what is no grouping", saying("dispute", grouping=RECORD.id("standing")),
     ["unknown-reference"], "dispute"),
    ("a letter that follows none", saying("letter withheld", prev=ABSENT), ["unknown-reference"], "letter withheld"),
    ("a duplicated id", saying("vote", id=RECORD.id("organisation's vote")), ["duplicate-id"], "organisation's vote"),
    ("a back-dated entry", saying("unknown", t=FIRST_HOUR), ["back-dated-entry"], "unknown"),
    ("a time within the hour", saying("unknown", t=FIRST_HOUR + 1), ["malformed-entry"], None),
    ("another version of entries", saying("unknown", v=2), ["malformed-entry"], None),
    ("a truth for a number", saying("unknown", v=True), ["malformed-entry"], None),
    ("a missing log.open", RECORD.without("log.open"), ["not-opened", "forged-signature"], None),
    ("a second log.open", lambda bodies: bodies.append(bodies[0] | {"id": ABSENT, "t": bodies[-1]["t"]}),
     ["not-opened"], None),
    ("a decision without its tally", saying("decision", tally=ABSENT), ["unknown-reference"], "decision"),
    ("a decision on another's tally", saying("decision", tally=RECORD.id("kept tally")),
     ["decision-mismatch"], "decision"),
    ("a decision on another size", saying("decision", at_size=3), ["decision-mismatch"], "decision"),
    ("a decision on more than there was", saying("decision", at_size=2**40), ["decision-mismatch"], "decision"),
    ("evidence frozen before some of what is cited",
     saying("decision", evidence_at_size=RECORD.said("decision")["at_size"]), ["decision-mismatch"], "decision"),
    ("evidence frozen before the count", saying("decision", evidence_at_size=3), ["decision-mismatch"], "decision"),
    ("evidence frozen later than the decision", saying("decision", evidence_at_size=2**40),
     ["decision-mismatch"], "decision"),
    ("an office that approves itself", saying("decision", approver="Deputy Director"),
     ["decision-mismatch"], "decision"),
    ("a decision beside a standing one", saying("second decision", supersedes=None),
     ["decision-mismatch"], "second decision"),
    ("a decision that supersedes none", saying("decision", supersedes=RECORD.id("tally")),
     ["decision-mismatch"], "decision"),
    ("another statement", saying("decision", statement_sha256=DIGEST), ["false-opening"], "decision"),
    ("another commitment", saying("standing", body_commit=DIGEST), ["false-opening"], "standing"),
    ("a field of one's own", saying("vote", name="Ada"), ["malformed-entry"], "vote"),
    ("a vote for nothing", saying("vote", choice=None), ["malformed-entry"], "vote"),
    ("an improvement without direction", saying("vote", choice="improve"), ["malformed-entry"], "vote"),
    ("a choice of one's own", saying("vote", choice="burn"), ["malformed-entry"], "vote"),
    ("201 votes struck out at once", saying("invalidation", targets=[ABSENT] * 201),
     ["malformed-entry"], "invalidation"),
    ("a list of struck votes given twice", saying("invalidation", targets_commit=DIGEST), ["malformed-entry"],
     "invalidation"),
    ("more than 8 KiB", saying("unknown", x=["y" * 8192]), ["not-canonical"], None),
    ("a struck vote that is not there", saying("invalidation", targets=[ABSENT]),
     ["unknown-reference"], "invalidation"),
    ("a theme that opened with more than it lists", saying("census", number=2), ["census-mismatch"], "census"),
    ("a theme counted at another moment", saying("census", opens=FIRST_HOUR + 7200), ["census-mismatch"], "census"),
    ("another list of what it opened with", saying("census", items_sha256=DIGEST), ["false-opening"], "census"),
    ("two editions of one number", saying("edition", number=1), ["edition-mismatch"], "edition"),
    ("an edition left out", saying("edition", number=3), ["edition-mismatch"], "edition"),
    ("an edition of what was not there yet", saying("edition", at_size=2**40), ["edition-mismatch"], "edition"),
    ("a step put off unseen", saying("put off", moved_from=None), ["malformed-entry"], "put off"),
    ("a step put off from another day", saying("put off", moved_from=FIRST_HOUR), ["malformed-entry"], "put off"),
    ("a mask that leaves nothing", saying("mask of mask", body_commit=None), ["malformed-entry"], "mask of mask"),
    ("a fraction", saying("unknown", x=[0.5]), ["not-canonical"], None),
    ("words not in NFC", saying("unknown", x=["Cafe\u0301"]), ["not-canonical"], None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "wanted", "named"), [row[1:] for row in REWRITTEN], ids=[row[0] for row in REWRITTEN]
)
def test_rewriting_and_signing_anew_is_found_by(tmp_path, change, wanted, named):
    report = found_in(RECORD.rewritten(change), tmp_path)
    assert set(wanted) <= set(names(report))
    assert {"forged-signature", "root-mismatch"}.isdisjoint(names(report)) or "not-opened" in wanted
    if named:
        first = next(failure for failure in report.failures if failure.name == wanted[0])
        assert first.where.startswith(f"entry {RECORD.places[named]} (id ")


def test_rewriting_nothing_is_nothing(tmp_path):
    assert found_in(RECORD.rewritten(lambda bodies: None), tmp_path).failures == []


def test_an_entry_may_be_an_hour_behind_and_no_more(tmp_path):
    behind = saying("unknown", t=RECORD.hour - 3600)
    assert names(found_in(RECORD.rewritten(behind), tmp_path / "one")) == []
    behind = saying("unknown", t=RECORD.hour - 7200)
    assert names(found_in(RECORD.rewritten(behind), tmp_path / "two")) == ["back-dated-entry"]


def test_a_false_root_in_a_decision_is_named(tmp_path):
    forged = RECORD.rewritten(lambda bodies: None)
    place = RECORD.places["decision"]
    forged.entries[place] = rfc8785.dumps(json.loads(forged.entries[place]) | {"root": DIGEST})
    report = found_in(forged, tmp_path)
    assert [(failure.name, failure.place) for failure in report.failures] == [("decision-mismatch", place)]


@pytest.mark.parametrize(
    "raw",
    [b"{}", b"[]", b"", b"\xff", b'{"a":1,"a":1}', b'{"b":1,"a":1}', b'{"a": 1}', b'{"a":NaN}', b'{"a":-0}', b"null",
     b'{"a":9007199254740992}',
     b'{"a":' + b"9" * 5000 + b"}", b"[" * 8000, b'{"a":' * 1500, b'{"a":"\\ud800"}', b'{"a":"\\u0041"}',
     b'"' + b"x" * 9000 + b'"'],
    ids=range(17),
)  # fmt: skip
def test_bytes_that_are_no_canonical_entry_are_named_and_nothing_breaks(tmp_path, raw):
    record = a_record()
    record.add_bytes(raw, "junk")
    report = found_in(record, tmp_path)
    assert names(report) == ["malformed-entry" if raw == b"{}" else "not-canonical"]
    assert report.failures[0].place == len(record.entries) - 1


def test_names_sort_as_the_standard_sorts_them(tmp_path):
    record = a_record()
    body = {"v": 1, "id": "a" * 32, "t": record.hour, "type": "future.act", "\U0001f600": 1, "\uff21": 2, "é": 3}
    record.add_bytes(rfc8785.dumps(body), "a" * 32)
    assert found_in(record, tmp_path).failures == []


def test_a_new_key_speaks_for_the_record_from_where_it_is_named(tmp_path):
    record = a_record()
    size = len(record.entries)
    rotation = KeyRotate(which="log", old=public(LOG), new=in_base64(NEW.key.public), actor="The operator")
    record.add(rotation, name="rotation")
    assert found_in(record, tmp_path / "new", by=NEW).failures == []
    assert set(names(found_in(record, tmp_path / "old", by=LOG))) == {"swapped-key"}
    saved = tmp_path / "saved"
    saved.write_text(record.checkpoint(size, by=LOG))
    assert verify(tmp_path / "new", since=saved).failures == []
    saved.write_text(record.checkpoint(size, by=NEW))
    assert names(verify(tmp_path / "new", since=saved)) == ["swapped-key"]
    record.add(KeyRotate(which="log", old=public(LOG), new=public(LOG), actor="The operator"))
    assert names(found_in(record, tmp_path / "back", by=NEW)) == ["swapped-key"]


def test_votes_after_a_count_are_told_and_not_in_it(tmp_path):
    record = a_record()
    record.add(VoteEntry(item=ITEM, voter=somebody("late"), capacity="public", level=1, choice="keep"))
    report = found_in(record, tmp_path)
    assert (report.failures, report.counts["votes after a final count"]) == ([], 1)


def test_a_record_of_nothing_is_not_opened(tmp_path):
    empty = Record()
    assert "not-opened" in names(found_in(empty, tmp_path))


def test_the_digests_of_the_small_record_are_those_of_its_texts():
    statement = next(o for o in RECORD.openings if o["entry"] == RECORD.id("decision"))["text"]
    assert (
        RECORD.said("decision")["statement_sha256"]
        == text_digest(statement)
        == hashlib.sha256(statement.encode()).hexdigest()
    )
