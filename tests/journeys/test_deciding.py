"""An official closes a theme and decides, a second one approves, and a journalist finds the decision."""

from tests.journeys.conftest import DESK, PHONE, Visit, eventually
from tests.journeys.doing import answer_everything, ask, rows, sign_in

SLUG_OF = "/regulations.json?theme={}&sort=title"


def test_from_closing_a_theme_to_a_journalist_reading_the_decision(visitor, site):
    slug = max(rows(ask(site, SLUG_OF.format("water"))), key=lambda row: row["participants"])["slug"]
    official = visitor(DESK)
    sign_in(official, "official")
    official.open("/staff")
    official.page.locator("a[href$='/themes/water/close']").click()
    official.page.wait_for_load_state()
    official.look()
    official.page.locator("textarea").fill("no")
    official.press("Close this theme now")
    assert "There is a problem" in official.page.inner_text("main")
    official.page.locator("textarea").fill(
        "Every company concerned has answered, and the summer drought will not wait."
    )
    official.press("Close this theme now")
    eventually(lambda: ask(site, f"/regulations/{slug}.json")["stage"] == "under_consideration")

    answer_everything(official, slug)
    official.open(f"/staff/regulations/{slug}/decision")
    page = official.page
    page.get_by_role("radio", name="Keep", exact=True).check()
    page.get_by_label("What was decided, in one plain sentence").fill("The rule on water fittings stays as it is.")
    page.get_by_label("Reasons", exact=True).fill(
        "Plumbers and householders told us that the rule is known and works. Nobody showed a safer way at less cost."
    )
    page.get_by_label("Why it departs from the vote").fill("Where it departs, safety of drinking water weighs more.")
    page.get_by_label("Other evidence").fill("Example Department, inspection figures, 2026.")
    official.press("Submit for approval")
    assert "There is a problem" not in page.inner_text("main")

    official.open(f"/staff/regulations/{slug}/approve")
    assert page.get_by_role("button", name="Approve and publish").count() == 0 or "You wrote this" in page.inner_text(
        "main"
    )

    second = visitor(PHONE)
    sign_in(second, "second-official")
    second.open("/staff")
    eventually(lambda: _can_publish(second, slug))
    assert "The rule on water fittings stays as it is." in second.page.inner_text("main")
    second.press("Approve and publish")

    eventually(lambda: ask(site, f"/regulations/{slug}.json")["outcome"] == "keep")
    (decision,) = [row for row in rows(ask(site, "/decisions.json")) if row["slug"] == slug]
    assert decision["decided_by"] != decision["approved_by"]
    assert decision["demonstration"] is True

    journalist = visitor(DESK)
    eventually(lambda: _finds(journalist, "drinking fittings", decision["title"]))
    journalist.follow(decision["title"])
    text = journalist.page.inner_text("main")
    assert "no such decision was made" in text.lower()
    assert "Example Department, approvals office" in text
    journalist.open(f"/regulations/{slug}/history")
    story = journalist.page.inner_text("main")
    assert "early" in story
    assert "decided" in story.lower()
    journalist.open("/record?type=decision")
    journalist.open(f"/regulations/{slug}")
    assert "The rule on water fittings stays as it is." in journalist.page.inner_text("main")


def _can_publish(second: Visit, slug: str) -> bool:
    second.open(f"/staff/regulations/{slug}/approve")
    return second.page.get_by_role("button", name="Approve and publish").count() == 1


def _finds(journalist: Visit, words: str, title: str) -> bool:
    journalist.open("/decisions")
    journalist.page.get_by_role("searchbox").first.fill(words)
    journalist.press("Search")
    return title in journalist.page.inner_text("main")


def test_a_moderator_hides_a_comment_by_a_public_rule(visitor, site):
    slug = max(rows(ask(site, SLUG_OF.format("civil-society"))), key=lambda row: row["comments"])["slug"]
    before = ask(site, f"/regulations/{slug}.json")["comments"]
    moderator = visitor(DESK)
    sign_in(moderator, "moderator")
    moderator.open(f"/staff/comments?regulation={slug}")
    moderator.page.get_by_role("link", name="Hide").first.click()
    moderator.page.wait_for_load_state()
    moderator.look()
    moderator.page.get_by_role("radio", name="It is not about this regulation or its subject").check()
    moderator.page.locator("textarea").fill("It speaks of a different law altogether.")
    moderator.press("Hide")
    reader = visitor(PHONE)
    eventually(lambda: _is_hidden(reader, slug))
    assert ask(site, f"/regulations/{slug}.json")["comments"] == before - 1


def _is_hidden(reader: Visit, slug: str) -> bool:
    reader.open(f"/regulations/{slug}/comments")
    return "not about this regulation" in reader.page.inner_text("main")
