import http.client
import os
import socket
import stat
import subprocess
import threading

import pytest

from audit import merkle
from audit.notes import COSIGNATURE, Checkpoint, VerifierKey, note_text, signature_lines, vouched
from audit.witness import LONGEST_BODY, Refused, Witness
from tests.audit.witnesses import ORIGIN, ROOT, WAIT_SECONDS, ALog, a_signer, command, running, submission

NOW = 1_772_452_800


@pytest.fixture
def witness(tmp_path):
    return Witness(tmp_path, "witness.example", [a_signer().key])


def refusal(witness, body):
    with pytest.raises(Refused) as caught:
        witness.add_checkpoint(body, NOW)
    return caught.value.status.value


def cosign(witness, old, size, log=None):
    line = witness.add_checkpoint((log or ALog()).submission(old, size), NOW)
    assert vouched(f"{(log or ALog()).note(size)}{line}", [witness.signer.key]) == [witness.signer.key]
    return line


def test_a_log_that_only_grows_is_cosigned_at_every_size(witness):
    sizes = [0, 0, 1, 2, 2, 7, 8, 9, 64, 65, 255, 256, 300]
    for old, size in zip([0, *sizes], sizes, strict=False):
        cosign(witness, old, size)


def test_a_cosignature_carries_the_time_and_signs_every_line_of_the_text(witness):
    text = f"{ALog().checkpoint(3).text}an extension line\n"
    line = witness.add_checkpoint(submission(0, [], a_signer().note(text)), NOW)
    ((name, id, signature),) = signature_lines(f"{text}\n{line}")
    assert (name, id, int.from_bytes(signature[:8])) == ("witness.example", witness.signer.key.id, NOW)
    assert witness.signer.key.kind == COSIGNATURE
    assert witness.signer.key.vouches(text, signature)
    assert not witness.signer.key.vouches(ALog().checkpoint(3).text, signature)


def note_with(**changed):
    parts = {"origin": ORIGIN, "size": "5", "root": ALog().checkpoint(5).text.split("\n")[2], **changed}
    return a_signer().note(f"{parts['origin']}\n{parts['size']}\n{parts['root']}\n")


