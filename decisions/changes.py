"""What differs between two texts, paragraph by paragraph and word by word. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum


class Kind(StrEnum):
    SAME = "same"
    GONE = "gone"
    NEW = "new"


Run = tuple[Kind, str]
Paragraph = list[Run]
"""Runs of words that stayed, went or came."""


@dataclass(frozen=True)
class Changed:
    """One part of two decisions, with what became of its words."""

    label: str
    paragraphs: list[Paragraph]

    @property
    def is_changed(self) -> bool:
        return any(kind is not Kind.SAME for paragraph in self.paragraphs for kind, _ in paragraph)


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[Changed]:
    """Part by part, in the order of the later one; parts that neither has are left out."""
    labels = [*after, *(label for label in before if label not in after)]
    both = [(label, before.get(label, ""), after.get(label, "")) for label in labels]
    return [Changed(label, compared(old, new)) for label, old, new in both if old or new]


def compared(before: str, after: str) -> list[Paragraph]:
    """The paragraphs of the later text, with what went standing where it stood."""
    old, new = _paragraphs(before), _paragraphs(after)
    found: list[Paragraph] = []
    for op, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if op == "equal":
            found += [[(Kind.SAME, paragraph)] for paragraph in new[c:d]]
            continue
        pairs = min(b - a, d - c)
        found += [list(_words(old[a + n], new[c + n])) for n in range(pairs)]
        found += [[(Kind.GONE, paragraph)] for paragraph in old[a + pairs : b]]
        found += [[(Kind.NEW, paragraph)] for paragraph in new[c + pairs : d]]
    return found


def _paragraphs(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _words(before: str, after: str) -> Iterator[Run]:
    old, new = re.findall(r"\S+", before), re.findall(r"\S+", after)
    matched = SequenceMatcher(None, old, new, autojunk=False)
    if matched.ratio() < 0.3:  # another sentence altogether reads better whole than in shreds
        yield from _runs((Kind.GONE, old), (Kind.NEW, new))
        return
    for op, a, b, c, d in matched.get_opcodes():
        if op == "equal":
            yield Kind.SAME, " ".join(new[c:d])
        else:
            yield from _runs((Kind.GONE, old[a:b]), (Kind.NEW, new[c:d]))


def _runs(*runs: tuple[Kind, Sequence[str]]) -> Iterator[Run]:
    yield from ((kind, " ".join(words)) for kind, words in runs if words)
