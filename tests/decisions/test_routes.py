"""The official's way with one decision: writing, approving. CSRF is proved elsewhere."""

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from accounts.rules import Role
from core import clock
from core.db import db
from decisions.models import Decision, Draft
from decisions.rules import DraftStatus, Outcome
from tests.conftest import both_databases
from tests.decisions.conftest import LATER, ballots_wait
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    everything_answered,
    how_many,
    settle_the_record,
    the_record,
)
from tests.queries_counted import queries_counted
from voting.models import Comment
from voting.rules import Choice

pytestmark = pytest.mark.usefixtures("after_the_close")
WRITTEN = {
    "version": "0",
    "outcome": "keep",
    "statement": "The regulation stays as it is.",
    "reasons": "It prevents harm at little cost, as inspections and those who answered say.",
    "departure_reason": "",
    "other_evidence": "An inspection report of 2025.",
}


def send(client, slug, do="save", **given):
    return client.post(f"/staff/regulations/{slug}/decision", data={**WRITTEN, "do": do, **given})


def what_is_shown(client, slug):
    """What the page carries of itself in its form."""
    page = client.get(f"/staff/regulations/{slug}/approve").get_data(as_text=True)
    found = re.search(r'<input[^>]*name="shown"[^>]*value="([^"]*)"', page)
    return found[1] if found else ""


def decide(client, slug, do, version, **given):
    data = {"do": do, "version": version, "shown": what_is_shown(client, slug), **given}
    return client.post(f"/staff/regulations/{slug}/approve", data=data)


def the_draft():
    db.session.expire_all()
    return db.session.scalars(select(Draft)).one()


def test_staff_pages_are_for_staff(app, client, signed_in, regulation, official):
    addresses = ["/staff", "/staff/themes/retail/close"]
    addresses += [f"/staff/regulations/{regulation.slug}/{page}" for page in ("decision", "approve")]
    voter, moderator = signed_in(a_voter()), signed_in(a_member_of_staff(Role.MODERATOR))
    for address in addresses:
        assert client.get(address).status_code == 303, address
        assert voter.get(address).status_code == 403, address
    assert [moderator.get(address).status_code for address in addresses] == [200, 403, 403, 403]


def test_a_draft_may_lack_anything_and_is_found_again(app, signed_in, regulation, official):
    client = signed_in(official)
    done = send(client, regulation.slug, outcome="", reasons="", other_evidence="", statement="A beginning")
    assert (done.status_code, done.location) == (303, "/staff")
    assert "A beginning" in client.get(f"/staff/regulations/{regulation.slug}/decision").get_data(as_text=True)
    assert (the_draft().status, the_draft().version, the_record("decision")) == ("draft", 1, [])


def test_an_official_reads_the_last_days_that_everybody_reads(app, client, signed_in, official):
    """A window that closes at midnight was open on the day before, and the day of a decision is counted alike."""
    theme = a_theme(closes=datetime(2026, 3, 9, tzinfo=UTC))
    regulation = a_regulation(theme)
    due = clock.last_day(theme.decision_due_at)
    with clock.pretending(LATER):
        own = signed_in(official).get(f"/staff/regulations/{regulation.slug}/decision").get_data(as_text=True)
        public = client.get(f"/regulations/{regulation.slug}").get_data(as_text=True)
        desk = signed_in(official).get("/staff").get_data(as_text=True)
    assert 'Closed <time datetime="2026-03-08">' in own
    assert 'closed <time datetime="2026-03-08">' in desk
    for page in (own, public):
        assert f'<time datetime="{due}">' in page
        assert f'<time datetime="{due + DAY}">' not in page


def test_what_is_not_ready_is_kept_but_not_submitted(app, signed_in, regulation, official):
    refused = send(signed_in(official), regulation.slug, do="submit", reasons="Because.")
    text = refused.get_data(as_text=True)
    assert (refused.status_code, "Give the reasons in full" in text) == (422, True)
    assert 'name="version" type="hidden" value="1"' in text
    assert "<title>Error: " in text
    assert (the_draft().reasons, the_draft().status) == ("Because.", DraftStatus.DRAFT)


def test_all_that_is_missing_is_said_at_once(app, signed_in, regulation, official):
    refused = send(signed_in(official), regulation.slug, do="submit", reasons="", statement="", other_evidence="")
    text = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert re.findall(r'<a href="#(\w+)">', text)[:3] == ["statement", "reasons", "other_evidence"]


