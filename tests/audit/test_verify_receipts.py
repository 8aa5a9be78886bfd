"""What the verifier says to somebody who kept something: an earlier checkpoint, or the receipt of a vote."""

import json

import pytest

import accounts.rules
from audit.entries import VoteEntry, pseudonym
from audit.verify import Unreadable, main, organisation_key, verify
from tests.audit.bundles import (
    ITEM,
    LOG,
    ORIGIN,
    PROMISES,
    a_key,
    a_receipt,
    a_record,
    in_base64,
    names,
    salt_of,
)

RECORD = a_record(fill=500)
SIZE = len(RECORD.entries)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return RECORD.write(tmp_path_factory.mktemp("kept") / "bundle")


def kept(tmp_path, given):
    path = tmp_path / "kept"
    path.write_text(given if isinstance(given, str) else json.dumps(given), "utf-8")
    return path


@pytest.mark.parametrize("size", [1, 2, 69, 256, 400, 512, SIZE - 1, SIZE])
def test_a_saved_checkpoint_of_any_size_shows_that_nothing_before_it_changed(bundle, tmp_path, size):
    report = verify(bundle, since=kept(tmp_path, RECORD.checkpoint(size)))
    assert report.failures == []
    assert report.counts["entries unchanged since the saved checkpoint"] == size


def test_a_fork_against_a_saved_checkpoint_is_named(tmp_path):
    def change(bodies):
        bodies[RECORD.places["fill 3"]]["choice"] = "scrap"

    other = RECORD.rewritten(change).write(tmp_path / "other")
    assert names(verify(other)) == [], "by itself it is a record like any other"
    assert names(verify(other, since=kept(tmp_path, RECORD.checkpoint(400)))) == ["fork"]
    before = RECORD.checkpoint(RECORD.places["fill 3"])
    assert names(verify(other, since=kept(tmp_path, before))) == []


def test_a_record_shorter_than_it_was_is_named(tmp_path):
    shorter = a_record(fill=200).write(tmp_path / "shorter")
    assert names(verify(shorter, since=kept(tmp_path, RECORD.checkpoint()))) == ["rolled-back"]


def test_a_saved_checkpoint_must_be_the_records_own(bundle, tmp_path):
    forged = RECORD.checkpoint(100, by=a_key(ORIGIN, seed="forger"))
    assert names(verify(bundle, since=kept(tmp_path, forged))) == ["swapped-key"]
    note = RECORD.checkpoint(100)
    text = note.partition("\n\n")[0] + "\n"
    false = note.replace(LOG.line(text), LOG.line("another text"))
    assert names(verify(bundle, since=kept(tmp_path, false))) == ["forged-signature"]
    other = RECORD.checkpoint(100, by=a_key("other.example/log"))
    assert names(verify(bundle, since=kept(tmp_path, other))) == ["other-log"]
    for junk in ("", "junk", "a\n\nb\n"):
        with pytest.raises(Unreadable):
            verify(bundle, since=kept(tmp_path, junk))


@pytest.mark.parametrize("size", [None, RECORD.places["vote"] + 1, 300, SIZE])
def test_a_receipt_leads_to_its_entry(bundle, tmp_path, size):
    report = verify(bundle, receipt=kept(tmp_path, a_receipt(RECORD, size=size)))
    assert (report.failures, report.counts["receipts"]) == ([], 1)
    assert f"The receipt's entry is entry {RECORD.places['vote']} (id {RECORD.id('vote')})." in report.notes
    assert "Whose line it is was not checked: no --identity was given." in report.notes


@pytest.mark.parametrize("identity", ["ada@example.org", " Ada@Example.ORG "])
def test_with_their_own_address_a_voter_sees_that_the_line_is_theirs(bundle, tmp_path, identity):
    report = verify(bundle, receipt=kept(tmp_path, a_receipt(RECORD, size=SIZE)), identity=identity)
    assert (report.failures, report.counts["pseudonyms"]) == ([], 1)


