"""Shows each new checkpoint to the witnesses and puts their signatures onto it: c2sp.org/tlog-witness, the log's side.

It works on the published files alone. Signing the log never waits for it, and one witness never waits for another.
"""

import base64
import http.client
import logging
import re
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from flask import current_app

from audit.notes import BadNote, Checkpoint, VerifierKey, note_text, signature_lines
from audit.policy import BadPolicy, Policy, Witness, cosigners, of_site
from audit.tiles import CHECKPOINT, LogFolder, MissingTile, log_folder

log = logging.getLogger(__name__)

COSIGNED = "cosigned"
POLICY = "policy"
WITNESSES_FILE = "witnesses"
SIZE_TYPE = "text/x.tlog.size"
SILENCE_SECONDS = 10.0
LONGEST_TALK_SECONDS = 30.0
LONGEST_ANSWER = 16 * 1024
LONGEST_PAUSE_SECONDS = 300.0
CLOCKS_APART_SECONDS = 3600
TEXTS_REMEMBERED = 8
TRIES = 3
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\n")

Lines = dict[tuple[str, bytes], str]
"""Signature lines by the name and the id of their key."""


class NotCosigned(Exception):
    """Why a witness did not sign, in words for the operator."""


@dataclass
class Acquaintance:
    """What is remembered of one witness between one checkpoint and the next."""

    witness: Witness
    knows: int = 0
    """The size at which it signed last, as far as we heard; if that is wrong, it says so."""
    failures: int = 0
    rests_until: float = 0.0
    said: str = ""
    asking: threading.Thread | None = None

    @property
    def is_busy(self) -> bool:
        return self.asking is not None and self.asking.is_alive()


