"""What the record's pages say of its signing, and the proof that one line has its place."""

import base64
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from audit import merkle
from audit.cosigning import cosigning_of_this_site, policy_of_this_site
from audit.inclusion import NotProved, inclusion_of
from audit.notes import ED25519, BadNote, Checkpoint, VerifierKey, note_text
from audit.policy import cosigners
from audit.queries import head, log_keys
from audit.tiles import WIDTH, LogFolder, MissingTile, log_folder, tile_path
from core.clock import in_uk

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Witnessed:
    """A witness of the policy, and what it signed last. ``at`` is by the clock in the UK."""

    name: str
    size: int
    at: datetime


@dataclass(frozen=True)
class Signing:
    """How far the record is signed, when, and by which key. ``note`` is the checkpoint that readers fetch, if any."""

    origin: str
    size: int
    signed_at: datetime | None
    """By the clock in the UK; None before the first checkpoint."""
    key: VerifierKey | None
    note: str
    witnesses: Sequence["Witnessed"]
    refusal: str


def signing() -> Signing | None:
    """None while the record has not been opened."""
    found = head()
    if found is None:
        return None
    note, keys = log_folder().checkpoint() or "", _keys(found.origin)
    return Signing(
        origin=found.origin,
        size=found.size,
        signed_at=in_uk(found.signed_at) if found.signed_at else None,
        key=keys[-1] if keys else None,
        note=note,
        witnesses=_witnesses(note),
        refusal=found.refusal or "",
    )


def _keys(origin: str) -> list[VerifierKey]:
    """Every key the log has had. One that is no key leaves nothing to check against."""
    return [VerifierKey(origin, ED25519, public) for public in log_keys()]


def _witnesses(newest: str) -> list[Witnessed]:
    """Of the newest checkpoint, and of the last one that witnesses have signed where they are still busy with it."""
    policy = policy_of_this_site()
    if policy is None:
        return []
    found: dict[str, Witnessed] = {}
    for note in (newest, cosigning_of_this_site().cosigned() or ""):
        try:
            size = Checkpoint.read(note_text(note)).size
            for name, seconds in cosigners(note, policy):
                found.setdefault(name, Witnessed(name, size, in_uk(datetime.fromtimestamp(seconds, UTC))))
        except (BadNote, ValueError, OverflowError):
            continue
    return list(found.values())


_FOLDING = """python3 -c '
import base64, hashlib, sys
root = bytes.fromhex(sys.argv[1])
for step in sys.argv[2:]:
    side, sibling = step.split(":")
    pair = (bytes.fromhex(sibling), root) if side == "left" else (root, bytes.fromhex(sibling))
    root = hashlib.sha256(bytes([1]) + pair[0] + pair[1]).digest()
print(base64.b64encode(root).decode())
'"""


@dataclass(frozen=True)
class Sibling:
    """One hash on the way from a line to the root: over the lines from ``first`` to ``last``, beside what is known."""

    hash: str
    side: str
    """Where it stands in the pair that is hashed: left or right."""
    first: int
    last: int


@dataclass(frozen=True)
class Proof:
    """That a line has its place in the tree a checkpoint speaks of. All hashes in hexadecimal."""

    index: int
    size: int
    leaf: str
    siblings: Sequence[Sibling]
    root: str
    note: str
    holds: bool
    """What this site found when it checked just now."""
    tile: str
    """Where the hashes of the line's level are published, and from which byte on its own begins, counted from 1."""
    from_byte: int

    @property
    def root_in_checkpoint(self) -> str:
        """As the checkpoint spells it, in base64."""
        return base64.b64encode(bytes.fromhex(self.root)).decode()

    @property
    def folding(self) -> str:
        """A command that computes the root from the digest and the siblings, whoever served them."""
        steps = " ".join(f"{each.side}:{each.hash}" for each in self.siblings)
        return f"{_FOLDING} {self.leaf} {steps}".rstrip()


def proof_of(idx: int, leaf: bytes, signing: Signing) -> Proof | None:
    """The proof of a line at its place in the newest checkpoint, checked; None while none covers it."""
    if not signing.note:
        return None
    try:
        found = inclusion_of(idx, leaf, note=signing.note, origin=signing.origin, keys=log_keys())
    except NotProved as wrong:
        log.error("The proof of line %s cannot be read: %s", idx, wrong)
        return None
    if found is None:
        return None
    n, at = divmod(idx, WIDTH)
    return Proof(
        index=idx,
        size=found.size,
        leaf=leaf.hex(),
        siblings=[
            Sibling(each.hex(), "left" if first < idx else "right", first, end - 1)
            for each, (first, end) in zip(found.hashes, merkle.inclusion_spans(idx, found.size), strict=True)
        ],
        root=found.root.hex(),
        note=signing.note,
        holds=not found.fault,
        tile=tile_path(0, n, min(WIDTH, found.size - n * WIDTH)),
        from_byte=at * merkle.HASH_BYTES + 1,
    )


def root_agrees(size: int, root: str, signing: Signing) -> bool | None:
    """Whether the first ``size`` lines have the hash that a decision gives for them; None where it can't be asked."""
    folder: LogFolder = log_folder()
    try:
        return folder.root(size, within=signing.size).hex() == root if 0 < size <= signing.size else None
    except (MissingTile, ValueError):
        return None
