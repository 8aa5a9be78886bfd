"""A shopkeeper votes on a phone and confirms by the mailbox; somebody changes their mind."""

import json
import re
import urllib.request

import pytest

from tests.journeys.conftest import DESK, PHONE, Visit, eventually


def row_of(site: str, slug: str) -> dict:
    with urllib.request.urlopen(f"{site}/regulations/{slug}.json") as answer:
        return json.load(answer)


def an_open_regulation(site: str, theme: str, place: int) -> str:
    with urllib.request.urlopen(f"{site}/regulations.json?theme={theme}&stage=open&sort=title") as answer:
        rows = json.load(answer)
    rows = rows["regulations"] if isinstance(rows, dict) else rows
    return rows[place]["slug"]


def vote(visit: Visit, slug: str, choice: str, reason: str, email: str) -> None:
    """Both screens, up to the page that says it is not counted yet."""
    visit.open(f"/regulations/{slug}/vote")
    visit.page.get_by_role("radio", name=choice, exact=True).check()
    visit.page.get_by_label("Your reason, in your own words").fill(reason)
    visit.press("Continue")
    visit.page.get_by_label("A business", exact=True).check()
    visit.page.get_by_label("Name of the organisation").fill("Example Corner Shop")
    visit.page.get_by_label("Your email address").fill(email)
    visit.press("Send my vote")
    assert visit.heading == "Not counted yet: check your email"


def open_letter(visit: Visit, email: str, subject: str) -> None:
    visit.open(f"/dev/mailbox?to={email}")
    visit.follow(subject)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_shopkeeper_votes_on_a_phone_and_confirms_by_the_mailbox(visitor, site, scripts):
    visit, email = visitor(PHONE, scripts=scripts), f"shop{int(scripts)}@example.org"
    visit.open("/")
    visit.page.get_by_role("searchbox").first.fill("consumer contracts 2013")
    visit.press("Search")
    visit.follow("Consumer Contracts (Information, Cancellation and Additional Charges) Regulations 2013")
    slug = visit.page.url.rsplit("/", 1)[1]
    before = row_of(site, slug)

    visit.follow("Have your say")
    assert not re.search(r"\d+ people", visit.page.inner_text("main")), "the ballot shows a tally"
    visit.press("Continue")
    assert "There is a problem" in visit.page.inner_text("main")
    reason = f"A label that shoppers trust helps the small shop most ({email})."
    vote(visit, slug, "Keep", reason.replace(email, "said twice"), email)
    assert row_of(site, slug)["participants"] == before["participants"]

    open_letter(visit, email, "Confirm your email")
    link = visit.page.locator("a[href*='/account/confirm/']").first.get_attribute("href") or ""
    visit.open(link)
    assert row_of(site, slug)["participants"] == before["participants"], "a link alone counts nothing"
    visit.page.get_by_role("button", name=re.compile("count", re.I)).first.click()
    visit.page.wait_for_load_state()
    visit.look()
    assert visit.heading.startswith("Counted.")
    assert f"{before['participants'] + 1} people" in visit.page.inner_text("main"), "my own vote is there at once"

    eventually(lambda: row_of(site, slug)["participants"] == before["participants"] + 1)
    after = row_of(site, slug)
    assert (after["keep"], after["comments"]) == (before["keep"] + 1, before["comments"] + 1)
    visit.open(f"/regulations/{slug}")
    assert f"{after['participants']} people" in visit.page.inner_text("main")
    visit.open(f"/regulations/{slug}/comments")
    assert "A label that shoppers trust" in visit.page.inner_text("main")
    assert "Example Corner Shop" not in visit.page.inner_text("main"), "nobody has checked that name"
    visit.open(f"/regulations/{slug}/history")
    visit.open("/my/contributions")
    assert "Consumer Contracts" in visit.page.inner_text("main")

    visit.open(link)
    assert "been used" in visit.page.inner_text("main")


def test_the_six_digits_count_the_vote_on_the_page_still_open(visitor, site):
    visit, email = visitor(PHONE), "digits@example.org"
    slug = an_open_regulation(site, "energy", 0)
    vote(visit, slug, "Scrap", "It asks for the same figures twice a year.", email)
    reader = visitor(DESK)
    open_letter(reader, email, "Confirm your email")
    found = re.search(r"\b\d{6}\b", reader.page.inner_text("main"))
    assert found
    wrong = f"{(int(found[0]) + 1) % 10**6:06d}"
    visit.page.get_by_role("textbox").fill(wrong)
    visit.press("Count my vote")
    assert "There is a problem" in visit.page.inner_text("main")
    visit.page.get_by_role("textbox").fill(found[0])
    visit.press("Count my vote")
    assert visit.heading.startswith("Counted.")


def test_somebody_changes_a_vote_and_takes_it_back(visitor, site):
    visit, email = visitor(PHONE), "second.thoughts@example.org"
    slug = an_open_regulation(site, "energy", 1)
    before = row_of(site, slug)
    vote(visit, slug, "Scrap", "Nobody reads the notice it asks for.", email)
    open_letter(visit, email, "Confirm your email")
    visit.open(visit.page.locator("a[href*='/account/confirm/']").first.get_attribute("href") or "")
    visit.press("Count")
    assert visit.heading.startswith("Counted.")

    visit.follow("Change your vote")
    assert visit.page.get_by_role("radio", name="Scrap", exact=True).is_checked()
    visit.page.get_by_role("radio", name="Improve", exact=True).check()
    visit.page.get_by_role("radio", name="Clearer").check()
    visit.press("Continue")
    visit.press("Count my vote")
    assert visit.heading.startswith("Counted. Your vote to improve")
    eventually(lambda: row_of(site, slug)["improve_clearer"] == before["improve_clearer"] + 1)
    assert row_of(site, slug)["participants"] == before["participants"] + 1
    assert row_of(site, slug)["scrap"] == before["scrap"]

    visit.follow("Withdraw it")
    visit.press("Withdraw")
    eventually(lambda: row_of(site, slug)["participants"] == before["participants"])
    visit.open("/my/contributions")
    assert "You withdrew your vote" in visit.page.inner_text("main")


def test_keys_alone_reach_the_ballot_and_nothing_is_covered(visitor, site):
    visit = visitor(PHONE)
    slug = an_open_regulation(site, "energy", 2)
    page = visit.open(f"/regulations/{slug}")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").strip().startswith("Skip")
    for _ in range(60):
        hidden = page.evaluate(
            """() => {
                const box = document.activeElement.getBoundingClientRect();
                const x = box.left + Math.min(box.width, innerWidth) / 2, y = box.top + Math.min(box.height, 20) / 2;
                const seen = document.elementFromPoint(x, y);
                return seen && !document.activeElement.contains(seen) && !seen.contains(document.activeElement)
                    ? document.activeElement.outerHTML.slice(0, 120) : null;
            }"""
        )
        assert hidden is None, f"the focus is covered: {hidden}"
        page.keyboard.press("Tab")


def test_a_phones_first_screen_holds_what_it_must_and_no_more(visitor, site):
    visit = visitor(PHONE)
    page = visit.open("/")
    for part in (page.locator("h1"), page.get_by_role("searchbox").first):
        box = part.bounding_box()
        assert box
        assert box["y"] + box["height"] <= PHONE["height"]
    page = visit.open(f"/regulations/{an_open_regulation(site, 'retail', 1)}")
    say = page.get_by_role("link", name="Have your say").last.bounding_box()
    assert say
    assert say["y"] + say["height"] <= PHONE["height"]
    second = page.locator("main h2").first.bounding_box()
    assert second
    assert second["y"] >= PHONE["height"] - 80