class Cosigning:
    """One per process. Call look() every few seconds; it returns at once, and threads of their own ask."""

    def __init__(self, folder: LogFolder, witnesses: Path, log_url: str):
        self.folder = folder
        self.witnesses = witnesses
        self.log_url = log_url
        self.known: dict[VerifierKey, Acquaintance] = {}
        self.turn = threading.Lock()
        self.gathered: OrderedDict[str, Lines] = OrderedDict()
        self.written: tuple[bytes, str] | None = None
        self.policy: Policy | None = None

    def look(self, at: float | None = None) -> None:
        """Ask every witness that has not signed the newest checkpoint, is not being asked, and is not left in peace.

        ``at`` is a moment of time.monotonic(), now unless told.
        """
        at = time.monotonic() if at is None else at
        policy = self.read_policy()
        note = self.folder.checkpoint()
        if policy is None or note is None:
            return
        signed = {name for name, _ in cosigners(note, policy)}
        for witness in policy.witnesses.values():
            if not witness.url or witness.name in signed:
                continue
            acquaintance = self.known.setdefault(witness.key, Acquaintance(witness))
            acquaintance.witness = witness
            if not acquaintance.is_busy and at >= acquaintance.rests_until:
                acquaintance.asking = threading.Thread(target=self._ask, args=(acquaintance, note, at), daemon=True)
                acquaintance.asking.start()

    def finish(self, seconds: float) -> bool:
        """Wait for those being asked just now; whether all of them have ended."""
        deadline = time.monotonic() + seconds
        for acquaintance in self.known.values():
            if acquaintance.asking:
                acquaintance.asking.join(max(0.0, deadline - time.monotonic()))
        return not any(acquaintance.is_busy for acquaintance in self.known.values())

    def read_policy(self) -> Policy | None:
        """What the operator's file says, published as /log/policy; while the file is malformed, what it said before."""
        try:
            vkey = (self.folder.path / "vkey").read_text("utf-8").strip()
            written = self.witnesses.read_bytes() if self.witnesses.exists() else b""
        except OSError as trouble:
            if not isinstance(trouble, FileNotFoundError):
                log.error("The file of witnesses cannot be read: %s", trouble)
            return self.policy
        if (written, vkey) == self.written:
            return self.policy
        self.written = (written, vkey)
        try:
            self.policy, whole = of_site(written, VerifierKey.read(vkey), self.log_url)
        except BadPolicy as bad:
            log.error("%s cannot be used, and what it said before holds. %s", self.witnesses, bad)
            if self.policy is None:
                self.policy = self._policy_before(VerifierKey.read(vkey))
            return self.policy
        published = self.folder.path / POLICY
        if not published.exists() or published.read_bytes() != whole:
            self.folder.replace(POLICY, whole)
        if not self.policy.witnesses:
            (self.folder.path / COSIGNED).unlink(missing_ok=True)
        return self.policy

    def _policy_before(self, key: VerifierKey) -> Policy:
        with suppress(FileNotFoundError, BadPolicy):
            return Policy.read((self.folder.path / POLICY).read_bytes())
        policy, whole = of_site(b"", key, self.log_url)
        self.folder.replace(POLICY, whole)
        return policy

    def _ask(self, acquaintance: Acquaintance, note: str, at: float) -> None:
        witness = acquaintance.witness
        try:
            line = self._obtain(acquaintance, note)
            self._put(note, (witness.key.name, witness.key.id), line)
        except (NotCosigned, BadNote, MissingTile, OSError) as reason:
            acquaintance.failures += 1
            pause = min(2.0**acquaintance.failures, LONGEST_PAUSE_SECONDS)
            acquaintance.rests_until = at + pause
            if acquaintance.said != str(reason):
                log.warning("The witness %s has not signed: %s", witness.name, reason)
            acquaintance.said = str(reason)
        else:
            if acquaintance.said:
                log.warning("The witness %s signs again.", witness.name)
            acquaintance.failures, acquaintance.said = 0, ""

    def _obtain(self, acquaintance: Acquaintance, note: str) -> str:
        """A witness's signature line for a checkpoint, checked. Raises NotCosigned."""
        text = note_text(note)
        size = Checkpoint.read(text).size
        for _ in range(TRIES):
            if acquaintance.knows > size:
                raise NotCosigned(
                    f"it says it signed {acquaintance.knows} lines, and this log has {size}. "
                    "Was the log put back to an older state?"
                )
            status, kind, answer = send(acquaintance.witness.url, self._submission(acquaintance.knows, note))
            if status == HTTPStatus.OK:
                line = checked_line(acquaintance.witness.key, text, answer, int(time.time()))
                acquaintance.knows = size
                return line
            found = _SIZE.fullmatch(answer)
            if status != HTTPStatus.CONFLICT or kind != SIZE_TYPE or not found:
                raise NotCosigned(f"it answered {status}: {ascii(answer[:200])}")
            if int(found[1]) == acquaintance.knows:
                raise NotCosigned(f"it holds that this log had another past at {acquaintance.knows} lines.")
            acquaintance.knows = int(found[1])
        raise NotCosigned("it says a different size each time it is asked.")

    def _submission(self, old: int, note: str) -> bytes:
        checkpoint = Checkpoint.read(note_text(note))
        proof = self.folder.consistency(old, checkpoint.size) if old else []
        lines = "".join(f"{base64.b64encode(one).decode()}\n" for one in proof)
        own = "".join(line for (name, _), line in _lines(note).items() if name == checkpoint.origin)
        return f"old {old}\n{lines}\n{note_text(note)}\n{own}".encode()

    def _put(self, note: str, key: tuple[str, bytes], line: str) -> None:
        """Onto the checkpoint that readers see, unless the log has grown; and onto the one kept for its signatures."""
        with self.turn, self.folder.lock():
            text = note_text(note)
            self.gathered.setdefault(text, {})[key] = line
            while len(self.gathered) > TEXTS_REMEMBERED:
                self.gathered.popitem(last=False)
            current = self.folder.checkpoint()
            if current is not None and note_text(current) == text:
                note = _signed(current, self.gathered[text])
                self.folder.replace(CHECKPOINT, note.encode())
            before = self.cosigned()
            if before is not None and note_text(before) == text:
                note = _signed(before, _lines(note))
            note = _signed(note, self.gathered[text])
            if before is None or self._worth(note) >= self._worth(before):
                self.folder.replace(COSIGNED, note.encode())

    def _worth(self, note: str) -> tuple[bool, bool, int, int]:
        """A checkpoint with enough signatures is better than a newer one that has too few."""
        if self.policy is None:
            return False, False, 0, 0
        signed = {name for name, _ in cosigners(note, self.policy)}
        return bool(signed), self.policy.is_met(signed), Checkpoint.read(note_text(note)).size, len(signed)

    def cosigned(self) -> str | None:
        """The newest checkpoint that witnesses signed, while the log may have grown beyond it."""
        try:
            return (self.folder.path / COSIGNED).read_text("utf-8")
        except FileNotFoundError:
            return None


