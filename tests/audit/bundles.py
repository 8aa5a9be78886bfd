"""Small records, and the bundles made of them, without a site or a database; and keepers who cheat with them."""

import base64
import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import deciding, merkle
from audit import entries as said
from audit.entries import CommentEntry, ModerationEntry, VoteEntry
from audit.notes import COSIGNATURE, ED25519, Checkpoint, Signer
from audit.tiles import ENTRIES, Edge, Level, packed, tile_path, unpacked
from audit.verify import FAILURES, Report, verify

ORIGIN = "example.org/log"
FIRST_HOUR = 1_790_000_400 // 3600 * 3600
ITEM, KEPT_ITEM, WAITING_ITEM = "uksi-1992-2792", "uksi-1999-3242", "uksi-2005-735"
OTHER_ITEM = "uksi-2001-2975"


def a_key(name: str, *, kind: int = ED25519, seed: str = "") -> Signer:
    return Signer(name, Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"{name}{seed}".encode()).digest()), kind)


LOG, PROMISES = a_key(ORIGIN), a_key(f"{ORIGIN}/promise")
WITNESSES = [a_key(f"witness.example/{n}", kind=COSIGNATURE) for n in (1, 2)]


def public(key: Signer) -> str:
    """As log.open names it."""
    return in_base64(key.key.public)


def in_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@dataclass(frozen=True)
class Sealed:
    kind: str
    text: str
    salt: bytes

    @property
    def commit(self) -> str:
        return said.commitment(self.kind, self.salt, self.text)


def sealed(kind: str, text: str) -> Sealed:
    return Sealed(kind, text, hashlib.sha256(f"salt of {kind} {text}".encode()).digest())


def somebody(who: str, item: str = ITEM, of: str = "email", kind: str = "voter") -> str:
    return said.pseudonym(kind, salt_of(who), {of: who, "item": item})


def salt_of(who: str) -> bytes:
    return hashlib.sha256(f"salt of {who}".encode()).digest()


