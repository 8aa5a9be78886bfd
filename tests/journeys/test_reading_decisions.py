"""A journalist sifts the decisions, reads two side by side, follows the evidence, and checks that a figure adds up."""

import csv
import io
import re
import urllib.request

from tests.journeys.conftest import DESK, PHONE
from tests.journeys.doing import ask, rows

COOKIES = "uksi-2003-2426"


def test_a_journalist_sifts_the_decisions_and_reads_two_side_by_side(visitor, site):
    reader = visitor(DESK)
    reader.open("/decisions")
    reader.follow(re.compile(r"^Businesses"))
    (against,) = [row for row in rows(ask(site, "/decisions.json")) if "business" in row["departs_from"]]
    reader.follow(against["title"])
    assert re.search(r"largest group of businesses, .*\d+ of \d+", reader.text), "how it departs stands there exactly"
    reader.open("/decisions")
    newest = reader.page.locator("main a[href^='/decisions/20']").first.inner_text()
    reader.follow("Oldest")
    assert reader.page.locator("main a[href^='/decisions/20']").first.inner_text() != newest

    later = next(row for row in rows(ask(site, "/decisions.json")) if row["supersedes"])
    reader.open(f"/decisions/{later['reference']}")
    reader.follow(re.compile("side by side, with what differs"))
    assert later["statement"] in " ".join(reader.text.split()) or "no longer says" in reader.text
    two = reader.page.locator(".two").first.inner_text()
    assert later["reference"] in two
    assert later["supersedes"] in two
    assert reader.page.locator("ins, .alone").count() > 0
    reader.open(f"/decisions/{later['supersedes']}")
    assert later["reference"] in reader.text, "the earlier one leads to what took its place"
    reader.follow(re.compile("^line "))
    assert "decision" in reader.text.lower()


def test_a_journalist_reads_the_evidence_on_a_phone_and_crosses_two_things(visitor, site):
    reader = visitor(PHONE)
    reader.open(f"/regulations/{COOKIES}/evidence")
    for heading in ("Who chose what", "The points people make", "What it costs them", "What else came in"):
        assert reader.page.get_by_role("heading", name=heading).count() == 1, heading
    assert "3,417" in reader.text, "the petition’s signatures are shown as such"
    assert "Withheld, counted" in reader.text
    reader.page.get_by_label("Each line is").select_option("nation")
    reader.page.get_by_label("divided by").select_option("capacity")
    reader.press("Show this table")
    table = reader.page.get_by_role("table", name="Where they are, by who they speak for")
    assert table.get_by_role("rowheader", name="England").count() == 1


def test_a_figure_leads_to_the_rows_behind_it_on_the_page_as_csv_and_as_json(visitor, site):
    reader = visitor(DESK)
    reader.open("/figures")
    cell = reader.page.locator("a[href='/figures/road-transport/published']").first
    said = int(re.sub(r"\D", "", cell.inner_text().split()[0]))
    cell.click()
    reader.page.wait_for_load_state()
    reader.look()
    here = reader.page.url
    with urllib.request.urlopen(f"{here}.csv") as answer:
        table = list(csv.DictReader(io.StringIO(answer.read().decode("utf-8-sig"))))
    assert said == len(table) == len(rows(ask(here, ".json")))
    (row,) = [each for each in ask(site, "/figures.json")["themes"] if each["slug"] == "road-transport"]
    assert said == row["published"]


def test_a_journalist_cites_what_became_of_a_theme_and_sees_who_is_late(visitor, site):
    reader = visitor(DESK)
    reader.open("/themes/road-transport/we-asked")
    for part in ("We asked", "You said", "We did"):
        assert reader.page.get_by_role("heading", name=re.compile(f"^{part}")).count() >= 1
    cited = reader.page.locator(".cite").inner_text()
    assert f"{site}/themes/road-transport/we-asked" in cited
    assert re.search(r"at [\d,]+ lines of the record", cited)
    reader.open("/progress")
    reader.follow(re.compile(r"\d+ missed their day"))
    assert "Hedgerows" in reader.text
    reader.open("/progress")
    assert re.search(r"\d+ days overdue", reader.text)
