"""The desk of those who decide, and closing a theme early. CSRF is proved elsewhere."""

import re

import pytest

from accounts.rules import Role
from core import clock
from core.db import db, transaction
from decisions.answers import assign_answer
from decisions.milestones import add_milestone
from decisions.steps import Step
from tests.analysis.making import a_point
from tests.conftest import both_databases
from tests.decisions.conftest import LATER, ballots_wait
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_department,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    the_record,
)
from tests.queries_counted import queries_counted

pytestmark = pytest.mark.usefixtures("after_the_close")


def test_the_desk_shows_the_day(app, signed_in, regulation, official):
    a_theme(opens=NOON, closes=NOON + 30 * DAY, title="Water")
    with clock.pretending(NOON + 107 * DAY):
        page = signed_in(official).get("/staff").get_data(as_text=True)
    assert "The Workplace Regulations 1992" in page
    assert "10 days overdue" in page
    with clock.pretending(LATER):
        page = signed_in(official).get("/staff").get_data(as_text=True)
    assert "overdue</strong>" not in page
    assert "/staff/themes/water/close" in page


def test_the_desk_asks_no_more_for_more(app, signed_in, regulation, official):
    client = signed_in(official)
    counted = []
    for _ in range(2):
        with queries_counted() as sent:
            assert client.get("/staff").status_code == 200
        counted.append(len(sent))
        theme = a_theme()
        for _ in range(6):
            a_regulation(theme)
    assert counted[0] == counted[1] <= 10


@both_databases
def test_the_fullest_desk_of_a_department_asks_ten_questions_at_most(app, signed_in):
    home = a_department("Home Department")
    theme, shared = a_theme(title="Retail"), a_theme(opens=NOON, closes=NOON + 30 * DAY, title="Shared")
    own = a_theme(opens=NOON, closes=NOON + 30 * DAY, title="Own")
    decided, waiting = (a_regulation(theme, department=home) for _ in range(2))
    a_regulation(own, department=home)
    a_regulation(shared, department=home)
    a_regulation(shared)
    a_frozen_theme(theme)
    colleague, me = (a_member_of_staff(Role.OFFICIAL, department=home) for _ in range(2))
    decision = a_decision(decided, now=LATER)
    point = a_point(waiting, colleague, now=LATER)
    with transaction():
        add_milestone(
            decision=db.session.merge(decision), step=Step.GUIDANCE, words="", due_on=(LATER + DAY).date(),
            by=colleague, now=LATER,
        )  # fmt: skip
        assign_answer(
            regulation=db.session.merge(waiting), point=db.session.merge(point), to=me, instead_of=None, by=colleague,
            now=LATER,
        )  # fmt: skip
    client = signed_in(me)
    client.get("/staff")  # which record the site keeps is asked once
    db.session.rollback()
    with queries_counted() as sent:
        page = client.get("/staff").get_data(as_text=True)
    assert len(sent) <= 10
    assert "The regulations of the Home Department are listed." in page
    assert "1 of your department’s regulations undecided" in page
    assert "1 of 2 regulations undecided" in client.get("/staff?department=all").get_data(as_text=True)
    assert "Answers asked of you" in page
    assert "/staff/themes/own/close" in page
    assert "/staff/themes/shared/close" not in page


def test_moderators_find_their_own_work_and_no_one_elses(app, signed_in, regulation):
    page = signed_in(a_member_of_staff(Role.MODERATOR)).get("/staff").get_data(as_text=True)
    assert 'href="/staff/comments"' in page
    assert f"/staff/regulations/{regulation.slug}/decision" not in page


def test_closing_early_publishes_its_reason(app, signed_in, official):
    theme = a_theme(opens=NOON, closes=NOON + 30 * DAY, title="Water")
    client = signed_in(official)
    page = client.get("/staff/themes/water/close").get_data(as_text=True)
    assert "within a second or two" in page
    assert re.search(r"Its last day is <time[^>]*>[A-Z]\w+day \d+ \w+ 2026</time>", page)
    refused = client.post("/staff/themes/water/close", data={"reason": "No"})
    assert (refused.status_code, "Say in a sentence why" in refused.get_data(as_text=True)) == (422, True)
    done = client.post("/staff/themes/water/close", data={"reason": "The bill it belongs to was withdrawn."})
    assert (done.status_code, done.location) == (303, "/staff?theme=water")
    db.session.refresh(theme)
    assert (theme.window.closes, theme.closed_early_because) == (LATER, "The bill it belongs to was withdrawn.")
    assert the_record("window")[-1]["act"] == "closed_early"
    assert "Water is closed." in client.get("/staff").get_data(as_text=True)
    again = client.post("/staff/themes/water/close", data={"reason": "The bill was withdrawn, again."})
    text = again.get_data(as_text=True)
    assert (again.status_code, "not open" in text, "The bill was withdrawn, again." in text) == (422, True, True)


def test_the_desk_is_narrowed_to_a_theme_that_the_closing_message_and_the_list_lead_to(app, signed_in, official):
    water = a_theme(opens=NOON, closes=NOON + 30 * DAY, title="Water")
    ours = [a_regulation(water, title=f"Water Regulations {n:02}") for n in range(22)]
    other = a_regulation(a_theme(title="Rail"), title="The Rail Regulations 1992")
    client = signed_in(official)
    done = client.post("/staff/themes/water/close", data={"reason": "The bill it belongs to was withdrawn."})
    text = client.get(done.location).get_data(as_text=True)
    message = text.partition("Water is closed.")[2].partition("</p>")[0]
    assert 'href="/staff?theme=water#undecided">22 regulations of Water to decide' in message
    assert (ours[0].title in text, other.title in text) == (True, False)
    assert "/staff?theme=water&amp;page=2#undecided" in text
    assert ours[-1].title in client.get("/staff?theme=water&page=3").get_data(as_text=True)
    everything = client.get("/staff").get_data(as_text=True)
    links = [f'href="/staff?theme={slug}#undecided"' for slug in ("water", "rail")]
    assert everything.index(links[0]) < everything.index(links[1])
    assert other.title in everything
    for theme in ("nowhere", "%00", "x" * 5000):
        assert other.title in client.get(f"/staff?theme={theme}").get_data(as_text=True)


def test_closing_early_warns_of_ballots_that_wait(app, signed_in, official):
    regulation = a_regulation(a_theme(opens=NOON, closes=NOON + 30 * DAY, title="Water"))
    ballots_wait(regulation, 2)
    page = signed_in(official).get("/staff/themes/water/close").get_data(as_text=True)
    assert "2 ballots wait to be confirmed" in page
    assert "24 hours" in page
