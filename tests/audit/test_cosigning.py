import base64
import threading
import time

from audit.cosigning import (
    cosigning_of_this_site,
    for_readers,
    policy_of_this_site,
)
from audit.notes import COSIGNATURE, Checkpoint, VerifierKey, note_text, signature_lines
from audit.policy import Policy
from audit.tiles import log_folder
from tests.audit.witnesses import (
    NAMED,
    WAIT_SECONDS,
    ALog,
    Site,
    a_signer,
    http_answer,
    later,
    looked,
    lying,
    running,
    the_text,
)
from tests.factories import a_regulation, a_vote, settle_the_record


def test_each_new_checkpoint_gets_the_signatures_of_all_witnesses(tmp_path):
    with running(tmp_path / "a", name="a.example") as a, running(tmp_path / "b", name="b.example") as b:
        site = Site.at(tmp_path, a.policy_line, b.policy_line)
        cosigning = site.cosigning()
        for size in (1, 2, 255, 256, 257, 700):
            site.grow(size)
            looked(cosigning)
            assert site.signed() == (size, {"a.example", "b.example"})
            assert site.signed("cosigned") == (size, {"a.example", "b.example"})
    note = site.folder.checkpoint()
    assert signature_lines(note)[0][0] == site.log.signer.name, "the log's own signature stays first"
    assert len(signature_lines(note)) == 3


def test_a_checkpoint_that_has_its_signatures_is_left_alone(tmp_path):
    with lying(lambda body: http_answer(NAMED.line(the_text(body), seconds=7))) as honest:
        site = Site.at(tmp_path, honest.line(NAMED.key))
        site.grow(5)
        cosigning = site.cosigning()
        looked(cosigning)
        looked(cosigning, later())
        assert len(honest.asked) == 1
    assert site.signed() == (5, {"liar.example"}), "an early time is the witness's own affair"


def test_a_start_anew_asks_from_the_size_that_the_witness_names(tmp_path):
    with running(tmp_path / "a") as a:
        site = Site.at(tmp_path, a.policy_line)
        site.grow(300)
        looked(site.cosigning())
        site.grow(520)
        looked(site.cosigning())
        assert site.signed() == (520, {"witness.example"})
        assert "refused with 409" in a.stop()


def test_a_witness_that_was_killed_signs_again_when_it_is_back(tmp_path, caplog):
    site = Site.at(tmp_path)
    with running(tmp_path / "a") as a:
        site.write(a.policy_line)
        cosigning = site.cosigning()
        site.grow(5)
        looked(cosigning)
        a.kill()
    site.grow(6)
    looked(cosigning)
    assert site.signed() == (6, set())
    assert "witness.example has not signed: it cannot be reached" in caplog.text
    with running(tmp_path / "a", port=a.port):
        looked(cosigning)
        assert site.signed() == (6, set()), "it is left in peace for a while first"
        looked(cosigning, later())
        assert site.signed() == (6, {"witness.example"})
    assert "witness.example signs again" in caplog.text


def test_one_that_never_answers_delays_neither_the_others_nor_the_log(tmp_path):
    released = threading.Event()

    def hang(body):
        released.wait(WAIT_SECONDS)
        return b""

    with lying(hang) as silent, running(tmp_path / "a") as a:
        site = Site.at(tmp_path, silent.line(NAMED.key), a.policy_line)
        cosigning = site.cosigning()
        for size in (3, 4, 5):
            site.grow(size)
            cosigning.look()
            cosigning.known[a.key].asking.join(WAIT_SECONDS)
            assert site.signed() == (size, {"witness.example"})
        assert len(silent.asked) == 1, "it is asked once, not once for each"
        assert not cosigning.finish(0)
        released.set()
        assert cosigning.finish(WAIT_SECONDS)


