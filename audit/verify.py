"""Check a downloaded record without trusting whoever gave it to you. One file, the standard library alone.

    python3 verify.py BUNDLE [--since SAVED_CHECKPOINT] [--receipt FILE [--identity VALUE]] [--log-only]

BUNDLE is the zip that the site offers (record.zip), or the folder it unpacks to. --since takes a checkpoint you kept
earlier (the file `checkpoint` of an older bundle will do) and shows that nothing before it has changed. --receipt
takes the file that came with a vote; with --identity (the email address, organisation or reference that voted) it
shows whose vote the line is. --log-only is for a bare copy of the log, which comes without the texts: they, and the
counts that were kept sealed, are then left unchecked. It exits with 0 when all is well, 1 when a check failed, 2 when
there is nothing here that could be checked. Entries are counted from 0, as the log's tiles count them.

What this does not prove: that one pseudonym is one person, that voters were free, that a person exists at all; that
others were shown the same record as you (compare checkpoints, or look for witnesses' signatures); or that a time is
exact, as the record rounds it to the hour. A key found in the bundle shows only that one keeper wrote all of it:
compare it, as it is printed below, with one you had from elsewhere.

Read from the top: the formats first, then the record's rules, then what is printed.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import os
import re
import sys
import unicodedata
import zipfile
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

FAILURES = {
    "forged-signature": "A checkpoint is not signed by the record's key, or the signature is false.",
    "swapped-key": "A key is not the one that the record itself names.",
    "other-log": "Something belongs to another record.",
    "forged-cosignature": "A line under the checkpoint claims to be a witness's and is not.",
    "quorum-not-met": "Fewer witnesses have signed than the policy demands.",
    "malformed-policy": "The policy cannot be read.",
    "missing-tile": "A part of the log is not there.",
    "truncated-tile": "A part of the log is shorter or longer than it must be.",
    "altered-tile": "A hash in a tile is not that of the entries below it.",
    "root-mismatch": "The entries are not those that the checkpoint was signed for.",
    "altered-entry": "An entry differs from the one whose hash is in the log.",
    "dropped-entry": "An entry whose hash is in the log is gone.",
    "added-entry": "An entry was put in whose hash is not in the log.",
    "reordered-entries": "Entries stand in another order than the log's.",
    "not-opened": "The first entry, and no other, must be log.open.",
    "not-canonical": "An entry is not canonical JSON (RFC 8785), or holds what none may.",
    "malformed-entry": "An entry lacks a field, has one too many, or says what its type cannot say.",
    "duplicate-id": "Two entries have the same id.",
    "back-dated-entry": "An entry is more than an hour older than one before it.",
    "unknown-reference": "An entry refers to one that is not before it, or is of the wrong kind.",
    "broken-chain": "An entry does not follow on from the last one under the same pseudonym.",
    "tally-mismatch": "A count is not what the votes before it add up to.",
    "decision-mismatch": "A decision does not fit the record it rests on.",
    "census-mismatch": "What a theme listed when it opened is counted otherwise than the record lists it.",
    "edition-mismatch": "An edition of a report is numbered out of turn, or rests on more lines than there were.",
    "decision-cites-wrong-tally": "A decision cites a count that is wrong.",
    "false-opening": "A text is not the one that its entry commits to.",
    "missing-opening": "A text is withheld, and no entry says why.",
    "rolled-back": "The record is shorter than it was.",
    "fork": "The record's past is not the one that was signed before.",
    "false-promise": "The promise on a receipt is not the record's.",
    "broken-promise": "A promised entry did not come in time.",
    "receipt-mismatch": "The receipt's entry does not stand where it says.",
    "wrong-person": "The line is not under the pseudonym of the identity given.",
}

HASH, TILE, LONGEST_ENTRY, LONGEST_NOTE, LONGEST_OPENING = 32, 256, 8 * 1024, 64 * 1024, 4 * 1024 * 1024
HOUR, MOST_TARGETS, MOST_OPENINGS, LARGEST = 3600, 200, 4, 2**53
TAG = b"regulation-review/v1/"
ED25519, COSIGNATURE = 1, 4


class Unreadable(ValueError):
    """There is nothing that could be checked."""


@dataclass(frozen=True)
class Failure:
    name: str
    where: str
    what: str
    place: int = -1


@dataclass
class Report:
    """What was found: of each kind of failure the first, what was counted, and what the reader should know besides."""

    failures: list[Failure] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    times: Counter[str] = field(default_factory=Counter)

    def fail(self, name: str, where: str, what: str, place: int = -1) -> None:
        self.times[name] += 1
        known = [failure for failure in self.failures if failure.name == name]
        if not known or 0 <= place < known[0].place:
            self.failures = [failure for failure in self.failures if failure.name != name]
            self.failures.append(Failure(name, where, what, place))


# ---- Ed25519: RFC 8032, section 5.1 --------------------------------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def _added(one: Any, other: Any) -> Any:
    a, b = (one[1] - one[0]) * (other[1] - other[0]) % P, (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * D * one[3] * other[3] % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _multiplied(times: int, point: Any) -> Any:
    result = (0, 1, 1, 0)
    while times:
        if times & 1:
            result = _added(result, point)
        point, times = _added(point, point), times >> 1
    return result


def _point(encoded: bytes) -> Any:
    """The point, or None where the 32 bytes are not the one encoding of any (section 5.1.3)."""
    y, odd = int.from_bytes(encoded, "little") & (2**255 - 1), encoded[31] >> 7
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and odd):
        return None
    x = P - x if x & 1 != odd else x
    return x, y, 1, x * y % P


BASE = _point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signature_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a 64-byte Ed25519 signature is the 32-byte key's on the message; S beyond the order is refused."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, s = _point(public), int.from_bytes(signature[32:], "little")
    if key is None or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    minus = (P - key[0], key[1], key[2], P - key[3])
    x, y, z, _ = _added(_multiplied(s, BASE), _multiplied(k, minus))
    inverse = pow(z, P - 2, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


# ---- Keys, signed notes, checkpoints, policies: c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature, tlog-policy -


def from_base64(encoded: str) -> bytes:
    """Canonical base64 alone, so that one value has one spelling. Raises ValueError."""
    raw = base64.b64decode(encoded.encode("ascii"), validate=True)
    if base64.b64encode(raw).decode() != encoded:
        raise ValueError("not canonical base64")
    return raw


@dataclass(frozen=True)
class Key:
    """The public half of a key with its name; ``kind`` is ED25519, or COSIGNATURE for a witness's."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    @property
    def text(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    @classmethod
    def read(cls, text: str) -> Key:
        """From name+id+key. Raises ValueError."""
        name, _, rest = text.partition("+")
        raw = from_base64(rest.partition("+")[2])
        key = cls(name, raw[0] if raw else 0, raw[1:])
        if not name or len(raw) != 33 or key.kind not in (ED25519, COSIGNATURE) or key.text != text:
            raise ValueError("no Ed25519 verifier key")
        return key

    def vouches(self, text: str, signature: bytes) -> bool:
        if self.kind == COSIGNATURE:
            seconds, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            text = f"cosignature/v1\ntime {seconds}\n{text}"
        return signature_holds(self.public, text.encode(), signature)


@dataclass(frozen=True)
class Note:
    """A text with the signatures below it: (name, key id, signature) each."""

    text: str
    signatures: list[tuple[str, bytes, bytes]]

    @classmethod
    def read(cls, raw: bytes) -> Note:
        """Raises ValueError."""
        note = raw.decode("utf-8")
        text, blank, below = note.rpartition("\n\n")
        if len(raw) > LONGEST_NOTE or not blank or not below.endswith("\n") or re.search(r"[\x00-\x09\x0b-\x1f]", note):
            raise ValueError("not a signed note")
        signatures = []
        for line in below[:-1].split("\n"):
            found = re.fullmatch(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})", line)
            signed = from_base64(found[2]) if found else b""
            if not found or len(signed) < 5:
                raise ValueError("a line below the text is no signature")
            signatures.append((found[1], signed[:4], signed[4:]))
        return cls(text + "\n", signatures)

    def signed_by(self, key: Key) -> bool | None:
        """None where no line claims to be this key's; all that do must be."""
        lines = [signature for name, id, signature in self.signatures if (name, id) == (key.name, key.id)]
        return all(key.vouches(self.text, signature) for signature in lines) if lines else None


