"""Finding things: home, themes, lists of regulations, figures, help; and what keeps these pages the same for all."""

import csv
import io
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from core import clock
from decisions.rules import Outcome
from opendata.rules import REGULATION_FIELDS, THEME_FIELDS
from regulations.rules import ALL_SECTORS, Split
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_department,
    a_frozen_theme,
    a_regulation,
    a_theme,
    a_vote,
    settle_the_record,
)
from tests.queries_counted import queries_counted
from voting.rules import Choice

SCRAP, IMPROVE, KEEP = Choice
PAGES = (
    "/", "/themes", "/themes.json", "/themes.csv", "/themes/water", "/themes/water.json", "/themes/water.csv",
    "/regulations", "/regulations.json", "/regulations.csv", "/regulations?q=clean+workplaces",
    "/regulations?q=1992/99999",
    "/regulations?stage=open&sector=water&sort=closest", "/regulations?q=1992/99999&sector=retail&stage=done",
    "/figures",
    "/figures/ballot-order", "/figures/ballot-order.json", "/figures/ballot-order.csv", "/data", "/help",
    "/help/how-it-works", "/help/no-email", "/help/sources", "/help/privacy",
)  # fmt: skip
REFUSED_NOWHERE = (
    "page=abc", "page=-3", "page=999999999999999999999", "page=1e9", "page=" + "9" * 5000, "sort=xyz", "sort=relevance",
    "stage=zzz", "outcome=zzz", "theme=%00", "sector=%F0%9F%90%9D", "q=AND+(", "q=(((", "q=%22", "q=%27--", "q=*:*",
    "q=a%00b", "q=%ED%A0%80", "q=" + "x" * 10_000, "q=" + "x+" * 2_000, "q=%25_%25", "q=1992/99999", "q=99999/99999",
    "department=%27+OR+1", "q=%E2%80%AEabc", "q=&q=a&page=&page=2",
)  # fmt: skip


