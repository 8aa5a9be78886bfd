"""A witness that anyone can run: python3 -m audit.witness. It needs merkle.py and notes.py beside it, and cryptography.

It signs what a record says of itself only while everything it signed before is still in it, unchanged and in its place.
Protocol: c2sp.org/tlog-witness (add-checkpoint); what it signs: c2sp.org/tlog-cosignature (Ed25519).
"""

import argparse
import base64
import binascii
import fcntl
import hashlib
import os
import re
import signal
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.merkle import EMPTY_ROOT, HASH_BYTES, LARGEST_SIZE, verify_consistency
from audit.notes import COSIGNATURE, BadNote, Checkpoint, Signer, VerifierKey, note_text, signature_lines, vouched

MOST_PROOF_LINES = 63
LONGEST_BODY = 96 * 1024
SILENCE_SECONDS = 20
SIZE_TYPE = "text/x.tlog.size"
TEXT_TYPE = "text/plain; charset=utf-8"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")

EPILOG = """\
example:
  python3 -m audit.witness --folder ~/witness --name witness.example.edu --port 8300 \\
      --log 'example.org/log+1f2e3d4c+AZ...'

The first run makes a key in the folder. Keep the folder: a witness that forgets what it
signed can be led to sign two different pasts. The record's operator needs two things from
you: the key printed at the start, and the address at which this program can be reached.
"""


class CannotStart(Exception):
    """Something in the folder or the arguments must be put right first; the message says what."""


class Refused(Exception):
    """A request that is not cosigned, with the answer the protocol gives to it."""

    def __init__(self, status: HTTPStatus, said: str, kind: str = TEXT_TYPE):
        super().__init__(said)
        self.status, self.said, self.kind = status, said, kind


@dataclass(frozen=True)
class Submission:
    """What a log asks to have cosigned: its new checkpoint, and the proof that the old one is its beginning."""

    old: int
    proof: list[bytes]
    note: str
    checkpoint: Checkpoint

    @classmethod
    def read(cls, body: bytes) -> "Submission":
        """From the body of an add-checkpoint request. Raises Refused (400)."""
        try:
            head, _, note = body.decode().partition("\n\n")
            first, *lines = head.split("\n")
            old = _OLD.fullmatch(first)
            if not old:
                raise BadNote("The first line must be the word old and a size.")
            if len(lines) > MOST_PROOF_LINES:
                raise BadNote(f"A proof has {MOST_PROOF_LINES} lines at most.")
            proof = [_proof_hash(line) for line in lines]
            signature_lines(note)
            checkpoint = Checkpoint.read(note_text(note))
        except UnicodeDecodeError:
            raise Refused(HTTPStatus.BAD_REQUEST, "This is not UTF-8.\n") from None
        except BadNote as bad:
            raise Refused(HTTPStatus.BAD_REQUEST, f"{bad}\n") from bad
        if checkpoint.size >= LARGEST_SIZE:
            raise Refused(HTTPStatus.BAD_REQUEST, "No log is that long.\n")
        return cls(int(old[1]), proof, note, checkpoint)


@dataclass(frozen=True)
class Seen:
    """The latest checkpoint cosigned for a log, and when, in seconds since 1970. Before the first: an empty tree."""

    checkpoint: Checkpoint
    seconds: int = 0


