"""What a voter keeps: a promise signed at once, the proof of their line once it has its place, and a file with both."""

import base64
import json
import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from audit.inclusion import Inclusion, NotProved, inclusion_of
from audit.keys import NoKey, keys_of_this_site, promise_name
from audit.merkle import leaf_hash
from audit.models import Entry, LogHead, Opening
from audit.notes import ED25519, BadNote, Signer, VerifierKey, note_text, signature_lines, vouched
from audit.queries import Head, Line, keys_named, line
from audit.services import origin_and_leaf
from audit.tiles import log_folder
from core.db import db
from core.errors import Unavailable
from regulations.models import Regulation
from voting.models import Pseudonym, Receipt, Vote

log = logging.getLogger(__name__)

PROMISED_WITHIN = timedelta(hours=24)
FORMAT = "regulation-review.receipt/v1"
_PROMISE = "regulation-review.promise/v1"
_PROMISED = re.compile(
    re.escape(_PROMISE) + r"\n(?P<origin>[^\n]+)\nentry (?P<entry_id>[0-9a-f]{32})\n"
    r"leaf (?P<leaf>[A-Za-z0-9+/]{43}=)\nby (?P<by>[1-9][0-9]{0,15})\n"
)
NO_PROMISE = (
    "No receipt can be promised at the moment, so no vote is taken. "
    "Those who keep this site have been told; please come back later."
)


@dataclass(frozen=True)
class Promise:
    """That the entry with this leaf hash (32 bytes) will have its place in the log by then: a text that is signed."""

    origin: str
    entry_id: str
    leaf: bytes
    by: datetime

    @property
    def text(self) -> str:
        leaf, by = base64.b64encode(self.leaf).decode(), int(self.by.timestamp())
        return f"{_PROMISE}\n{self.origin}\nentry {self.entry_id}\nleaf {leaf}\nby {by}\n"

    @classmethod
    def read(cls, note: str, keys: Sequence[VerifierKey]) -> "Promise":
        """From a note that one of the keys has signed. Raises BadNote."""
        vouched(note, keys)
        found = _PROMISED.fullmatch(note_text(note))
        if found is None:
            raise BadNote("This note is no promise of a line.")
        by = datetime.fromtimestamp(int(found["by"]), UTC)
        return cls(found["origin"], found["entry_id"], base64.b64decode(found["leaf"]), by)


def new_receipt(vote: Vote, now: datetime) -> Receipt:
    """For the vote's last entry, with the promise that it will stand in the log. Raises Unavailable."""
    entry_id = vote.entry_id or ""
    secret, promise = secrets.token_hex(16), _promise(entry_id, now + PROMISED_WITHIN)
    receipt = Receipt(secret=secret, vote_id=vote.id, entry_id=entry_id, promise=promise, made_at=now)
    db.session.add(receipt)
    db.session.flush()
    return receipt


def _promise(entry_id: str, by: datetime) -> str:
    origin, leaf = origin_and_leaf(entry_id)
    return _signer(origin).note(Promise(origin, entry_id, leaf, by).text)


def _signer(origin: str) -> Signer:
    """Read from its file once a process. One that the record does not name would sign what nobody can check."""
    kept: dict[str, Signer] = current_app.extensions.setdefault("promise_signers", {})
    if origin not in kept:
        try:
            signer = keys_of_this_site().promise_signer(origin)
        except NoKey as missing:
            log.error("Votes are refused, as no receipt can be promised. %s", missing)
            raise Unavailable(NO_PROMISE) from None
        if keys_named()["promise"][-1:] != [signer.key.public]:
            log.error("Votes are refused: the promise key at hand is not the one that the record names.")
            raise Unavailable(NO_PROMISE)
        kept[origin] = signer
    return kept[origin]


def last_receipt(vote: Vote) -> Receipt:
    wanted = select(Receipt).where(Receipt.vote_id == vote.id).order_by(Receipt.id.desc()).limit(1)
    return db.session.scalars(wanted).one()


def receipt_with(secret: str) -> Receipt | None:
    """With its vote, whose that is and what it is on."""
    vote = joinedload(Receipt.vote)
    known = (vote.joinedload(Vote.account), vote.joinedload(Vote.regulation).joinedload(Regulation.theme))
    return db.session.scalar(select(Receipt).filter_by(secret=secret).options(*known))


def receipt_for(entry_id: str) -> Receipt | None:
    return db.session.scalar(select(Receipt).filter_by(entry_id=entry_id))


@dataclass(frozen=True)
class Standing:
    """What can be said of a receipt's line at this moment, each part checked before it is said."""

    head: Head
    line: Line | None
    entry: bytes | None
    promise: Promise | None
    proof: Inclusion | None
    wrong: str
    """In which way the record fails this receipt, in a sentence; empty while it does not."""

    @property
    def signed_at(self) -> datetime | None:
        """When the checkpoint in hand was signed, as long as the database speaks of the same one."""
        return self.head.signed_at if self.proof and self.proof.size == self.head.size else None


