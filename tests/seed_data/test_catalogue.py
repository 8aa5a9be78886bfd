import csv
import re
from collections import Counter

import pytest

from regulations.rules import Citation
from seed_data import loader
from seed_data.loader import BadSeed, catalogue

SENTENCE_END = re.compile(r"[.!?](?:\s|$)")


@pytest.fixture(scope="module")
def seeds():
    return catalogue()


@pytest.fixture(scope="module")
def rows(seeds):
    return [row for seed in seeds for row in seed.rows]


def test_there_are_enough_real_regulations_over_enough_themes(seeds, rows):
    assert len(seeds) >= 20
    assert len(rows) >= 240
    assert all(len(seed.rows) >= 7 for seed in seeds)


def test_every_citation_is_of_a_known_form_and_stands_once(rows):
    slugs = Counter(row.citation.slug for row in rows)
    assert [slug for slug, times in slugs.items() if times > 1] == []
    assert all(1947 <= row.citation.year <= 2026 for row in rows)


def test_every_title_is_a_title(rows):
    for row in rows:
        assert not row.title.startswith("The "), row.title
        assert re.search(r"(19|20)\d\d", row.title), row.title
        assert re.search(r"Regulations|Order|Rules|Regulation|Code", row.title), row.title


def test_every_summary_says_what_of_whom_and_why_in_two_or_three_sentences(rows):
    for row in rows:
        text = re.sub(r"\b(e\.g|i\.e|No|Mr|St)\.", "", row.summary)
        assert 2 <= len(SENTENCE_END.findall(text)) <= 3, f"{row.citation.official}: {row.summary}"
        assert 150 <= len(row.summary) <= 520, row.citation.official
        assert len(SENTENCE_END.findall(row.sentence)) == 1, f"{row.citation.official}: {row.sentence}"
        assert len(row.sentence) <= 160, row.citation.official


def test_no_side_is_taken(rows):
    loaded = re.compile(
        r"\b(burdensome|red tape|needless|vital|crucial|essential protection|outdated|bureaucra\w+)\b",
        re.I,
    )
    for row in rows:
        found = loaded.search(f"{row.sentence} {row.summary}")
        assert found is None, f"{row.citation.official} says {found and found[0]}"


def test_every_row_says_where_it_comes_from_and_when_it_was_checked(rows):
    assert {row.source for row in rows} <= set(loader.SOURCES)
    assert all(row.checked_on == "not checked" or re.fullmatch(r"\d{4}-\d\d-\d\d", row.checked_on) for row in rows)


def test_a_spent_rule_says_what_ended_it(rows):
    for row in rows:
        assert not row.spent or len(row.spent) > 30, row.citation.official


def test_themes_come_in_every_stage(seeds):
    upcoming = [seed for seed in seeds if seed.opens > 0]
    opened = [seed for seed in seeds if seed.opens <= 0 < seed.closes]
    closed = [seed for seed in seeds if seed.closes <= 0 and not seed.decided]
    decided = [seed for seed in seeds if seed.decided]
    assert min(map(len, (upcoming, opened, closed, decided))) >= 3
    assert all(seed.on_the_table and seed.off_the_table and seed.summary for seed in seeds)


@pytest.mark.parametrize(
    ("column", "value", "complaint"),
    [
        ("number", "0", "not a citation"),
        ("type", "eur", "not a citation"),
        ("link", "https://www.legislation.gov.uk/uksi/1999/1", "does not lead"),
        ("source", "hearsay", "not a known source"),
        ("checked_on", "last week", "checked_on"),
        ("summary", " ", "summary is empty"),
    ],
)
def test_a_bad_row_is_named(column, value, complaint):
    with (loader.CATALOGUE / "retail.csv").open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    with pytest.raises(Exception, match=complaint) as refused:
        loader._row(row | {column: value}, "retail.csv, line 2")
    assert isinstance(refused.value, BadSeed) or "citation" in complaint


def test_a_citation_has_one_slug_one_official_form_and_one_link():
    citation = Citation.read("uksi", "1992", "2792")
    assert (citation.slug, citation.official) == ("uksi-1992-2792", "SI 1992/2792")
    assert citation.link == "https://www.legislation.gov.uk/uksi/1992/2792"