class Witness:
    """The key, the logs it watches, and what it saw of each last, all kept in one folder that is its own."""

    def __init__(self, folder: Path, name: str, logs: Sequence[VerifierKey]):
        """Raises CannotStart."""
        self.folder = folder
        self.turn = threading.Lock()
        (folder / "logs").mkdir(parents=True, exist_ok=True, mode=0o700)
        self._held = _hold(folder)
        self.signer = _signer(folder, name)
        self.keys: dict[str, list[VerifierKey]] = {}
        for key in logs:
            self.keys.setdefault(key.name, []).append(key)
        self.seen = {origin: self._remembered(origin) for origin in self.keys}

    def add_checkpoint(self, body: bytes, seconds: int) -> str:
        """The cosignature line for what a request submits, kept on disk before it is given. Raises Refused, OSError."""
        asked = Submission.read(body)
        checkpoint = asked.checkpoint
        keys = self.keys.get(checkpoint.origin)
        if keys is None:
            raise Refused(HTTPStatus.NOT_FOUND, "This witness does not know that log.\n")
        try:
            vouched(asked.note, keys)
        except BadNote as bad:
            raise Refused(HTTPStatus.FORBIDDEN, f"{bad}\n") from bad
        if asked.old > checkpoint.size:
            raise Refused(HTTPStatus.BAD_REQUEST, "The old size is larger than the new one.\n")
        with self.turn:
            self._check_against_last(asked)
            text = note_text(asked.note)
            line = self.signer.line(text, seconds=seconds)
            _keep(self._place(checkpoint.origin), f"{text}\n{line}".encode())
            self.seen[checkpoint.origin] = Seen(checkpoint, seconds)
        return line

    def _check_against_last(self, asked: Submission) -> None:
        last, new = self.seen[asked.checkpoint.origin].checkpoint, asked.checkpoint
        forked = 0 < new.size == last.size and new.root != last.root
        if forked:
            self._keep_evidence(asked)
        if forked or asked.old != last.size:
            raise Refused(HTTPStatus.CONFLICT, f"{last.size}\n", SIZE_TYPE)
        if last.size == 0:
            grows = not asked.proof and (new.size > 0 or new.root == EMPTY_ROOT)
        else:
            grows = verify_consistency(last.size, new.size, last.root, new.root, asked.proof)
        if not grows:
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "The proof does not lead from the old size to the new.\n")

    def _keep_evidence(self, asked: Submission) -> None:
        """Two checkpoints of one size that both bear the log's signature: whoever holds them can show the fork."""
        folder = self.folder / "forks"
        folder.mkdir(exist_ok=True, mode=0o700)
        _keep(folder / f"{_file_name(asked.checkpoint.origin)}-{asked.checkpoint.size}", asked.note.encode())

    def _place(self, origin: str) -> Path:
        return self.folder / "logs" / _file_name(origin)

    def _remembered(self, origin: str) -> Seen:
        """Kept under the witness's own signature: a file that was cut or altered stops it, or it would forget."""
        path = self._place(origin)
        try:
            note = path.read_text("utf-8")
            vouched(note, [self.signer.key])
            checkpoint = Checkpoint.read(note_text(note))
        except FileNotFoundError:
            return Seen(Checkpoint(origin, 0, EMPTY_ROOT))
        except (BadNote, UnicodeDecodeError) as bad:
            raise CannotStart(f"{path} should hold what was signed last, and is damaged ({bad})") from bad
        return Seen(checkpoint, int.from_bytes(signature_lines(note)[0][2][:8]))

    def words(self) -> str:
        """What somebody who comes by reads."""
        told = [
            f"This is {self.signer.name}, a witness of public records.",
            "",
            "A public record says again and again how long it is, in a signed line. This witness adds its own",
            "signature only when everything it signed before is still in the record, unchanged and in its place.",
            "So nobody can show one record to you and a different one to somebody else, and both with its signature.",
            "",
            f"Its key: {self.signer.key.text}",
        ]
        for origin, seen in sorted(self.seen.items()):
            when = datetime.fromtimestamp(seen.seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            size, root = seen.checkpoint.size, base64.b64encode(seen.checkpoint.root).decode()
            told += ["", f"{origin}", f"  last signed at {size} lines, on {when}", f"  with the root {root}"]
            if not seen.seconds:
                told[-2:] = ["  nothing signed yet"]
        return "\n".join(told) + "\n"


class Door(BaseHTTPRequestHandler):
    """POST /add-checkpoint, and a page at / for whoever wonders what this is."""

    server: "Server"
    protocol_version = "HTTP/1.1"
    timeout = SILENCE_SECONDS
    wbufsize = -1  # an answer in one piece, or its end waits for the asker's acknowledgement of the beginning

    def do_POST(self) -> None:
        if self.path != "/add-checkpoint":
            self._refuse(Refused(HTTPStatus.NOT_FOUND, "Checkpoints go to /add-checkpoint.\n"), unread=True)
            return
        try:
            body = self._body()
        except Refused as refusal:
            self._refuse(refusal, unread=True)
            return
        try:
            line = self.server.witness.add_checkpoint(body, int(time.time()))
        except Refused as refusal:
            self._refuse(refusal)
        except OSError as trouble:
            say(f"could not keep what was to be signed, so nothing was: {trouble}")
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, "This witness cannot keep what it would sign.\n")
        else:
            checkpoint = Submission.read(body).checkpoint
            say(f"signed {checkpoint.origin} at {checkpoint.size} lines")
            self._answer(HTTPStatus.OK, line)

    def do_GET(self) -> None:
        if self.path == "/":
            self._answer(HTTPStatus.OK, self.server.witness.words())
        elif self.path == "/add-checkpoint":
            self._answer(HTTPStatus.METHOD_NOT_ALLOWED, "Checkpoints are sent by POST.\n", allow="POST")
        else:
            self._answer(HTTPStatus.NOT_FOUND, "There is nothing here.\n")

    do_HEAD = do_GET

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if "Transfer-Encoding" in self.headers or not length:
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "Say how long the request is.\n")
        if not re.fullmatch("[0-9]{1,15}", length):
            raise Refused(HTTPStatus.BAD_REQUEST, "The length is no number.\n")
        if int(length) > LONGEST_BODY:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{LONGEST_BODY} bytes at most.\n")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise Refused(HTTPStatus.BAD_REQUEST, "The request broke off.\n")
        return body

    def _refuse(self, refusal: Refused, *, unread: bool = False) -> None:
        self.close_connection = self.close_connection or unread
        reason = "" if refusal.kind == SIZE_TYPE else f": {refusal.said.strip()}"
        say(f"refused with {refusal.status.value} {refusal.status.phrase}{reason}")
        self._answer(refusal.status, refusal.said, refusal.kind)

    def _answer(self, status: HTTPStatus, text: str, kind: str = TEXT_TYPE, allow: str = "") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if allow:
            self.send_header("Allow", allow)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        return "witness"

    def log_message(self, format: str, *given: Any) -> None:
        """Acts are said as they happen; who asked is nobody's business."""


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, host: str, port: int, witness: Witness):
        self.witness = witness
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), Door)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def say(what: str) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {what}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python3 -m audit.witness",
        description="Watch a public record, and sign what it says of itself while nothing in it is altered or removed.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--folder", type=Path, required=True, help="where the key and what was signed last are kept")
    parser.add_argument("--name", default="", help="your name in signatures, such as witness.example.edu (first run)")
    parser.add_argument("--log", action="append", required=True, metavar="VKEY", help="a record's key; may be repeated")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8300, help="the port to listen on (default %(default)s; 0: any)")
    given = parser.parse_args(arguments)
    try:
        witness = Witness(given.folder, given.name, [VerifierKey.read(text) for text in given.log])
        server = Server(given.host, given.port, witness)
    except BadNote as bad:
        print(f"--log: {bad}", file=sys.stderr)
        return 2
    except (CannotStart, OSError) as problem:
        print(f"The witness cannot start: {problem}.", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    host = f"[{given.host}]" if ":" in given.host else given.host
    address = f"http://{host}:{server.socket.getsockname()[1]}/"
    print(witness.signer.key.text, flush=True)
    say(f"listening on {address} for {', '.join(sorted(witness.keys))}")
    with server:
        server.serve_forever(poll_interval=0.2)
    with witness.turn:  # whatever is being kept is kept whole
        say("stopped")
        return 0


def _hold(folder: Path) -> int:
    """One process a folder, as long as it lives: two that each remember would sign past one another."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise CannotStart(f"another witness is running with the folder {folder}") from None
    return descriptor


def _signer(folder: Path, name: str) -> Signer:
    path, told = folder / "key", folder / "vkey"
    before = told.read_text("utf-8").strip() if told.exists() else ""
    name = name or before.partition("+")[0]
    if not re.fullmatch(r"[^\s+]+", name):
        raise CannotStart("a new witness needs a --name without spaces and plus signs, such as witness.example.edu")
    if not path.exists():
        if before or any((folder / "logs").iterdir()):
            raise CannotStart(f"{path} is missing from a folder in which something was signed already")
        _keep(path, base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()), mode=0o600)
    try:
        private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(path.read_bytes(), validate=True))
    except (ValueError, binascii.Error):
        raise CannotStart(f"{path} holds no key") from None
    signer = Signer(name, private, COSIGNATURE)
    if before and before != signer.key.text:
        raise CannotStart(f"the folder belongs to the witness {before}; a key keeps its name")
    _keep(told, f"{signer.key.text}\n".encode())
    return signer


def _proof_hash(line: str) -> bytes:
    try:
        raw = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != HASH_BYTES or base64.b64encode(raw).decode() != line:
        raise BadNote("A line of the proof is no hash in base64.")
    return raw


def _file_name(origin: str) -> str:
    return hashlib.sha256(origin.encode()).hexdigest()[:32]


def _keep(path: Path, content: bytes, mode: int = 0o644) -> None:
    """On disk, whole, before this returns: nothing may be signed that a power cut could make the witness forget."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


if __name__ == "__main__":
    sys.exit(main())