@dataclass
class Record:
    """Entries in their order, their public openings, and the names under which a test finds some of them."""

    entries: list[bytes] = field(default_factory=list)
    openings: list[dict[str, str]] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    hour: int = FIRST_HOUR

    def add(self, body: said.Body, *, name: str = "", opens: dict[str, Sealed | str] | None = None) -> str:
        id = hashlib.sha256(f"entry {len(self.entries)}".encode()).hexdigest()[:32]
        return self.add_bytes(said.canonical(body, id=id, t=self.hour), id, name=name, opens=opens)

    def add_bytes(self, raw: bytes, id: str, *, name: str = "", opens: dict[str, Sealed | str] | None = None) -> str:
        self.places[name or id] = len(self.entries)
        self.entries.append(raw)
        for at, opening in (opens or {}).items():
            self.openings.append({"entry": id, "field": at, **_opening(opening)})
        return id

    def id(self, name: str) -> str:
        return self.said(name)["id"]

    def said(self, name: str) -> dict[str, Any]:
        return json.loads(self.entries[self.places[name]])

    def root(self, size: int | None = None) -> bytes:
        return merkle.root(merkle.leaf_hash(entry) for entry in self.entries[:size])

    def checkpoint(self, size: int | None = None, *, by: Signer = LOG, seconds: int = FIRST_HOUR) -> str:
        size = len(self.entries) if size is None else size
        text = Checkpoint(by.name, size, self.root(size)).text
        return by.note(text) + "".join(witness.line(text, seconds=seconds) for witness in WITNESSES)

    def rewritten(self, change: Callable[[list[dict[str, Any]]], None]) -> "Record":
        """The same record as a keeper would forge it who has every key: all hashes and roots fit what was changed."""
        bodies = [json.loads(entry) for entry in self.entries]
        change(bodies)
        forged = Record(openings=[dict(opening) for opening in self.openings])
        for body in bodies:
            if body["type"] == "decision" and body["at_size"] <= len(forged.entries) and "root" in body:
                body["root"] = forged.root(body["at_size"]).hex()
            forged.add_bytes(rfc8785.dumps(body), body["id"])
        forged.places |= {name: place for name, place in self.places.items() if name not in forged.places}
        return forged

    def without(self, name: str) -> Callable[[list[dict[str, Any]]], None]:
        """A change that leaves one entry out."""

        def change(bodies: list[dict[str, Any]]) -> None:
            del bodies[self.places[name]]

        return change

    def write(self, folder: Path, **given: Any) -> Path:
        """As a folder with the members of a bundle."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.files(**given).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return folder

    def files(self, *, by: Signer = LOG, policy: str | None = None, size: int | None = None) -> dict[str, bytes]:
        files = dict(tiles(self.entries[:size]))
        files["checkpoint"] = self.checkpoint(size, by=by).encode()
        files["vkey"] = f"{by.key.text}\n".encode()
        files["policy"] = (policy or a_policy(by)).encode()
        files["openings.jsonl"] = lines(self.openings)
        return files


def _opening(given: Sealed | str) -> dict[str, str]:
    if isinstance(given, str):
        return {"text": given}
    return {"kind": given.kind, "salt": given.salt.hex(), "text": given.text}


def lines(openings: Iterable[dict[str, str]]) -> bytes:
    ordered = sorted(openings, key=lambda opening: (opening["entry"], opening["field"]))
    return "".join(json.dumps(opening, ensure_ascii=False) + "\n" for opening in ordered).encode()


def tiles(entries: Iterable[bytes]) -> Iterable[tuple[str, bytes]]:
    edge = Edge()
    for entry in entries:
        for level, n, content in edge.add(entry, merkle.leaf_hash(entry)):
            yield tile_path(level, n), content
    for level, n, width, content in edge.partial():
        yield tile_path(level, n, width), content


def a_policy(log: Signer = LOG, quorum: str = "all") -> str:
    named = "".join(f"witness w{n} {witness.key.text}\n" for n, witness in enumerate(WITNESSES, 1))
    group = "quorum none\n" if quorum == "none" else f"group both {quorum} w1 w2\nquorum both\n"
    return f"log {log.key.text} https://example.org/log\n{named}{group}"


def zipped(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, str(file.relative_to(folder)))
    return path


def a_record(fill: int = 0) -> Record:
    """Two themes that were counted (one had kept its split), one that keeps it still, and ``fill`` votes elsewhere."""
    record = Record()
    keys = {"log_key": public(LOG), "promise_key": public(PROMISES)}
    record.add(said.LogOpen(origin=ORIGIN, demonstration=True, **keys), name="log.open")
    record.add(said.RoleEntry(office="Deputy Director", role="official", act="given", actor="The operator"))
    for theme, split, item in (
        ("packaging", "shown", ITEM), ("labour", "kept", KEPT_ITEM), ("lifts", "kept", WAITING_ITEM),
        ("fish", "folded", OTHER_ITEM),
    ):  # fmt: skip
        record.add(said.ThemeListed(theme=theme, kind="spotlight", split=split, text_sha256=said.text_digest(theme)))
        opens, closes = record.hour, record.hour + 90 * 86400
        record.add(said.WindowSet(theme=theme, act="set", opens=opens, closes=closes, actor="The operator"))
        record.add(said.ItemVersion(item=item, theme=theme, text_sha256=said.text_digest(item)), name=item)
    record.hour += 3600
    _votes(record)
    _reasons(record)
    _kept(record, KEPT_ITEM, is_open=True)
    _kept(record, WAITING_ITEM, is_open=False)
    record.hour += 3600
    _settled(record)
    _other_acts(record)
    for n in range(fill):
        voter = somebody(f"{n}@example.org", OTHER_ITEM)
        record.add(VoteEntry(item=OTHER_ITEM, voter=voter, capacity="public", level=1, choice="keep"), name=f"fill {n}")
    return record


def _votes(record: Record) -> None:
    cast = partial(VoteEntry, item=ITEM, capacity="public", level=1)
    ada, bo, cy, di = (somebody(f"{name}@example.org") for name in ("ada", "bo", "cy", "di"))
    record.add(cast(voter=ada, choice="keep"), name="vote")
    first = record.add(cast(voter=bo, choice="improve", direction="lighter"), name="changed vote")
    record.add(cast(voter=bo, choice="scrap", prev=first), name="changing vote")
    first = record.add(cast(voter=cy, choice="scrap"))
    record.add(cast(voter=cy, withdrawn=True, prev=first), name="withdrawal")
    first = record.add(cast(voter=di, choice="improve", direction="clearer"))
    record.add(cast(voter=di, withdrawn=True, prev=first))
    firm = somebody("acme", of="organisation")
    ours = {"item": ITEM, "voter": firm, "capacity": "business", "level": 2}
    record.add(VoteEntry(**ours, choice="improve", direction="clearer"), name="organisation's vote")
    record.add(cast(voter=somebody("nobody@example.org"), choice="scrap", level=0), name="unconfirmed")
    doubtful = [record.add(cast(voter=somebody(f"bot{n}@example.org"), choice="scrap")) for n in range(3)]
    act = {"act": "a1", "rule": "automated", "actor": "Moderation desk"}
    record.add(said.Invalidation(targets=doubtful[:2], **act), name="invalidation")
    record.add(said.Reinstatement(targets=doubtful[1:2], **act))
    listed = rfc8785.dumps(doubtful[2:]).decode()
    long = sealed("targets", listed)
    record.add(said.Invalidation(targets_commit=long.commit, **act), opens={"targets_commit": long})


def _reasons(record: Record) -> None:
    comment = partial(_comment, record)
    comment("standing", "It keeps people safe — café owners too")
    first = comment("replaced", "Old words", is_open=False)
    comment("replacing", "New words", who="replaced", prev=first)
    first = comment("taken back", "I take this back", is_open=False)
    author = somebody("taken back", kind="author")
    record.add(CommentEntry(item=ITEM, author=author, capacity="public", withdrawn=True, prev=first))
    for action in ("hide", "hold", "mask"):
        comment(action, f"To {action}", is_open=False)
        left = sealed("comment", "To ▇▇") if action == "mask" else None
        _moderate(record, action, action, left=left)
    comment("shown again", "Shown again")
    _moderate(record, "shown again", "hide")
    _moderate(record, "shown again", "restore")
    comment("erased", "Nobody will read this again", is_open=False)
    record.add(said.Erasure(target=record.id("erased"), basis="request", item=ITEM), name="erasure")
    record.add(said.Erasure(target=record.id("withdrawal"), basis="request", item=ITEM))
    who = somebody("supporter", kind="author")
    backed = {"item": ITEM, "comment": record.id("standing"), "author": who}
    first = record.add(said.SupportEntry(**backed), name="support")
    record.add(said.SupportEntry(**backed, withdrawn=True, prev=first))


def _comment(
    record: Record, name: str, text: str, *, who: str = "", prev: str | None = None, is_open: bool = True
) -> str:
    body = sealed("comment", text)
    author = somebody(who or name, kind="author")
    entry = CommentEntry(
        item=ITEM, author=author, capacity="public", vote="keep", body_commit=body.commit, prev=prev
    )  # fmt: skip
    return record.add(entry, name=name, opens={"body_commit": body} if is_open else {})


def _moderate(record: Record, target: str, action: str, *, left: Sealed | None = None) -> None:
    why = sealed("moderation-reason", f"Because of {target}")
    body = ModerationEntry(
        item=ITEM, target=record.id(target), action=action, rule="personal_data", actor="Moderation desk",
        reason_commit=why.commit, body_commit=left.commit if left else None,
    )  # fmt: skip
    opens: dict[str, Sealed | str] = {"reason_commit": why} | ({"body_commit": left} if left else {})
    record.add(body, name=f"{action} of {target}", opens=opens)


def _kept(record: Record, item: str, *, is_open: bool) -> None:
    for who, side in (("ada", "keep:"), ("bo", "improve:stricter"), ("cy", "keep:")):
        salted = Sealed("vote", side, salt_of(f"{who} on {item}"))
        body = VoteEntry(
            item=item, voter=somebody(f"{who}@example.org", item), capacity="public", level=1, commit=salted.commit
        )  # fmt: skip
        record.add(body, name=f"{who} on {item}", opens={"commit": salted} if is_open else {})
    text, side_of = (
        sealed("comment", f"A reason about {item}"),
        Sealed("comment-vote", "keep:", salt_of(f"side {item}")),
    )
    entry = CommentEntry(
        item=item, author=somebody("ada@example.org", item, kind="author"), capacity="public",
        commit=side_of.commit, body_commit=text.commit,
    )  # fmt: skip
    record.add(entry, name=f"comment on {item}", opens={"body_commit": text, "commit": side_of} if is_open else {})


def counts(**given: int) -> dict[str, int]:
    ways = (f"improve_{way}" for way in ("lighter", "clearer", "stricter", "other"))
    names = ("participants", "scrap", "improve", "keep", *ways)
    return dict.fromkeys(names, 0) | given


def _settled(record: Record) -> None:
    at_size, root = len(record.entries), record.root().hex()
    # ada keep, bo scrap, the firm clearer, one bot reinstated scrap; two bots struck out, two people gone
    told = counts(participants=4, scrap=2, improve=1, improve_clearer=1, keep=1)
    record.add(said.TallyEntry(item=ITEM, at_size=at_size, counts=told), name="tally")
    told = counts(participants=3, improve=1, improve_stricter=1, keep=2)
    record.add(said.TallyEntry(item=KEPT_ITEM, at_size=at_size, counts=told), name="kept tally")
    record.hour += 3600
    for name, outcome, reference in (("decision", "scrap", "2026-0001"), ("second decision", "keep", "2026-0002")):
        named = (("comment", "standing"), ("tally", "tally"))
        cited = [{"kind": kind, "entry": record.id(line)} for kind, line in named]
        statement = json.dumps({"statement": f"We chose to {outcome}", "evidence": cited})
        body = said.DecisionEntry(
            item=ITEM, reference=reference, outcome=outcome, statement_sha256=said.text_digest(statement),
            at_size=at_size, root=root, tally=record.id("tally"), official="Deputy Director", approver="Chief Analyst",
            evidence_at_size=len(record.entries) if name == "decision" else None,
            supersedes=record.id("decision") if name != "decision" else None,
        )  # fmt: skip
        record.add(body, name=name, opens={"statement_sha256": statement})


def _other_acts(record: Record) -> None:
    record.add(said.StageSet(item=ITEM, stage="decided", actor="Deputy Director"))
    desk = {"item": ITEM, "actor": "Analysis desk"}
    point = record.add(deciding.PointEntry(**desk, point="p1", text_sha256=said.text_digest("It costs too much")))
    record.add(deciding.PointEntry(**desk, point="p1", text_sha256=said.text_digest("It costs"), prev=point))
    record.add(deciding.PointEntry(**desk, point="p2", text_sha256=said.text_digest("The rest"), few=True))
    record.add(deciding.GroupingEntry(**desk, comment=record.id("standing"), point=point), name="grouping")
    office = {"item": ITEM, "actor": "Deputy Director", "decision": record.id("second decision")}
    step = record.add(deciding.MilestoneEntry(**office, step="consult", state="planned", due=record.hour + 86400))
    moved = {"step": "consult", "due": record.hour + 9 * 86400, "moved_from": record.hour + 86400}
    late = record.add(deciding.MilestoneEntry(**office, **moved, state="under_way", prev=step), name="put off")
    record.add(deciding.MilestoneEntry(**office, step="consult", state="done", prev=late))
    record.add(deciding.DisputeEntry(item=ITEM, grouping=record.id("grouping"), state="raised"), name="dispute")
    words = said.text_digest("We see that")
    answer = {"item": ITEM, "decision": record.id("second decision"), "verdict": "agreed", "text_sha256": words}
    record.add(deciding.AnswerEntry(**answer, point=point), name="answer", opens={"text_sha256": "We see that"})
    _days_and_letters(record)
    listed, opening = f'["{ITEM}"]', {"theme": "packaging", "opens": FIRST_HOUR}
    census = said.CensusEntry(**opening, number=1, items_sha256=said.text_digest(listed))
    record.add(census, name="census", opens={"items_sha256": listed})
    report = {"theme": "packaging", "at_size": len(record.entries), "text_sha256": said.text_digest("We asked")}
    record.add(deciding.EditionEntry(**report, number=1))
    record.add(deciding.EditionEntry(**report, number=2), name="edition")
    why = sealed("incident-reason", "A disk was full for an hour")
    record.add(
        said.Incident(kind="outage", actor="The operator", reason_commit=why.commit), opens={"reason_commit": why}
    )
    name = said.text_digest("acme")
    record.add(said.OrganisationChecked(organisation=name, act="checked", actor="Moderation desk"))
    id = hashlib.sha256(b"unknown").hexdigest()[:32]
    unknown = {"v": 1, "id": id, "t": record.hour, "type": "future.act", "x": [1]}
    record.add_bytes(rfc8785.dumps(unknown), id, name="unknown")


def a_receipt(record: Record, name: str = "vote", *, by: int | None = None, size: int | None = None) -> dict[str, Any]:
    """What a voter keeps: the promise alone, or with ``size`` the proof under the checkpoint of that size too."""
    entry, place = record.entries[record.places[name]], record.places[name]
    leaf = merkle.leaf_hash(entry)
    by = record.hour + 86400 if by is None else by
    text = f"regulation-review.promise/v1\n{ORIGIN}\nentry {record.id(name)}\nleaf {in_base64(leaf)}\nby {by}\n"
    told = {
        "format": "regulation-review.receipt/v1", "origin": ORIGIN, "log_vkey": LOG.key.text,
        "promise_vkey": PROMISES.key.text, "entry": entry.decode(), "promise": PROMISES.note(text),
        "pseudonym": {"kind": "voter", "salt": salt_of("ada@example.org").hex(), "item": ITEM, "of": "email"},
    }  # fmt: skip
    if size is None:
        return told
    leaves = [merkle.leaf_hash(each) for each in record.entries[:size]]
    proof = [in_base64(each) for each in merkle.inclusion_proof(place, leaves)]
    return told | {"index": place, "size": size, "proof": proof, "checkpoint": record.checkpoint(size)}


def _days_and_letters(record: Record) -> None:
    why = sealed("due-reason", "An inquiry reports first")
    due = deciding.DueSet(theme="packaging", due=record.hour, actor="Deputy Director", reason_commit=why.commit)
    record.add(due, name="due", opens={"reason_commit": why})
    record.add(deciding.Overdue(theme="packaging", due=record.hour, undecided=1))
    letter = {"theme": "packaging", "reference": "S-1", "how": "letter", "capacity": "public", "received": record.hour}
    first = record.add(deciding.SubmissionEntry(**letter, actor="Post room", signatures=12))
    record.add(deciding.SubmissionEntry(**letter, actor="Post room", withheld=True, prev=first), name="letter withheld")


def found_in(record: Record, folder: Path, **given: Any) -> Report:
    return verify(record.write(folder, **given))


def names(report: Report) -> list[str]:
    """Of the failures, in the order in which they are told; each must be one that the verifier explains."""
    found = [failure.name for failure in report.failures]
    assert set(found) <= set(FAILURES)
    return found


def edit_entries(folder: Path, n: int, change: Callable[[list[bytes]], None]) -> None:
    """Change what a tile of entries holds and nothing else."""
    path = the_tile(folder, ENTRIES, n)
    found = unpacked(path.read_bytes())
    change(found)
    path.write_bytes(packed(found))


def the_tile(folder: Path, level: Level, n: int) -> Path:
    """The file of a tile, full or not."""
    full = folder / tile_path(level, n)
    return full if full.is_file() else next(full.with_name(f"{full.name}.p").iterdir())
