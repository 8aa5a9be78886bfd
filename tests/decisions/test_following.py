"""What staff do to days and steps, through the browser's door; and what their desk shows of it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

import chores
from accounts.models import Post
from accounts.rules import Role
from core import clock
from core.clock import last_day, uk_day
from core.db import db, transaction
from decisions.milestones import add_milestone, milestones_of
from decisions.steps import Step
from tests.decisions.conftest import LATER
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_department,
    a_member_of_staff,
    a_regulation,
    a_theme,
    settle_the_record,
    the_record,
)
from tests.queries_counted import queries_counted

pytestmark = pytest.mark.usefixtures("after_the_close")
WHY = "Two inspectorates asked to be heard first."


@pytest.fixture
def decision(regulation):
    return a_decision(regulation, now=LATER)


def text_of(answer):
    return answer.get_data(as_text=True)


def day_in(days):
    return (uk_day(LATER) + timedelta(days=days)).isoformat()


def test_an_official_promises_a_step_and_tells_that_it_is_done_late(client, signed_in, decision, official):
    office, steps = signed_in(official), f"/staff/decisions/{decision.reference}/steps"
    empty = office.post(steps, data={"words": "In our own words"})
    assert (empty.status_code, "Choose a day." in text_of(empty), "In our own words" in text_of(empty)) == (
        422, True, True,
    )  # fmt: skip
    done = office.post(
        steps, data={"step": "guidance", "due_on": day_in(9), "state": "planned", "words": "Plainer words"}
    )
    assert (done.status_code, done.location) == (303, steps)
    assert "The step is on the record" in text_of(office.get(steps))
    (row,) = milestones_of(decision.reference)
    settle_the_record()
    for public in (f"/decisions/{decision.reference}", "/progress"):
        page = text_of(client.get(public))
        assert "Plainer words" in page, public
        assert 'step--planned">Planned' in page, public
    one = f"{steps}/{row.id}"
    asked = {"seen": row.entry_id, "state": "done", "due_on": day_in(9), "instrument": "soon", "reason": ""}
    refused = office.post(one, data=asked)
    assert (refused.status_code, "citation" in text_of(refused), 'value="soon"' in text_of(refused)) == (
        422,
        True,
        True,
    )
    assert office.post(one, data=asked | {"instrument": "SI 2027/123"}).status_code == 303
    assert the_record("milestone")[-1]["state"] == "done"
    regulation = text_of(client.get(f"/regulations/{decision.regulation.slug}"))
    assert f'/decisions/{decision.reference}#steps"' in regulation
    clashed = office.post(one, data=asked | {"state": "dropped", "reason": WHY})
    assert (clashed.status_code, WHY in text_of(clashed), "has changed this step" in text_of(clashed)) == (
        409,
        True,
        True,
    )


def test_a_day_is_moved_in_the_open(client, signed_in, regulation, official):
    office, address = signed_in(official), "/staff/themes/retail/due"
    theme = regulation.theme
    due_on = last_day(theme.decision_due_at)
    later = due_on + timedelta(days=30)
    asked = {"shown": due_on.isoformat(), "until": later.isoformat(), "reason": "No."}
    refused = office.post(address, data=asked)
    assert (refused.status_code, "why more time is needed" in text_of(refused)) == (422, True)
    done = office.post(address, data=asked | {"reason": WHY})
    assert (done.status_code, done.location) == (303, "/staff?theme=retail")
    clashed = office.post(address, data=asked | {"reason": "Another reason, quite as good."})
    assert (clashed.status_code, "quite as good" in text_of(clashed)) == (409, True)
    for odd in ("", "no day", "2026-02-31"):
        assert office.post(address, data=asked | {"shown": odd, "reason": WHY}).status_code == 409
    settle_the_record()
    for public in ("/themes/retail", f"/regulations/{regulation.slug}", "/progress"):
        page = text_of(client.get(public))
        assert WHY in page, public
        assert f"{due_on.day} {due_on:%B %Y}" in page, public
        assert f"{later.day} {later:%B %Y}" in page, public
    assert "decisions are due by" in text_of(client.get("/progress.atom"))


def test_the_desk_shows_steps_that_are_near_or_missed_and_asks_no_more_for_more(signed_in, decision, official):
    with transaction():
        for n in range(4):
            add_milestone(
                decision=db.session.merge(decision), step=Step.OTHER, words=f"Step number {n}",
                due_on=uk_day(LATER) + timedelta(days=10 + 30 * n), by=official, now=LATER,
            )  # fmt: skip
    client, counted = signed_in(official), []
    for _ in range(2):
        with queries_counted() as sent:
            page = text_of(client.get("/staff"))
        counted.append(len(sent))
        theme = a_theme(opens=NOON - 90 * DAY, closes=NOON - 80 * DAY)
        for _ in range(6):
            a_regulation(theme)
    assert ("Step number 0" in page, "Step number 1" in page) == (True, False)
    assert counted[0] == counted[1] <= 10
    with clock.pretending(LATER + 15 * DAY):
        chores.note_what_went_by()
        page = text_of(signed_in(official).get("/staff"))
    assert "Day missed" in page
    assert "5 days late" in page


def of_department(account, department):
    with transaction():
        post = db.session.scalars(select(Post).filter_by(account_id=account.id)).one()
        db.session.info["recorded"] = {("Post", post.id)}  # the appointment itself is on the record already
        post.department_id = department.id
    return account


def test_an_official_sees_their_department_first_and_may_widen_but_not_decide(signed_in, regulation):
    theirs = a_department("Another Department")
    own = a_regulation(db.session.merge(regulation.theme), title="Ours to Decide", department=theirs)
    client = signed_in(of_department(a_member_of_staff(Role.OFFICIAL), theirs))
    narrow, wide = text_of(client.get("/staff")), text_of(client.get("/staff?department=all"))
    assert (own.title in narrow, regulation.title in narrow) == (True, False)
    assert (own.title in wide, regulation.title in wide) == (True, True)
    draft = {"version": "0", "statement": "It stays as it is, and nothing changes."}
    refused = client.post(f"/staff/regulations/{regulation.slug}/decision", data=draft)
    assert (refused.status_code, "belongs to another department" in text_of(refused)) == (403, True)
    assert client.post(f"/staff/regulations/{own.slug}/decision", data=draft).status_code == 303