@pytest.mark.parametrize("name", ["corner shop", "The Corner Shop Ltd.", "CÓRNER SHOP"])
def test_an_organisation_is_known_by_its_name_however_it_is_written(tmp_path, name):
    record, salt = a_record(), salt_of("corner shop")
    voter = pseudonym("voter", salt, {"organisation": "corner shop", "item": ITEM})
    record.add(VoteEntry(item=ITEM, voter=voter, capacity="business", level=2, choice="keep"), name="shop")
    told = a_receipt(record, "shop", size=len(record.entries))
    told["pseudonym"] |= {"salt": salt.hex(), "of": "organisation"}
    report = verify(record.write(tmp_path / "b"), receipt=kept(tmp_path, told), identity=name)
    assert (report.failures, report.counts["pseudonyms"]) == ([], 1)


@pytest.mark.parametrize(
    "name", ["Café Déjà-Vu plc", "Май", "कि", "Ac\u00adme", "Straße & Söhne", "株式会社", "ΑΪΣ", "!"]
)
def test_the_verifier_spells_an_organisation_as_the_site_does(name):
    assert organisation_key(name) == accounts.rules.organisation_key(name)


def test_a_receipt_names_each_key_for_what_it_signs(bundle, tmp_path):
    told = a_receipt(RECORD, size=SIZE)
    for name, other in (("log_vkey", "promise_vkey"), ("promise_vkey", "log_vkey")):
        assert names(verify(bundle, receipt=kept(tmp_path, told | {name: told[other]}))) == ["swapped-key"]


def test_a_line_handed_to_two_people_is_not_under_the_seconds_pseudonym(bundle, tmp_path):
    report = verify(bundle, receipt=kept(tmp_path, a_receipt(RECORD, size=SIZE)), identity="bo@example.org")
    assert names(report) == ["wrong-person"]
    told = a_receipt(RECORD, size=SIZE)
    for changed in ({"salt": "00" * 32}, {"salt": ""}, {"item": "another"}, {"kind": "author"}, {"of": "reference"}):
        given = told | {"pseudonym": told["pseudonym"] | changed}
        assert names(verify(bundle, receipt=kept(tmp_path, given), identity="ada@example.org")) == ["wrong-person"]


def test_after_erasure_a_receipt_says_that_nobody_can_tell_whose_it_is(bundle, tmp_path):
    told = {name: value for name, value in a_receipt(RECORD, size=SIZE).items() if name != "pseudonym"}
    report = verify(bundle, receipt=kept(tmp_path, told), identity="ada@example.org")
    assert report.failures == []
    assert "Whose line it is was not checked: the receipt has no salt." in report.notes


def test_a_promise_that_was_not_kept_is_named_once_its_time_has_passed(tmp_path):
    without = a_record()
    del without.entries[without.places["unknown"]]
    bundle = without.write(tmp_path / "b")
    late = a_receipt(a_record(), "unknown", by=without.hour - 1)
    assert names(verify(bundle, receipt=kept(tmp_path, late))) == ["broken-promise"]
    report = verify(bundle, receipt=kept(tmp_path, a_receipt(a_record(), "unknown", by=without.hour)))
    assert report.failures == []
    assert "The receipt's entry is promised and not yet in this bundle; its time has not run out." in report.notes
    assert "receipts" not in report.counts


def test_a_false_promise_is_named(bundle, tmp_path):
    told = a_receipt(RECORD)
    text = told["promise"].partition("\n\n")[0] + "\n"
    for promise in (
        a_key(f"{ORIGIN}/promise", seed="forger").note(text),
        PROMISES.note(text).replace(PROMISES.line(text), PROMISES.line("other")),
        PROMISES.note(text.replace("leaf ", "leaf A")),
        PROMISES.note(text.replace(ORIGIN, "other.example/log")),
        PROMISES.note(text + "and more\n"),
    ):
        assert names(verify(bundle, receipt=kept(tmp_path, told | {"promise": promise}))) == ["false-promise"]
    other = a_receipt(RECORD, "changed vote")["promise"]
    assert names(verify(bundle, receipt=kept(tmp_path, told | {"promise": other}))) == ["false-promise"]


def test_an_entry_that_was_changed_after_its_receipt_is_named(tmp_path):
    def change(bodies):
        bodies[RECORD.places["fill 3"]]["choice"] = "scrap"

    other = RECORD.rewritten(change).write(tmp_path / "other")
    report = verify(other, receipt=kept(tmp_path, a_receipt(RECORD, "fill 3", size=400)))
    assert names(report) == ["fork", "receipt-mismatch"]
    assert names(verify(other, receipt=kept(tmp_path, a_receipt(RECORD, "fill 3")))) == ["receipt-mismatch"]
    assert "receipts" not in report.counts