def test_one_that_sends_a_byte_now_and_then_is_hung_up_on(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("audit.cosigning.LONGEST_TALK_SECONDS", 0.5)

    def drip(body):
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
        while not slow.released.wait(0.05):
            yield b"x"

    with lying(drip) as slow:
        site = Site.at(tmp_path, slow.line(NAMED.key))
        site.grow(3)
        looked(site.cosigning())
    assert site.signed() == (3, set())
    assert "has not signed" in caplog.text


def test_while_the_log_grows_faster_than_they_sign_the_newest_signed_one_is_kept(tmp_path):
    with running(tmp_path / "a") as a:
        site = Site.at(tmp_path, a.policy_line)
        arrived, go_on = threading.Event(), threading.Event()

        def slow(body):
            arrived.set()
            assert go_on.wait(WAIT_SECONDS)
            return http_answer(NAMED.line(the_text(body), seconds=7))

        with lying(slow) as late:
            site.write(a.policy_line, late.line(NAMED.key))
            cosigning = site.cosigning()
            site.grow(5)
            cosigning.look()
            assert arrived.wait(WAIT_SECONDS)
            cosigning.known[a.key].asking.join(WAIT_SECONDS)
            site.grow(9)
            go_on.set()
            assert cosigning.finish(WAIT_SECONDS)
    assert site.signed() == (9, set())
    assert site.signed("cosigned") == (5, {"witness.example", "liar.example"})


def test_a_newer_checkpoint_with_too_few_signatures_takes_no_place_of_one_with_enough(tmp_path):
    with running(tmp_path / "a", name="a.example") as a:
        site = Site.at(tmp_path)
        with running(tmp_path / "b", name="b.example") as b:
            quorum = "group both all a.example b.example\nquorum both\n"
            site.write(a.policy_line, b.policy_line, quorum)
            cosigning = site.cosigning()
            site.grow(5)
            looked(cosigning)
            b.kill()
        site.grow(6)
        looked(cosigning)
        assert site.signed() == (6, {"a.example"})
        assert site.signed("cosigned") == (5, {"a.example", "b.example"})
        with running(tmp_path / "b", name="b.example", port=b.port):
            looked(cosigning, later())
            assert site.signed("cosigned") == (6, {"a.example", "b.example"})


def test_only_the_logs_own_signature_is_sent(tmp_path):
    with (
        lying(lambda body: http_answer(NAMED.line(the_text(body), seconds=7))) as witness,
        running(tmp_path / "a") as a,
    ):
        site = Site.at(tmp_path, a.policy_line)
        site.grow(5)
        looked(site.cosigning())
        site.write(a.policy_line, witness.line(NAMED.key))
        looked(site.cosigning())
        assert witness.asked == [site.log.submission(0, 5)]
    assert site.signed() == (5, {"witness.example", "liar.example"})


def test_a_forked_log_gets_no_signature(tmp_path, caplog):
    with running(tmp_path / "a") as a:
        site = Site.at(tmp_path, a.policy_line)
        site.grow(5)
        cosigning = site.cosigning()
        looked(cosigning)
        site.log = ALog(forked_at=3)
        site.grow(8)
        looked(cosigning)
        assert site.signed() == (8, set())
        assert "answered 422" in caplog.text
        site.grow(5)
        looked(cosigning, later())
        assert site.signed() == (5, set())
        assert "had another past at 5 lines" in caplog.text
        site.grow(3)
        looked(cosigning, 2 * later())
        assert "Was the log put back to an older state?" in caplog.text
    assert site.signed("cosigned")[0] == 5


def test_signatures_that_come_at_once_all_land(tmp_path):
    """Twelve witnesses answer in the same moment, and nobody's line is overwritten by another's."""
    signers = [a_signer(f"w{n}.example", 40 + n, kind=COSIGNATURE) for n in range(12)]
    together = threading.Barrier(len(signers))

    def together_with(signer):
        def answer(body):
            together.wait(WAIT_SECONDS)
            return http_answer(signer.line(the_text(body), seconds=7))

        return lying(answer)

    servers = [together_with(signer) for signer in signers]
    lines = [server.__enter__().line(signer.key) for server, signer in zip(servers, signers, strict=True)]
    try:
        site = Site.at(tmp_path, *lines)
        site.grow(5)
        looked(site.cosigning())
    finally:
        for server in servers:
            server.__exit__(None, None, None)
    assert site.signed() == site.signed("cosigned") == (5, {signer.name for signer in signers})


def test_a_witness_without_an_address_is_published_and_not_asked(tmp_path):
    site = Site.at(tmp_path, f"witness a {NAMED.key.text}\n")
    site.grow(5)
    cosigning = site.cosigning()
    looked(cosigning)
    assert cosigning.known == {}
    assert "a" in Policy.read((site.folder.path / "policy").read_bytes()).witnesses


def test_a_malformed_file_is_named_with_its_line_and_the_policy_stays_as_it_was(tmp_path, caplog):
    with running(tmp_path / "a") as a:
        site = Site.at(tmp_path, a.policy_line)
        cosigning = site.cosigning()
        site.grow(5)
        looked(cosigning)
        published = (site.folder.path / "policy").read_bytes()
        site.write(a.policy_line, "witness\n")
        site.grow(6)
        for one in (cosigning, cosigning, site.cosigning()):
            looked(one)
        assert site.signed() == (6, {"witness.example"})
    assert (site.folder.path / "policy").read_bytes() == published
    assert caplog.text.count("what it said before holds. Line 2: this is none of") == 2, "once for each process"


def test_a_file_that_was_malformed_from_the_start_leaves_the_plain_policy(tmp_path, caplog):
    site = Site.at(tmp_path, "witness\n")
    site.grow(5)
    looked(site.cosigning())
    assert site.signed() == (5, set())
    assert "Line 1" in caplog.text
    site.witnesses.write_bytes(b"")
    looked(site.cosigning())
    assert Policy.read((site.folder.path / "policy").read_bytes()).quorum == "none"


def test_what_the_last_witness_signed_goes_when_the_operator_takes_it_out(tmp_path):
    with running(tmp_path / "a") as a:
        site = Site.at(tmp_path, a.policy_line)
        cosigning = site.cosigning()
        site.grow(5)
        looked(cosigning)
        assert site.signed("cosigned") == (5, {"witness.example"})
        site.write("# nobody\n")
        looked(cosigning)
    assert not (site.folder.path / "cosigned").exists()


def test_the_time_of_a_signature_is_when_the_witness_saw_it(tmp_path):
    before = int(time.time())
    with running(tmp_path / "a") as a:
        site = Site.at(tmp_path, a.policy_line)
        site.grow(5)
        looked(site.cosigning())
    raw = base64.b64decode(site.folder.checkpoint().splitlines()[-1].split(" ")[2])
    assert before <= int.from_bytes(raw[4:12]) <= time.time()


def test_the_site_publishes_its_policy_and_what_its_witnesses_signed(app, client, tmp_path, caplog):
    a_vote(a_regulation())
    settle_the_record()
    key = (log_folder().path / "vkey").read_text("utf-8").strip()
    assert client.get("/log/policy").text == f"log {key} http://127.0.0.1:8000/log\nquorum none\n"
    assert policy_of_this_site().witnesses == {}
    with running(tmp_path, VerifierKey.read(key)) as a:
        cosigning = cosigning_of_this_site()
        cosigning.witnesses.write_text(a.policy_line, "utf-8")
        try:
            looked(cosigning)
            assert client.get("/log/policy").text.startswith(a.policy_line)
            note = client.get("/log/checkpoint").text
            a_vote(a_regulation())
            settle_the_record()
            assert client.get("/log/cosigned").text == note
            looked(cosigning)
            assert client.get("/log/cosigned").text == client.get("/log/checkpoint").text != note
        finally:
            cosigning.witnesses.unlink()
            looked(cosigning)
    assert Checkpoint.read(note_text(note)).size > 0
    assert signature_lines(note)[1][0] == "witness.example"
    assert "audit.cosigning" not in {record.name for record in caplog.records}


def test_readers_are_given_the_newest_checkpoint_that_enough_have_signed(tmp_path):
    with running(tmp_path / "a") as a:
        site = Site.at(tmp_path, a.policy_line, "quorum witness.example\n")
        cosigning = site.cosigning()
        assert for_readers(site.folder) is None
        site.grow(5)
        assert for_readers(site.folder) == site.folder.checkpoint(), "better than nothing, and checks say what it lacks"
        looked(cosigning)
        enough = site.folder.checkpoint()
        site.grow(6)
        assert for_readers(site.folder) == enough
        looked(cosigning)
        assert for_readers(site.folder) == site.folder.checkpoint() != enough
        site.write(a.policy_line)
        looked(cosigning)
        site.grow(7)
        assert for_readers(site.folder) == site.folder.checkpoint(), "where nobody is demanded, nobody is waited for"
