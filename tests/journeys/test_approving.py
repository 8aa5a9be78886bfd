"""A second official reads a decision on a phone, sends it back, sees what changed, and approves it; or two collide."""

import re
from datetime import timedelta

from core import clock
from tests.journeys.conftest import DESK, PHONE, Visit, eventually
from tests.journeys.doing import WRONG, arrives, ask, rows

NURSERIES, CHILDCARE = "uksi-2012-938", "uksi-2022-1134"
NOTE = "Say to the childminder from Telford which of the policies she may leave out."
ANSWER = "A childminder alone may leave out the policy on staff, and keeps the one on medicines and the one on fire."


def test_what_an_approver_sent_back_is_seen_to_have_changed_before_it_is_published(visitor, site):
    official, approver = arrives(visitor, "official"), arrives(visitor, "second-official", PHONE)
    write, approve = f"/staff/regulations/{NURSERIES}/decision", f"/staff/regulations/{NURSERIES}/approve"
    official.open(write)
    assert "the childminder from Telford" in official.text, "the note it came back with"
    official.press("Submit for approval")
    assert WRONG not in official.text

    approver.open("/staff")
    approver.page.locator(f"a[href='{approve}']").first.click()
    approver.page.wait_for_load_state()
    approver.look()
    assert "Mind before you approve" in approver.text
    assert "Nothing was changed." in approver.text
    disagreeing = approver.page.locator("section", has_text="As the largest disagreeing group will read it").last
    assert "The answer:" in disagreeing.inner_text()
    approver.page.get_by_label("What has to change?").fill(NOTE)
    approver.press("Return with this note")

    official.open(write)
    assert NOTE in official.text
    official.open(f"/staff/regulations/{NURSERIES}/answers")
    box = official.page.locator("div.answering").filter(has_text="I look after three toddlers")
    box.get_by_label("Reasons").fill(ANSWER)
    box.get_by_role("button", name="Save this answer").click()
    official.page.wait_for_load_state()
    official.look()
    _submit(official, write, publish_at=clock.in_uk(clock.now() + timedelta(days=3)).strftime("%Y-%m-%dT09:30"))

    approver.open(approve)
    changed = approver.page.locator("section", has_text="What changed since it was last returned").last.inner_text()
    assert NOTE in changed
    assert "policy on staff" in changed
    assert "To be done by" not in changed, "nothing else was changed"
    approver.press("Approve")
    approver.open(approve)
    assert "A change takes the approval back" in approver.text
    assert ask(site, f"/regulations/{NURSERIES}.json")["outcome"] is None, "its time has not come"

    official.open(write)
    official.page.get_by_label("What was decided, in one plain sentence").fill(
        "The welfare rules stay, and a childminder who works alone will need three policies and no more."
    )
    official.press("Save draft")
    approver.open(approve)
    assert "Still a draft" in approver.text
    assert approver.page.get_by_role("button", name=re.compile("^Approve")).count() == 0
    _submit(official, write, publish_at="")
    approver.open(approve)
    read = approver.page.locator("div.preview").inner_text()
    approver.press("Approve and publish")
    eventually(lambda: ask(site, f"/regulations/{NURSERIES}.json")["outcome"] == "improve")
    (decision,) = [row for row in rows(ask(site, "/decisions.json")) if row["slug"] == NURSERIES]
    reader = visitor(PHONE)
    reader.open(f"/decisions/{decision['reference']}")
    sentences = [line for line in read.splitlines() if len(line) > 60]
    assert [line for line in sentences if line not in reader.text] == [], "what was read is what was published"
    assert ANSWER in reader.text
    assert NOTE not in reader.page.content(), "notes stay inside"


def _submit(official: Visit, write: str, publish_at: str) -> None:
    official.open(write)
    official.page.get_by_label("Publish at a set time").fill(publish_at)
    official.press("Submit for approval")
    assert WRONG not in official.text


def test_of_two_who_write_one_draft_at_once_the_second_sees_both_and_loses_nothing(visitor, site):
    first, second = arrives(visitor, "official", DESK), arrives(visitor, "schools-official", PHONE)
    write, sentence = f"/staff/regulations/{CHILDCARE}/decision", "What was decided, in one plain sentence"
    mine, theirs = "The hours stay free of charge for parents who work.", "Free hours will begin a term earlier."
    for visit in (first, second):
        visit.open(write)
    second.page.get_by_label(sentence).fill(theirs)
    second.press("Save draft")
    first.page.get_by_label(sentence).fill(mine)
    with first.page.expect_response(lambda answer: answer.request.method == "POST") as answered:
        first.press("Save draft")
    assert answered.value.status == 409
    assert theirs in first.page.locator("section", has_text="What your colleague saved meanwhile").last.inner_text()
    assert first.page.get_by_label(sentence).input_value() == mine
    second.open(write)
    assert second.page.get_by_label(sentence).input_value() == theirs, "nothing is overwritten unseen"
    first.press("Save draft")
    second.open(write)
    assert second.page.get_by_label(sentence).input_value() == mine
