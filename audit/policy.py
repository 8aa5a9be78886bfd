"""Which witnesses a log is shown to, and whose signatures are enough: c2sp.org/tlog-policy."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from audit.notes import COSIGNATURE, BadNote, VerifierKey, note_text, signature_lines

NOBODY = "none"
LARGEST_FILE = 64 * 1024
_FORBIDDEN = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")


class BadPolicy(ValueError):
    """The file cannot be understood; the message names the line."""


@dataclass(frozen=True)
class Witness:
    """``name`` as the policy calls it; ``url`` where checkpoints are sent, empty when nobody said."""

    name: str
    key: VerifierKey
    url: str = ""


@dataclass(frozen=True)
class Group:
    """Met by any ``needed`` of its members, which are witnesses and groups."""

    needed: int
    members: tuple[str, ...]


@dataclass
class Policy:
    logs: list[VerifierKey] = field(default_factory=list)
    witnesses: dict[str, Witness] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str = ""

    @classmethod
    def read(cls, raw: bytes) -> "Policy":
        """A whole policy. Raises BadPolicy."""
        policy = cls()
        policy._read_lines(raw)
        if not policy.quorum:
            raise BadPolicy("The policy has no quorum line.")
        return policy

    def is_met(self, signed: Collection[str]) -> bool:
        """Whether the witnesses that signed, by their names here, are enough."""
        return self.quorum == NOBODY or self._has(self.quorum, signed)

    def _has(self, name: str, signed: Collection[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in signed
        return sum(self._has(member, signed) for member in group.members) >= group.needed

    def _read_lines(self, raw: bytes) -> None:
        if len(raw) > LARGEST_FILE:
            raise BadPolicy(f"A policy has {LARGEST_FILE} bytes at most.")
        taken: set[str] = set()
        for number, line in enumerate(raw.split(b"\n"), 1):
            words = [word.decode("utf-8", "surrogateescape") for word in re.split(rb"[ \t]+", line) if word]
            try:
                if _FORBIDDEN.search(line):
                    raise BadPolicy("a control character, such as a carriage return, is in it.")
                if words and not words[0].startswith("#"):
                    self._read_line(words, taken)
            except BadPolicy as bad:
                raise BadPolicy(f"Line {number}: {bad}") from None

    def _read_line(self, words: list[str], taken: set[str]) -> None:
        match words:
            case ["log", key, *url] if len(url) < 2:
                self.logs.append(_key(key, {log.public for log in self.logs}))
            case ["witness", name, key, *url] if len(url) < 2:
                known = {witness.key.public for witness in self.witnesses.values()}
                witness = Witness(_new(name, self), _key(key, known), _address(url[0]) if url else "")
                if witness.key.kind != COSIGNATURE:
                    raise BadPolicy("the key is not one of a witness, which signs with the time (type 4).")
                self.witnesses[name] = witness
            case ["group", name, needed, *members] if members:
                self.groups[_new(name, self)] = Group(_needed(needed, len(members)), tuple(members))
                for member in members:
                    self._check_defined(member, but=name)
                    if member in taken:
                        raise BadPolicy(f"{_shown(member)} is in a group already.")
                    taken.add(member)
            case ["quorum", name]:
                if self.quorum:
                    raise BadPolicy("there is a quorum line already.")
                if name != NOBODY:
                    self._check_defined(name)
                self.quorum = name
            case _:
                raise BadPolicy(
                    "this is none of: log KEY [URL], witness NAME KEY [URL], "
                    "group NAME all|any|NUMBER NAME…, quorum NAME."
                )

    def _check_defined(self, name: str, but: str = "") -> None:
        if name == but or (name not in self.witnesses and name not in self.groups):
            raise BadPolicy(f"{_shown(name)} is not defined above.")


def of_site(written: bytes, log_key: VerifierKey, log_url: str) -> tuple[Policy, bytes]:
    """What the operator wrote about witnesses, completed by the log's own line, as policy and as file.

    Nobody's signature is demanded where nothing is said. Raises BadPolicy.
    """
    theirs = Policy()
    theirs._read_lines(written)
    if theirs.logs:
        raise BadPolicy("A line names a log: leave it out, the site adds its own.")
    whole = written + (b"" if written.endswith(b"\n") or not written else b"\n")
    whole += f"log {log_key.text} {log_url}\n".encode()
    if not theirs.quorum:
        whole += f"quorum {NOBODY}\n".encode()
    return Policy.read(whole), whole


def cosigners(note: str, policy: Policy) -> list[tuple[str, int]]:
    """Which witnesses of the policy signed a checkpoint, by name, and when, in seconds since 1970. Raises BadNote."""
    text, lines = note_text(note), signature_lines(note)
    found = {}
    for witness in policy.witnesses.values():
        for name, id, signature in lines:
            theirs = (name, id) == (witness.key.name, witness.key.id)
            if theirs and witness.name not in found and witness.key.vouches(text, signature):
                found[witness.name] = int.from_bytes(signature[:8])
    return list(found.items())


def _key(text: str, known: Collection[bytes]) -> VerifierKey:
    try:
        key = VerifierKey.read(text)
    except (BadNote, UnicodeEncodeError) as bad:
        raise BadPolicy(str(bad)) from None
    if key.public in known:
        raise BadPolicy("this key is in the file already.")
    return key


def _new(name: str, policy: Policy) -> str:
    if name == NOBODY or name in policy.witnesses or name in policy.groups:
        raise BadPolicy(f"the name {_shown(name)} is taken.")
    return name


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadPolicy("the address is malformed.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or parts.query or parts.fragment:
        raise BadPolicy("the address must begin with https:// or http:// and a host, and have no question mark.")
    if parts.username is not None or not url.isascii():
        raise BadPolicy("the address must be plain ASCII without a user name: this file is published.")
    return url


def _needed(word: str, members: int) -> int:
    if word in ("all", "any"):
        return members if word == "all" else 1
    if not re.fullmatch("[1-9][0-9]{0,3}", word) or int(word) > members:
        raise BadPolicy(f"{_shown(word)} must be all, any, or a number from 1 to that of the members.")
    return int(word)


def _shown(name: str) -> str:
    return f"“{name.encode('utf-8', 'surrogateescape').decode('utf-8', 'replace')}”"