HASH = "A" * 43 + "="
BAD_BODIES = {
    "nothing": b"",
    "no old line": ALog().note(5).encode(),
    "an empty head": b"\n\n" + ALog().note(5).encode(),
    "another word": submission(0, [], ALog().note(5)).replace(b"old", b"new"),
    "a leading zero": submission("00", [], ALog().note(5)),
    "a plus sign": submission("+0", [], ALog().note(5)),
    "two spaces": submission(" 0", [], ALog().note(5)),
    "a digit of another script": submission("٣", [], ALog().note(5)),
    "a carriage return": submission("0\r", [], ALog().note(5)),
    "a short hash": f"old 3\nAAAA\n\n{ALog().note(5)}".encode(),
    "base64 with bits to spare": f"old 3\n{'A' * 42}B=\n\n{ALog().note(5)}".encode(),
    "base64 with a space": f"old 3\n {HASH}\n\n{ALog().note(5)}".encode(),
    "a proof of 64 lines": f"old 3\n{(HASH + chr(10)) * 64}\n{ALog().note(5)}".encode(),
    "no signature": f"old 0\n\n{ALog().checkpoint(5).text}".encode(),
    "a cut signature": submission(0, [], ALog().note(5))[:-9],
    "no last newline": submission(0, [], ALog().note(5))[:-1],
    "bytes that are no text": submission(0, [], ALog().note(5)) + b"\xff\n",
    "a size with a leading zero": submission(0, [], note_with(size="05")),
    "a size that is none": submission(0, [], note_with(size="-5")),
    "a size beyond all logs": submission(0, [], note_with(size=str(2**63))),
    "a root that is short": submission(0, [], note_with(root="AAAA")),
    "a text of two lines": submission(0, [], a_signer().note(f"{ORIGIN}\n5\n")),
    "an old size beyond the new": submission(6, [], ALog().note(5)),
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_what_is_malformed_is_a_bad_request(witness, body):
    assert refusal(witness, body) == 400
    cosign(witness, 0, 5)


def test_a_proof_of_63_lines_is_read(witness):
    cosign(witness, 0, 3)
    assert refusal(witness, submission(3, [b"x" * 32] * 63, ALog().note(5))) == 422


def test_a_log_nobody_asked_to_watch_is_not_found(witness):
    assert refusal(witness, ALog(a_signer("other.example/log")).submission(0, 5)) == 404


@pytest.mark.parametrize("size", [3, 5])
def test_without_a_true_signature_of_the_log_it_is_forbidden(witness, size):
    text, another = ALog().checkpoint(5).text, a_signer(seed=2)
    stranger = ALog(another).note(5)
    renamed = f"{text}\n{a_signer().line(ALog().checkpoint(size).text)}"
    assert refusal(witness, submission(0, [], stranger)) == 403
    if size != 5:
        assert refusal(witness, submission(0, [], renamed)) == 403
    else:
        witness.add_checkpoint(submission(0, [], f"{renamed}{another.line(text)}"), NOW)


def test_what_the_log_signed_is_looked_at_in_the_order_of_the_protocol(witness):
    stranger = ALog(a_signer("other.example/log", seed=2))
    assert refusal(witness, stranger.submission(0, 5).replace(b"old 0", b"old 9")) == 404
    assert refusal(witness, ALog(a_signer(seed=2)).submission(0, 5).replace(b"old 0", b"old 9")) == 403
    cosign(witness, 0, 3)
    assert refusal(witness, submission(9, [], ALog().note(5))) == 400
    assert refusal(witness, submission(4, [b"x" * 32], ALog().note(5))) == 409
    assert refusal(witness, submission(3, [b"x" * 32], ALog().note(5))) == 422


def test_either_key_of_a_log_will_do(tmp_path):
    new = a_signer(seed=2)
    witness = Witness(tmp_path, "witness.example", [a_signer().key, new.key])
    cosign(witness, 0, 5)
    cosign(witness, 5, 6, ALog(new))


def test_an_old_size_that_is_not_the_last_is_answered_with_the_last(witness):
    cosign(witness, 0, 5)
    for old, size in [(0, 7), (3, 7), (6, 7), (0, 5), (4, 5), (3, 4), (0, 0)]:
        with pytest.raises(Refused) as caught:
            witness.add_checkpoint(ALog().submission(old, size), NOW)
        answer = caught.value
        assert (answer.status.value, answer.said, answer.kind) == (409, "5\n", "text/x.tlog.size"), (old, size)


def test_a_proof_that_does_not_lead_there_is_refused(witness):
    assert refusal(witness, submission(0, [b"x" * 32], ALog().note(5))) == 422
    cosign(witness, 0, 5)
    proof = ALog().proof(5, 9)
    wrong = [[], proof[:-1], [*proof, b"x" * 32], proof[::-1], [b"x" * 32, *proof[1:]]]
    for one in wrong:
        assert refusal(witness, submission(5, one, ALog().note(9))) == 422
    assert refusal(witness, submission(5, [b"x" * 32], ALog().note(5))) == 422
    cosign(witness, 5, 9)


def test_a_log_with_another_past_is_refused_and_a_fork_of_one_size_is_kept_as_evidence(witness, tmp_path):
    cosign(witness, 0, 5)
    fork = ALog(forked_at=4)
    assert refusal(witness, fork.submission(5, 9)) == 422
    assert not (tmp_path / "forks").exists()
    assert refusal(witness, fork.submission(5, 5)) == 409
    (kept,) = (tmp_path / "forks").iterdir()
    assert kept.read_text("utf-8") == fork.note(5)
    cosign(witness, 5, 9)


def test_an_empty_tree_has_one_root_only(witness):
    odd = a_signer().note(Checkpoint(ORIGIN, 0, b"x" * 32).text)
    assert refusal(witness, submission(0, [], odd)) == 422
    assert refusal(witness, submission(0, [merkle.EMPTY_ROOT], ALog().note(0))) == 422
    assert ALog().checkpoint(0).root == merkle.EMPTY_ROOT
    cosign(witness, 0, 0)


def test_nothing_is_signed_that_cannot_be_kept(witness, tmp_path):
    cosign(witness, 0, 5)
    (tmp_path / "logs").rename(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="logs"):
        witness.add_checkpoint(ALog().submission(5, 6), NOW)
    (tmp_path / "elsewhere").rename(tmp_path / "logs")
    cosign(witness, 5, 6)


def test_of_many_at_once_each_step_is_signed_for_one_past_alone(witness):
    """Half of them ask for a fork; whatever is signed must be one history."""
    cosign(witness, 0, 4)
    logs = [ALog(), ALog(forked_at=4)] * 4
    together, signed = threading.Barrier(len(logs)), []

    def ask(log):
        for size in range(5, 25):
            together.wait(WAIT_SECONDS)
            try:
                witness.add_checkpoint(log.submission(size - 1, size), NOW)
            except Refused:
                continue
            signed.append((size, log.forked_at))

    threads = [threading.Thread(target=ask, args=(log,)) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_SECONDS)
    assert {size for size, _ in signed} == set(range(5, 25))
    assert len({fork for _, fork in signed}) == 1


def test_it_answers_over_http_as_the_protocol_says(tmp_path):
    with running(tmp_path) as witness:
        answer = witness.ask(ALog().submission(0, 5))
        assert answer.status == 200
        assert vouched(f"{ALog().note(5)}{answer.text}", [witness.key])
        conflict = witness.ask(ALog().submission(0, 7))
        assert (conflict.status, conflict.text, conflict.kind) == (409, "5\n", "text/x.tlog.size")
        assert witness.ask(ALog().submission(5, 7)).status == 200
        assert witness.ask(ALog(forked_at=2).submission(7, 9)).status == 422
        assert witness.ask(ALog(a_signer("other.example/log")).submission(0, 5)).status == 404
        assert witness.ask(ALog(a_signer(seed=2)).submission(7, 9)).status == 403
        assert witness.ask(b"old").status == 400
        assert witness.ask(b"x" * (LONGEST_BODY + 1)).status == 413
        assert witness.ask(b"", "/elsewhere").status == 404
        assert witness.ask(None).status == 405
        assert witness.ask(None, "/elsewhere").status == 404
        said = witness.stop()
    assert f"signed {ORIGIN} at 5 lines" in said
    assert "refused with 409 Conflict\n" in said
    assert "refused with 422" in said
    assert said.splitlines()[-1].endswith("stopped")


def test_a_body_of_unknown_length_is_refused(tmp_path):
    with running(tmp_path) as witness:
        connection = http.client.HTTPConnection("127.0.0.1", witness.port, timeout=WAIT_SECONDS)
        connection.request("POST", "/add-checkpoint", iter([ALog().submission(0, 5)]), encode_chunked=True)
        assert connection.getresponse().status == 411
        connection.close()
        assert witness.ask(b"", **{"Content-Length": "many"}).status == 400


def test_one_connection_serves_again_and_again(tmp_path):
    with running(tmp_path) as witness:
        connection = http.client.HTTPConnection("127.0.0.1", witness.port, timeout=WAIT_SECONDS)
        for old, size in [(0, 5), (0, 7), (5, 7)]:
            connection.request("POST", "/add-checkpoint", ALog().submission(old, size))
            socket_in_use = connection.sock
            assert connection.getresponse().read()
            assert connection.sock is socket_in_use
        connection.close()


def test_whoever_stalls_keeps_nobody_waiting(tmp_path):
    with (
        running(tmp_path) as witness,
        socket.create_connection(("127.0.0.1", witness.port)) as stalled,
    ):
        stalled.sendall(b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 500\r\n\r\nold ")
        assert witness.ask(ALog().submission(0, 5)).status == 200
        assert "stopped" in witness.stop()


def test_its_page_says_in_plain_words_what_it_is_and_what_it_signed_last(tmp_path):
    with running(tmp_path, a_signer().key, a_signer("other.example/log", seed=2).key) as witness:
        assert witness.ask(ALog().submission(0, 5)).status == 200
        page = witness.ask(None, "/")
    assert page.kind == "text/plain; charset=utf-8"
    assert page.text.startswith("This is witness.example, a witness of public records.")
    assert witness.key.text in page.text
    assert f"{ORIGIN}\n  last signed at 5 lines, on 20" in page.text
    assert "other.example/log\n  nothing signed yet" in page.text


def test_killed_and_started_again_it_remembers_its_key_and_what_it_signed(tmp_path):
    with running(tmp_path) as witness:
        assert witness.ask(ALog().submission(0, 5)).status == 200
        witness.kill()
    with running(tmp_path, name="") as again:
        assert again.key == witness.key
        assert again.ask(ALog().submission(0, 5)).text == "5\n"
        assert again.ask(ALog(forked_at=2).submission(5, 6)).status == 422
        assert again.ask(ALog().submission(5, 6)).status == 200


def test_killed_at_any_moment_it_never_forgets_what_it_gave_away(tmp_path):
    given = 0
    for _ in range(6):
        with running(tmp_path) as witness:
            last = int(witness.ask(ALog().submission(given + 1, given + 1)).text) if given else 0
            assert last in (given, given + 1)
            killer = threading.Thread(target=witness.kill)
            try:
                for size in range(last + 1, last + 40):
                    if size == last + 5:
                        killer.start()
                    assert witness.ask(ALog().submission(size - 1, size)).status == 200
                    given = size
            except (ConnectionError, http.client.HTTPException):
                pass
            killer.join(WAIT_SECONDS)
            assert given >= last + 4


def test_the_key_is_for_its_owner_alone(tmp_path):
    Witness(tmp_path, "witness.example", [a_signer().key])
    assert stat.S_IMODE(os.stat(tmp_path / "key").st_mode) == 0o600
    assert VerifierKey.read((tmp_path / "vkey").read_text("utf-8")).kind == COSIGNATURE


def refused_start(folder, **given):
    done = subprocess.run(
        command(folder, a_signer().key, **given), cwd=ROOT, capture_output=True, text=True, timeout=WAIT_SECONDS
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    return done.stderr


def test_it_starts_with_nothing_that_it_could_not_stand_by(tmp_path):
    assert "needs a --name" in refused_start(tmp_path, name="")
    with running(tmp_path) as witness:
        assert "another witness is running" in refused_start(tmp_path)
        assert witness.ask(ALog().submission(0, 5)).status == 200
    assert "a key keeps its name" in refused_start(tmp_path, name="other.example")
    (kept,) = (tmp_path / "logs").iterdir()
    note = kept.read_text("utf-8")
    for damaged in ["", note[:40], note.replace("\n5\n", "\n3\n")]:
        kept.write_text(damaged, "utf-8")
        assert "is damaged" in refused_start(tmp_path)
    kept.write_text(note, "utf-8")
    (tmp_path / "key").rename(tmp_path / "mislaid")
    assert "is missing" in refused_start(tmp_path)
    (tmp_path / "key").write_text("no key", "ascii")
    assert "holds no key" in refused_start(tmp_path)


def test_what_it_keeps_of_a_log_is_a_note_that_anybody_can_check(witness, tmp_path):
    cosign(witness, 0, 5)
    (kept,) = (tmp_path / "logs").iterdir()
    assert note_text(kept.read_text("utf-8")) == ALog().checkpoint(5).text
    assert vouched(kept.read_text("utf-8"), [witness.signer.key])