def test_departing_is_said_beside_the_field(app, signed_in, regulation, official):
    refused = send(signed_in(official), regulation.slug, do="submit", outcome="scrap")
    text = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert 'href="#departure_reason"' in text
    assert "Differs from the largest group, who chose keep: 2 of 3." in text


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"outcome": "abolish"}, "Choose one of the answers listed"),
        ({"outcome": "improve", "direction": "sideways"}, "Choose one of the answers listed"),
        ({"cited": "f" * 16}, "Tick only reasons that people gave"),
        ({"also_cited": "the one about cafés"}, "found under “the one about cafés”"),
        ({"also_cited": "f" * 32}, "Nothing that people can read"),
        ({"reasons": "x" * 10_001}, "it is 1 too long"),
        ({"statement": "x" * 401}, "it is 1 too long"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_typed_is_lost(app, signed_in, regulation, official, given, sentence):
    refused = send(signed_in(official), regulation.slug, other_evidence="What I typed before.", **given)
    text = refused.get_data(as_text=True)
    assert (refused.status_code, sentence in text, "What I typed before." in text) == (422, True, True)
    assert how_many(Draft) == 0


def test_no_version_that_was_made_up_overwrites_anything(app, signed_in, regulation, official):
    client = signed_in(official)
    for version in ("-1", "7", "abc", "١", "9" * 5_000):
        assert send(client, regulation.slug, version=version).status_code == 409, version
    assert how_many(Draft) == 0


def test_no_version_that_was_made_up_is_approved(app, signed_in, regulation, official, second):
    send(signed_in(official), regulation.slug, do="submit")
    for version in ("-1", "abc", "9" * 5_000):
        assert decide(signed_in(second), regulation.slug, "approve", version).status_code == 409, version
    assert how_many(Decision) == 0


@both_databases
@pytest.mark.parametrize("cited", ["a\0b", "x" * 10_000, "\ud800", ""])
def test_what_names_no_reason_is_said_beside_the_ticks(app, signed_in, regulation, official, cited):
    refused = send(signed_in(official), regulation.slug, cited=cited.encode("utf-8", "surrogatepass"))
    assert (refused.status_code, "Tick only reasons that people gave on this regulation." in refused.text) == (
        422,
        True,
    )
    assert how_many(Draft) == 0


def test_no_more_is_asked_for_forty_thousand_ticks_than_for_201(app, signed_in, regulation, official):
    client, sent = signed_in(official), []
    for ticks in (201, 40_000):
        with queries_counted() as statements:
            refused = send(client, regulation.slug, cited=[f"{number:x}" for number in range(ticks)])
        assert (refused.status_code, "Cite 200 reasons or fewer." in refused.text) == (422, True)
        sent.append(max(map(len, statements)))
    assert sent[0] == sent[1]


def test_two_hundred_pasted_lines_are_looked_up_and_no_more(app, signed_in, regulation, official):
    pasted = "\n".join(f"{number:032x}" for number in range(201))
    refused = send(signed_in(official), regulation.slug, also_cited=pasted)
    assert (refused.status_code, "Cite 200 reasons or fewer." in refused.text) == (422, True)


def test_reasons_are_cited_by_ticking_or_pasting_their_address(app, signed_in, regulation, official):
    kept, scrapped = db.session.scalars(select(Comment).order_by(Comment.id))
    names = [kept.public_id, scrapped.public_id]
    send(
        signed_in(official),
        regulation.slug,
        cited=kept.public_id,
        also_cited=f"https://example.org/record/{scrapped.entry_id}",
    )
    assert the_draft().cited_comments == names
    page = signed_in(official).get(f"/staff/regulations/{regulation.slug}/decision").get_data(as_text=True)
    for name in names:
        assert re.search(rf'value="{name}" checked', page)
    assert "It keeps &lt;b&gt;people&lt;/b&gt; safe." in page


def test_a_clash_shows_both_texts(app, signed_in, regulation, official, second):
    send(signed_in(official), regulation.slug, statement="What my colleague wrote.")
    clash = send(signed_in(second), regulation.slug, statement="What I wrote meanwhile.")
    text = clash.get_data(as_text=True)
    assert clash.status_code == 409
    assert "What my colleague wrote." in text
    assert "What I wrote meanwhile." in text
    assert "First Office" in text
    version = re.search(r'name="version" type="hidden" value="(\d+)"', text)[1]
    assert send(signed_in(second), regulation.slug, statement="Both in one.", version=version).status_code == 303
    assert (the_draft().statement, the_draft().version) == ("Both in one.", 2)


def test_a_second_official_sees_the_page_and_publishes_it(app, signed_in, regulation, official, second):
    name = db.session.scalars(select(Comment.public_id).order_by(Comment.id)).first()
    send(signed_in(official), regulation.slug, do="submit", cited=name)
    client = signed_in(second)
    assert f"/staff/regulations/{regulation.slug}/approve" in client.get("/staff").get_data(as_text=True)
    preview = client.get(f"/staff/regulations/{regulation.slug}/approve").get_data(as_text=True)
    done = decide(client, regulation.slug, "approve", 1)
    settle_the_record()
    assert (done.status_code, done.location) == (303, "/decisions/2026-0001")
    published = client.get(done.location).get_data(as_text=True)
    section = re.compile(r'<section class="ruled" aria-labelledby="(reasons|evidence|vote)">.*?</section>', re.S)
    assert [m[0] for m in section.finditer(preview)] == [m[0] for m in section.finditer(published)]
    assert len(section.findall(published)) == 3
    assert "It keeps &lt;b&gt;people&lt;/b&gt; safe." in published


def test_the_writer_reads_that_another_has_to_approve(app, signed_in, regulation, official):
    client = signed_in(official)
    send(client, regulation.slug, do="submit")
    page = client.get(f"/staff/regulations/{regulation.slug}/approve")
    text = page.get_data(as_text=True)
    assert (page.status_code, "another official has to approve it" in text) == (200, True)
    assert "The Workplace Regulations 1992, SI 1992/" in text.partition("<h1>")[2].partition("</h1>")[0]
    assert "Below stands exactly what will be published." in text
    assert decide(client, regulation.slug, "approve", 1).status_code == 403
    assert how_many(Decision) == 0


def test_nothing_is_announced_below_where_nothing_stands(app, signed_in, regulation, official):
    client = signed_in(official)
    send(client, regulation.slug, statement="")
    text = client.get(f"/staff/regulations/{regulation.slug}/approve").get_data(as_text=True)
    assert "It cannot be published as it stands" in text
    assert "Below stands" not in text


def test_a_decision_is_returned_with_a_note(app, signed_in, regulation, official, second):
    send(signed_in(official), regulation.slug, do="submit")
    client = signed_in(second)
    assert decide(client, regulation.slug, "return", 1, note="No").status_code == 422
    assert decide(client, regulation.slug, "return", 1, note="Answer the point about cost.").status_code == 303
    assert "Answer the point about cost." in signed_in(official).get("/staff").get_data(as_text=True)
    assert decide(client, regulation.slug, "approve", 1).status_code == 422


def test_who_reads_it_again_sees_what_changed_since_it_was_returned(app, signed_in, regulation, official, second):
    send(signed_in(official), regulation.slug, do="submit")
    decide(signed_in(second), regulation.slug, "return", 1, note="Say how long it stays.")
    send(signed_in(official), regulation.slug, do="submit", version="1", statement="The regulation stays until 2030.")
    text = signed_in(second).get(f"/staff/regulations/{regulation.slug}/approve").get_data(as_text=True)
    section = text.partition("What changed since it was last returned")[2].partition("</section>")[0]
    assert "Say how long it stays." in section
    (gone,), (new,) = (re.findall(rf"<{mark}>.*?</{mark}>", section) for mark in ("del", "ins"))
    assert ("taken out: </span>as it is." in gone, "put in: </span>until 2030." in new) == (True, True)
    assert "It prevents harm" not in section


def test_the_approver_is_warned_and_reads_it_as_those_who_asked_otherwise(app, signed_in, regulation, official, second):
    why = {"departure_reason": "The duty stands in an Act now, so that nothing is lost."}
    steps = {"legal_route": "A bill.", "consultation": "no", "responsible": "Rules unit", "due_on": "2027-03-01"}
    assert send(signed_in(official), regulation.slug, do="submit", outcome="scrap", **why, **steps).status_code == 303
    text = signed_in(second).get(f"/staff/regulations/{regulation.slug}/approve").get_data(as_text=True)
    warned = text.partition("Mind before you approve")[2].partition("</div>")[0]
    assert "Differs from the largest group, who chose keep: 2 of 3." in warned
    assert "Only 3 answered" in warned
    section = text.partition("As the largest disagreeing group will read it")[2].partition("</section>")[0]
    assert "2 people who chose keep." in section
    assert "2 of them stand behind it" in section or "1 of them stand behind it" in section
    assert "The answer: " in section


def test_a_decision_for_a_set_time_says_so_and_waits(app, signed_in, regulation, official, second):
    send(signed_in(official), regulation.slug, do="submit", publish_at="2026-12-01T09:30")
    client, address = signed_in(second), f"/staff/regulations/{regulation.slug}/approve"
    assert "1 December 2026" in client.get(address).get_data(as_text=True)
    done = decide(client, regulation.slug, "approve", 1)
    assert (done.status_code, done.location, how_many(Decision)) == (303, "/staff", 0)
    assert "Approved by Second Office" in client.get(address).get_data(as_text=True)
    assert the_draft().status == DraftStatus.APPROVED
    refused = send(signed_in(official), regulation.slug, version="1", publish_at="tomorrow")
    assert (refused.status_code, "Enter a day and a time" in refused.get_data(as_text=True)) == (422, True)


def test_what_changed_since_it_was_shown_is_not_published(app, signed_in, regulation, official, second):
    send(signed_in(official), regulation.slug, do="submit")
    send(signed_in(official), regulation.slug, do="submit", version="1", statement="The regulation stays for now.")
    clash = decide(signed_in(second), regulation.slug, "approve", 1)
    text = clash.get_data(as_text=True)
    assert (clash.status_code, "has changed since you opened it" in text) == (409, True)
    assert "The regulation stays for now." in text
    assert how_many(Decision) == 0


def test_before_the_count_is_final_the_approver_is_told_why_it_waits(app, signed_in, official, second):
    regulation = a_regulation(a_theme(title="Rail"))
    a_vote(regulation)
    settle_the_record()
    everything_answered(regulation, now=LATER)
    send(signed_in(official), regulation.slug, do="submit")
    client = signed_in(second)
    address = f"/staff/regulations/{regulation.slug}/approve"
    assert "within a second or two" in client.get(address).get_data(as_text=True)
    ballots_wait(regulation, 2, given_at=NOON + 6 * DAY)
    with clock.pretending(NOON + 7 * DAY + DAY / 2):
        text = client.get(address).get_data(as_text=True)
        for words in ("2 ballots given in this theme", "12:00pm on 10 March 2026", 'href="/dev/mailbox"'):
            assert words in text, words
    assert "within a second or two" in client.get(address).get_data(as_text=True)
    refused = decide(client, regulation.slug, "approve", 1)
    assert (refused.status_code, "24 hours at most" in refused.get_data(as_text=True)) == (422, True)


def test_what_nobody_wrote_cannot_be_approved(app, signed_in, regulation, official):
    assert signed_in(official).get(f"/staff/regulations/{regulation.slug}/approve").status_code == 404
    assert decide(signed_in(official), regulation.slug, "approve", 1).status_code == 404
    assert signed_in(official).get("/staff/regulations/uksi-1900-1/decision").status_code == 404
    assert signed_in(official).get("/staff/themes/nowhere/close").status_code == 404


def test_a_decided_regulation_can_be_decided_anew(app, signed_in, regulation, official):
    reference = a_decision(regulation, Outcome.KEEP, now=LATER).reference
    page = signed_in(official).get(f"/staff/regulations/{regulation.slug}/decision").get_data(as_text=True)
    assert "There is a decision already" in page
    assert f"/decisions/{reference}" in page


def test_writing_asks_no_more_for_more_reasons(app, signed_in, official):
    counted = []
    app.test_client().get("/robots.txt")  # the first request of all also asks whether the record fits the mode
    for people in (2, 12):
        theme = a_theme()
        regulation = a_regulation(theme)
        for n in range(people):
            a_vote(regulation, list(Choice)[n % 3], text=f"Reason {n}")
        a_frozen_theme(theme)
        client, address = signed_in(official), f"/staff/regulations/{regulation.slug}/decision"
        with queries_counted() as sent:
            assert client.get(address).status_code == 200
        counted.append(len(sent))
    assert counted[0] == counted[1]
    assert counted[0] <= 10