def page(client: FlaskClient, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, f"{address}: {response.status_code}"
    return response.get_data(as_text=True)


def titles(client: FlaskClient, address: str) -> list[str]:
    return [row["title"] for row in client.get(address).get_json()]


def some_of_everything() -> None:
    water = a_theme(title="Water")
    for n in range(3):
        regulation = a_regulation(water, title=f"Clean Water {n}", sectors=("water",))
        a_vote(regulation, IMPROVE, order=str(n))
    decided = a_theme(title="Decided", closes=NOON - DAY)
    regulation = a_regulation(decided)
    a_frozen_theme(decided, NOON)
    a_decision(regulation, now=NOON)
    a_regulation(a_theme(title="Upcoming", opens=NOON + DAY))
    settle_the_record()


@pytest.mark.parametrize("address", PAGES)
def test_a_public_page_opens_no_session_and_may_be_kept_by_any_cache(app, client, address):
    some_of_everything()
    client.set_cookie("session", "somebody's")
    response = client.get(address)
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert "Cookie" not in response.headers.get("Vary", "")
    assert response.headers["Cache-Control"] == "public, max-age=0, s-maxage=1"
    assert client.get(address, headers={"If-None-Match": response.headers["ETag"]}).status_code == 304


@both_databases
def test_pages_ask_the_database_as_often_for_many_rows_as_for_few_and_never_more_than_ten_times(app, client):
    def asked() -> dict[str, int]:
        counts = {}
        for address in PAGES:
            with queries_counted() as sent:
                page(client, address)
            counts[address] = len(sent)
        return counts

    some_of_everything()
    page(client, "/")  # the first page of a process asks once which kind of record it serves
    few = asked()
    for n in range(25):
        theme = a_theme(title=f"Another {n}", closes=NOON + n * DAY + DAY)
        a_vote(a_regulation(theme, sectors=("retail",), department=a_department(f"Office {n}")))
    settle_the_record()
    assert asked() == few
    assert max(few.values()) <= 10, few


@both_databases
@pytest.mark.parametrize("path", ["/regulations", "/regulations.json", "/regulations.csv", "/themes/water"])
def test_no_address_is_strange_enough_to_fail(app, client, path):
    some_of_everything()
    for query in REFUSED_NOWHERE:
        page(client, f"{path}?{query}")


def test_the_home_page_asks_its_question_and_says_who_asks_and_what_comes_of_it(app, client):
    some_of_everything()
    a_vote(a_regulation(a_theme(title="Fireworks")), KEEP)
    settle_the_record()
    said = page(client, "/")
    assert said.count("<h1") == 1
    for words in ("a public consultation", "shown as a demonstration", "Officials read the reasons", 'name="q"'):
        assert words in said
    assert said.index('name="q"') < said.index("Open now") < said.index("Latest decisions")
    for words in ("Fireworks", "/themes/water", "7 days left", "Nobody voted, so there is nothing to compare with."):
        assert words in said
    assert "Demonstration: no such decision was made" in said
    assert "lines in the record" in said


def test_an_empty_site_says_what_will_come(app, client):
    said = page(client, "/")
    assert "No theme is open today" in said
    assert "Nothing has been decided yet" in said
    assert "No theme has been announced yet" in page(client, "/themes")
    assert "No regulations are listed here yet" in page(client, "/regulations")
    assert "Nobody has voted yet" in page(client, "/figures/ballot-order")


def test_home_shows_a_superseded_decision_no_longer(app, client):
    theme = a_theme(closes=NOON - DAY)
    regulation = a_regulation(theme)
    a_frozen_theme(theme, NOON)
    a_decision(regulation, Outcome.KEEP, now=NOON, statement="It stays exactly as it is.")
    a_decision(regulation, Outcome.SCRAP, now=NOON, statement="It goes after all, for these reasons.")
    said = page(client, "/")
    assert "It goes after all" in said
    assert "It stays exactly" not in said


def test_themes_stand_by_stage_with_their_clocks(app, client):
    a_theme(title="Open one")
    overdue = a_theme(title="Late one", opens=NOON - 120 * DAY, closes=NOON - 100 * DAY)
    a_regulation(overdue)
    a_theme(title="Coming one", opens=NOON + DAY)
    said = page(client, "/themes")
    assert said.index("Open one") < said.index("Coming one") < said.index("Late one")
    assert "Decision overdue by 10 days" in said
    assert "Opens <time" in said


def test_theme_rows_carry_their_days_and_numbers(app, client):
    some_of_everything()
    rows = {row["slug"]: row for row in client.get("/themes.json").get_json()}
    assert tuple(rows["water"]) == (*THEME_FIELDS, "demonstration")
    assert rows["water"] | {
        "stage": "open", "opens_on": "2026-02-23", "closes_on": "2026-03-09", "decision_due_on": "2026-06-07",
        "regulations": 3, "decided": 0, "answers": 3, "demonstration": True,
    } == rows["water"]  # fmt: skip
    assert (rows["decided"]["stage"], rows["decided"]["decided"]) == ("decided", 1)


def test_a_theme_says_what_is_on_and_off_the_table_and_lists_those_that_need_voices_first(app, client):
    theme = a_theme(title="Water")
    for n, voices in ((1, 2), (2, 0), (3, 1)):
        regulation = a_regulation(theme, title=f"Pipes {n}")
        for _ in range(voices):
            a_vote(regulation)
    a_regulation(title="Elsewhere")
    settle_the_record()
    said = page(client, "/themes/water")
    for words in ("How the rules are written and enforced.", "The Acts under which they are made."):
        assert words in said
    assert said.index("Pipes 2") < said.index("Pipes 3") < said.index("Pipes 1")
    assert "Elsewhere" not in said
    told = client.get("/themes/water.json").get_json()
    assert told["on_the_table"] == "How the rules are written and enforced."
    assert [row["title"] for row in told["regulations"]] == ["Pipes 2", "Pipes 3", "Pipes 1"]
    assert told["demonstration"] is True
    assert client.get("/themes/nowhere").status_code == 404
    assert client.get("/themes/nowhere.json").status_code == 404


def test_the_list_and_its_downloads_hold_the_same_rows_in_the_same_order(app, client):
    theme = a_theme(title="Water")
    for n in range(45):
        a_regulation(theme, title=f"Pipes {n:02}", sectors=("water",) if n % 2 else ())
    query = "?sector=water&sort=title"
    rows = client.get(f"/regulations.json{query}").get_json()
    assert len(rows) == 22
    assert tuple(rows[0]) == (*REGULATION_FIELDS, "demonstration")
    table = list(csv.DictReader(io.StringIO(page(client, f"/regulations.csv{query}"))))
    assert [row["slug"] for row in table] == [row["slug"] for row in rows]
    assert tuple(table[0]) == (*REGULATION_FIELDS, "demonstration")
    first, second = page(client, f"/regulations{query}"), page(client, f"/regulations{query}&page=2")
    assert [row["title"] in first for row in rows] == [True] * 20 + [False] * 2
    assert [row["title"] in second for row in rows] == [False] * 20 + [True] * 2
    assert page(client, f"/regulations{query}&page=99") == second, "beyond the end is the end"
    assert "/regulations.csv?sector=water&amp;sort=title" in first


def test_facets_are_counted_under_the_others(app, client):
    water, retail = a_theme(title="Water"), a_theme(title="Retail", closes=NOON - DAY)
    office = a_department("Water Office")
    a_regulation(water, department=office, sectors=("water",))
    a_regulation(water, department=office)
    a_regulation(water, sectors=(ALL_SECTORS,))
    a_regulation(retail, department=office, sectors=("retail", ALL_SECTORS))
    counts = facet_counts(page(client, "/regulations?department=water-office&stage=open"))
    assert "Theme" not in counts, "one theme alone leaves nothing to choose"
    assert counts["Department"] == {"Example Department": 1, "Water Office": 2}
    assert counts["Stage"] == {"Open": 2, "Under consideration": 1}
    assert "My sector" not in counts
    still_open = facet_counts(page(client, "/regulations?stage=open"))["My sector"]
    assert (still_open["Water"], still_open["Retail"], still_open["Media and creative"]) == (2, 1, 1)
    every = facet_counts(page(client, "/regulations"))["My sector"]
    assert (every["Water"], every["Retail"], every["Media and creative"]) == (3, 2, 2)


def facet_counts(html: str) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for block in re.findall(r'<details class="facet".*?</details>', html, re.S):
        title = re.search(r"<summary>([^<]+)", block)[1]
        items = re.findall(r'facet__label">([^<]+)</span>.*?</span>([\d,]+)<span', block, re.S)
        found[title] = {label: int(n) for label, n in items}
    return found


def test_each_filter_in_use_can_be_taken_off_and_the_rest_stays(app, client):
    a_regulation(a_theme(title="Water"), sectors=("water",))
    said = page(client, "/regulations?theme=water&sector=water&q=clean&sort=title")
    assert 'href="/regulations?q=clean&amp;sector=water&amp;sort=title"' in said
    assert 'href="/regulations?q=clean&amp;theme=water&amp;sort=title"' in said
    assert 'name="theme" value="water"' in said, "searching again keeps the filters"
    assert "Clear all" in said


def test_what_somebody_typed_stays_text(app, client):
    said = page(client, '/regulations?q="><script>alert(1)</script>&stage=<b>')
    assert "<script>alert" not in said
    assert "<b>" not in said


def test_search_forgives_plurals_and_finds_a_citation_first(app, client):
    pipe = a_regulation(title="Lead Pipes Regulations 1992")
    other = a_regulation(title="Something Else Order 1992")
    settle_the_record()
    assert titles(client, "/regulations.json?q=pipe")[:1] == [pipe.title]
    assert titles(client, f"/regulations.json?q=1992/{other.number}") == [other.title]
    assert titles(client, f"/regulations.json?q=S.I.+1992+No.+{other.number}") == [other.title]


def test_a_slip_in_a_citation_is_met_with_the_likeliest_meant(app, client):
    meant = a_regulation(title="Meant Regulations 1992")
    settle_the_record()
    slip = f"{meant.number}"[:-2] + f"{meant.number}"[:-3:-1]
    slip = slip if slip != str(meant.number) else f"{meant.number}9"
    said = page(client, f"/regulations?q=1992/{slip}")
    assert "is not listed here. Did you mean" in said
    assert f"/regulations/{meant.slug}" in said


def test_filters_that_leave_nothing_say_how_much_there_is_without_them(app, client):
    a_regulation(a_theme(title="Water"), title="Lead Pipes")
    settle_the_record()
    said = page(client, "/regulations?q=pipes&stage=done")
    assert "Nothing fits all of these at once" in said
    assert "See 1 regulation that match" in said.replace("\n", " ")
    assert 'href="/regulations?q=pipes"' in said


def test_a_sector_that_leaves_nothing_is_no_empty_site(app, client):
    a_regulation(a_theme(title="Water"), title="Lead Pipes", sectors=("water",))
    a_regulation(title="Elsewhere")
    for sector in ("retail", "zzz"):
        assert "See 2 regulations" in page(client, f"/regulations?sector={sector}")
        assert "See 1 regulation" in page(client, f"/themes/water?sector={sector}"), "a theme's page counts its own"


def test_a_word_nobody_uses_leads_to_the_themes(app, client):
    a_regulation(a_theme(title="Water"))
    settle_the_record()
    said = page(client, "/regulations?q=xylophonist")
    assert "Nothing matches “xylophonist”" in said
    assert 'href="/themes/water"' in said


def test_while_search_is_rebuilt_titles_still_answer_and_the_page_says_so(app, client):
    a_regulation(title="Lead Pipes Regulations 1992")
    a_regulation(title="Something Else Order 1992")
    shutil.rmtree(Path(app.config["DATA_DIR"]) / "search", ignore_errors=True)
    said = page(client, "/regulations?q=lead+pipes")
    assert "Search is being rebuilt, showing titles that contain your words" in said
    assert "Lead Pipes" in said
    assert "Something Else" not in said
    assert titles(client, "/regulations.json?q=lead+pipes") == ["Lead Pipes Regulations 1992"]


def test_a_kept_split_shows_nowhere_until_the_count_is_final(app, client):
    theme = a_theme(title="Water", split=Split.KEPT)
    a_vote(a_regulation(theme), SCRAP)
    settle_the_record()
    row = client.get("/regulations.json").get_json()[0]
    assert row["participants"] == 1
    assert [row[name] for name in ("scrap", "improve", "improve_other", "keep", "comments")] == [None] * 5
    for address in ("/regulations", "/themes/water"):
        said = page(client, address)
        assert "1 person has answered so far" in said
        assert "1 scrap" not in said
    assert client.get("/figures/ballot-order.json").get_json()[0]["votes"] == 0
    a_frozen_theme(theme)
    with clock.pretending(NOON + 10 * DAY):
        assert client.get("/regulations.json").get_json()[0]["scrap"] == 1
        assert "1 scrap" in page(client, "/regulations")


def test_a_folded_split_is_not_in_the_lists_while_its_theme_is_open(app, client):
    theme = a_theme(title="Water", split=Split.FOLDED, closes=NOON + DAY)
    a_vote(a_regulation(theme), SCRAP)
    settle_the_record()
    assert "1 scrap" not in page(client, "/regulations")
    with clock.pretending(NOON + 2 * DAY):
        assert "1 scrap" in page(client, "/regulations")


def test_numbers_say_from_how_much_of_the_record_they_were_counted(app, client):
    a_vote(a_regulation())
    settle_the_record()
    size = client.get("/readyz").get_json()["log_size"]
    a_vote(a_regulation())
    said = page(client, "/regulations")
    assert f"first {size} lines of" in said
    assert "12:00pm on 2 March 2026" in said


def test_days_left_are_counted_in_uk_days(app, client):
    a_theme(title="Soon", closes=NOON + timedelta(hours=12))
    assert "last day" in page(client, "/themes")


@pytest.mark.parametrize(
    "address", ["/regulations/", "/themes/", "/decisions/", "/record/", "/help/", "/help/privacy/"]
)
def test_a_slash_too_many_finds_the_page_all_the_same(app, client, address):
    assert client.get(address).status_code == 200


def test_a_themes_numbers_lead_to_the_rows_behind_them(app, client):
    theme = a_theme(title="Retail")
    counted = [a_regulation(theme), a_regulation(theme)]
    for regulation in (counted[0], counted[1], counted[1]):
        a_vote(regulation)
    a_frozen_theme(theme)
    a_decision(counted[0])
    text = client.get("/themes/retail").get_data(as_text=True)
    strip = text.partition('<ul class="stats">')[2].partition("</ul>")[0]
    rows, by_votes, _, decided = re.findall(r'href="([^"]+)"', strip.replace("&amp;", "&"))
    assert (rows, by_votes) == ("/themes/retail?sort=title#regulations", "/themes/retail?sort=most_votes#regulations")
    assert decided == "/decisions?theme=retail"
    listed = client.get("/themes/retail.json").get_json()["regulations"]
    assert [sum(row[name] for row in listed) for name in ("participants", "reasons")] == [3, 3]
    assert "2 people gave a reason" in page(client, by_votes)
    assert len(client.get("/decisions.json?theme=retail").get_json()) == 1


def test_the_votes_counted_at_home_stand_on_the_page_they_lead_to(app, client):
    for title in ("Retail", "Water"):
        a_vote(a_regulation(a_theme(title=title)))
    settle_the_record()
    home = client.get("/").get_data(as_text=True)
    assert re.search(r'href="/themes#total"><span class="stats__number">2</span>', home)
    total = client.get("/themes").get_data(as_text=True).partition('<p id="total">')[2].partition("</p>")[0]
    assert total == "<strong>2 themes</strong> together: 2 regulations, 2 votes counted."


def test_no_more_voices_are_looked_for_where_none_can_be_added(app, client):
    theme = a_theme(title="Retail")
    a_regulation(theme), a_regulation(theme)
    assert "Needs more voices" in page(client, "/themes/retail")
    with clock.pretending(NOON + 8 * DAY):
        text = page(client, "/themes/retail")
        assert "Needs more voices" not in text
        assert "Nobody answered" in text
        assert "No one has answered yet" not in text
        assert "nobody answered" in page(client, "/themes")
        assert "Needs more voices" in page(client, "/themes/retail?sort=needs_voices")