@dataclass(frozen=True)
class Checkpoint:
    note: Note
    origin: str
    size: int
    root: bytes

    @classmethod
    def read(cls, raw: bytes, what: str) -> Checkpoint:
        try:
            note = Note.read(raw)
            lines = note.text[:-1].split("\n")
            origin, size, root = lines[0], lines[1], from_base64(lines[2])
        except (ValueError, IndexError):
            raise Unreadable(f"{what} is not a signed checkpoint.") from None
        if not all(lines) or not re.fullmatch("0|[1-9][0-9]{0,17}", size) or len(root) != HASH:
            raise Unreadable(f"{what} is not a signed checkpoint: its size or root is malformed.")
        return cls(note, origin, int(size), root)


class Policy:
    """The witnesses by name, and who of them must have signed."""

    def __init__(self, raw: bytes) -> None:
        self.logs: list[Key] = []
        self.witnesses: dict[str, Key] = {}
        self.groups: dict[str, tuple[int, list[str]]] = {}
        self.quorum = ""
        for line in raw.decode("utf-8").split("\n"):
            words = line.split()
            if words and not words[0].startswith("#"):
                self._take(words[0], words[1:])
        if not self.quorum:
            raise ValueError("it has no quorum line")

    def _take(self, word: str, rest: list[str]) -> None:
        known = {*self.witnesses, *self.groups}
        if word == "log" and 1 <= len(rest) <= 2:
            self.logs.append(Key.read(rest[0]))
        elif word == "witness" and 2 <= len(rest) <= 3 and rest[0] not in {*known, "none"}:
            self.witnesses[rest[0]] = Key.read(rest[1])
        elif word == "group" and len(rest) >= 3 and rest[0] not in {*known, "none"} and known.issuperset(rest[2:]):
            count = {"any": "1", "all": str(len(rest) - 2)}.get(rest[1], rest[1])
            if not re.fullmatch("[1-9][0-9]{0,3}", count) or int(count) > len(rest) - 2:
                raise ValueError(f"the group {rest[0]} wants more than it has")
            self.groups[rest[0]] = int(count), rest[2:]
        elif word == "quorum" and len(rest) == 1 and not self.quorum and rest[0] in {*known, "none"}:
            self.quorum = rest[0]
        else:
            raise ValueError(f"it has a line “{word}” that cannot be")

    def is_met(self, signed: set[str]) -> bool:
        have = set(signed)
        for name, (least, members) in self.groups.items():
            if len(have.intersection(members)) >= least:
                have.add(name)
        return self.quorum == "none" or self.quorum in have


# ---- The bundle: a zip or a folder with c2sp.org/tlog-tiles in it ----------------------------------------------------

BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
    KeyError,
)


class Bundle:
    """Files by name. Nothing is unpacked, and nothing is read beyond the length it may have."""

    def __init__(self, path: str) -> None:
        self._folder = path if os.path.isdir(path) else ""
        self._zip = None
        if not self._folder:
            try:
                self._zip = zipfile.ZipFile(path)
                names = self._zip.namelist()
            except (*BROKEN_ZIP, MemoryError) as error:
                raise Unreadable(f"{path} is neither a folder nor a zip file that can be read ({error}).") from None
            if len(set(names)) != len(names):
                raise Unreadable(f"{path} holds two files of the same name, so readers may see different ones.")
            self._names = set(names)

    def has(self, name: str) -> bool:
        return name in self._names if self._zip else os.path.isfile(os.path.join(self._folder, name))

    def open(self, name: str) -> IO[bytes]:
        return self._zip.open(name) if self._zip else open(os.path.join(self._folder, name), "rb")

    def read(self, name: str, limit: int) -> bytes | None:
        """At most limit + 1 bytes, so that a file that is too long shows; None where there is none."""
        if not self.has(name):
            return None
        try:
            with self.open(name) as file:
                return file.read(limit + 1)
        except BROKEN_ZIP as error:
            raise Unreadable(f"{name} cannot be read ({error}).") from None


def tile_path(level: int | str, n: int, width: int = TILE) -> str:
    parts = [f"{n % 1000:03d}"]
    while n >= 1000:
        n //= 1000
        parts.insert(0, f"x{n % 1000:03d}")
    return f"tile/{level}/{'/'.join(parts)}" + (f".p/{width}" if width < TILE else "")


def read_tile(bundle: Bundle, level: int | str, n: int, width: int, limit: int) -> tuple[str, bytes | None, bool]:
    """Its name, its bytes, and whether they are those of the full tile, which may stand in for a partial one."""
    name = tile_path(level, n, width)
    raw = bundle.read(name, limit * width)
    if raw is None and width < TILE:
        return name, bundle.read(tile_path(level, n), limit * TILE), True
    return name, raw, False


def split_entries(raw: bytes, most: int) -> list[bytes] | None:
    """Entries, each after its length in two bytes, the larger first; None where the last is cut short."""
    entries: list[bytes] = []
    at = 0
    while at < len(raw) and len(entries) < most:
        start = at + 2
        at = start + int.from_bytes(raw[at:start], "big")
        if at > len(raw) or start > len(raw):
            return None
        entries.append(raw[start:at])
    return entries


# ---- The Merkle tree: RFC 6962, section 2.1 --------------------------------------------------------------------------


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """Every complete subtree's root, by height: 64 bytes an entry, and any earlier root in as many steps as levels."""

    def __init__(self) -> None:
        self.size = 0
        self.levels: list[bytearray] = [bytearray()]

    def append(self, leaf: bytes) -> None:
        self.levels[0] += leaf
        self.size += 1
        size, height = self.size, 0
        while not size & 1:
            leaf = hashlib.sha256(b"\x01" + self.levels[height][-2 * HASH :]).digest()
            size, height = size >> 1, height + 1
            if height == len(self.levels):
                self.levels.append(bytearray())
            self.levels[height] += leaf

    def hash(self, height: int, index: int) -> bytes:
        return bytes(self.levels[height][index * HASH : (index + 1) * HASH])

    def root(self, size: int) -> bytes:
        """Of the first so many entries, no more than there are."""
        found, end = b"", size
        while end:
            height = (end & -end).bit_length() - 1
            peak = self.hash(height, (end >> height) - 1)
            found, end = node_hash(peak, found) if found else peak, end - (1 << height)
        return found or hashlib.sha256(b"").digest()


def inclusion_holds(index: int, size: int, leaf: bytes, proof: list[bytes], root: bytes) -> bool:
    """RFC 9162, section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    step, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0 or len(sibling) != HASH:
            return False
        if step & 1 or step == last:
            found = node_hash(sibling, found)
            while not step & 1 and step:
                step, last = step >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        step, last = step >> 1, last >> 1
    return last == 0 and found == root


# ---- Entries: canonical JSON (RFC 8785), and what each type says -----------------------------------------------------


def _whole_number(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) >= LARGEST:
        raise ValueError("an integer too large for every reader of JSON")
    return int(digits)


def _refused(what: str) -> Any:
    raise ValueError(f"{what} may not stand in an entry")


JSON_IN = json.JSONDecoder(parse_int=_whole_number, parse_float=_refused, parse_constant=_refused)
JSON_OUT = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False)


def canonical(value: Any) -> str:
    """RFC 8785 of what holds no floats: names sorted by UTF-16, strings in NFC. Raises ValueError."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(name)}:{canonical(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(each) for each in value) + "]"
    if isinstance(value, str) and not unicodedata.is_normalized("NFC", value):
        raise ValueError("a text that is not in NFC")
    return JSON_OUT.encode(value)


def read_entry(raw: bytes) -> dict[str, Any]:
    """Raises ValueError with the reason why this is no entry in canonical form."""
    if len(raw) > LONGEST_ENTRY:
        raise ValueError("it is longer than 8 KiB")
    text = raw.decode("utf-8")
    try:
        said = JSON_IN.decode(text)
        spelled = JSON_OUT.encode(said) if raw.isascii() else canonical(said)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(said, dict) or spelled != text:
        raise ValueError("its spelling is not the canonical one")
    return said


