import pytest

from audit.notes import COSIGNATURE, VerifierKey, signature_lines
from audit.policy import BadPolicy, Policy, cosigners, of_site
from tests.audit.witnesses import ALog, a_signer

LOG = a_signer().key
A, B, C, D = (a_signer(f"{name}.example", seed, kind=COSIGNATURE) for seed, name in enumerate("abcd", 10))
WITNESSES = "".join(f"witness {one.name[0]} {one.key.text}\n" for one in (A, B, C, D))


def policy(text):
    return Policy.read(text.encode())


def complaint(text):
    raw = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(BadPolicy) as caught:
        of_site(raw, LOG, "https://test.example/log")
    return str(caught.value)


def test_a_quorum_of_groups_within_groups_is_counted():
    wanted = policy(f"log {LOG.text}\n{WITNESSES}group two 2 a b c\ngroup both all two d\nquorum both\n")
    assert not wanted.is_met({"a", "b"})
    assert not wanted.is_met({"a", "d"})
    assert wanted.is_met({"a", "c", "d"})
    assert wanted.is_met({"a", "b", "c", "d"})


@pytest.mark.parametrize(
    ("line", "enough", "too_few"),
    [("group g any a b", {"b"}, {"c"}), ("group g all a b", {"a", "b"}, {"a"}), ("group g 1 a", {"a"}, set())],
)
def test_any_all_and_a_number_say_how_many(line, enough, too_few):
    wanted = policy(f"{WITNESSES}{line}\nquorum g\n")
    assert wanted.is_met(enough)
    assert not wanted.is_met(too_few)


def test_one_witness_can_be_the_quorum_and_none_demands_nobody():
    assert not policy(f"{WITNESSES}quorum a\n").is_met({"b"})
    assert policy(f"{WITNESSES}quorum a\n").is_met({"a"})
    assert policy("quorum none\n").is_met(set())


def test_comments_blank_lines_tabs_and_a_missing_last_newline_are_all_read():
    read = policy(f"\n  # a comment\n\t\n witness\t a  {A.key.text} https://a.example/w/ \n\tquorum a")
    assert read.witnesses["a"].url == "https://a.example/w/"
    assert (read.witnesses["a"].key, read.quorum) == (A.key, "a")


def test_names_are_bytes_not_letters():
    read = policy(f"witness K {A.key.text}\nwitness \N{KELVIN SIGN} {B.key.text}\nquorum K\n")
    assert len(read.witnesses) == 2
    raw = b"witness \xff " + A.key.text.encode() + b"\nquorum \xff\n"
    assert Policy.read(raw).quorum in Policy.read(raw).witnesses


