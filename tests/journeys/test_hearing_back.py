"""Somebody votes on a phone and hears back: what was answered to their point, what was decided, and that it is done."""

import re
from datetime import timedelta

from core import clock
from tests.journeys.conftest import PHONE, Visit, eventually
from tests.journeys.doing import WRONG, answer_everything, arrives, ask, rows
from tests.journeys.test_taking_part import vote

LABELS, THEME, EMAIL = "uksi-2014-1855", "hospitality-food-and-drink", "cafe@example.org"
REASON = "We write the day's soup on a board, and nobody has yet asked for its label in eleven years."
POINT = "A board that changes each day can carry no label"
ANSWER = "A board may say that the kitchen will tell, as long as somebody there can."
NEWS = {
    "/regulations?q=gas+safety": "Follow what this list finds",
    "/themes/energy": "Follow this theme",
    "/regulations?department=home-office": "Follow what this list finds",
    f"/regulations/{LABELS}": "Follow this regulation",
}


def test_from_a_vote_on_a_phone_to_the_last_letter(visitor, site):
    person = visitor(PHONE)
    vote(person, LABELS, "Scrap", REASON, EMAIL)
    _open_letter(person, re.compile("Confirm your email"))
    person.open(person.page.locator("a[href*='/account/confirm/']").first.get_attribute("href") or "")
    person.press(re.compile("count", re.I))
    _chooses_to_hear_at_once(person)
    _follows_what_it_likes_and_feeds_answer(person, site)

    reference = _is_decided(visitor, site)
    eventually(lambda: _has_letter(person, "Decided: keep"))
    _open_letter(person, re.compile("Decided: keep"))
    letter = person.page.locator(".letter").inner_text()
    for said in (REASON, POINT, ANSWER, "The rules on food labels stay."):
        assert said in letter, f"{said!r} is not in\n{letter}"
    stop = person.page.locator(".letter a[href*='/account/notices/stop/']").get_attribute("href") or ""
    person.page.locator(f".letter a[href*='/my/contributions/{LABELS}']").first.click()
    person.page.wait_for_load_state()
    person.look()
    assert _reached(person) == ["Heard", "Grouped", "Answered", "Decided"]
    _shares_what_is_ticked_alone(person)

    _is_done(visitor, reference)
    eventually(lambda: _has_letter(person, "Done: what was decided has been carried out"))
    person.open(f"/my/contributions/{LABELS}")
    assert _reached(person)[-1] == "Done"
    _leaves_without_signing_in(visitor, person, stop)


def _open_letter(visit: Visit, subject: re.Pattern[str]) -> None:
    visit.open(f"/dev/mailbox?to={EMAIL}")
    visit.follow(subject)


def _has_letter(visit: Visit, subject: str) -> bool:
    visit.page.goto(f"{visit.site}/dev/mailbox?to={EMAIL}")
    return subject in visit.text


def _chooses_to_hear_at_once(person: Visit) -> None:
    person.open("/account/notices")
    assert person.page.get_by_role("radio", name="Once a day, together").is_checked(), "unasked, in the morning"
    person.page.get_by_role("radio", name="As it happens").check()
    person.press("Save")
    assert person.page.get_by_role("radio", name="As it happens").is_checked()


def _follows_what_it_likes_and_feeds_answer(person: Visit, site: str) -> None:
    for page, link in NEWS.items():
        person.open(page)
        person.follow(link)
        feed = person.page.get_by_role("link", name="This Atom feed").get_attribute("href") or ""
        answer = person.page.request.get(site + feed)
        assert answer.ok, feed
        assert "<feed" in answer.text()
        person.press("Follow")
    for followed in ("Food Information Regulations 2014", "Energy", "Home Office", "gas safety"):
        assert person.page.get_by_role("button", name=re.compile(f"Stop following.*{followed}")).count() == 1
    person.press(re.compile("Stop following.*Energy"))
    assert person.page.get_by_role("button", name=re.compile("Stop following.*Energy")).count() == 0


