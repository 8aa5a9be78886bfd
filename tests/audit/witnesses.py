"""A log to be witnessed, which can be made to fork, and real witness processes that watch it."""

import base64
import http.client
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import merkle
from audit.notes import Checkpoint, Signer, VerifierKey

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
