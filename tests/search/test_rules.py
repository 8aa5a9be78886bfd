import time

import pytest

from search.rules import (
    Document,
    citations_in,
    citations_of,
    exact_forms,
    folded,
    plain_words,
    telling_words,
    without_citations,
)


@pytest.mark.parametrize(
    "written",
    [
        "1992/2792",
        "1992 No. 2792",
        "1992/02792",
        "\uff11\uff19\uff19\uff12/2792",
    ],
)
def test_a_bare_year_and_number_can_stand_in_any_series(written):
    assert citations_in(written) == ["1992/2792"]


@pytest.mark.parametrize(
    "written",
    [
        "SI 1992/2792",
        "S.I. 1992/2792",
        "si1992/2792",
        "S.I. 1992 No. 2792",
        "S.I.\u00a01992\u00a0No.\u00a02792",
        "S. I. 1992, no 2792",
        "The Rules 1992 (S.I. 1992/2792)",
    ],
)
def test_an_si_is_british_welsh_or_northern_irish(written):
    assert citations_in(written) == ["uksi/1992/2792", "wsi/1992/2792", "nisi/1992/2792"]


@pytest.mark.parametrize(
    ("written", "citation"),
    [
        ("uksi-1992-2792", "uksi/1992/2792"),
        ("uksi 1992/2792", "uksi/1992/2792"),
        ("UKSI 1992 2792", "uksi/1992/2792"),
        ("https://www.legislation.gov.uk/uksi/1992/2792/made", "uksi/1992/2792"),
        ("S.S.I. 2006/3", "ssi/2006/3"),
        ("S.R. 1996 No. 520", "nisr/1996/520"),
        ("S.R. (N.I.) 1996 No. 520", "nisr/1996/520"),
        ("S.R. & O. 1939/12", "uksro/1939/12"),
    ],
)
def test_a_named_series_is_kept(written, citation):
    assert citations_in(written) == [citation]


@pytest.mark.parametrize(
    "written", ["between 1992-1995", "12/1992/44", "class 2003 4", "0/0", "1992", "1992/123456", ""]
)
def test_what_is_no_citation_is_left_alone(written):
    assert citations_in(written) == []
    assert without_citations(written) == written


def test_words_around_a_citation_stay():
    assert without_citations("display screens (S.I. 1992/2792)").split() == ["display", "screens", "(", ")"]


def test_a_document_answers_to_its_citation_with_and_without_series():
    document = Document("uksi-1992-2792", "regulation", "", "uksi 1992/2792", "")
    assert citations_of(document) == ["uksi/1992/2792", "1992/2792"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("AND (", ["and"]),
        ('"food NEAR/2 hygiene"*', ["food", "near", "2", "hygiene"]),
        ("title:café OR NOT -x", ["title", "cafe", "or", "not", "x"]),
        ("Employer’s employers' don't", ["employers", "dont"]),
        ("Łódź Straße ﬁsh Ærø", ["lodz", "strasse", "fish", "aero"]),
        ("a\x00b\x1bc", ["a", "b", "c"]),
        ("🐟🦞", []),
        ("\ud800", []),
        ("  \t\n", []),
    ],
)
def test_a_query_is_words_and_nothing_else(query, words):
    assert plain_words(query) == words


def test_a_query_is_cut_at_200_characters():
    assert sum(map(len, plain_words("ab " * 5_000))) == 2
    assert plain_words("x" * 10_000) == ["x" * 200]


def test_little_words_count_only_when_alone():
    assert telling_words(["the", "sale", "of", "bread"]) == ["sale", "bread"]
    assert telling_words(["the", "and"]) == ["the", "and"]


def test_a_title_is_quoted_without_its_article_year_and_kind():
    forms = exact_forms("The Working Time Regulations 1998")
    assert forms == ["working time regulations 1998", "working time regulations", "working time"]
    assert exact_forms("Regulations") == ["regulations"]
    assert exact_forms("") == []


def test_composed_and_decomposed_accents_are_one():
    assert folded("Cafe\u0301") == folded("CAFÉ") == "cafe"


def test_a_hostile_text_does_not_stall_the_search_for_citations():
    started = time.perf_counter()
    for text in (
        "1992" + " " * 200_000 + "x",
        "s." * 100_000,
        "si" + "-" * 200_000,
        "1992/" * 40_000,
        "s r &" * 40_000,
    ):
        citations_in(text)
    assert time.perf_counter() - started < 5
