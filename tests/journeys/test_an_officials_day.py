"""An analyst makes points of what people said and enters what came by post; an official answers it and decides."""

import csv
import io
import re
from datetime import timedelta
from pathlib import Path

from core import clock
from tests.journeys.conftest import DESK, PHONE, Visit
from tests.journeys.doing import WRONG, arrives, ask, rows

HOUSES, VAPES, PHARMACIES = "uksi-2018-221", "uksi-2024-1216", "uksi-2013-349"


def test_an_analyst_makes_a_point_of_reasons_and_looks_again_where_an_author_objects(visitor, site):
    analyst = arrives(visitor, "analyst")
    analyst.open("/staff")
    analyst.follow(re.compile(r"\d+ comments to be read"))
    analyst.follow("Licensing of Houses in Multiple Occupation")
    page, summary = analyst.page, "Those who lived in such houses say that the stairs are clear and the alarms tested."
    page.get_by_label("What they say about it").fill(summary)
    analyst.press("Put them under")
    assert WRONG in analyst.text, "nothing is ticked and the point has no name"
    assert page.get_by_label("What they say about it").input_value() == summary
    page.get_by_label("Or under a new point, in one plain sentence").fill("A licence makes a shared house safer")
    for begins in ("Six of us share a house", "I lived in a shared house", "Some of the worst places"):
        page.get_by_role("checkbox", name=re.compile(begins)).check()
    analyst.press("Put them under")
    assert WRONG not in analyst.text
    analyst.follow("A licence makes a shared house safer")
    assert "3 comments" in analyst.text

    author = arrives(visitor, "voter", PHONE)
    author.open("/my/contributions")
    author.press(re.compile("not what I meant.*A licence makes a shared house safer"))
    author.open("/my/contributions")
    assert _about(author, HOUSES).count("Staff will look at it again") == 1

    analyst.open("/staff/disputes")
    analyst.follow("A licence makes a shared house safer")
    assert "The stairs were clear after." in analyst.text
    analyst.press("Settle it")
    assert WRONG in analyst.text, "an objection is settled one way or the other"
    page.get_by_role("radio", name="It is taken out of this point").check()
    analyst.press("Settle it")
    author.open("/my/contributions")
    assert "took it out of this point" in _about(author, HOUSES)
    author.open(f"/regulations/{HOUSES}/evidence")
    assert "A licence makes a shared house safer" in author.text


def _about(author: Visit, slug: str) -> str:
    return author.page.locator("li.own__one", has=author.page.locator(f"a[href='/regulations/{slug}']")).inner_text()


def test_what_came_by_letter_is_entered_and_a_table_with_a_broken_row_enters_nothing(visitor, site, tmp_path):
    analyst = arrives(visitor, "analyst")
    analyst.open("/staff/submissions/new")
    page = analyst.page
    page.get_by_role("searchbox").fill("pharmaceutical")
    analyst.press("Find")
    analyst.follow("National Health Service (Pharmaceutical")
    page.get_by_role("radio", name="Letter").check()
    page.get_by_role("radio", name="A charity").check()
    page.get_by_label("Name of the organisation").fill("Example Friends of the Village Shop")
    page.get_by_label("What it says").fill("Our members walk to the chemist, and cannot walk further.")
    page.get_by_role("radio", name="Yes").check()
    analyst.press("Put it into the record")
    assert WRONG in analyst.text, "the day on which it came is missing"
    assert page.get_by_label("What it says").input_value().startswith("Our members walk")
    page.get_by_label("Day on which it came").fill(_days_ago(3))
    analyst.press("Put it into the record")
    assert WRONG not in analyst.text
    assert "Example Friends of the Village Shop" in analyst.text

    before = len(_sent_in(site))
    good = {
        "how": "email", "capacity": "business", "organisation": "Example Estate Chemist", "received_on": _days_ago(2),
        "regulation": PHARMACIES, "text": "We would open late if a second shop were let in.",
    }  # fmt: skip
    broken = {**good, "how": "pigeon", "organisation": "Example Loft", "text": "Let them fly."}
    analyst.open("/staff/submissions/import")
    _choose(analyst, _table(tmp_path / "broken.csv", [good, broken]))
    assert "Nothing can be imported yet" in analyst.text
    assert "Row 3" in analyst.text, "the row is named as the table counts it"
    assert page.get_by_role("button", name=re.compile("^Enter")).count() == 0
    _choose(analyst, _table(tmp_path / "whole.csv", [good, {**broken, "how": "workshop"}]))
    assert "2 rows of whole.csv can be entered" in analyst.text
    assert len(_sent_in(site)) == before, "looking enters nothing"
    analyst.press("Enter all 2 rows")
    assert {row["organisation"] for row in _sent_in(site)} >= {"Example Estate Chemist", "Example Loft"}
    assert len(_sent_in(site)) == before + 2


def _sent_in(site: str) -> list[dict[str, str]]:
    return rows(ask(site, f"/regulations/{PHARMACIES}/submissions.json"))


