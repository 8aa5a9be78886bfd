"""A paper ballot and a poster: both sides in a sentence each, nothing preselected, and an order that goes round."""

import re

import pytest
import segno

from accounts.rules import Role
from pages.on_paper import first_sentence, sheet_asked, sides, squares
from regulations.rules import Split
from tests.analysis.making import a_comment, a_point, put
from tests.factories import DAY, NOON, a_member_of_staff, a_regulation, a_theme, settle_the_record
from tests.queries_counted import queries_counted
from voting.rules import ORDERS, Choice


def ballot(client, regulation, end="?sheet=1"):
    answer = client.get(f"/regulations/{regulation.slug}/paper-ballot{end}")
    assert answer.status_code == 200
    return answer.text


def said(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.fixture
def regulation(app):
    return a_regulation(a_theme(title="Retail"), title="The Workplace Regulations 1992")


def test_paper_ballot_asks_all_that_staff_need_and_says_how_it_is_counted(client, regulation):
    words = said(ballot(client, regulation))
    for needed in (
        regulation.title, regulation.citation.official, "It has to arrive by Monday 9 March 2026", "Tick one",
        "Your first and last name", "Your postcode or telephone number", "I’d rather not say why",
        "the office that runs this site", "counts as one answer like any other", "decision with its reasons is due",
    ):  # fmt: skip
        assert needed in words, needed


def test_each_of_the_six_sheets_has_its_own_order_and_nothing_is_ticked(client, regulation):
    orders = []
    for sheet in range(1, 7):
        page = ballot(client, regulation, f"?sheet={sheet}")
        assert f"sheet {sheet} of 6" in page
        assert "<input" not in page
        ticks = page.split('<p class="ticks">')[1].split("</p>")[0]
        orders.append(tuple(re.findall("Scrap|Improve|Keep", ticks)))
    assert sorted(orders) == sorted(tuple(choice.label.split()[0] for choice in order) for order in ORDERS)


def test_neither_side_is_always_read_first(client, regulation):
    first = [ballot(client, regulation, f"?sheet={n}").partition("For keeping it")[0] for n in (1, 2)]
    assert ["For changing" in before for before in first] == [False, True]


def test_which_sheet_comes_first_goes_round_by_the_hour():
    assert {sheet_asked(None, NOON + n * DAY / 24) for n in range(6)} == {1, 2, 3, 4, 5, 6}
    assert [sheet_asked(asked, NOON) for asked in ("7", "0", "x", "")] == [sheet_asked(None, NOON)] * 4


def test_where_nobody_has_said_anything_both_sides_have_the_same_neutral_line(client, regulation):
    assert {side.sentence for side in sides(regulation)} == {"Nobody has said so yet. Perhaps you will."}
    assert said(ballot(client, regulation)).count("Nobody has said so yet.") == 2


def test_each_side_is_told_in_the_words_of_its_strongest_reason(regulation):
    a_comment(regulation, "It keeps people safe. And more besides.", Choice.KEEP)
    a_comment(regulation, "It costs too much.", Choice.SCRAP)
    settle_the_record()
    assert [side.sentence for side in sides(regulation)] == ["“It keeps people safe.”", "“It costs too much.”"]
    assert {side.said_by for side in sides(regulation)} == {"One person wrote this"}


def test_a_point_that_people_of_a_side_made_speaks_for_it(regulation):
    analyst = a_member_of_staff(Role.ANALYST)
    comments = [a_comment(regulation, f"Too dear, {n}.", Choice.SCRAP) for n in range(2)]
    put(a_point(regulation, analyst, title="It costs shops too much"), *comments, by=analyst)
    keep, change = sides(regulation)
    assert keep.sentence == "Nobody has said so yet. Perhaps you will."
    assert (change.sentence, change.said_by) == (
        "It costs shops too much", "A point that 2 people of this view made",
    )  # fmt: skip


def test_where_the_split_is_kept_neither_side_is_told(client):
    regulation = a_regulation(a_theme(split=Split.KEPT))
    a_comment(regulation, "It costs too much.", Choice.SCRAP)
    settle_the_record()
    for end in ("paper-ballot", "poster"):
        page = client.get(f"/regulations/{regulation.slug}/{end}").text
        assert "It costs too much." not in page
        assert said(page).count("kept until the count is final, so that nobody is swayed") == 2


def test_the_poster_leads_to_the_ballot_by_a_code_without_script(client, regulation):
    page = client.get(f"/regulations/{regulation.slug}/poster").text
    address = f"http://127.0.0.1:8000/regulations/{regulation.slug}/vote"
    assert squares(address).path in page
    assert f"127.0.0.1:8000/regulations/{regulation.slug}/vote" in said(page)
    assert "Say what you think by Monday 9 March 2026" in said(page)


def test_the_squares_are_those_of_the_code_with_a_quiet_margin():
    code = segno.make("http://example.org/vote", error="m", micro=False)
    drawn = squares("http://example.org/vote")
    dark = {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h", drawn.path)}
    assert dark == {(x + 4, y + 4) for y, row in enumerate(code.matrix) for x, cell in enumerate(row) if cell}
    assert drawn.size == len(code.matrix) + 8


def test_a_sentence_too_long_for_a_poster_is_cut_at_a_word():
    assert first_sentence("One. Two.") == "One."
    assert first_sentence("No stop\nbut a line") == "No stop"
    cut = first_sentence("word " * 100)
    assert len(cut) <= 182
    assert cut.endswith("word …")


@pytest.mark.parametrize("window", [{"opens": NOON + DAY}, {"opens": NOON - 9 * DAY, "closes": NOON - DAY}])
def test_outside_its_window_there_is_nothing_to_print(client, window):
    regulation = a_regulation(a_theme(**window))
    for end in ("paper-ballot", "poster"):
        page = client.get(f"/regulations/{regulation.slug}/{end}").text
        assert "just now" in page
        assert "qr__ink" not in page
        assert f"/regulations/{regulation.slug}/{end}" not in client.get(f"/regulations/{regulation.slug}").text


def test_both_are_linked_where_people_look_for_them_and_ask_little(client, regulation):
    page = client.get(f"/regulations/{regulation.slug}").text
    assert "paper ballot" in client.get("/help/no-email").text
    for end in ("paper-ballot", "poster"):
        address = f"/regulations/{regulation.slug}/{end}"
        assert address in page
        client.get(address)
        with queries_counted() as asked:
            client.get(address)
        assert len(asked) <= 10
    assert client.get("/regulations/uksi-1066-1/poster").status_code == 404