HEX = "0123456789abcdef"
CHOICES = ("scrap", "improve", "keep")
DIRECTIONS = ("lighter", "clearer", "stricter", "other")
OUTCOMES = ("scrap", *(f"improve_{direction}" for direction in DIRECTIONS), "keep")
SAID = {f"{o.partition('_')[0]}:{o.partition('_')[2]}": n for n, o in enumerate(OUTCOMES, 1)}
SEALED = len(OUTCOMES) + 1


def _is_number(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_hex(value: Any, digits: int) -> bool:
    return type(value) is str and len(value) == digits and not value.strip(HEX)


def _is_key(value: Any) -> bool:
    try:
        return type(value) is str and len(from_base64(value)) == 32
    except ValueError:
        return False


KINDS: dict[str, Callable[[Any], bool]] = {
    "text": lambda value: type(value) is str,
    "number": _is_number,
    "true": lambda value: value is True,
    "flag": lambda value: type(value) is bool,
    "digest": lambda value: _is_hex(value, 64),
    "id": lambda value: _is_hex(value, 32),
    "ids": lambda value: type(value) is list and 0 < len(value) <= MOST_TARGETS and all(map(KINDS["id"], value)),
    "counts": lambda value: type(value) is dict and all(map(_is_number, value.values())),
    "choice": lambda value: value in CHOICES,
    "direction": lambda value: value in DIRECTIONS,
    "key": _is_key,
}

FIELDS = {
    "log.open": "origin:text log_key:key promise_key:key demonstration:flag",
    "theme": "theme:text kind:text split:text text_sha256:digest",
    "window": "theme:text act:text opens:number closes:number days?:number actor:text reason_commit?:digest",
    "item.version": "item:text theme:text text_sha256:digest",
    "stage": "item:text stage:text actor:text",
    "vote": "item:text voter:digest capacity:text level:number choice?:choice direction?:direction commit?:digest "
    "withdrawn?:true prev?:id",
    "comment": "item:text author:digest capacity:text vote?:choice direction?:direction commit?:digest "
    "provision?:text body_commit?:digest withdrawn?:true prev?:id",
    "support": "item:text comment:id author:digest withdrawn?:true prev?:id",
    "moderation": "item:text target:id action:text rule:text actor:text reason_commit:digest body_commit?:digest",
    "erasure": "target:id basis:text item?:text",
    "invalidation": "act:text rule:text actor:text targets?:ids targets_commit?:digest",
    "reinstatement": "act:text rule:text actor:text targets?:ids targets_commit?:digest",
    "point": "item:text point:text text_sha256?:digest few?:flag withdrawn?:true actor:text prev?:id",
    "grouping": "item:text comment:id point:id actor:text withdrawn?:true",
    "tally": "item:text at_size:number counts:counts",
    "decision": "item:text reference:text outcome:text statement_sha256:digest at_size:number root:digest tally:id "
    "official:text approver:text evidence_at_size?:number supersedes?:id",
    "dispute": "item:text grouping:id state:text actor?:text",
    "submission": "theme:text reference:text how:text capacity:text received:number actor:text item?:text "
    "text_commit?:digest file_sha256?:digest signatures?:number withheld?:true prev?:id",
    "answer": "item:text decision:id verdict:text text_sha256:digest point?:id comment?:id",
    "due": "theme:text due:number actor:text reason_commit:digest",
    "overdue": "theme:text due:number undecided:number",
    "milestone": "item:text decision:id step:text state:text actor:text due?:number moved_from?:number "
    "text_sha256?:digest prev?:id",
    "census": "theme:text opens:number number:number items_sha256:digest",
    "edition": "theme:text number:number at_size:number text_sha256:digest",
    "key.rotate": "which:text old:key new:key actor:text",
    "incident": "kind:text actor:text reason_commit?:digest",
    "role": "office:text role:text act:text actor:text",
    "organisation": "organisation:text act:text actor:text",
}
"""Per type the fields with their kinds; a question mark where one may be absent."""

HEAD = {"v", "id", "t", "type"}
MUST_OPEN = {"reason_commit", "statement_sha256", "targets_commit", "items_sha256"}
REFERS: dict[str, dict[str, tuple[str, ...]]] = {
    "support": {"comment": ("comment",)},
    "moderation": {"target": ("comment",)},
    "erasure": {"target": ("vote", "comment", "support", "submission")},
    "point": {"prev": ("point",)},
    "grouping": {"comment": ("comment",), "point": ("point",)},
    "dispute": {"grouping": ("grouping",)},
    "submission": {"prev": ("submission",)},
    "answer": {"decision": ("decision",), "point": ("point",), "comment": ("comment",)},
    "milestone": {"decision": ("decision",), "prev": ("milestone",)},
}
"""Fields that name an earlier entry on the same item, and of which types; votes, tallies and acts have their own."""

CITED = {
    "comment": "comment",
    "point": "point",
    "submission": "submission",
    "version": "item.version",
    "tally": "tally",
}
"""Which type of entry each kind of a decision's evidence names."""

CHAINED = {"vote": "voter", "comment": "author", "support": "author"}


def head_fault(said: dict[str, Any]) -> str:
    """What is wrong with that which every entry says, of whatever type."""
    if type(said.get("v")) is not int or said["v"] != 1:
        return "“v” is not 1"
    if not _is_hex(said.get("id"), 32):
        return "“id” is not 32 hex digits"
    if not _is_number(said.get("t")) or said["t"] % HOUR:
        return "“t” is no full hour"
    return "" if type(said.get("type")) is str else "“type” is no text"


class Form:
    """What an entry of one type may and must say."""

    def __init__(self, type: str) -> None:
        named = [part.split(":") for part in FIELDS[type].split()]
        self.number = list(FIELDS).index(type) + 1
        self.kinds = {name.rstrip("?"): KINDS[kind] for name, kind in named}
        self.needed = [name for name, _ in named if not name.endswith("?")]
        self.openable = [name for name, kind in self.kinds.items() if name.endswith(("commit", "_sha256"))]
        self.refers = REFERS.get(type, {})

    def fault(self, said: dict[str, Any]) -> str:
        for name, value in said.items():
            if name not in HEAD:
                kind = self.kinds.get(name)
                if kind is None or not kind(value):
                    return f"“{name}” cannot stand there, or not so"
        for name in self.needed:
            if name not in said:
                return f"“{name}” is missing"
        return ""


FORMS = {type: Form(type) for type in FIELDS}
TYPE_NAMES = ["", *FIELDS]


# ---- Openings: what commitments stand for ----------------------------------------------------------------------------


def opening_digest(opening: dict[str, Any]) -> bytes:
    """What an entry that commits to this must say. Raises ValueError, KeyError, TypeError or AttributeError."""
    text = opening["text"].encode("utf-8")
    if opening["field"].endswith("_sha256"):
        return hashlib.sha256(text).digest()
    salt, kind = bytes.fromhex(opening["salt"]), opening["kind"]
    # with a salt of any other length, or a zero byte in the kind, one commitment could be opened to two texts
    if len(salt) != 32 or not re.fullmatch("[a-z-]+", kind):
        raise ValueError("the salt or the kind is malformed")
    return hashlib.sha256(TAG + kind.encode() + b"\x00" + salt + text).digest()


class Openings:
    """Digests by entry and field; the texts only of those that are needed to count."""

    def __init__(self) -> None:
        self.digests: dict[bytes, bytes] = {}
        self.texts: dict[bytes, str] = {}

    def read(self, lines: Iterator[bytes], most: int, report: Report) -> None:
        last = ("", "")
        for number, line in enumerate(lines, 1):
            where = f"openings.jsonl, line {number}"
            try:
                opening = json.loads(line)
                place, digest = (opening["entry"], opening["field"]), opening_digest(opening)
                id = bytes.fromhex(place[0]) if _is_hex(place[0], 32) else b""
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                report.fail("false-opening", where, "It is not an opening; the rest was not read.", 0)
                return
            if not id or place <= last or number > most or len(line) > LONGEST_OPENING:
                report.fail("false-opening", where, "Openings must be sorted, each once; the rest was not read.", 0)
                return
            last, key = place, id + place[1].encode()
            self.digests[key] = digest
            is_read = place[1] in ("targets_commit", "statement_sha256", "items_sha256")
            if is_read or (place[1] == "commit" and opening["text"] in SAID):
                self.texts[key] = sys.intern(opening["text"])


# ---- The record: its rules, entry by entry ---------------------------------------------------------------------------

OPEN, UNOPENED_SIDE, ERASED, WITHDRAWN = 1, 2, 4, 8
WITHHELD = {"hold": "held", "hide": "hidden", "mask": "masked"}


class Record:
    """What must be remembered of a million entries to judge the next: numbers in arrays, hashes in two dictionaries."""

    def __init__(self, report: Report, openings: Openings | None) -> None:
        self.report, self.openings = report, openings
        self.size, self.newest = 0, 0
        self.ids: dict[bytes, int] = {}
        self.id_at = bytearray()
        self.heads: dict[bytes, int] = {}
        self.items: dict[str, int] = {"": 0}
        self.types, self.item_of, self.said = array("B"), array("I"), array("B")
        self.flags, self.successor, self.chain = bytearray(), array("I"), array("I")
        self.votes_on: dict[int, array[int]] = {}
        self.struck: dict[int, list[tuple[int, bool]]] = {}
        self.comments: list[list[int]] = [[0, 0]]
        self.acts: dict[int, tuple[str, int, bool]] = {}
        self.theme_of: dict[int, str] = {}
        self.listed: dict[str, dict[str, int]] = {}
        self.opens_at: dict[str, int] = {}
        self.censuses: dict[str, tuple[int, int, set[str] | None]] = {}
        self.editions: Counter[str] = Counter()
        self.step_days: dict[int, int | None] = {}
        self.kept: dict[str, bool] = {}
        self.tallies: dict[int, tuple[int, int, bool]] = {}
        self.tallied: dict[int, int] = {}
        self.unopened_votes: dict[int, int] = {}
        self.decided: dict[int, int] = {}
        self.roots: list[tuple[int, int, str]] = []
        self.origin = ""
        self.log_keys: list[tuple[int, bytes]] = []
        self.promise_keys: list[bytes] = []
        self.by_type: Counter[str] = Counter()
        self.absent: Counter[str] = Counter()
        self.opened = self.late = self.recounted = 0
        self.is_blind = False
        self._handlers = {
            "log.open": self._log_open, "theme": self._theme, "item.version": self._item_version, "vote": self._vote,
            "comment": self._comment, "moderation": self._moderation, "erasure": self._erasure, "tally": self._tally,
            "invalidation": self._targets, "reinstatement": self._targets, "decision": self._decision,
            "census": self._census, "key.rotate": self._key_rotate, "window": self._window,
            "milestone": self._milestone, "edition": self._edition,
        }  # fmt: skip

    def fail(self, name: str, place: int, what: str) -> None:
        self.report.fail(name, self.called(place), what, place)

    def called(self, place: int) -> str:
        id = self.id_at[16 * place : 16 * place + 16].hex()
        return f"entry {place} (id {id if id.strip('0') else 'unreadable'})"

    def take(self, raw: bytes) -> None:
        """Judge the next entry. Whatever is wrong with it, it keeps its place."""
        place = self.size
        self.size += 1
        for kept in (self.types, self.item_of, self.said, self.flags, self.successor, self.chain):
            kept.append(0)
        self.id_at += bytes(16)
        try:
            said = read_entry(raw)
        except ValueError as error:
            return self.fail("not-canonical", place, f"It is not canonical JSON: {error}.")
        fault = head_fault(said)
        if fault:
            return self.fail("malformed-entry", place, f"As an entry it cannot be: {fault}.")
        t, type, key = said["t"], said["type"], bytes.fromhex(said["id"])
        self.id_at[-16:] = key
        if self.ids.setdefault(key, place) != place:
            self.fail("duplicate-id", place, f"Entry {self.ids[key]} has this id already.")
        if t < self.newest - HOUR:
            self.fail("back-dated-entry", place, f"Its hour ({t}) is more than one before an earlier entry's.")
        self.newest = max(self.newest, t)
        if (type == "log.open") != (place == 0):
            self.fail("not-opened", place, "log.open is the first entry, and only the first.")
        form = FORMS.get(type)
        self.by_type[type if form else ""] += 1
        if form is None:
            return None
        self.types[place] = form.number
        item = said.get("item")
        fault = form.fault(said)
        if fault:
            return self.fail("malformed-entry", place, f"As a {type} entry it cannot be: {fault}.")
        if item is not None:
            self.item_of[place] = self.items.setdefault(item, len(self.items))
        opened = self._open(place, key, said, form)
        for name, types in form.refers.items():
            if name in said:
                self._earlier(place, said[name], types)
        if type in CHAINED:
            self._follow_on(place, said, said[CHAINED[type]])
        handler = self._handlers.get(type)
        if handler:
            handler(place, said, opened)
        return None

    def _open(self, place: int, id: bytes, said: dict[str, Any], form: Form) -> dict[str, str]:
        """Compare whatever openings there are; returns, by field, the texts that matter to counting, or ""."""
        found: dict[str, str] = {}
        if self.openings is None:
            return found
        for name in form.openable:
            if name not in said:
                continue
            key = id + name.encode()
            digest = self.openings.digests.pop(key, None)
            if digest is None:
                if name in MUST_OPEN:
                    self.fail("missing-opening", place, f"What its “{name}” stands for must be public, and is not.")
                continue
            if digest.hex() != said[name]:
                self.fail("false-opening", place, f"The text given for its “{name}” is not the one it commits to.")
                continue
            self.opened += 1
            found[name] = self.openings.texts.pop(key, "")
            if name == "commit" and not found[name]:
                self.fail("false-opening", place, "Its “commit” opens to something that is no choice.")
        return found

    def _earlier(self, place: int, id: str, types: tuple[str, ...], same_item: bool = True) -> int | None:
        found = self.ids.get(bytes.fromhex(id))
        if found is None or found >= place:
            self.fail("unknown-reference", place, f"It refers to {id}, which is not before it.")
        elif TYPE_NAMES[self.types[found]] not in types:
            self.fail("unknown-reference", place, f"It refers to {id}, which is not a {' or '.join(types)} entry.")
        elif same_item and self.item_of[place] and self.item_of[found] != self.item_of[place]:
            self.fail("unknown-reference", place, f"It refers to {id}, which is about something else.")
        else:
            return found
        return None

    def _follow_on(self, place: int, said: dict[str, Any], who: str) -> None:
        """Each line under a pseudonym on an item names the last one; the first names none."""
        key = bytes([self.types[place]]) + self.item_of[place].to_bytes(4, "big") + bytes.fromhex(who)
        last, prev = self.heads.get(key), said.get("prev")
        named = None if prev is None else self.ids.get(bytes.fromhex(prev), -1)
        if named != last:
            after = "none" if last is None else self.called(last)
            self.fail("broken-chain", place, f"It should follow on from {after}, and names {prev or 'none'}.")
        self.heads[key] = place
        if last is not None:
            self.successor[last] = place
            self.chain[place] = self.chain[last]

    def _log_open(self, place: int, said: dict[str, Any], opened: dict[str, str]) -> None:
        if place == 0:
            self.origin = said["origin"]
            self.log_keys.append((0, from_base64(said["log_key"])))
            self.promise_keys.append(from_base64(said["promise_key"]))

    def _key_rotate(self, place: int, said: dict[str, Any], opened: dict[str, str]) -> None:
        """The checkpoints that hold this entry are signed by the new key."""
        old, new = from_base64(said["old"]), from_base64(said["new"])
        in_force = [key for _, key in self.log_keys] if said["which"] == "log" else self.promise_keys
        if said["which"] not in ("log", "promise") or in_force[-1:] != [old]:
            self.fail("swapped-key", place, "It replaces a key that was not in force.")
        elif said["which"] == "log":
            self.log_keys.append((place, new))
        else:
            self.promise_keys.append(new)

    def _theme(self, place: int, said: dict[str, Any], opened: dict[str, str]) -> None:
        self.kept[said["theme"]] = said["split"] == "kept"

    def _item_version(self, place: int, said: dict[str, Any], opened: dict[str, str]) -> None:
        self.theme_of[self.item_of[place]] = said["theme"]
        self.listed.setdefault(said["theme"], {}).setdefault(said["item"], said["t"])

    def _vote(self, place: int, said: dict[str, Any], opened: dict[str, str]) -> None:
        item, choice, direction = self.item_of[place], said.get("choice"), said.get("direction")
        ways = ("choice" in said) + ("commit" in said) + ("withdrawn" in said)
        if ways != 1 or (direction is not None) != (choice == "improve"):
            self.fail(
                "malformed-entry", place, "A vote says one choice (an improvement its direction), or is taken back."
            )
            return
        if item in self.tallied:
            self.late += 1
        self.votes_on.setdefault(item, array("I")).append(place)
        code = SAID[f"{choice}:{direction or ''}"] if choice else 0
        if "commit" in said:
            code = SAID.get(opened.get("commit", ""), SEALED)
            if code == SEALED:
                self.flags[place] |= UNOPENED_SIDE
                self.unopened_votes.setdefault(item, place)
        self.said[place] = code if said["level"] >= 1 else 0

    def _comment(self, place: int, said: dict[str, Any], opened: dict[str, str]) -> None:
        if ("withdrawn" in said) == ("body_commit" in said):
            self.fail("malformed-entry", place, "A comment has a text, or is taken back.")
        number = self.chain[place]
        if not number:
            number = self.chain[place] = len(self.comments)
            self.comments.append([place, 0])
        self.comments[number][0] = place
        if "withdrawn" in said:
            self.flags[place] |= WITHDRAWN
        if "body_commit" in opened:
            self.flags[place] |= OPEN
        if "commit" in said and "commit" not in opened:
            self.flags[place] |= UNOPENED_SIDE

    def _moderation(self, place: int, said: dict[str, Any], opened: dict[str, str]) -> None:
        target = self.ids.get(bytes.fromhex(said["target"]), place)
        if said["action"] == "mask" and "body_commit" not in said:
            self.fail("malformed-entry", place, "A mask commits to the words that are left.")
        if self.chain[target]:
            self.comments[self.chain[target]][1] = place
            self.acts[place] = said["action"], target, "body_commit" in opened

    def _erasure(self, place: int, said: dict[str, Any], opened: dict[str, str]) -> None:
        target = self.ids.get(bytes.fromhex(said["target"]), place)
        self.flags[target] |= ERASED

    def _targets(self, place: int, said: dict[str, Any], opened: dict[str, str]) -> None:
        targets = said.get("targets")
        if (targets is None) == ("targets_commit" not in said):
            self.fail("malformed-entry", place, "It lists its votes, or commits to their list.")
            return
        if targets is None and "targets_commit" in opened:
            try:
                targets = json.loads(opened["targets_commit"])
            except (ValueError, RecursionError):
                targets = None
            if type(targets) is not list or not all(map(KINDS["id"], targets)):
                self.fail("false-opening", place, "Its list of votes is not a list of ids.")
                return
        self.is_blind = self.is_blind or (targets is None and self.openings is None)
        for id in targets or []:
            vote = self._earlier(place, id, ("vote",))
            if vote is not None:
                self.struck.setdefault(vote, []).append((place, said["type"] == "invalidation"))

    def counted(self, item: int, size: int) -> Counter[int]:
        """Standing votes on an item among the first ``size`` entries, by OUTCOMES counted from 1, or SEALED."""
        found: Counter[int] = Counter()
        for place in self.votes_on.get(item, ()):
            if place >= size:
                break
            code, after = self.said[place], self.successor[place]
            if not code or (after and after < size):
                continue
            acts = [struck for at, struck in self.struck.get(place, ()) if at < size]
            if not acts or not acts[-1]:
                found[code] += 1
        return found

    def _tally(self, place: int, said: dict[str, Any], opened: dict[str, str]) -> None:
        item, size = self.item_of[place], said["at_size"]
        found, votes = self.counted(item, size), self.votes_on.get(item)
        counts = {name: found[n] for n, name in enumerate(OUTCOMES, 1)}
        counts["improve"] = sum(count for name, count in counts.items() if name.startswith("improve_"))
        counts["participants"] = sum(found.values())
        sealed, holds = bool(found[SEALED]) or self.is_blind, size <= place
        if not holds:
            self.fail("tally-mismatch", place, f"It counts {size:,} entries, more than stand before it.")
        elif votes and votes[-1] >= size:
            holds = False
            self.fail("tally-mismatch", place, f"It leaves out votes, the last of them {self.called(votes[-1])}.")
        elif not sealed and said["counts"] != counts:
            holds = False
            told = ", ".join(
                f"{name} {said['counts'].get(name, 'not said')} instead of {count}"
                for name, count in counts.items()
                if said["counts"].get(name) != count
            )
            self.fail("tally-mismatch", place, f"The votes add up otherwise: {told or 'it has words of its own'}.")
        self.recounted += not sealed
        self.tallies[place] = item, size, holds
        self.tallied[item] = size

    def _decision(self, place: int, said: dict[str, Any], opened: dict[str, str]) -> None:
        item, size = self.item_of[place], said["at_size"]
        tally = self._earlier(place, said["tally"], ("tally",), same_item=False)
        if tally is not None:
            of_item, at_size, holds = self.tallies.get(tally, (item, size, False))
            if (of_item, at_size) != (item, size):
                self.fail("decision-mismatch", place, "The count it cites is another's, or was taken elsewhere.")
            if not holds:
                what = f"It rests on {self.called(tally)}, which does not add up."
                self.fail("decision-cites-wrong-tally", place, what)
        if said["official"] == said["approver"]:
            self.fail("decision-mismatch", place, "The office that decided approved its own decision.")
        before, prev = self.decided.get(item), said.get("supersedes")
        if (None if prev is None else self.ids.get(bytes.fromhex(prev), -1)) != before:
            after = "none" if before is None else self.called(before)
            self.fail("decision-mismatch", place, f"It should supersede {after}, and names {prev or 'none'}.")
        self.decided[item] = place
        if "statement_sha256" in opened:
            self._evidence(place, said, opened["statement_sha256"])
        if size <= place:
            self.roots.append((place, size, said["root"]))
        else:
            self.fail("decision-mismatch", place, f"It rests on {size:,} entries, more than stand before it.")

    def _evidence(self, place: int, said: dict[str, Any], statement: str) -> None:
        """Each line it cites is of its kind, and stands among those at which the evidence was frozen."""
        size = said.get("evidence_at_size", place)
        if not said["at_size"] <= size <= place:
            self.fail("decision-mismatch", place, f"Its evidence is frozen at {size:,} entries, which cannot be.")
            return
        try:
            evidence = [(each["kind"], each["entry"]) for each in json.loads(statement)["evidence"] if "entry" in each]
            if not all(_is_hex(entry, 32) for _, entry in evidence):
                raise ValueError("no id")
        except (ValueError, KeyError, TypeError, RecursionError):
            self.fail("false-opening", place, "Its statement does not list its evidence as the format has it.")
            return
        for kind, entry in evidence:
            cited = self._earlier(place, entry, (CITED.get(kind, ""),), same_item=False)
            if cited is None:
                continue
            if self.item_of[cited] not in (0, self.item_of[place]):  # a submission may be on a whole theme
                self.fail("unknown-reference", place, f"It cites {self.called(cited)}, which is about something else.")
            if cited >= size:
                what = f"It cites {self.called(cited)}, which is not among the {size:,} its evidence was frozen at."
                self.fail("decision-mismatch", place, what)

    def _census(self, place: int, said: dict[str, Any], opened: dict[str, str]) -> None:
        if said["theme"] in self.censuses:
            self.fail("census-mismatch", place, f"{said['theme']} was counted before.")
            return
        items: Any = None
        if "items_sha256" in opened:
            try:
                items = json.loads(opened["items_sha256"])
            except (ValueError, RecursionError):
                items = None
            if type(items) is not list or not all(type(item) is str for item in items):
                self.fail("false-opening", place, "Its list of regulations is not a list of their names.")
                return
            if len(set(items)) != said["number"] or len(items) != said["number"]:
                self.fail("census-mismatch", place, f"It counts {said['number']:,}, and lists {len(items):,}.")
                return
        self.censuses[said["theme"]] = place, said["opens"], None if items is None else set(items)

    def _edition(self, place: int, said: dict[str, Any], opened: dict[str, str]) -> None:
        """One after the other, so that no number can be given to two texts, and none be left out."""
        self.editions[said["theme"]] += 1
        if said["number"] != self.editions[said["theme"]]:
            expected = f"edition {self.editions[said['theme']]:,} of the report on {said['theme']}"
            self.fail("edition-mismatch", place, f"It is numbered {said['number']:,}, and must be {expected}.")
        if said["at_size"] > place:
            self.fail("edition-mismatch", place, f"It rests on {said['at_size']:,} lines, and {place:,} are before it.")

    def _milestone(self, place: int, said: dict[str, Any], opened: dict[str, str]) -> None:
        """A day that is moved says which day it replaces, so that nobody puts a step off unseen."""
        self.step_days[place] = said.get("due")
        before = self.step_days.get(self.ids.get(bytes.fromhex(said["prev"]), -1)) if "prev" in said else None
        has_moved = None not in (before, said.get("due")) and before != said["due"]
        if said.get("moved_from") != (before if has_moved else None):
            self.fail("malformed-entry", place, "It moves a day, and does not say so as it must, or says so of none.")

    def _window(self, place: int, said: dict[str, Any], opened: dict[str, str]) -> None:
        self.opens_at[said["theme"]] = said["opens"]

    def check_censuses(self) -> None:
        """Each counts exactly what was listed when its theme opened. The hour it opened in belongs to both sides."""
        for theme, (place, opens, items) in self.censuses.items():
            if self.opens_at.get(theme) != opens:
                self.fail("census-mismatch", place, "It was taken at another moment than its theme opened.")
                continue
            if items is None:
                continue
            listed = self.listed.get(theme, {})
            added = sorted(item for item in items if listed.get(item, opens + 1) > opens)
            left_out = sorted(item for item, t in listed.items() if t + HOUR <= opens and item not in items)
            if added or left_out:
                wrong = f"counts {added[0]}, which was not listed then" if added else f"leaves out {left_out[0]}"
                self.fail("census-mismatch", place, f"It {wrong}.")

    def check_roots(self, tree: Tree) -> None:
        for place, size, root in self.roots:
            if size > tree.size or tree.root(size).hex() != root:
                self.fail("decision-mismatch", place, f"The root it gives is not that of the first {size:,} entries.")

    def check_openings(self) -> None:
        """What could only be known at the end: which texts may be withheld."""
        if self.openings is None:
            return
        for item, place in self.unopened_votes.items():
            if place < self.tallied[item] if item in self.tallied else not self._is_sealed(item):
                self.fail("missing-opening", place, "Its theme was counted, or never kept its split: it must be open.")
        for place, type in enumerate(self.types):
            if type == FORMS["comment"].number and self.chain[place]:
                self._check_comment(place, *self.comments[self.chain[place]])
        if self.openings.digests:
            key = min(self.openings.digests)
            what = f"It opens “{key[16:].decode()}” of {key[:16].hex()}, an entry or a field that is not there."
            self.report.fail("false-opening", "openings.jsonl", what)

    def _check_comment(self, place: int, head: int, act: int) -> None:
        flags, item = self.flags[place], self.item_of[place]
        if flags & OPEN and flags & UNOPENED_SIDE and place < self.tallied.get(item, 0):
            self.fail("missing-opening", place, "Its theme was counted, and which side it argues is not open.")
        if flags & (OPEN | WITHDRAWN):
            cause = "open"
        elif flags & ERASED:
            cause = "erased"
        elif place != head:
            cause = "withdrawn" if self.flags[self.successor[place]] & WITHDRAWN else "replaced"
        else:
            cause = self._why_withheld(item, act)
        if place == head and not flags & (ERASED | WITHDRAWN):
            self._check_mask(place, item, act)
        if not cause:
            self.fail("missing-opening", place, "Its text is withheld, and no entry says why.")
        elif cause != "open":
            self.absent[cause] += 1

    def _why_withheld(self, item: int, act: int) -> str:
        action = self.acts[act][0] if act else ""
        return WITHHELD.get(action, "") or ("kept" if self._is_sealed(item) else "")

    def _check_mask(self, head: int, item: int, act: int) -> None:
        action, target, is_open = self.acts.get(act, ("", 0, False))
        if action == "mask" and target == head and not is_open and not self._is_sealed(item):
            self.fail("missing-opening", act, "The words that its mask leaves must be public, and are not.")

    def _is_sealed(self, item: int) -> bool:
        """Whether an item's theme keeps its split and has not been counted yet."""
        return item not in self.tallied and self.kept.get(self.theme_of.get(item, ""), False)


# ---- Putting it together ---------------------------------------------------------------------------------------------


class Log:
    """The tiles of a bundle, checked against the checkpoint as they are read."""

    def __init__(self, bundle: Bundle, checkpoint: Checkpoint, report: Report) -> None:
        self.bundle, self.checkpoint, self.report = bundle, checkpoint, report
        self.complete = True
        self.differs = False

    def widths(self, level: int) -> Iterator[tuple[int, int]]:
        """Number and width of each tile on a level."""
        hashes = self.checkpoint.size >> 8 * level
        for n in range((hashes + TILE - 1) // TILE):
            yield n, min(TILE, hashes - n * TILE)

    def most(self) -> int:
        """How many entries can be there, whatever the checkpoint claims."""
        here = 0
        for n, width in self.widths(0):
            if not (self.bundle.has(tile_path("entries", n, width)) or self.bundle.has(tile_path("entries", n))):
                break
            here += width
        return here

    def hashes(self, level: int, n: int, width: int) -> bytes | None:
        name, raw, is_full = read_tile(self.bundle, level, n, width, HASH)
        if raw is None:
            self.report.fail("missing-tile", name, "It is not in the bundle.")
        elif len(raw) != HASH * (TILE if is_full else width):
            self.report.fail("truncated-tile", name, f"It has {len(raw):,} bytes and must have {HASH * width:,}.")
            raw = None
        return raw and raw[: HASH * width]

    def entries(self, n: int, width: int) -> list[bytes] | None:
        name, raw, is_full = read_tile(self.bundle, "entries", n, width, LONGEST_ENTRY + 2)
        if raw is None:
            self.report.fail("missing-tile", name, "It is not in the bundle.")
            return None
        entries = split_entries(raw, width if is_full else width + 1)
        if entries is None:
            self.report.fail("truncated-tile", name, "It ends in the middle of an entry.")
        return entries

    def read(self, record: Record) -> Tree:
        tree = Tree()
        for n, width in self.widths(0):
            hashes, entries = self.hashes(0, n, width), self.entries(n, width)
            if hashes is None or entries is None:
                self.complete = False
                break
            found = [leaf_hash(raw) for raw in entries]
            self.differs = self.differs or b"".join(found) != hashes
            for place, raw in enumerate(entries):
                tree.append(found[place])
                record.take(raw)
        return tree

    def settle(self, tree: Tree, record: Record) -> Tree:
        """Find out which of entries, tiles and checkpoint disagree; returns the tree that the checkpoint means."""
        if not self.complete:
            return tree
        meant = tree
        if self.differs:
            meant = self._tree_of_tiles()
        whole = meant.size == self.checkpoint.size and meant.root(meant.size) == self.checkpoint.root
        if self.differs and tree.size == self.checkpoint.size and tree.root(tree.size) == self.checkpoint.root:
            at = next(n for n in range(tree.size) if tree.hash(0, n) != meant.hash(0, n))
            self.report.fail("altered-tile", tile_path(0, at // TILE), "A hash in it is not its entry's.", at)
            return tree
        if self.differs:
            self._name_difference(tree, meant, record)
        if not whole:
            what = "The entries and tiles are not those that this checkpoint was signed for."
            self.report.fail("root-mismatch", "checkpoint", what)
        level = 1
        while self.checkpoint.size >> 8 * level:
            for n, width in self.widths(level):
                hashes = self.hashes(level, n, width)
                expected = meant.levels[8 * level][n * TILE * HASH : (n * TILE + width) * HASH]
                if hashes is not None and hashes != expected:
                    name = tile_path(level, n, width)
                    self.report.fail("altered-tile", name, "A hash in it is not that of the tiles below.")
            level += 1
        return meant

    def _tree_of_tiles(self) -> Tree:
        tree = Tree()
        for n, width in self.widths(0):
            hashes = self.hashes(0, n, width) or b""
            for at in range(0, len(hashes), HASH):
                tree.append(hashes[at : at + HASH])
        return tree

    def _name_difference(self, tree: Tree, meant: Tree, record: Record) -> None:
        here = [tree.hash(0, n) for n in range(tree.size)]
        there = [meant.hash(0, n) for n in range(meant.size)]
        at = next((n for n in range(min(len(here), len(there))) if here[n] != there[n]), min(len(here), len(there)))
        is_known = at < len(here) and here[at] in set(there)
        is_kept = at < len(there) and there[at] in set(here)
        called = record.called(at) if at < len(here) else f"entry {at}"
        if at == len(here) or (is_known and not is_kept):
            what = f"The entry that stood here, with the hash {there[at].hex()}, is gone."
            self.report.fail("dropped-entry", called, what, at)
        elif is_known:
            self.report.fail("reordered-entries", called, "The log has it at another place.", at)
        elif at == len(there) or is_kept:
            self.report.fail("added-entry", called, "The log does not have it.", at)
        else:
            self.report.fail("altered-entry", called, "The log has another entry here: these bytes were changed.", at)


def key_at(record: Record, origin: str, size: int) -> Key | None:
    """The key that speaks for the record at a size: the last that an entry below it names."""
    named = [key for place, key in record.log_keys if place < size]
    return Key(origin, ED25519, named[-1]) if named else None


def check_signature(checkpoint: Checkpoint, record: Record, report: Report, where: str) -> None:
    key = key_at(record, checkpoint.origin, checkpoint.size)
    if key is None:
        report.fail("forged-signature", where, "The record names no key that could have signed it.")
    elif checkpoint.origin != record.origin:
        what = f"It is of {checkpoint.origin}; the record in this bundle is {record.origin}."
        report.fail("other-log", where, what)
    else:
        check_key(checkpoint.note, key, report, where)


def check_key(note: Note, key: Key, report: Report, where: str) -> None:
    signed = note.signed_by(key)
    if signed is None and any(name == key.name for name, _, _ in note.signatures):
        report.fail("swapped-key", where, f"It is signed by a key that the record does not name; it names {key.text}.")
    elif not signed:
        report.fail("forged-signature", where, f"It is not signed by the record's key, {key.text}.")
    else:
        report.counts["signatures"] = report.counts.get("signatures", 0) + 1
        report.notes.append(f"The {where} is signed by the key {key.text}.")


def check_vkey(bundle: Bundle, checkpoint: Checkpoint, record: Record, report: Report) -> None:
    raw, key = bundle.read("vkey", LONGEST_NOTE), key_at(record, checkpoint.origin, checkpoint.size)
    if raw is None:
        report.notes.append("The bundle has no file vkey; the key is the one that the first entry names.")
    elif key is None or raw not in (key.text.encode(), key.text.encode() + b"\n"):
        report.fail("swapped-key", "vkey", f"It is not the key the record names, {key.text if key else 'none'}.")


def check_witnesses(bundle: Bundle, checkpoint: Checkpoint, record: Record, report: Report) -> None:
    raw = bundle.read("policy", LONGEST_NOTE)
    report.counts["cosignatures"] = 0
    if not raw:
        report.notes.append("There is no policy, so no witness is known.")
        return
    try:
        policy = Policy(raw)
    except ValueError as error:
        report.fail("malformed-policy", "policy", f"It cannot be read: {error}.")
        return
    key = key_at(record, checkpoint.origin, checkpoint.size)
    if policy.logs and key not in policy.logs:
        report.fail("swapped-key", "policy", "It names another key for this record than the record does.")
    signed = set()
    for name, witness in policy.witnesses.items():
        vouches = checkpoint.note.signed_by(witness)
        if vouches:
            signed.add(name)
        elif vouches is not None:
            report.fail("forged-cosignature", "checkpoint", f"The line of the witness {name} is false.")
    report.counts["cosignatures"] = len(signed)
    if not policy.is_met(signed):
        what = f"The policy wants {policy.quorum}; signed have {', '.join(sorted(signed)) or 'none'}."
        report.fail("quorum-not-met", "checkpoint", what)
    elif policy.quorum == "none":
        report.notes.append("The policy demands no witness: nobody but its keeper need have seen this record.")


def check_since(path: str, tree: Tree, record: Record, report: Report) -> None:
    saved = Checkpoint.read(read_file(path), "The saved checkpoint")
    check_signature(saved, record, report, "saved checkpoint")
    if saved.size > tree.size:
        what = f"It was signed for {saved.size:,} entries; this bundle has {tree.size:,}."
        report.fail("rolled-back", "saved checkpoint", what)
    elif tree.root(saved.size) != saved.root:
        what = f"The first {saved.size:,} entries of this bundle are not those it was signed for."
        report.fail("fork", "saved checkpoint", what)
    else:
        report.counts["entries unchanged since the saved checkpoint"] = saved.size


def read_file(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(4 * LONGEST_NOTE)
    except (OSError, ValueError) as error:
        raise Unreadable(f"{path} cannot be read ({error}).") from None


# ---- Receipts --------------------------------------------------------------------------------------------------------


def organisation_key(name: str) -> str:
    """An organisation's name as its pseudonyms hold it: its words, in Latin letters without their accents."""
    letter, plain = "", ""
    for sign in unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold()):
        kind = unicodedata.category(sign)
        if kind[0] in "LN":
            letter = sign
        elif kind[0] == "M" and letter.isascii():
            continue
        elif kind[0] != "M":
            letter, sign = (letter, "") if kind == "Cf" else ("", " ")
        plain += sign
    words = unicodedata.normalize("NFC", plain).split()
    return " ".join(word for word in words if word not in {"the", "ltd", "limited", "plc", "llp"})


class Receipt:
    """A voter's receipt file, field by field as its site wrote it."""

    def __init__(self, path: str) -> None:
        try:
            said = json.loads(read_file(path))
            if said["format"] != "regulation-review.receipt/v1" or type(said["entry"]) is not str:
                raise ValueError("another format")
            self.said: dict[str, Any] = said
            self.entry: bytes = said["entry"].encode()
            self.entry_said = read_entry(self.entry)
            self.id: str = self.entry_said["id"]
            self.is_placed = "checkpoint" in said
            self.index: int = said["index"] if self.is_placed else -1
            self.proof = [from_base64(each) for each in said["proof"]] if self.is_placed else []
            promise = said.get("promise")
            self.promise = Note.read(promise.encode()) if promise is not None else None
            note = said["checkpoint"].encode() if self.is_placed else b""
            if not _is_hex(self.id, 32) or type(self.index) is not int:
                raise ValueError("no id")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Unreadable(f"{path} is not a receipt of this record ({error}).") from None
        self.checkpoint = Checkpoint.read(note, "The receipt's checkpoint") if self.is_placed else None

    def check(self, tree: Tree, record: Record, report: Report, identity: str | None) -> None:
        at, before = record.ids.get(bytes.fromhex(self.id)), sum(report.times.values())
        self._check_keys(record, report)
        if self.promise is not None:
            self._check_promise(self.promise, at, record, report)
        if self.checkpoint is not None:
            self._check_place(self.checkpoint, tree, record, report)
        elif at is not None and tree.hash(0, at) != leaf_hash(self.entry):
            report.fail("receipt-mismatch", record.called(at), "The record has other bytes than the receipt.", at)
        self._check_opening(report)
        self._check_identity(identity, report)
        if at is not None and sum(report.times.values()) == before:
            report.counts["receipts"] = 1
            report.notes.append(f"The receipt's entry is {record.called(at)}.")

    def _check_keys(self, record: Record, report: Report) -> None:
        known = {
            "log_vkey": [Key(record.origin, ED25519, key).text for _, key in record.log_keys],
            "promise_vkey": [Key(f"{record.origin}/promise", ED25519, key).text for key in record.promise_keys],
        }
        for name, keys in known.items():
            if name in self.said and self.said[name] not in keys:
                report.fail("swapped-key", "receipt", f"Its {name} is not one that the record names.")

    def _check_promise(self, promise: Note, at: int | None, record: Record, report: Report) -> None:
        lines = promise.text.split("\n")
        leaf = base64.b64encode(leaf_hash(self.entry)).decode()
        head = ["regulation-review.promise/v1", record.origin, f"entry {self.id}", f"leaf {leaf}"]
        by = re.fullmatch("by ([0-9]{1,12})", lines[4]) if len(lines) == 6 else None
        keys = [Key(f"{record.origin}/promise", ED25519, public) for public in record.promise_keys]
        if lines[:4] != head or by is None:
            report.fail("false-promise", "receipt", "The promise is not for this entry of this record.")
        elif not any(promise.signed_by(key) for key in keys):
            report.fail("false-promise", "receipt", "The promise is not signed by the record's key for promises.")
        elif at is None and record.newest > int(by[1]):
            report.fail("broken-promise", "receipt", f"Entry {self.id} was promised by {by[1]} and is not there.")
        elif at is None and not self.is_placed:
            report.notes.append("The receipt's entry is promised and not yet in this bundle; its time has not run out.")

    def _check_place(self, checkpoint: Checkpoint, tree: Tree, record: Record, report: Report) -> None:
        leaf, size = leaf_hash(self.entry), checkpoint.size
        check_signature(checkpoint, record, report, "receipt")
        if self.said.get("size") != size or not inclusion_holds(self.index, size, leaf, self.proof, checkpoint.root):
            report.fail("receipt-mismatch", "receipt", "Its proof does not lead from its entry to its checkpoint.")
        if size > tree.size:
            what = f"It was signed over {size:,} entries, this bundle has {tree.size:,}. If a newer one has no more, "
            report.fail("rolled-back", "receipt", what + "the record was cut short.")
        elif tree.root(size) != checkpoint.root:
            what = f"The first {size:,} entries of this bundle are not those that the receipt was signed for."
            report.fail("fork", "receipt", what)
        if 0 <= self.index < tree.size and tree.hash(0, self.index) != leaf:
            where = record.called(self.index)
            report.fail("receipt-mismatch", where, "The record has another entry at the receipt's place.", self.index)

    def _check_opening(self, report: Report) -> None:
        opening = self.said.get("opening")
        if opening is None:
            return
        try:
            holds = opening_digest(opening).hex() == self.entry_said.get(opening["field"])
        except (ValueError, KeyError, TypeError, AttributeError):
            holds = False
        if not holds:
            report.fail("false-opening", "receipt", "What it says the line opens to is not what the line commits to.")

    def _check_identity(self, identity: str | None, report: Report) -> None:
        pseudonym = self.said.get("pseudonym")
        if identity is None or pseudonym is None:
            why = "no --identity was given" if pseudonym else "the receipt has no salt"
            report.notes.append(f"Whose line it is was not checked: {why}.")
            return
        spellings = {identity, identity.strip(), unicodedata.normalize("NFC", identity.strip()).casefold()}
        spellings.add(organisation_key(identity))
        try:
            kind, salt, item = pseudonym["kind"], bytes.fromhex(pseudonym["salt"]), pseudonym["item"]
            known = [canonical({pseudonym["of"]: each, "item": item}) for each in spellings]
            made = [hashlib.sha256(TAG + kind.encode() + b"\x00" + salt + each.encode()).hexdigest() for each in known]
            holds = self.entry_said.get(kind) in made and len(salt) == 32 and self.entry_said.get("item") == item
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            holds = False
        if holds:
            report.counts["pseudonyms"] = 1
        else:
            report.fail("wrong-person", "receipt", "The line's pseudonym is not made from this identity.")


def verify(
    bundle: str,
    since: str | None = None,
    receipt: str | None = None,
    identity: str | None = None,
    log_only: bool = False,
) -> Report:
    """Check everything that can be; raises Unreadable where nothing can. All arguments but the fourth are paths."""
    report, files = Report(), Bundle(str(bundle))
    raw = files.read("checkpoint", LONGEST_NOTE)
    if raw is None:
        raise Unreadable(f"{bundle} has no file named checkpoint, so it is not a record.")
    checkpoint = Checkpoint.read(raw, "The bundle’s checkpoint")
    given = Receipt(str(receipt)) if receipt is not None else None
    log = Log(files, checkpoint, report)
    openings = None if log_only or log.most() < checkpoint.size else Openings()
    if openings is not None and files.has("openings.jsonl"):
        try:
            with files.open("openings.jsonl") as file:
                lines = iter(lambda: file.readline(LONGEST_OPENING + 1), b"")
                openings.read(lines, MOST_OPENINGS * log.most(), report)
        except BROKEN_ZIP as error:
            raise Unreadable(f"openings.jsonl cannot be read ({error}).") from None
    elif openings is not None:
        report.notes.append("There is no file openings.jsonl: every text counts as withheld (see --log-only).")
    elif log_only:
        report.notes.append("LOG ONLY: texts were not compared, and sealed votes were not counted.")
    record = Record(report, openings)
    tree = log.settle(log.read(record), record)
    if checkpoint.size == 0:
        report.fail("not-opened", "checkpoint", "The record is empty: not even log.open is there.")
    if record.log_keys or log.complete:
        check_signature(checkpoint, record, report, "checkpoint")
        check_vkey(files, checkpoint, record, report)
        check_witnesses(files, checkpoint, record, report)
    if log.complete:
        record.check_roots(tree)
        record.check_censuses()
        record.check_openings()
        if since is not None:
            check_since(str(since), tree, record, report)
        if given is not None:
            given.check(tree, record, report, identity)
    else:
        report.notes.append("Parts of the log are missing, so what comes after them was not checked.")
    if len(report.failures) > 1:
        report.failures.sort(key=lambda failure: list(FAILURES).index(failure.name))
        report.notes.append("Where several checks failed, the later may follow from the first.")
    count(record, report)
    return report


def count(record: Record, report: Report) -> None:
    counts = report.counts
    counts["entries"] = record.size
    counts.update({f"entries {type}": record.by_type[type] for type in FIELDS if record.by_type[type]})
    counts["entries of unknown types"] = record.by_type[""]
    total: Counter[int] = Counter()
    for item in record.votes_on:
        total.update(record.counted(item, record.size))
    counts["votes counted"] = sum(total.values())
    counts.update({f"votes counted {name}": total[n] for n, name in enumerate(OUTCOMES, 1)})
    counts["votes counted sealed"] = total[SEALED]
    counts["votes after a final count"] = record.late
    counts["tallies recounted"] = record.recounted
    counts["decisions checked"] = record.by_type["decision"]
    if record.openings is not None:
        counts["openings present"] = record.opened
        counts.update({f"openings absent {cause}": number for cause, number in sorted(record.absent.items())})


# ---- What is printed -------------------------------------------------------------------------------------------------


def told(report: Report, bundle: str, log_only: bool = False) -> str:
    lines = [f"Checked {bundle}:"]
    for name, number in report.counts.items():
        lines.append(f"  {number:>12,}  {name}")
    lines += [f"  Note: {note}" for note in report.notes]
    for failure in report.failures:
        more = report.times[failure.name] - 1
        lines.append(f"FAILED {failure.name}: {FAILURES[failure.name]}")
        lines.append(f"  First at {failure.where}: {failure.what}" + (f" And {more:,} more." if more else ""))
    lines.append("FAILED" if report.failures else "VERIFIED, the log alone" if log_only else "VERIFIED")
    # what a stranger wrote must not steer the reader's terminal
    return "\n".join("".join(sign if sign.isprintable() else "?" for sign in line) for line in lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="verify.py", description="Check a downloaded public record.")
    parser.add_argument("bundle", metavar="BUNDLE", help="record.zip, or the folder it unpacks to")
    parser.add_argument("--since", metavar="SAVED_CHECKPOINT", help="a checkpoint kept earlier")
    parser.add_argument("--receipt", metavar="FILE", help="the file that came with a vote")
    parser.add_argument("--identity", metavar="VALUE", help="the email address, organisation or reference that voted")
    parser.add_argument("--log-only", action="store_true", help="a bare log without texts: leave them unchecked")
    given = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        report = verify(given.bundle, given.since, given.receipt, given.identity, given.log_only)
    except Unreadable as error:
        print(f"UNREADABLE: {error}")
        return 2
    print(told(report, given.bundle, given.log_only))
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
