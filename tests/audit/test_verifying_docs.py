"""docs/verifying.md says what the code does: every type with its fields, every failure, and vectors that hold."""

import base64
import dataclasses
import hashlib
import json
import re
from pathlib import Path

import pytest
import rfc8785

from accounts.rules import organisation_key
from analysis.services import point_text
from audit import entries, merkle, verify
from audit.entries import ALL
from audit.notes import Checkpoint, VerifierKey, note_text, vouched
from decisions.answers import answer_text
from decisions.milestones import milestone_text
from decisions.models import Answer
from regulations.models import Theme
from regulations.services import Listed, listing_text, theme_text

DOCS = (Path(__file__).parents[2] / "docs" / "verifying.md").read_text("utf-8")
VECTORS = json.loads(re.search(r"```json\n(.*?)```", DOCS, re.S)[1])

LIMITS = (
    "distinct person", "coercion", "everyone the same record", "by its place and hour", "stand near each other",
    "operators", "server's own clock", "erased texts", "freedom from faults",
)  # fmt: skip
SOMETHING = "0" * 32
ADDRESSES = (
    "/log/checkpoint", "/log/cosigned", "/log/vkey", "/log/policy", "/log/tile/0/x001/234",
    "/log/tile/entries/067.p/17", f"/log/openings/{SOMETHING}.json", "/data/record.zip", "/data/verify.py",
    "/help/verify", f"/record/{SOMETHING}.json",
)  # fmt: skip


def rows_under(heading):
    table = DOCS.partition(heading)[2].partition("\n\n")[0]
    return {line.split("`")[1]: line.split(" | ") for line in table.splitlines() if line.startswith("| `")}


TYPES = rows_under("| type | fields | what it says |\n")
NAMES = rows_under("| name | what failed |\n")


@pytest.mark.parametrize("type", sorted(ALL))
def test_every_type_of_entry_stands_there_with_exactly_its_fields(type):
    documented = re.findall(r"`([a-z_0-9]+)`(\??)", TYPES[type][1])
    fields = [(f.name, "" if f.default is dataclasses.MISSING else "?") for f in dataclasses.fields(ALL[type])]
    assert documented == fields


def test_every_failure_of_the_verifier_stands_there_and_no_other():
    assert NAMES.keys() == verify.FAILURES.keys()
    assert all(verify.FAILURES[name] in row[1] for name, row in NAMES.items())


def test_what_this_does_not_prove_is_said_openly():
    limits = " ".join(DOCS.partition("## What this does not prove")[2].lower().split())
    for words in LIMITS:
        assert words in limits, words


def test_the_addresses_it_names_are_answered(sqlite_app):
    urls = sqlite_app.url_map.bind("localhost")
    for address in ADDRESSES:
        urls.match(address)


LISTED = ("title", "sentence", "summary", "binds", "in_force", "link", "department", "checked_on", "source")
DIGESTED = {
    "point": point_text("", ""),
    "milestone": milestone_text("", "", ""),
    "theme": theme_text(Theme(title="", summary="", on_the_table="", off_the_table="")),
    "regulation's listing": listing_text(Listed(**dict.fromkeys(LISTED, ""), sectors=[], spent=None)),
    "answer": answer_text(Answer(verdict="", reasons="", point_title="", behind=0)),
}


@pytest.mark.parametrize("what", DIGESTED)
def test_a_public_texts_digest_is_of_what_the_page_says(what):
    row = " ".join(DOCS.split())
    named = re.search(rf"of an? {what} `{{([a-z_, ]+)}}`", row)
    assert sorted(named[1].split(", ")) == list(json.loads(DIGESTED[what]))


def test_organisations_are_spelled_as_the_page_says():
    written = rows_in_columns("| as somebody wrote it | as the record spells it |\n")
    assert len(written) > 3
    for name, spelled in written:
        assert f"`{organisation_key(name)}`" == spelled
        assert organisation_key(spelled.strip("`")) == spelled.strip("`")


def rows_in_columns(heading):
    table = DOCS.partition(heading)[2].partition("\n\n")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[1:]]


def test_the_vectors_pseudonym_and_commitment_are_made_as_the_page_says():
    for what, field in (("pseudonym", "identity"), ("commitment", "text")):
        said = VECTORS[what]
        in_a_row = b"regulation-review/v1/" + said["kind"].encode() + b"\0" + bytes.fromhex(said["salt"])
        assert hashlib.sha256(in_a_row + said[field].encode()).hexdigest() == said["is"]
    made, salt = VECTORS["pseudonym"], bytes.fromhex(VECTORS["pseudonym"]["salt"])
    assert entries.pseudonym(made["kind"], salt, json.loads(made["identity"])) == made["is"]
    shut = VECTORS["commitment"]
    assert entries.commitment(shut["kind"], bytes.fromhex(shut["salt"]), shut["text"]) == shut["is"]
    opening = {"field": "body_commit", **shut}
    assert verify.opening_digest(opening).hex() == shut["is"]


def test_the_vectors_entries_are_canonical_and_make_the_tree():
    raw = [entry.encode() for entry in VECTORS["entries"]]
    said = [json.loads(entry) for entry in raw]
    assert [rfc8785.dumps(one) for one in said] == raw
    assert [verify.read_entry(entry) for entry in raw] == said
    assert [ALL[one["type"]].type for one in said] == ["log.open", "vote", "comment"]
    assert said[1]["voter"] == VECTORS["pseudonym"]["is"]
    leaves = [merkle.leaf_hash(entry) for entry in raw]
    assert [leaf.hex() for leaf in leaves] == VECTORS["leaves"]
    assert merkle.node_hash(*leaves[:2]).hex() == VECTORS["node_0_1"]
    assert merkle.root(leaves).hex() == VECTORS["root"]
    assert [one.hex() for one in merkle.inclusion_proof(1, leaves)] == VECTORS["inclusion_of_1"]
    assert [one.hex() for one in merkle.consistency_proof(2, leaves)] == VECTORS["consistency_from_2"]


def test_the_vectors_notes_are_signed_by_the_keys_that_the_first_entry_names():
    first, vote = json.loads(VECTORS["entries"][0]), json.loads(VECTORS["entries"][1])
    for note, vkey, name in (("checkpoint", "log_vkey", "log_key"), ("promise", "promise_vkey", "promise_key")):
        key = VerifierKey.read(VECTORS[vkey])
        assert vouched(VECTORS[note], [key]) == [key]
        assert verify.Note.read(VECTORS[note].encode()).signed_by(verify.Key.read(VECTORS[vkey]))
        assert base64.b64encode(key.public).decode() == first[name]
    checkpoint = Checkpoint.read(note_text(VECTORS["checkpoint"]))
    assert (checkpoint.origin, checkpoint.size, checkpoint.root.hex()) == (first["origin"], 3, VECTORS["root"])
    leaf = base64.b64encode(bytes.fromhex(VECTORS["leaves"][1])).decode()
    promised = (
        f"regulation-review.promise/v1\n{first['origin']}\nentry {vote['id']}\nleaf {leaf}\nby {vote['t'] + 86400}\n"
    )
    assert note_text(VECTORS["promise"]) == promised