def _days_ago(days: int) -> str:
    return str(clock.uk_day(clock.now() - timedelta(days=days)))


def _table(path: Path, entered: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(entered[0]))
        table.writeheader()
        table.writerows(entered)
    return path


def _choose(visit: Visit, table: Path) -> None:
    visit.page.locator("input[type=file]").set_input_files(table)
    visit.press("Check the file")


def test_answers_go_out_as_a_spreadsheet_and_what_departs_from_businesses_needs_its_reason(visitor, site, tmp_path):
    official = arrives(visitor, "official")
    page = official.page
    official.open(f"/staff/regulations/{VAPES}/answers?show=missing")
    custom = page.locator("div.answering, section.answering").filter(has_text="Shops that keep to the ban lose custom")
    custom.get_by_label("Who writes it").select_option(label="Example Department, approvals office")
    custom.get_by_role("button", name="Save this answer").click()
    page.wait_for_load_state()
    official.look()
    assert WRONG not in official.text
    colleague = arrives(visitor, "second-official", PHONE)
    colleague.open("/staff")
    colleague.follow(re.compile("answers? asked of you"))
    assert colleague.page.locator(f"a[href*='{VAPES}/answers?show=mine']").count() >= 1

    with page.expect_download() as download:
        page.goto(f"{site}/staff/regulations/{VAPES}/answers")
        page.get_by_role("link", name="As .csv").click()
    sheet = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))
    missing = [row for row in sheet if not row["verdict"]]
    assert missing, "the demonstration leaves some of this for whoever signs in"
    for row in missing:
        row["verdict"], row["reasons"] = "accept_in_part", "Selling them is checked by the councils, who get more days."
    official.open(f"/staff/regulations/{VAPES}/answers/upload")
    page.locator("input[type=file]").set_input_files(
        _table(tmp_path / "wrong.csv", [{**missing[0], "verdict": "perhaps"}, *missing[1:]])
    )
    official.press("Look at what it would change")
    assert WRONG in official.text
    page.locator("input[type=file]").set_input_files(_table(tmp_path / "back.csv", sheet))
    official.press("Look at what it would change")
    assert "Nothing is saved yet" in official.text
    official.press(re.compile("^Save all"))
    official.open(f"/staff/regulations/{VAPES}/answers")
    assert "2 submissions make no point yet" in official.text
    for submission in ("Telephone call, member of the public", "Paper from Example Waste Services"):
        _put_under_a_point(official, submission)
    official.open(f"/staff/regulations/{VAPES}/answers?show=missing")
    assert "Nothing is missing" in official.text

    for width in (PHONE, DESK):
        _decides_against_what_businesses_chose(official, width)
    page.get_by_label("Why it departs from the vote").fill(
        "Many would keep the ban as it is, and businesses most of all. Closing the gap keeps what they value in it."
    )
    page.get_by_role("checkbox", name="Businesses").check()
    official.press("Submit for approval")
    assert WRONG not in official.text
    official.open("/staff")
    assert "Waits for approval" in official.text


def _put_under_a_point(official: Visit, submission: str) -> None:
    official.open("/staff/submissions")
    official.page.locator("li", has_text="Vapes").get_by_role("link", name=re.compile(submission)).click()
    official.page.wait_for_load_state()
    official.look()
    official.page.get_by_role("checkbox", name="Shops that keep to the ban").check()
    official.press("Save")
    assert WRONG not in official.text


def _decides_against_what_businesses_chose(official: Visit, size: dict[str, int]) -> None:
    page = official.page
    page.set_viewport_size(size)  # type: ignore[arg-type]
    official.width = size["width"]
    official.open(f"/staff/regulations/{VAPES}/decision")
    reasons = "The gap in the ban is closed: a device counts as single-use unless people do in fact refill it."
    page.get_by_role("radio", name="Improve", exact=True).check()
    page.get_by_role("radio", name="Stricter").check()
    page.get_by_label("Reasons", exact=True).fill(reasons)
    page.get_by_label("By which legal route").fill("Regulations under the Environmental Protection Act 1990.")
    page.get_by_role("group", name="Does a formal consultation follow?").get_by_role("radio", name="Yes").check()
    page.get_by_label("Who is responsible for doing it").fill("Example Department, waste office")
    page.get_by_label("To be done by").fill(_days_ago(-300))
    page.get_by_label("Why it departs from the vote").fill("")
    page.get_by_role("checkbox", name="Businesses").uncheck()
    official.press("Submit for approval")
    summary = page.get_by_role("alert")
    assert "businesses" in summary.inner_text().lower(), summary.inner_text()
    assert page.get_by_label("Reasons", exact=True).input_value() == reasons, "nothing typed is lost"
    summary.get_by_role("link").first.click()
    field = page.locator(":focus")
    assert field.get_attribute("name") in ("departure_reason", "departs_business", "outcome")
    told = field.get_attribute("aria-describedby") or ""
    assert any("error" in name for name in told.split()), "the error stands beside the field"
