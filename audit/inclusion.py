"""The proof that a line has its place in the record as it was signed, checked as a stranger would check it."""

from collections.abc import Sequence
from dataclasses import dataclass

from audit import merkle
from audit.notes import ED25519, BadNote, Checkpoint, VerifierKey, note_text, vouched
from audit.tiles import MissingTile, log_folder


class NotProved(Exception):
    """The record does not bear something out. The message says in which way."""


@dataclass(frozen=True)
class Inclusion:
    """That an entry stands at ``index`` in the tree of ``size``: hashes of 32 bytes, and the signed checkpoint."""

    index: int
    size: int
    hashes: list[bytes]
    root: bytes
    checkpoint: str
    key: VerifierKey
    """Whose signature the checkpoint carries; the log's latest where it carries none."""
    fault: str
    """In which way this is no proof, in a sentence; empty while it is one."""


def inclusion_of(index: int, leaf: bytes, *, note: str, origin: str, keys: Sequence[bytes]) -> Inclusion | None:
    """Of the line with this leaf hash (32 bytes) in the tree that ``note`` speaks of; None while that ends before it.

    ``keys`` are the log's, in the order it had them (RFC 9162, section 2.1.3). Raises NotProved where the checkpoint or
    a tile cannot be read.
    """
    known = [VerifierKey(origin, ED25519, public) for public in keys]
    try:
        checkpoint = Checkpoint.read(note_text(note))
    except BadNote as fault:
        raise NotProved(_unsigned(fault)) from None
    key, wrong = _signed(note, known)
    if not wrong and checkpoint.origin != origin:
        wrong = "The checkpoint of the record is that of another log."
    if index >= checkpoint.size:
        if wrong:
            raise NotProved(wrong)
        return None
    try:
        hashes = log_folder().inclusion(index, checkpoint.size)
    except MissingTile as fault:
        raise NotProved(wrong or f"A file of the published record is missing. {fault}") from None
    if not wrong and not merkle.verify_inclusion(index, checkpoint.size, leaf, hashes, checkpoint.root):
        wrong = "This line does not stand at its place in the record that was signed."
    return Inclusion(index, checkpoint.size, hashes, checkpoint.root, note, key, wrong)


def _signed(note: str, known: Sequence[VerifierKey]) -> tuple[VerifierKey, str]:
    if not known:
        raise NotProved("The record names no key of its own.")
    try:
        return vouched(note, known)[-1], ""
    except BadNote as fault:
        return known[-1], _unsigned(fault)


def _unsigned(fault: BadNote) -> str:
    return f"The checkpoint of the record does not bear its signature. {fault}"
