"""How long the offline verifier takes over a large record, and how much memory: one bundle, one process.

python -m bench.verifying [entries] [folder to keep the bundle in]
"""

import base64
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import merkle
from audit.notes import Checkpoint, Signer
from audit.tiles import Edge, tile_path

ITEMS = 1_000
COUNTED = 600
HOUR = 1_790_000_400 // 3600 * 3600
SIDES = [("scrap", None), *(("improve", d) for d in ("lighter", "clearer", "stricter", "other")), ("keep", None)]
TAG = b"regulation-review/v1/"
draw = random.Random(2026)


class Record:
    """Writes entries one after the other, as the site would, and keeps what later ones need."""

    def __init__(self) -> None:
        self.edge, self.peaks = Edge(), merkle.Peaks()
        self.files: list[tuple[str, bytes]] = []
        self.openings: list[tuple[str, str]] = []
        self.size = 0

    def add(self, type: str, **body: object) -> str:
        id = hashlib.sha256(b"entry %d" % self.size).hexdigest()[:32]
        said = {"v": 1, "id": id, "t": HOUR + self.size // 2000 * 3600, "type": type}
        said |= {name: value for name, value in body.items() if value is not None}
        raw = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        leaf = merkle.leaf_hash(raw)
        self.peaks = self.peaks.extended([leaf])
        for level, n, content in self.edge.add(raw, leaf):
            self.files.append((tile_path(level, n), content))
        self.size += 1
        return id

    def open(self, id: str, field: str, text: str, kind: str = "", salt: bytes = b"") -> None:
        opening = {"entry": id, "field": field, "text": text} | ({"kind": kind, "salt": salt.hex()} if salt else {})
        self.openings.append((id, json.dumps(opening, ensure_ascii=False) + "\n"))

    def members(self, key: Signer) -> Iterator[tuple[str, bytes]]:
        yield from self.files
        for level, n, width, content in self.edge.partial():
            yield tile_path(level, n, width), content
        yield "checkpoint", key.note(Checkpoint(key.name, self.size, self.peaks.root).text).encode()
        yield "vkey", f"{key.key.text}\n".encode()
        yield "policy", f"log {key.key.text}\nquorum none\n".encode()
        yield "openings.jsonl", "".join(line for _, line in sorted(self.openings)).encode()


def sealed(kind: str, salt: bytes, text: str) -> str:
    return hashlib.sha256(TAG + kind.encode() + b"\x00" + salt + text.encode()).hexdigest()


def write(path: Path, entries: int) -> None:
    """Mostly votes, one in six of them changed, every seventh entry a reason; then counts and decisions."""
    key, record = Signer("bench.example/log", Ed25519PrivateKey.generate()), Record()
    public = base64.b64encode(key.key.public).decode()
    record.add("log.open", origin=key.name, log_key=public, promise_key=public, demonstration=True)
    record.add("theme", theme="all", kind="spotlight", split="shown", text_sha256="0" * 64)
    items = [f"uksi-2000-{n}" for n in range(ITEMS)]
    for item in items:
        record.add("item.version", item=item, theme="all", text_sha256="0" * 64)
    standing: dict[tuple[str, str], tuple[str, int]] = {}
    voters: list[tuple[str, str]] = []
    while record.size < entries - 2 * COUNTED - 1:
        n = record.size
        if n % 7 == 0:
            salt, text = (
                draw.randbytes(32),
                f"What it costs us, in case {n}: " + "a reason like those people give. " * 8,
            )
            author = hashlib.sha256(b"author %d" % n).hexdigest()
            commit = sealed("comment", salt, text)
            item = items[n % ITEMS]
            id = record.add("comment", item=item, author=author, capacity="public", vote="keep", body_commit=commit)
            record.open(id, "body_commit", text, "comment", salt)
            continue
        side = draw.randrange(6)
        if n % 6 == 0 and voters:
            item, voter = draw.choice(voters)
        else:
            item, voter = items[draw.randrange(ITEMS)], hashlib.sha256(b"voter %d" % n).hexdigest()
            voters.append((item, voter))
        choice, direction = SIDES[side]
        prev = standing.get((item, voter), (None, 0))[0]
        id = record.add(
            "vote", item=item, voter=voter, capacity="public", level=1, choice=choice, direction=direction, prev=prev
        )  # fmt: skip
        standing[item, voter] = id, side
    settle(record, items[:COUNTED], standing)
    while record.size < entries:
        record.add("stage", item=items[0], stage="done", actor="An office")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in record.members(key):
            archive.writestr(name, content)


def settle(record: Record, items: list[str], standing: dict[tuple[str, str], tuple[str, int]]) -> None:
    at_size, root = record.size, record.peaks.root.hex()
    by_item: dict[str, Counter[int]] = {item: Counter() for item in items}
    for (item, _), (_, side) in standing.items():
        if item in by_item:
            by_item[item][side] += 1
    for n, (item, sides) in enumerate(by_item.items()):
        counts = {"participants": sides.total(), "scrap": sides[0], "keep": sides[5]}
        for side in range(1, 5):
            counts[f"improve_{SIDES[side][1]}"] = sides[side]
        counts["improve"] = sum(sides[side] for side in range(1, 5))
        tally = record.add("tally", item=item, at_size=at_size, counts=counts)
        statement = f"We decided on {item} as people told us. " * 20
        id = record.add(
            "decision", item=item, reference=f"2026-{n}", outcome="keep", at_size=at_size, root=root, tally=tally,
            official="One office", approver="Another", statement_sha256=hashlib.sha256(statement.encode()).hexdigest(),
        )  # fmt: skip
        record.open(id, "statement_sha256", statement)


def main(entries: int, folder: Path) -> None:
    path = folder / f"record-{entries}.zip"
    if not path.exists():
        begun = time.perf_counter()
        # in a process of its own: one that starts the verifier while it is large would lend it its peak
        writer = get_context("spawn").Process(target=write, args=(path, entries))
        writer.start()
        writer.join()
        print(f"wrote {path.stat().st_size / 1e6:,.0f} MB in {time.perf_counter() - begun:.0f} s")
    verifier = Path(__file__).parents[1] / "audit" / "verify.py"
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    begun = time.perf_counter()
    with subprocess.Popen([sys.executable, str(verifier), str(path)], stdout=subprocess.PIPE, text=True) as verifying:
        said = verifying.stdout.read() if verifying.stdout else ""
        _, status, used = os.wait4(verifying.pid, 0)  # its own use, and not that of whoever wrote the record
        verifying.returncode = os.waitstatus_to_exitcode(status)
    took = time.perf_counter() - begun
    print(said[-1500:])
    cpu = used.ru_utime + used.ru_stime
    print(f"{entries:,} entries: {took:.1f} s ({cpu:.1f} s of one core), {used.ru_maxrss / 1024:,.0f} MiB at the most")


if __name__ == "__main__":
    kept = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp(prefix="verifying-"))
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000, kept)
