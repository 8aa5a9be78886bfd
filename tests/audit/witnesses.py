"""A log to be witnessed, which can be made to fork, real witness processes that watch it, and servers that lie."""

import base64
import http.client
import signal
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import merkle
from audit.cosigning import LONGEST_PAUSE_SECONDS, Cosigning
from audit.notes import COSIGNATURE, Checkpoint, Signer, VerifierKey, note_text, vouched
from audit.policy import Policy, cosigners
from audit.tiles import Edge, LogFolder, tile_path

ROOT = Path(__file__).parents[2]
ORIGIN = "test.example/log"
WAIT_SECONDS = 20


def a_signer(name: str = ORIGIN, seed: int = 1, **given) -> Signer:
    return Signer(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32), **given)


@dataclass
class ALog:
    """Any number of entries, each only its number; a fork says something else from ``forked_at`` on."""

    signer: Signer = field(default_factory=a_signer)
    forked_at: int | None = None

    def leaves(self, size: int) -> list[bytes]:
        split = size if self.forked_at is None else min(self.forked_at, size)
        honest = [merkle.leaf_hash(b"entry %d" % n) for n in range(split)]
        return honest + [merkle.leaf_hash(b"another %d" % n) for n in range(split, size)]

    def checkpoint(self, size: int) -> Checkpoint:
        return Checkpoint(self.signer.name, size, merkle.root(self.leaves(size)))

    def note(self, size: int) -> str:
        return self.signer.note(self.checkpoint(size).text)

    def proof(self, old: int, size: int) -> list[bytes]:
        return merkle.consistency_proof(old, self.leaves(size)) if old else []

    def submission(self, old: int, size: int) -> bytes:
        return submission(old, self.proof(old, size), self.note(size))


def submission(old: object, proof: list[bytes], note: str) -> bytes:
    lines = "".join(f"{base64.b64encode(one).decode()}\n" for one in proof)
    return f"old {old}\n{lines}\n{note}".encode()


@dataclass
class Answer:
    status: int
    text: str
    kind: str


@dataclass
class Running:
    """A witness as its own process."""

    process: subprocess.Popen
    key: VerifierKey
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def policy_line(self) -> str:
        return f"witness {self.key.name} {self.key.text} {self.url}\n"

    def ask(self, body: bytes | None, path: str = "/add-checkpoint", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_SECONDS)
        try:
            connection.request("GET" if body is None else "POST", path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.read().decode(), response.getheader("Content-Type", ""))
        finally:
            connection.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> str:
        """What it said from its start to its end."""
        self.process.send_signal(signal.SIGTERM)
        said, _ = self.process.communicate(timeout=WAIT_SECONDS)
        assert self.process.returncode == 0
        return said


def command(folder: Path, *logs: VerifierKey, name: str = "witness.example", port: int = 0) -> list[str]:
    watched = [part for key in logs for part in ("--log", key.text)]
    start = [sys.executable, "-m", "audit.witness", "--folder", str(folder), "--port", str(port)]
    return [*start, *(["--name", name] if name else []), *watched]


@contextmanager
def running(folder: Path, *logs: VerifierKey, name: str = "witness.example", port: int = 0) -> Iterator[Running]:
    process = subprocess.Popen(
        command(folder, *(logs or (a_signer().key,)), name=name, port=port), cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        key = VerifierKey.read(process.stdout.readline())
        listening = process.stdout.readline()
        yield Running(process, key, int(listening.partition("127.0.0.1:")[2].partition("/")[0]))
    finally:
        process.kill()
        process.communicate()


@dataclass
class Site:
    """A published log in a folder, as the sequencer leaves it, and the operator's file of witnesses."""

    folder: LogFolder
    witnesses: Path
    log: ALog = field(default_factory=ALog)

    @classmethod
    def at(cls, path: Path, *lines: str, log: ALog | None = None) -> "Site":
        site = cls(LogFolder(path / "log"), path / "witnesses", log or ALog())
        site.folder.replace("vkey", f"{site.log.signer.key.text}\n".encode())
        site.write(*lines)
        return site

    def write(self, *lines: str) -> None:
        self.witnesses.write_text("".join(lines), "utf-8")

    def grow(self, size: int) -> None:
        edge = Edge()
        for n, leaf in enumerate(self.log.leaves(size)):
            for level, tile, content in edge.add(b"entry %d" % n, leaf):
                self.folder.replace(tile_path(level, tile), content)
        for level, tile, width, content in edge.partial():
            self.folder.replace(tile_path(level, tile, width), content)
        with self.folder.lock():
            self.folder.replace("checkpoint", self.log.note(size).encode())

    def cosigning(self) -> Cosigning:
        return Cosigning(self.folder, self.witnesses, "https://test.example/log")

    def signed(self, name: str = "checkpoint") -> tuple[int, set[str]]:
        """The size of a published checkpoint, and which witnesses of the policy have signed it."""
        note = (self.folder.path / name).read_text("utf-8")
        policy = Policy.read((self.folder.path / "policy").read_bytes())
        assert vouched(note, [self.log.signer.key])
        return Checkpoint.read(note_text(note)).size, {signer for signer, _ in cosigners(note, policy)}


@dataclass
class Liar:
    """A server that answers as it likes: ``answer`` turns what it was sent into what it sends, raw or in raw pieces."""

    answer: Callable[[bytes], bytes | Iterable[bytes]]
    asked: list[bytes] = field(default_factory=list)
    port: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    def line(self, key: VerifierKey, scheme: str = "http") -> str:
        return f"witness {key.name} {key.text} {scheme}://127.0.0.1:{self.port}/prefix/\n"


@contextmanager
def lying(answer: Callable[[bytes], bytes | Iterable[bytes]], tls: ssl.SSLContext | None = None) -> Iterator[Liar]:
    liar = Liar(answer)

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = 0
            while (line := self.rfile.readline()).strip():
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            body = self.rfile.read(length)
            if body:
                liar.asked.append(body)
                answer = liar.answer(body)
                for piece in [answer] if isinstance(answer, bytes) else answer:
                    self.wfile.write(piece)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, request, client_address) -> None:
            """Whoever it lied to may hang up."""

    with Server(("127.0.0.1", 0), Talk) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        liar.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield liar
        finally:
            liar.released.set()
            server.shutdown()
            thread.join(WAIT_SECONDS)


def http_answer(body: str | bytes, status: str = "200 OK", kind: str = "text/plain", *more: str) -> bytes:
    raw = body if isinstance(body, bytes) else body.encode()
    head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(raw)}", "Connection: close", *more]
    return "\r\n".join([*head, "", ""]).encode() + raw


NAMED = a_signer("liar.example", 30, kind=COSIGNATURE)
"""Whose key the policy names when a Liar answers."""


def looked(cosigning: Cosigning, at: float | None = None) -> None:
    cosigning.look(at)
    assert cosigning.finish(WAIT_SECONDS)


def later() -> float:
    """When nobody is left in peace any more."""
    return time.monotonic() + 2 * LONGEST_PAUSE_SECONDS


def the_text(body: bytes) -> str:
    """The text of the checkpoint in a request."""
    return note_text(body.decode().split("\n\n", 1)[1])