def cosigning_of_this_site() -> Cosigning:
    settings = current_app.config["SETTINGS"]
    return Cosigning(log_folder(), settings.data_dir / WITNESSES_FILE, f"{settings.site_url}/log")


def policy_of_this_site() -> Policy | None:
    """As it is published; None before the first checkpoint."""
    try:
        return Policy.read((log_folder().path / POLICY).read_bytes())
    except (FileNotFoundError, BadPolicy):
        return None


def for_readers(folder: LogFolder) -> str | None:
    """The newest checkpoint with as many signatures as the policy demands; without one, the newest there is."""
    newest = folder.checkpoint()
    try:
        policy = Policy.read((folder.path / POLICY).read_bytes())
        cosigned = (folder.path / COSIGNED).read_text("utf-8")
    except (FileNotFoundError, BadPolicy):
        return newest
    notes = [note for note in (newest, cosigned) if note is not None]
    enough = [note for note in notes if policy.is_met({name for name, _ in cosigners(note, policy)})]
    return max(enough, key=lambda note: Checkpoint.read(note_text(note)).size, default=newest)


def checked_line(key: VerifierKey, text: str, answer: str, now: int) -> str:
    """The line of ``key`` among those that a witness answered with. Raises NotCosigned."""
    try:
        lines = signature_lines(f"{text}\n{answer}")
        if note_text(f"{text}\n{answer}") != text:
            raise BadNote("There is more in it than signatures.")
    except BadNote as bad:
        raise NotCosigned(f"its answer is no signature. {bad}") from None
    found = [signature for name, id, signature in lines if (name, id) == (key.name, key.id)]
    if not found:
        raise NotCosigned("it signed with another key than the policy names.")
    if not all(key.vouches(text, signature) for signature in found):
        raise NotCosigned("its signature is false.")
    if int.from_bytes(found[0][:8]) > now + CLOCKS_APART_SECONDS:
        raise NotCosigned("it signed with a time that is yet to come.")
    return _line(key.name, key.id, found[0])


def send(url: str, body: bytes) -> tuple[int, str, str]:
    """Status, kind and text of the answer to add-checkpoint. Follows nothing elsewhere. Raises NotCosigned."""
    parts = urlsplit(url)
    kind: Callable[..., http.client.HTTPConnection] = (
        http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    )
    connection = kind(parts.hostname or "", parts.port, timeout=SILENCE_SECONDS)
    too_long = threading.Timer(LONGEST_TALK_SECONDS, _hang_up, [connection])
    too_long.daemon = True
    too_long.start()
    try:
        connection.request("POST", f"{parts.path.rstrip('/')}/add-checkpoint", body, {"Content-Type": "text/plain"})
        response = connection.getresponse()
        answer = response.read(LONGEST_ANSWER + 1)
    except (OSError, http.client.HTTPException, ValueError) as trouble:
        raise NotCosigned(f"it cannot be reached ({ascii(str(trouble)[:200]) or type(trouble).__name__}).") from trouble
    finally:
        too_long.cancel()
        connection.close()
    if len(answer) > LONGEST_ANSWER:
        raise NotCosigned("its answer is too long.")
    if response.length:
        raise NotCosigned("its answer broke off.")
    said = response.getheader("Content-Type", "").partition(";")[0].strip().lower()
    return response.status, said, answer.decode("utf-8", "replace")


def _hang_up(connection: http.client.HTTPConnection) -> None:
    """Some bytes now and then keep a timeout from ever coming."""
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def _lines(note: str) -> Lines:
    return {(name, id): _line(name, id, signature) for name, id, signature in signature_lines(note)}


def _line(name: str, id: bytes, signature: bytes) -> str:
    return f"— {name} {base64.b64encode(id + signature).decode()}\n"


def _signed(note: str, added: Lines) -> str:
    """The note with more signatures, each key's once, the new one where it signed before."""
    return f"{note_text(note)}\n{''.join((_lines(note) | added).values())}"
