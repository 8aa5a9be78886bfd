"""Signed notes against what others published, and against whoever would forge one."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import notes
from audit.notes import BadNote, Checkpoint, Signer, VerifierKey, note_text, signature_lines, vouched

# The example in the documentation of Go's golang.org/x/mod/sumdb/note, with the private key it publishes.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_SECRET = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
QUOTE = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNED = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
SIGNED_TOO = "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ="
QUOTED = f"{QUOTE}\n— PeterNeumann {SIGNED}\n"
ROOT_SIGNED_TOO = f"{QUOTED}— EnochRoot {SIGNED_TOO}\n"
SUM_GOLANG_ORG = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
"""The key of Go's checksum database, as every Go tool carries it."""

THE_SIGN = Signer("log.example/one", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
WITNESS = Signer("witness.example/w1", Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64))), notes.COSIGNATURE)
CHECKPOINT = Checkpoint("log.example/one", 20_852_163, hashlib.sha256(b"a root").digest())


def neumann():
    return VerifierKey.read(NEUMANN)


def test_a_published_note_is_vouched_for_by_its_published_key():
    assert vouched(QUOTED, [neumann()]) == [neumann()]
    assert note_text(QUOTED) == QUOTE


def test_others_who_sign_a_note_do_no_harm():
    assert vouched(ROOT_SIGNED_TOO, [neumann()]) == [neumann()]
    assert [name for name, _, _ in signature_lines(ROOT_SIGNED_TOO)] == ["PeterNeumann", "EnochRoot"]


def test_the_published_private_key_signs_the_published_note():
    seed = base64.b64decode(NEUMANN_SECRET)[1:]
    signer = Signer("PeterNeumann", Ed25519PrivateKey.from_private_bytes(seed))
    assert signer.key.text == NEUMANN
    assert signer.note(QUOTE) == QUOTED


@pytest.mark.parametrize("published", [NEUMANN, SUM_GOLANG_ORG])
def test_published_verifier_keys_are_read_and_written_as_they_are(published):
    key = VerifierKey.read(published + "\n")
    assert (key.text, key.kind) == (published, notes.ED25519)
    assert key.id.hex() == published.split("+")[1]


@pytest.mark.parametrize(
    "spoiled",
    [
        NEUMANN.replace("PeterNeumann", "PeterNewmann"),
        NEUMANN.replace("c74f20a3", "c74f20a4"),
        NEUMANN.replace("ARpc", "ARpd"),
        NEUMANN.replace("+ARpc", "+AhpC"),
        NEUMANN[:-4],
        NEUMANN + "=",
        NEUMANN.replace("PeterNeumann", "Peter Neumann"),
        NEUMANN.replace("PeterNeumann", ""),
        "PeterNeumann",
        "",
        "++",
    ],
)
def test_a_verifier_key_with_anything_amiss_is_refused(spoiled):
    with pytest.raises(BadNote):
        VerifierKey.read(spoiled)


@pytest.mark.parametrize(
    "spoiled",
    [
        QUOTED.replace("answer", "anwser"),
        QUOTED.replace("problem is.\n", "problem is. \n"),
        QUOTED.replace("\n\n—", "\n\n\n—"),
        QUOTED.replace("x08go/ZJ", "x08go/ZK"),
        QUOTED.replace("x08go", "x08gp"),
        QUOTED.replace("— PeterNeumann", "— PeterNewmann"),
        QUOTED.replace("— Peter", "- Peter"),
        QUOTED.replace("— Peter", "—  Peter"),
        QUOTED.replace("nAM=", "nAN="),
        QUOTED.replace("nAM=", "nAM"),
        QUOTED.removesuffix("\n"),
        QUOTED + "\n",
        QUOTED + "one line more\n",
        QUOTED.replace("\n", "\r\n"),
        QUOTED.replace("cryptography", "crypto\tgraphy"),
        QUOTED.replace("\n\n", "\n"),
        f"— PeterNeumann {SIGNED}\n",
        QUOTE,
        "",
        "\n\n",
        "x" * notes.LONGEST_NOTE + QUOTED,
    ],
)
def test_a_note_with_anything_amiss_is_refused(spoiled):
    with pytest.raises(BadNote):
        vouched(spoiled, [neumann()])


def test_a_note_that_nobody_known_signed_is_refused():
    for keys in ([], [THE_SIGN.key], [VerifierKey.read(SUM_GOLANG_ORG)]):
        with pytest.raises(BadNote, match="No key that is known"):
            vouched(QUOTED, keys)


def test_a_false_signature_of_one_who_is_known_spoils_what_another_signed():
    forged = WITNESS.line("another text\n", seconds=1)
    with pytest.raises(BadNote, match=r"witness\.example/w1 is false"):
        vouched(THE_SIGN.note(CHECKPOINT.text) + forged, [THE_SIGN.key, WITNESS.key])