def standing_of(receipt: Receipt, now: datetime) -> Standing:
    """Look the line up, and check its promise, its place and the signature over both as a stranger would."""
    heads = (LogHead.origin, LogHead.size, LogHead.note, LogHead.signed_at, LogHead.refusal)
    found = db.session.execute(
        select(*heads, Entry.id, Entry.idx, Entry.type, Entry.item, Entry.t.label("hour"), Entry.body)
        .select_from(LogHead)
        .outerjoin(Entry, Entry.id == receipt.entry_id)
    ).one()
    opened = Head(found.origin, found.size, found.note, found.signed_at, found.refusal)
    row = found if found.id else None
    told = _line(row) if row else None
    keys, promise, proof, wrong = keys_named(), None, None, ""
    try:
        promise = _kept_promise(receipt, opened.origin, keys["promise"])
        if row is None:
            raise NotProved("The line that this receipt was given for is not in the record any more.")
        if promise and leaf_hash(row.body) != promise.leaf:
            raise NotProved("The line in the record is not the one that was promised: it has been changed.")
        proof = _proof(row.body, row.idx, opened.origin, keys["log"])
        if proof is None and promise and promise.by < now:
            raise NotProved("This line was promised its place by a time that has passed, and it is not there.")
    except NotProved as fault:
        log.error("The receipt for entry %s is not borne out. %s", receipt.entry_id, fault)
        wrong = str(fault)
    return Standing(opened, told, row.body if row and told else None, promise, proof, wrong)


def _line(row: Any) -> Line | None:
    """None where somebody has put what is no vote into the line's place."""
    try:
        found = line(row)
    except ValueError:
        return None
    is_vote = isinstance(found.said, dict) and {"voter", "capacity", "level"} <= found.said.keys()
    return found if is_vote else None


def _kept_promise(receipt: Receipt, origin: str, keys: Sequence[bytes]) -> Promise | None:
    if not receipt.promise:
        return None
    try:
        promise = Promise.read(receipt.promise, [VerifierKey(promise_name(origin), ED25519, key) for key in keys])
    except BadNote as fault:
        raise NotProved(f"The promise that is kept here is not one that was signed. {fault}") from None
    if (promise.origin, promise.entry_id) != (origin, receipt.entry_id):
        raise NotProved("The promise that is kept here is that of another line.")
    return promise


def _proof(entry: bytes, index: int | None, origin: str, keys: Sequence[bytes]) -> Inclusion | None:
    """From the files of the published log; None while the last checkpoint does not reach so far. Raises NotProved."""
    note = log_folder().checkpoint()
    if note is None or index is None:
        return None
    found = inclusion_of(index, leaf_hash(entry), note=note, origin=origin, keys=keys)
    if found is not None and found.fault:
        raise NotProved(found.fault)
    return found


def file_name(entry_id: str) -> str:
    return f"receipt-{entry_id[:8]}.json"


def receipt_file(receipt: Receipt, standing: Standing) -> str:
    """What its holder keeps, as JSON: all that it takes to check the line without us (docs/verifying.md).

    Whose line it is can be proved with the salt in it and the address, which is not in it.
    """
    origin, keys = standing.head.origin, keys_named()
    told: dict[str, Any] = {"format": FORMAT, "origin": origin}
    if standing.proof or keys["log"]:
        log_key = standing.proof.key if standing.proof else VerifierKey(origin, ED25519, keys["log"][-1])
        told["log_vkey"] = log_key.text
    if keys["promise"]:
        told["promise_vkey"] = _who_promised(receipt, origin, keys["promise"]).text
    if standing.entry is not None:
        told["entry"] = standing.entry.decode()
    if receipt.promise:
        told["promise"] = receipt.promise
    if standing.proof:
        told |= {"index": standing.proof.index, "size": standing.proof.size}
        told["proof"] = [base64.b64encode(one).decode() for one in standing.proof.hashes]
        told["checkpoint"] = standing.proof.checkpoint
    told["pseudonym"] = _pseudonym(standing.line)
    told["opening"] = _opening(receipt.entry_id)
    told = {name: value for name, value in told.items() if value is not None}
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def _who_promised(receipt: Receipt, origin: str, keys: Sequence[bytes]) -> VerifierKey:
    """The key that signed the promise, which may have been changed since."""
    known = [VerifierKey(promise_name(origin), ED25519, key) for key in keys]
    try:
        signed = {id for _, id, _ in signature_lines(receipt.promise)}
    except BadNote:
        signed = set()
    return next((key for key in known if key.id in signed), known[-1])


def known_by(line: Line | None) -> str | None:
    """By what a line's voter is known: email, organisation or reference; None once that was erased."""
    known = _pseudonym(line)
    return known["of"] if known else None


def _pseudonym(line: Line | None) -> dict[str, str] | None:
    """What, with the voter's own address, makes the line's code, until it is erased."""
    voter = line.said.get("voter") if line else None
    row = db.session.scalar(select(Pseudonym).filter_by(value=voter)) if voter else None
    if row is None or row.salt is None or row.identity is None:
        return None
    identity = json.loads(row.identity)
    (of,) = identity.keys() - {"item"}
    return {"kind": row.kind, "salt": row.salt.hex(), "item": identity["item"], "of": of}


def _opening(entry_id: str) -> dict[str, str] | None:
    """Choice and direction of a vote in a theme that keeps its split."""
    row = db.session.scalar(select(Opening).filter_by(entry_id=entry_id, field="commit"))
    return {"field": row.field, "kind": row.kind, "salt": row.salt.hex(), "text": row.text} if row else None