def test_a_proof_that_leads_nowhere_is_named(bundle, tmp_path):
    told = a_receipt(RECORD, size=400)
    swapped = [told["proof"][1], told["proof"][0], *told["proof"][2:]]
    for changed in (
        {"proof": told["proof"][1:]}, {"proof": [*told["proof"], in_base64(bytes(32))]}, {"proof": swapped},
        {"proof": []}, {"size": 399}, {"index": told["index"] + 1}, {"index": -1}, {"proof": ["AAAA"]},
    ):  # fmt: skip
        assert "receipt-mismatch" in names(verify(bundle, receipt=kept(tmp_path, told | changed))), changed


def test_a_receipt_from_beyond_the_bundle_is_not_said_to_be_in_order(tmp_path):
    smaller = a_record(fill=200).write(tmp_path / "smaller")
    report = verify(smaller, receipt=kept(tmp_path, a_receipt(RECORD, size=SIZE)))
    assert names(report) == ["rolled-back"]
    assert "receipts" not in report.counts


def test_a_receipt_signed_by_another_key_is_named(bundle, tmp_path):
    told = a_receipt(RECORD, size=SIZE)
    forger = a_key(ORIGIN, seed="forger")
    forged = told | {"checkpoint": RECORD.checkpoint(by=forger)}
    assert names(verify(bundle, receipt=kept(tmp_path, forged))) == ["swapped-key"]
    assert names(verify(bundle, receipt=kept(tmp_path, told | {"log_vkey": forger.key.text}))) == ["swapped-key"]


def test_an_opening_on_a_receipt_is_checked(bundle, tmp_path):
    name = "ada on uksi-2005-735"
    told = {key: value for key, value in a_receipt(RECORD, name, size=SIZE).items() if key != "pseudonym"}
    assert names(verify(bundle, receipt=kept(tmp_path, told | {"opening": {"field": "commit"}}))) == ["false-opening"]
    wrong = {"field": "commit", "kind": "vote", "salt": "00" * 32, "text": "keep:"}
    assert names(verify(bundle, receipt=kept(tmp_path, told | {"opening": wrong}))) == ["false-opening"]
    right = wrong | {"salt": salt_of(name).hex()}
    assert names(verify(bundle, receipt=kept(tmp_path, told | {"opening": right}))) == []


@pytest.mark.parametrize(
    "changed",
    [{"format": "other"}, {"entry": 7}, {"entry": "junk"}, {"entry": "{}"}, {"index": "1"}, {"index": True},
     {"proof": 5}, {"proof": ["?"]}, {"checkpoint": None}, {"checkpoint": "junk"}, {"promise": 5}, {"promise": "junk"}],
    ids=str,
)  # fmt: skip
def test_what_is_no_receipt_is_unreadable(bundle, tmp_path, changed):
    with pytest.raises(Unreadable):
        verify(bundle, receipt=kept(tmp_path, a_receipt(RECORD, size=SIZE) | changed))


@pytest.mark.parametrize("junk", ["", "[]", "null", "[" * 5000, '{"format":"regulation-review.receipt/v1"}', "\ud7ff"])
def test_junk_for_a_receipt_is_unreadable(bundle, tmp_path, junk, capsys):
    assert main([str(bundle), "--receipt", str(kept(tmp_path, junk))]) == 2
    assert capsys.readouterr().out.startswith("UNREADABLE: ")


def test_the_command_takes_all_of_it_at_once(bundle, tmp_path, capsys):
    saved, receipt = tmp_path / "saved", kept(tmp_path, a_receipt(RECORD, size=SIZE))
    saved.write_text(RECORD.checkpoint(300))
    given = [str(bundle), "--since", str(saved), "--receipt", str(receipt), "--identity", "ada@example.org"]
    assert main(given) == 0
    told = capsys.readouterr().out
    assert told.endswith("VERIFIED\n")
    assert "pseudonyms" in told
    assert main([*given[:-1], "bo@example.org"]) == 1
