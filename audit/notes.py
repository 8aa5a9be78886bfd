"""Signed notes: a text, and below it one line from each key that vouches for it; and checkpoints, which are such texts.

Formats: c2sp.org/signed-note, c2sp.org/tlog-checkpoint, c2sp.org/tlog-cosignature (Ed25519 alone).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.merkle import HASH_BYTES

ED25519 = 0x01
COSIGNATURE = 0x04
"""An Ed25519 key that signs with the time at which a witness saw the text."""

KEY_BYTES = 32
LONGEST_NOTE = 64 * 1024
_NAME = re.compile(r"[^\s+]+")
_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")


class BadNote(ValueError):
    """Not a note, or none that the given keys vouch for."""


@dataclass(frozen=True)
class VerifierKey:
    """The public half of a key with its name. ``kind`` is ED25519 or COSIGNATURE."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """Four bytes: SHA-256(name ‖ 0x0A ‖ kind ‖ key), cut."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    @property
    def text(self) -> str:
        """name+id+key, as tools take it."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    @classmethod
    def read(cls, text: str) -> "VerifierKey":
        """Raises BadNote."""
        name, _, rest = text.strip().partition("+")
        id, _, encoded = rest.partition("+")
        raw = _decoded(encoded)
        if not _NAME.fullmatch(name) or len(raw) != KEY_BYTES + 1 or raw[0] not in (ED25519, COSIGNATURE):
            raise BadNote("This is no Ed25519 verifier key: name+id+key is wanted.")
        key = cls(name, raw[0], raw[1:])
        if key.id.hex() != id:
            raise BadNote("The verifier key's id is not that of its name and key.")
        return key

    def vouches(self, text: str, signature: bytes) -> bool:
        """Whether ``signature``, the bytes after the key id, is this key's on ``text``."""
        message = text.encode()
        if self.kind == COSIGNATURE:
            seconds, signature = int.from_bytes(signature[:8]), signature[8:]
            message = cosigned_message(text, seconds)
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Signer:
    """A private key with the name under which it signs."""

    name: str
    private: Ed25519PrivateKey
    kind: int = ED25519

    @property
    def key(self) -> VerifierKey:
        return VerifierKey(self.name, self.kind, self.private.public_key().public_bytes_raw())

    def line(self, text: str, *, seconds: int | None = None) -> str:
        """The signature line for a text; a witness says also when (``seconds`` since 1970)."""
        if self.kind == COSIGNATURE:
            at = seconds or 0
            signature = at.to_bytes(8) + self.private.sign(cosigned_message(text, at))
        else:
            signature = self.private.sign(text.encode())
        return f"— {self.name} {base64.b64encode(self.key.id + signature).decode()}\n"

    def note(self, text: str) -> str:
        return f"{text}\n{self.line(text)}"


def cosigned_message(text: str, seconds: int) -> bytes:
    """What a witness signs: the text with a head of two lines that says what kind of vouching this is, and when."""
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def note_text(note: str) -> str:
    """The text of a note, unchecked. Raises BadNote."""
    return _apart(note)[0]


def signature_lines(note: str) -> list[tuple[str, bytes, bytes]]:
    """Each signature's key name, key id and signature. Raises BadNote."""
    lines = []
    for line in _apart(note)[1].removesuffix("\n").split("\n"):
        found = _LINE.fullmatch(line)
        raw = _decoded(found[2]) if found else b""
        if not found or len(raw) < 5:
            raise BadNote("A line below the text is no signature.")
        lines.append((found[1], raw[:4], raw[4:]))
    return lines


def vouched(note: str, keys: Sequence[VerifierKey]) -> list[VerifierKey]:
    """Which of the keys signed a note, each once. Raises BadNote when a signature of theirs is false, or none is there.

    Whoever asks trusts all of ``keys``: a false signature under a name and id they know spoils the note.
    """
    known = {(key.name, key.id): key for key in keys}
    text, found = note_text(note), []
    for name, id, signature in signature_lines(note):
        key = known.get((name, id))
        if key is None:
            continue
        if not key.vouches(text, signature):
            raise BadNote(f"The signature of {name} is false.")
        if key not in found:
            found.append(key)
    if not found:
        raise BadNote("No key that is known has signed this.")
    return found


@dataclass(frozen=True)
class Checkpoint:
    """What a log says of itself at one size."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def read(cls, text: str) -> "Checkpoint":
        """From a note's text; lines after the third mean nothing to us. Raises BadNote."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise BadNote("A checkpoint has an origin, a size and a root, each on its line.")
        origin, size, encoded = lines[:3]
        root = _decoded(encoded)
        if not re.fullmatch("0|[1-9][0-9]{0,18}", size) or len(root) != HASH_BYTES:
            raise BadNote("The size or the root of a checkpoint is malformed.")
        return cls(origin, int(size), root)


def _apart(note: str) -> tuple[str, str]:
    text, blank, signatures = note.rpartition("\n\n")
    if len(note) > LONGEST_NOTE or not blank or not signatures.endswith("\n"):
        raise BadNote("A note is a text, an empty line, and signatures.")
    if any(ord(sign) < 32 and sign != "\n" for sign in note):
        raise BadNote("A note holds no control characters.")
    return text + "\n", signatures


def _decoded(encoded: str) -> bytes:
    """Canonical base64 alone, so that one value has one spelling."""
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise BadNote("This is no base64.") from None
    if base64.b64encode(raw).decode() != encoded:
        raise BadNote("This is no canonical base64.")
    return raw
