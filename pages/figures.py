"""What became of the regulations, comments and submissions of each theme, and whether that adds up. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime


@dataclass(frozen=True)
class Figure:
    """One column of the reconciliation: its name in downloads, its heading, and what it counts."""

    name: str
    heading: str
    counts: str


REGULATIONS = (
    Figure("at_opening", "At opening", "Regulations listed when the theme’s window opened"),
    Figure("scrap", "Scrap", "Regulations decided: to be scrapped"),
    Figure("improve", "Improve", "Regulations decided: to be improved"),
    Figure("keep", "Keep", "Regulations decided: to be kept"),
    Figure("moved", "Moved", "Regulations dealt with in another place"),
    Figure("already_spent", "Already spent", "Regulations that had no effect any more"),
    Figure("undecided", "Undecided", "Regulations without a decision"),
)
COMMENTS = (
    Figure("comments_received", "Received", "Comments received and confirmed"),
    Figure("published", "Published", "Comments published"),
    Figure("pending", "Pending", "Comments to be published once the count is final"),
    Figure("hidden", "Hidden", "Comments hidden by a moderator after they were published"),
    Figure("withheld", "Withheld", "Comments withheld: hidden by a moderator before they were published"),
    Figure("erased", "Taken back or erased", "Comments taken back by their authors, or erased"),
)
ANSWERS = (
    Figure("published", "Published", "Comments published"),
    Figure("answered", "Answered", "Published comments that a decision answers"),
    Figure("awaiting", "Awaiting", "Published comments that await an answer"),
)
SUBMISSIONS = (
    Figure("submissions_received", "Received", "Submissions received"),
    Figure("submissions_readable", "Readable", "Submissions that everybody can read"),
    Figure("submissions_pending", "Pending", "Submissions to be shown once the count is final"),
    Figure("submissions_withheld", "Withheld", "Submissions withheld, and counted"),
)
ANSWERS_TO_SUBMISSIONS = (
    Figure("submissions_readable", "Readable", "Submissions that everybody can read"),
    Figure("submissions_answered", "Answered", "Readable submissions that a decision answers"),
    Figure("submissions_awaiting", "Awaiting", "Readable submissions that await an answer"),
)
SIGNATURES = Figure("signatures", "Signatures", "Signatures under petitions")
BESIDE = (
    Figure("listed_later", "Listed later", "Regulations listed after the theme’s window opened"),
    Figure("listed_later_decided", "Listed later, settled", "Regulations listed later and settled"),
    Figure("withdrawn", "Taken back", "Comments taken back by their authors"),
    SIGNATURES,
)
OF_REGULATIONS = {figure.name for figure in (*REGULATIONS, *BESIDE[:2])}
OF_SUBMISSIONS = {figure.name for figure in (*SUBMISSIONS, *ANSWERS_TO_SUBMISSIONS, SIGNATURES)}
FIGURES = {
    figure.name: figure
    for figure in (*REGULATIONS, *COMMENTS, *ANSWERS, *SUBMISSIONS, *ANSWERS_TO_SUBMISSIONS, *BESIDE)
}
EVERY_THEME = "all"
FIELDS = (
    "slug", "at_opening", "scrap", "improve", "keep", "moved", "already_spent", "undecided", "comments_received",
    "published", "pending", "hidden", "withheld", "erased", "withdrawn", "answered", "awaiting", "listed_later",
    "listed_later_decided", "title", "opens_at", "url", "submissions_received", "submissions_readable",
    "submissions_pending", "submissions_withheld", "signatures", "census",
    "submissions_answered", "submissions_awaiting",
)  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """The figures of one theme, or of all of them together."""

    slug: str
    title: str
    opens_at: datetime | None = None
    census: str | None = None
    """The id of the line that says what the theme listed when it opened; None until it has opened."""
    at_opening: int = 0
    scrap: int = 0
    improve: int = 0
    keep: int = 0
    moved: int = 0
    already_spent: int = 0
    undecided: int = 0
    listed_later: int = 0
    listed_later_decided: int = 0
    comments_received: int = 0
    published: int = 0
    pending: int = 0
    hidden: int = 0
    withheld: int = 0
    erased: int = 0
    withdrawn: int = 0
    """Of those erased, the ones that their authors took back."""
    answered: int = 0
    awaiting: int = 0
    submissions_received: int = 0
    submissions_readable: int = 0
    submissions_pending: int = 0
    submissions_withheld: int = 0
    submissions_answered: int = 0
    submissions_awaiting: int = 0
    signatures: int = 0
    """Of all petitions together. Beside the submissions, as one person may have signed several."""

    def parts(self, figures: Sequence[Figure]) -> int:
        """What stands in the columns after the first, added up."""
        return sum(getattr(self, figure.name) for figure in figures[1:])

    @property
    def amiss(self) -> list[str]:
        """Each equation that does not hold, with its two sides."""
        return [
            f"{self.title}: {figures[0].counts.lower()}: {getattr(self, figures[0].name):,}, "
            f"but what became of them adds up to {self.parts(figures):,}."
            for figures in EQUATIONS
            if getattr(self, figures[0].name) != self.parts(figures)
        ]


EQUATIONS = (REGULATIONS, COMMENTS, ANSWERS, SUBMISSIONS, ANSWERS_TO_SUBMISSIONS)
COUNTED = tuple(field.name for field in fields(Figures) if field.name not in {"slug", "title", "opens_at", "census"})


def together(rows: Iterable[Figures]) -> Figures:
    """All themes added up."""
    total = Figures(EVERY_THEME, "All themes")
    for row in rows:
        total = replace(total, **{name: getattr(total, name) + getattr(row, name) for name in COUNTED})
    return total
