"""What counts as a word and as a citation, for everything that is indexed and everything that is asked."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["regulation", "decision"]

LONGEST_QUERY = 200
LONGEST_TEXT = 200_000
SHORTEST_PREFIX = 3


@dataclass(frozen=True)
class Document:
    """A regulation or decision as search sees it; ``key`` is what a search answers with."""

    key: str
    kind: Kind
    title: str
    citation: str
    text: str


@dataclass(frozen=True)
class CommentText:
    """A published comment as search sees it."""

    id: int
    regulation_id: int
    text: str


WORD = re.compile(r"[^\W_]+")
APOSTROPHES = re.compile(r"(?<=\w)['’ʼ`´](?=\w)")
LETTERS_THAT_DO_NOT_DECOMPOSE = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "þ": "th", "ŧ": "t"}
)
# What a question is made of rather than about: asked for only when there is nothing else to ask for.
LITTLE_WORDS = frozenset(
    WORD.findall(
        "a an and are as at be been by do does for from has have how i if in into is it its my not of on "
        "or our so such that the their there these they this to was we were what when where which who "
        "will with you your"
    )
)

# The letters people put before year and number, and the series of legislation.gov.uk each can stand for.
SERIES = {
    "si": ("uksi", "wsi", "nisi"),
    "ssi": ("ssi",),
    "wsi": ("wsi",),
    "sr": ("nisr",),
    "sro": ("uksro",),
} | {name: (name,) for name in ("uksi", "nisr", "nisi", "uksro", "ukpga", "asp", "asc", "anaw", "ukcm", "ukmo")}
PREFIX = (
    r"(?:(?P<series>s\.?\s?s\.?\s?i\.?|w\.?\s?s\.?\s?i\.?|s\.?\s?r\.?\s?(?:&|and)\s?o\.?|s\.\s?r\.?|s\.?\s?i\.?|sr"
    r"|uksi|nisr|nisi|uksro|ukpga|asp|asc|anaw|ukcm|ukmo)[\s/\-:]*(?:\(n\.?\s?i\.?\)\s?)?)"
)
KINDS_OF_LAW = re.compile("regulations?|rules?|orders?|act|scheme")
YEAR = r"(?P<year>(?:1[6-9]|20)\d\d)"
NUMBER = r"(?P<number>\d{1,5})"
NUMBERED = r"\s*(?:/|,?\s*(?:no|number|num|n[°º])\b\s*\.?)\s*"
CITATION = re.compile(
    rf"(?<![\w.])(?:{PREFIX}{YEAR}(?:{NUMBERED}|\s*-\s*|\s+){NUMBER}|(?<!/){YEAR.replace('year', 'bare_year')}"
    rf"{NUMBERED}{NUMBER.replace('number', 'bare_number')})(?![\w])",
    re.IGNORECASE,
)


def folded(text: str) -> str:
    """Lower case without accents; ``café``, ``Café`` and ``cafe`` become the same."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return bare.translate(LETTERS_THAT_DO_NOT_DECOMPOSE)


def words_of(text: str) -> list[str]:
    """Every word of a text in order; ``don't`` and ``employer's`` are one word each. Longer texts are cut."""
    return WORD.findall(folded(APOSTROPHES.sub("", text[:LONGEST_TEXT])))


def plain_words(query: str) -> list[str]:
    """The words a query asks for, each once. There is no query language: ``AND (`` asks for the word "and"."""
    return list(dict.fromkeys(words_of(_bounded(query))))


def telling_words(words: Iterable[str]) -> list[str]:
    """Without "the", "of" and their like, unless there is nothing else."""
    asked = list(words)
    return [word for word in asked if word not in LITTLE_WORDS] or asked


def citations_in(text: str) -> list[str]:
    """The citations a text names, each once, as ``year/number`` or, where the series is named, ``series/year/number``.

    ``S.I. 1992 No. 2792`` can stand in several series (a Welsh instrument is an S.I. too), so it yields each.
    """
    found: dict[str, None] = {}
    for match in CITATION.finditer(_on_one_line(text[:LONGEST_TEXT])):
        year, number = match["year"] or match["bare_year"], int(match["number"] or match["bare_number"])
        series = SERIES[re.sub(r"[^a-z]|and", "", match["series"].lower())] if match["series"] else ()
        for name in series or ("",):
            found[f"{name}/{year}/{number}".lstrip("/")] = None
    return list(found)


def citations_of(document: Document) -> list[str]:
    """Everything a document answers to: its citation with and without its series."""
    return with_bare([*citations_in(document.key), *citations_in(document.citation)])


def with_bare(citations: Iterable[str]) -> list[str]:
    """Each citation, and after it the same without its series."""
    return list(
        dict.fromkeys(form for citation in citations for form in (citation, "/".join(citation.split("/")[-2:])))
    )


def without_citations(query: str) -> str:
    return CITATION.sub(" ", _on_one_line(_bounded(query)))


def titled_words(title: str) -> list[str]:
    words = words_of(title)
    return words[1:] if words[:1] == ["the"] else words


def exact_forms(title: str) -> list[str]:
    """A title as people quote it: in full, without its year, without "Regulations" and the like; never with "The"."""
    words = titled_words(title)
    forms = [" ".join(words)]
    for ending in (re.compile(r"\d{4}"), KINDS_OF_LAW):
        if len(words) > 1 and ending.fullmatch(words[-1]):
            words = words[:-1]
            forms.append(" ".join(words))
    return [form for form in forms if form]


def _bounded(query: str) -> str:
    return query[:LONGEST_QUERY]


def _on_one_line(text: str) -> str:
    """Single plain spaces: legislation is quoted with no-break ones, and long runs make the pattern slow."""
    return " ".join(unicodedata.normalize("NFKC", text).split())