BAD = {
    "a word that means nothing": ("\n# a comment\nwitnesses\n", "Line 3: this is none of"),
    "a witness without a key": ("witness a\n", "Line 1: this is none of"),
    "a broken key": (f"witness a {A.key.text[:-4]}\n", "Line 1: "),
    "a key whose id is another's": (f"witness a b{A.key.text[1:]}\n", "Line 1: "),
    "the key of a log": (f"witness a {a_signer(seed=9).key.text}\n", "Line 1: the key is not one of a witness"),
    "one key twice": (
        f"witness a {A.key.text}\nwitness b {VerifierKey('b', COSIGNATURE, A.key.public).text}\n",
        "Line 2: this key is in the file already.",
    ),
    "one name twice": (f"witness a {A.key.text}\nwitness a {B.key.text}\n", "Line 2: the name “a” is taken."),
    "a group with the name of a witness": (f"{WITNESSES}group a any b\n", "Line 5: the name “a” is taken."),
    "the name none": (f"witness none {A.key.text}\n", "Line 1: the name “none” is taken."),
    "a group of nobody": (f"{WITNESSES}group g any\n", "Line 5: this is none of"),
    "none as a member": (f"{WITNESSES}group g any none\n", "Line 5: “none” is not defined above."),
    "a group within itself": (f"{WITNESSES}group g any g\n", "Line 5: “g” is not defined above."),
    "a member defined later": (f"group g any a\n{WITNESSES}", "Line 1: “a” is not defined above."),
    "a member of two groups": (f"{WITNESSES}group g any a\ngroup h any a\n", "Line 6: “a” is in a group already."),
    "a member twice": (f"{WITNESSES}group g 2 a a\n", "Line 5: “a” is in a group already."),
    "more than there are": (f"{WITNESSES}group g 3 a b\n", "Line 5: “3” must be"),
    "fewer than one": (f"{WITNESSES}group g 0 a b\n", "Line 5: “0” must be"),
    "a quorum defined later": (f"quorum a\n{WITNESSES}", "Line 1: “a” is not defined above."),
    "two quorums": ("quorum none\nquorum none\n", "Line 2: there is a quorum line already."),
    "a line end of another system": ("quorum none\r\n", "Line 1: a control character"),
    "a NUL": (b"quorum none\n# \x00\n", "Line 2: a control character"),
    "an address that is none": (f"witness a {A.key.text} a.example\n", "Line 1: the address must begin with"),
    "a file's address": (f"witness a {A.key.text} file:///etc/a\n", "Line 1: the address must begin with"),
    "an address with a port beyond all": (f"witness a {A.key.text} http://a:99999\n", "Line 1: the address is"),
    "an address with a password": (
        f"witness a {A.key.text} https://me:secret@a\n",
        "Line 1: the address must be plain",
    ),
    "a log": (f"log {a_signer(seed=9).key.text}\n", "A line names a log"),
    "a book": ("#" * 70_000, "A policy has 65536 bytes at most."),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_understood_is_named_with_its_line(text, said):
    assert complaint(text).startswith(said)


def test_a_password_in_the_file_is_not_repeated_in_the_complaint():
    assert "secret" not in complaint(f"witness a {A.key.text} https://me:secret@a\n")


def test_the_site_adds_its_log_and_demands_nobody_unless_told():
    read, whole = of_site(WITNESSES.strip().encode(), LOG, "https://test.example/log")
    assert whole.decode() == f"{WITNESSES}log {LOG.text} https://test.example/log\nquorum none\n"
    assert Policy.read(whole) == read
    _, whole = of_site(f"{WITNESSES}quorum a\n".encode(), LOG, "https://test.example/log")
    assert whole.decode() == f"{WITNESSES}quorum a\nlog {LOG.text} https://test.example/log\n"
    _, whole = of_site(b"", LOG, "https://test.example/log")
    assert whole.decode() == f"log {LOG.text} https://test.example/log\nquorum none\n"


def test_a_policy_for_readers_has_a_quorum():
    with pytest.raises(BadPolicy, match="no quorum line"):
        policy(WITNESSES)


def test_cosigners_are_named_with_their_times_and_false_or_unknown_signatures_count_for_nothing():
    text, known = ALog().checkpoint(5).text, policy(f"{WITNESSES}quorum none\n")
    stranger = a_signer("a.example", 20, kind=COSIGNATURE)
    note = a_signer().note(text) + B.line(text, seconds=100) + stranger.line(text, seconds=50)
    note += A.line(ALog().checkpoint(6).text, seconds=70) + C.line(text, seconds=90) + C.line(text, seconds=95)
    assert cosigners(note, known) == [("b", 100), ("c", 90)]
    assert cosigners(a_signer().note(text), known) == []


def test_the_time_in_a_published_cosignature_is_read_as_its_authors_read_it():
    """From the tests of github.com/transparency-dev/formats, which give no key to check it by."""
    encoded = "ZGhGuQAAAABm/qTPeyKXD+R2rzyQsxPiP8mXum7qq/iF0u4vanlqJyocWODBt97w9uL+8qT7S5gxEHWWOworDcFiEBYJXORmnFBOBA=="
    ((_, id, signature),) = signature_lines(f"a text\n\n— witness.example {encoded}\n")
    assert (id.hex(), int.from_bytes(signature[:8])) == ("646846b9", 1727964367)


def test_the_published_key_of_a_running_witness_is_read():
    key = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
    assert policy(f"witness remora {key} https://remora.n621.de/\nquorum remora\n").witnesses["remora"].key.text == key