def test_who_signs_twice_is_counted_once():
    note = THE_SIGN.note(CHECKPOINT.text)
    twice = note + WITNESS.line(CHECKPOINT.text, seconds=5) + WITNESS.line(CHECKPOINT.text, seconds=6)
    assert vouched(twice, [THE_SIGN.key, WITNESS.key]) == [THE_SIGN.key, WITNESS.key]


def test_a_cosignature_is_as_the_format_says():
    """c2sp.org/tlog-cosignature: key id over 0x04, eight bytes of time, and a signature over a head and the text."""
    line = WITNESS.line(CHECKPOINT.text, seconds=1_679_315_147)
    public = WITNESS.private.public_key().public_bytes_raw()
    raw = base64.b64decode(line.removeprefix("— witness.example/w1 ").removesuffix("\n"))
    assert raw[:4] == hashlib.sha256(b"witness.example/w1\n\x04" + public).digest()[:4]
    assert raw[4:12].hex() == "00000000641850cb", "the time in the example of the format"
    said = b"cosignature/v1\ntime 1679315147\nlog.example/one\n20852163\n" + base64.b64encode(CHECKPOINT.root) + b"\n"
    Ed25519PublicKey.from_public_bytes(public).verify(raw[12:], said)
    assert len(raw) == 4 + 8 + 64
    assert vouched(f"{CHECKPOINT.text}\n{line}", [WITNESS.key]) == [WITNESS.key]


def test_a_cosignature_at_another_time_is_false():
    _, id, signature = signature_lines(f"{CHECKPOINT.text}\n{WITNESS.line(CHECKPOINT.text, seconds=100)}")[0]
    assert WITNESS.key.vouches(CHECKPOINT.text, signature)
    for spoiled in ((101).to_bytes(8) + signature[8:], signature[8:], signature[:-1], signature[:8], b""):
        assert not WITNESS.key.vouches(CHECKPOINT.text, spoiled)


def test_one_key_in_its_two_uses_has_two_ids_and_takes_neither_signature_for_the_other():
    as_log = Signer(WITNESS.name, WITNESS.private)
    assert as_log.key.id != WITNESS.key.id
    with pytest.raises(BadNote):
        vouched(as_log.note(CHECKPOINT.text), [WITNESS.key])
    with pytest.raises(BadNote):
        vouched(f"{CHECKPOINT.text}\n{WITNESS.line(CHECKPOINT.text, seconds=1)}", [as_log.key])


def test_a_checkpoint_is_three_lines_and_may_be_followed_by_more():
    assert CHECKPOINT.text == f"log.example/one\n20852163\n{base64.b64encode(CHECKPOINT.root).decode()}\n"
    assert Checkpoint.read(CHECKPOINT.text) == CHECKPOINT
    assert Checkpoint.read(CHECKPOINT.text + "extension\n") == CHECKPOINT


@pytest.mark.parametrize(
    "spoiled",
    [
        CHECKPOINT.text.replace("20852163", "020852163"),
        CHECKPOINT.text.replace("20852163", "+20852163"),
        CHECKPOINT.text.replace("20852163", "-1"),
        CHECKPOINT.text.replace("20852163", "20852163 "),
        CHECKPOINT.text.replace("20852163", "2085216٣"),
        CHECKPOINT.text.replace("log.example/one\n", "\n"),
        CHECKPOINT.text.replace("log.example/one\n", ""),
        CHECKPOINT.text.removesuffix("\n"),
        CHECKPOINT.text.removesuffix("=\n") + "\n",
        CHECKPOINT.text + "\n",
        "log.example/one\n1\nAAAA\n",
        "",
    ],
)
def test_a_checkpoint_with_anything_amiss_is_refused(spoiled):
    with pytest.raises(BadNote):
        Checkpoint.read(spoiled)


@settings(deadline=None)
@given(st.integers(0, len(THE_SIGN.note(CHECKPOINT.text)) - 1), st.characters(exclude_categories=["Cs"]))
def test_no_sign_of_a_note_can_be_changed(at, sign):
    note = THE_SIGN.note(CHECKPOINT.text)
    changed = note[:at] + sign + note[at + 1 :]
    if changed != note:
        with pytest.raises(BadNote):
            vouched(changed, [THE_SIGN.key])


@settings(deadline=None)
@given(st.text(max_size=200))
def test_junk_is_no_note_no_key_and_no_checkpoint(junk):
    for read in (note_text, signature_lines, VerifierKey.read, Checkpoint.read):
        for given_text in (junk, junk + QUOTED.partition("\n\n")[2], f"{junk}\n\n{junk}\n"):
            try:
                read(given_text)
            except BadNote:
                continue


@settings(deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=80),
    st.integers(0, 2**53),
    st.binary(min_size=32, max_size=32),
)
def test_whatever_is_signed_is_read_back(origin, size, root):
    checkpoint = Checkpoint(origin, size, root)
    note = THE_SIGN.note(checkpoint.text) + WITNESS.line(checkpoint.text, seconds=size)
    assert vouched(note, [WITNESS.key, THE_SIGN.key]) == [THE_SIGN.key, WITNESS.key]
    assert Checkpoint.read(note_text(note)) == checkpoint
