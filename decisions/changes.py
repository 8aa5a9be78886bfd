"""What differs between two texts, paragraph by paragraph and word by word. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

READS_AS_ONE = 0.3
"""Where a smaller part of the words stayed, another sentence altogether reads better whole than in shreds."""
MOST_COMPARED = 100_000_000
"""Words, or paragraphs, of the one text times those of the other."""


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
    for gone, come, same in _stretches(old, new):
        found += [_words(was, now) for was, now in zip(gone, come, strict=False)]
        found += [[(Kind.GONE, paragraph)] for paragraph in gone[len(come) :]]
        found += [[(Kind.NEW, paragraph)] for paragraph in come[len(gone) :]]
        found += [[(Kind.SAME, paragraph)] for paragraph in same]
    return found


def _paragraphs(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _words(before: str, after: str) -> Paragraph:
    old, new = before.split(), after.split()
    stretches = _without_shreds(_stretches(old, new))
    kept = sum(len(same) for _, _, same in stretches)
    if 2 * kept < READS_AS_ONE * (len(old) + len(new)):
        stretches = [(old, new, [])]
    kinds = (Kind.GONE, Kind.NEW, Kind.SAME)
    return [(kind, " ".join(run)) for each in stretches for kind, run in zip(kinds, each, strict=True) if run]


Stretch = tuple[list[str], list[str], list[str]]
"""What went, what came in its place, and what stands in both after it."""


def _stretches(old: list[str], new: list[str]) -> list[Stretch]:
    """Two lists from beginning to end, with as much of them standing in both as can."""
    stretches: list[Stretch] = [([], [], [])]
    i = j = 0
    for a, b in [*common(old, new), (len(old), len(new))]:
        if a > i or b > j:
            stretches.append((old[i:a], new[j:b], []))
        stretches[-1][2].extend(new[b : b + 1])
        i, j = a + 1, b + 1
    return stretches


def common(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """The places in both of their longest common subsequence, found row by row in the bits of whole numbers.

    The cost is len(old) * len(new) / 64 steps whatever they say: difflib takes seconds for words chosen to that end.
    Hyyro, "Bit-parallel LCS-length computation revisited" (2004). Beyond MOST_COMPARED nothing counts as common.
    """
    if len(old) * len(new) > MOST_COMPARED:
        return []
    where: dict[str, int] = {}
    for j, word in enumerate(new):
        where[word] = where.get(word, 0) | 1 << j
    everywhere = (1 << len(new)) - 1
    rows = [everywhere]  # a bit that is 0 says: up to this place of the new, one more is common than up to the last
    for word in old:
        row = rows[-1]
        found = row & where.get(word, 0)
        rows.append((row + found | row - found) & everywhere)
    places = []
    i, j = len(old), len(new)
    while i and j:
        if rows[i] >> j - 1 & 1:
            j -= 1
        elif not rows[i - 1] >> j - 1 & 1:
            i -= 1
        else:
            i, j = i - 1, j - 1
            places.append((i, j))
    return places[::-1]


def _without_shreds(stretches: list[Stretch]) -> list[Stretch]:
    """A word or two that stayed by chance between longer changes go with them: what is left reads as a sentence."""
    joined = stretches[:1]
    for gone, come, same in stretches[1:]:
        before = joined[-1]
        if _length(before[2]) < min(_length(before[0], before[1]), _length(gone, come)):
            joined[-1] = ([*before[0], *before[2], *gone], [*before[1], *before[2], *come], same)
        else:
            joined.append((gone, come, same))
    return joined


def _length(*words: list[str]) -> int:
    return max(len(" ".join(each)) for each in words)
