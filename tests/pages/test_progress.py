"""Progress as everybody sees it: what is decided, what is overdue and by how much, what became of what was promised."""

from datetime import timedelta

import pytest

import chores
from accounts.rules import Role
from core import clock
from core.clock import uk_day
from core.db import db, transaction
from decisions.milestones import add_milestone
from decisions.steps import Step
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_department,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    settle_the_record,
)
from tests.queries_counted import queries_counted

LATE = NOON + 107 * DAY
"""Ten days after decisions on a theme that closed a week after noon were due."""


@pytest.fixture
def site(app):
    """One of three decided, one spent from the start; two departments; a step that missed its day."""
    theme = a_theme(title="Retail")
    decided = a_regulation(theme, title="The Decided Regulations 1992")
    for _ in range(2):
        a_regulation(theme, department=a_department("Another Department"))
    a_regulation(theme, spent="Revoked in 2011.")
    a_regulation(a_theme(title="Open", closes=NOON + 300 * DAY))
    a_vote(decided)
    a_frozen_theme(theme)
    decision, office = a_decision(decided), a_member_of_staff(Role.OFFICIAL)
    with transaction():
        add_milestone(
            decision=db.session.merge(decision), step=Step.GUIDANCE, words="", due_on=uk_day(NOON + 40 * DAY),
            by=office, now=NOON + 21 * DAY,
        )  # fmt: skip
    with clock.pretending(LATE):
        chores.note_what_went_by()
        settle_the_record()
        yield app.test_client()


def test_overdue_decisions_are_listed_by_department_with_their_days(site):
    rows = site.get("/progress.json").json
    by_department = {row["department"]: row for row in rows}
    assert {row["theme"] for row in rows} == {"retail"}
    late, done = by_department["Another Department"], by_department["Example Department"]
    assert (late["to_decide"], late["decided"], late["undecided"], late["days_overdue"]) == (2, 0, 2, 10)
    assert (done["to_decide"], done["decided"], done["undecided"], done["days_overdue"]) == (1, 1, 0, 0)
    assert (done["steps_missed"], late["steps_missed"]) == (1, 0)
    page = site.get("/progress").get_data(as_text=True)
    assert "10 days overdue" in page
    assert "1 of 3 decided" in page
    table = site.get("/progress.csv").get_data(as_text=True).splitlines()
    assert len(table) == 1 + len(rows)


def test_the_page_can_be_narrowed_in_every_form(site):
    assert [row["department"] for row in site.get("/progress.json?department=another-department").json] == [
        "Another Department"
    ]
    assert site.get("/progress.json?theme=nowhere").json == []
    assert "Nothing has closed here yet" in site.get("/progress?theme=nowhere").get_data(as_text=True)
    assert site.get("/progress?department=%00&theme=" + "x" * 3000).status_code == 200


def test_a_step_that_missed_its_day_says_by_how_much_everywhere(site):
    (row,) = site.get("/progress/steps.json?state=missed").json
    assert (row["state"], row["days_late"], row["changed_by"]) == ("missed", 67, "The site")
    assert site.get("/progress/steps.json?state=done").json == []
    assert "67 days late" in site.get("/progress/steps").get_data(as_text=True)
    feed = site.get("/progress.atom").get_data(as_text=True)
    assert "Day missed: Guidance" in feed
    assert "Retail: overdue" in feed
    assert "2 missing when" in feed


def test_progress_asks_no_more_for_more(site):
    counted = []
    for _ in range(2):
        with queries_counted() as sent:
            assert site.get("/progress").status_code == 200
        counted.append(len(sent))
        theme = a_theme(opens=NOON - 90 * DAY, closes=NOON - 80 * DAY + timedelta(hours=1))
        for n in range(5):
            a_regulation(theme, department=a_department(f"Department {n}"))
    assert counted[0] == counted[1] <= 10