def _is_decided(visitor, site: str) -> str:
    """By officials who close the theme early, after an analyst has made a point of what was said."""
    official = arrives(visitor, "official")
    official.open(f"/staff/themes/{THEME}/close")
    assert "Before a theme closes: a checklist" in official.text
    official.page.locator("textarea").fill("Every trade body concerned has answered, and Parliament rises next week.")
    official.press("Close this theme now")
    eventually(lambda: ask(site, f"/regulations/{LABELS}.json")["stage"] == "under_consideration")

    analyst = arrives(visitor, "analyst")
    analyst.open(f"/staff/regulations/{LABELS}/points")
    analyst.page.get_by_role("checkbox", name=re.compile("We write the day's soup")).check()
    analyst.page.get_by_label("Or under a new point, in one plain sentence").fill(POINT)
    analyst.press("Put them under")

    official.open(f"/staff/regulations/{LABELS}/answers")
    box = official.page.locator("div.answering").filter(has_text=POINT)
    box.get_by_role("radio", name="Accept in part").check()
    box.get_by_label("Reasons").fill(ANSWER)
    box.get_by_role("button", name="Save this answer").click()
    official.page.wait_for_load_state()
    answer_everything(official, LABELS)
    official.open(f"/staff/regulations/{LABELS}/decision")
    page = official.page
    page.get_by_role("radio", name="Keep", exact=True).check()
    page.get_by_label("What was decided, in one plain sentence").fill("The rules on food labels stay.")
    page.get_by_label("Reasons", exact=True).fill(
        "Guests told us that the label is what lets them eat out at all. Cafés told us of boards that change each day."
    )
    page.get_by_label("Why it departs from the vote").fill("Where it departs, allergies weigh more than the time.")
    page.get_by_label("Other evidence").fill("Example Department, visits to twelve kitchens, 2026.")
    official.press("Submit for approval")
    assert WRONG not in official.text
    second = arrives(visitor, "second-official", PHONE)
    eventually(lambda: _can_approve(second))
    second.press("Approve and publish")
    eventually(lambda: ask(site, f"/regulations/{LABELS}.json")["outcome"] == "keep")
    (decision,) = [row for row in rows(ask(site, "/decisions.json")) if row["slug"] == LABELS]
    return decision["reference"]


def _can_approve(second: Visit) -> bool:
    second.open(f"/staff/regulations/{LABELS}/approve")
    return second.page.get_by_role("button", name="Approve and publish").count() == 1


def _reached(person: Visit) -> list[str]:
    return person.page.locator(".way__step--yes .way__name").all_inner_texts()


def _shares_what_is_ticked_alone(person: Visit) -> None:
    shown = person.page.locator(".kept")
    for private in ("Scrap", REASON, POINT, ANSWER):
        assert private not in shown.inner_text(), "each of these tells which way somebody went"
    mine = person.page.locator(".only-here")
    for private in ("Scrap", REASON, POINT, ANSWER):
        assert private in mine.inner_text()
    person.page.emulate_media(media="print")
    assert shown.is_visible()
    assert not mine.is_visible(), "what is for the owner alone would be printed"
    person.page.emulate_media(media="screen")
    person.page.get_by_label("Name the point and the answer").check()
    person.press("Show it so")
    assert POINT in shown.inner_text()
    assert ANSWER in shown.inner_text()
    assert "You asked for" not in shown.inner_text()
    person.page.get_by_label("Show which way I chose").check()
    person.press("Show it so")
    assert "You asked for Scrap" in " ".join(shown.inner_text().split())
    assert REASON not in shown.inner_text()


def _is_done(visitor, reference: str) -> None:
    official = arrives(visitor, "official")
    official.open(f"/staff/decisions/{reference}/steps")
    page = official.page
    page.get_by_role("radio", name="New guidance published").check()
    page.get_by_label("In your own words").fill("A page on boards that change each day")
    page.get_by_label("By which day?").fill(str(clock.uk_day(clock.now() + timedelta(days=30))))
    page.get_by_role("radio", name="Planned").check()
    official.press("Put it on the record")
    assert WRONG not in official.text
    official.follow(re.compile("Say where it stands"))
    page.get_by_role("radio", name="Done").check()
    page.get_by_label("What did it?").fill("https://example.org/guidance/boards")
    official.press(re.compile("Put it on the record|Save"))
    assert WRONG not in official.text


def _leaves_without_signing_in(visitor, person: Visit, stop: str) -> None:
    stranger = visitor(PHONE)
    stranger.open(stop)
    stranger.press("Stop all mail")
    assert stranger.heading == "Our mail is stopped"
    person.open("/account/notices")
    assert person.page.get_by_role("radio", name="Never").is_checked()
    person.page.get_by_role("radio", name="As it happens").check()
    person.press("Save")
    answer = stranger.page.request.post(stop, form={"List-Unsubscribe": "One-Click"})
    assert answer.ok, "as mail programs send it, with neither session nor token"
    person.open("/account/notices")
    assert person.page.get_by_role("radio", name="Never").is_checked()
