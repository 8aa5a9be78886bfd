import re

from analysis.paper_checks import check_paper
from seed_data.paper import a_paper
from seed_data.script import read_script


def test_an_invented_paper_is_one_that_would_be_taken_and_says_that_it_is_invented():
    paper = a_paper("Example (one) on \\ rules", "What we found.\n\nIt’s less than we feared.")
    check_paper(paper)
    shown = re.findall(rb"\((.*)\) Tj", paper)
    assert shown[0] == shown[-1] == b"Invented for this demonstration. Nobody wrote this."
    assert rb"Example \(one\) on \\ rules" in shown
    assert "It’s less than we feared.".encode("cp1252") in shown


def test_every_object_of_a_paper_stands_where_its_table_says():
    paper = a_paper("Example", "Words.")
    places = [int(place) for place in re.findall(rb"(\d{10}) 00000 n", paper)]
    assert [paper[place:].startswith(b"%d 0 obj" % number) for number, place in enumerate(places, 1)] == [True] * 6
    assert paper[int(re.findall(rb"startxref\n(\d+)", paper)[0]) :].startswith(b"xref")
    length, stream = re.search(rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", paper, re.DOTALL).groups()
    assert int(length) == len(stream)


def test_papers_in_the_script_come_with_ballots_of_organisations():
    with_papers = [voice for part in read_script().parts.values() for voice in part.voices if voice.paper]
    assert len(with_papers) >= 2
    assert all(voice.capacity.speaks_for_organisation and voice.organisation for voice in with_papers)
