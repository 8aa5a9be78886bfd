"""Heard, grouped, answered, decided, done: what became of what one said, and a page of it to print."""

import html
import re

import pytest
from sqlalchemy import select

from accounts.rules import Role
from core import clock
from core.db import db, transaction
from decisions.milestones import add_milestone, change_milestone
from decisions.models import Decision
from decisions.rules import Outcome
from decisions.steps import State, Step
from pages.own_way import Becoming, Reached, way_of
from tests.analysis.making import a_comment, a_point, put, stands_behind
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
)
from tests.pages.readers import hide, page, words_of
from tests.pages.test_personal import signed_in
from tests.queries_counted import queries_counted
from voting.rules import Choice

SCRAP, IMPROVE, KEEP = Choice


@pytest.fixture
def kim(app):
    return a_voter("kim@example.org")


@pytest.fixture
def client(app, kim):
    return signed_in(app, kim)


@pytest.fixture
def regulation(app):
    return a_regulation(a_theme(closes=NOON + DAY), title="Shop Hours Regulations 1992")


def reached(client):
    (row,) = client.get("/my/contributions.json").get_json()["contributions"]
    return {step["step"]: step["reached"] for step in row["way"]}


def address(regulation):
    return f"/my/contributions/{regulation.slug}"


def to_show(client, path):
    """The page without what is for its owner's eyes alone, which no print carries, and without the form."""
    return _between('<div class="kept">', 'class="keeping"', client.get(path).text)


def for_my_eyes(client, path):
    return _between('<section class="only-here"', "</section>", client.get(path).text)


def _between(start, end, text):
    return words_of("<main>" + text.partition(start)[2].partition(end)[0] + "</main>")


def test_each_step_is_reached_in_its_turn(client, kim, regulation):
    comment = a_comment(regulation, "It costs a day a month.", voter=kim)
    assert reached(client) == {
        "heard": "yes", "grouped": "not_yet", "answered": "not_yet", "decided": "not_yet", "done": "not_yet",
    }  # fmt: skip
    official = a_member_of_staff(Role.OFFICIAL)
    put(a_point(regulation, official, title="It costs small shops too much"), comment, by=official)
    assert reached(client)["grouped"] == "yes"
    a_frozen_theme(regulation.theme, now=NOON + 3 * DAY)
    a_decision(regulation, Outcome.SCRAP)
    assert reached(client) == {
        "heard": "yes", "grouped": "yes", "answered": "yes", "decided": "yes", "done": "not_yet",
    }  # fmt: skip
    decision = db.session.scalars(select(Decision)).one()
    given = {"words": "", "due_on": clock.uk_day(NOON + 99 * DAY), "by": official, "now": NOON + 21 * DAY}
    with transaction():
        step = add_milestone(decision=decision, step=Step.REVOKED, state=State.PLANNED, **given)
    assert "0 of 1 steps are done so far." in page(client, "/my/contributions")
    with transaction():
        change_milestone(
            milestone=step, seen=step.entry_id, state=State.DONE, due_on=step.due_on, instrument="SI 2026/1",
            reason="", by=official, now=NOON + 22 * DAY,
        )  # fmt: skip
    assert reached(client)["done"] == "yes"


def test_a_step_that_does_not_apply_says_so_in_words():
    way = way_of(Becoming(cast_on=NOON.date(), stands=True, reason=False, hidden=False))
    assert [step.reached for step in way][:3] == [Reached.YES, Reached.NOT_NEEDED, Reached.NOT_NEEDED]
    assert "no reason of yours" in way[1].words


def test_a_hidden_reason_is_told_that_it_stands_under_no_point(client, kim, regulation):
    hide(a_comment(regulation, "Call me on 01632 960000.", voter=kim).public_id)
    assert reached(client)["grouped"] == "not_needed"
    assert "A moderator hid your reason" in page(client, address(regulation))


def test_the_page_to_print_says_how_many_others_said_so_and_what_was_answered(client, kim, regulation):
    comment = a_comment(regulation, "It costs a day a month.", voter=kim)
    official = a_member_of_staff(Role.OFFICIAL)
    for _ in range(2):
        stands_behind(comment)
    other = a_comment(regulation, "It costs too much, and yet it is needed.", KEEP)
    point = a_point(regulation, official, title="It costs small shops too much")
    put(point, comment, other, by=official)
    before = page(client, address(regulation))
    assert "“It costs small shops too much” ; 3 others said so too." in before
    assert "the answer comes with the decision" in before
    a_frozen_theme(regulation.theme, now=NOON + 3 * DAY)
    decision = a_decision(regulation, Outcome.KEEP)
    after = page(client, address(regulation))
    assert "3 others said so too." in after
    assert "Accepted in part." in after
    assert decision.reference in after


def test_the_choice_and_the_words_are_shown_only_if_ticked(client, kim, regulation):
    a_comment(regulation, "It costs a day a month.", voter=kim)
    shown = to_show(client, address(regulation))
    assert "You had your say" in shown
    assert "costs a day" not in shown
    assert "Scrap" not in shown
    ticked = to_show(client, f"{address(regulation)}?ticked=yes&choice=yes&words=yes")
    assert "You asked for" in ticked
    assert "Scrap" in ticked
    assert "costs a day" in ticked


def test_the_owner_reads_all_of_it_though_nobody_else_is_to(client, kim, regulation):
    comment = a_comment(regulation, "It costs a day a month.", voter=kim)
    put(a_point(regulation, official := a_member_of_staff(Role.OFFICIAL), title="Too dear"), comment, by=official)
    a_frozen_theme(regulation.theme, now=NOON + 3 * DAY)
    a_decision(regulation, Outcome.KEEP)
    mine = for_my_eyes(client, address(regulation))
    for told in ("Scrap", "It costs a day a month.", "“Too dear”", "Accepted in part.", "We have weighed this"):
        assert told in mine
        assert told not in to_show(client, address(regulation))
    assert "only-here" not in client.get(f"{address(regulation)}?ticked=yes").text


def test_a_point_behind_which_all_chose_the_same_is_named_only_if_ticked(client, kim, regulation):
    comment = a_comment(regulation, "It costs a day a month.", voter=kim)
    official = a_member_of_staff(Role.OFFICIAL)
    for _ in range(3):
        stands_behind(comment)
    put(a_point(regulation, official, title="It costs small shops too much"), comment, by=official)
    a_frozen_theme(regulation.theme, now=NOON + 3 * DAY)
    a_decision(regulation, Outcome.KEEP)
    assert "Whoever knows your point knows what you chose." in page(client, address(regulation))
    shown = to_show(client, address(regulation))
    assert "Your reason was counted in a point; 3 others said so too." in shown
    for told in ("It costs small shops", "Accepted in part", "We have weighed"):
        assert told not in shown
    ticked = page(client, f"{address(regulation)}?ticked=yes&point=yes")
    for told in ("“It costs small shops too much”", "Accepted in part.", "We have weighed this"):
        assert told in ticked


def test_the_point_is_left_out_where_its_owner_unticks_it(client, kim, regulation):
    comment = a_comment(regulation, "It costs a day a month.", voter=kim)
    other = a_comment(regulation, "It costs too much, and yet it is needed.", KEEP)
    official = a_member_of_staff(Role.OFFICIAL)
    put(a_point(regulation, official, title="It costs small shops too much"), comment, other, by=official)
    assert "It costs small shops" in page(client, address(regulation))
    unticked = client.get(f"{address(regulation)}?ticked=yes").text
    assert "It costs small shops" not in unticked
    assert not re.search(r'id="point"[^>]*checked', unticked)


def test_the_same_stands_there_in_words_to_send(client, kim, regulation):
    comment = a_comment(regulation, "It costs a day a month.", voter=kim)
    other = a_comment(regulation, "It costs too much, and yet it is needed.", KEEP)
    official = a_member_of_staff(Role.OFFICIAL)
    put(a_point(regulation, official, title="It costs small shops too much"), comment, other, by=official)
    a_frozen_theme(regulation.theme, now=NOON + 3 * DAY)
    decision = a_decision(regulation, Outcome.KEEP)
    in_words = r'<textarea[^>]*id="in-words"[^>]*>(.*?)</textarea>'
    usual = html.unescape(re.search(in_words, client.get(address(regulation)).text, re.S)[1]).split("\n")
    assert usual == [
        "Demonstration: none of this happened.",
        "I had my say on Shop Hours Regulations 1992.",
        "My reason was counted in the point “It costs small shops too much”.",
        "1 other person said so too.",
        "The answer: accepted in part.",
        "Decided: keep. The regulation will be decided as keep.",
        f"http://127.0.0.1:8000/decisions/{decision.reference}",
    ]
    all_of_it = f"{address(regulation)}?ticked=yes&choice=yes&words=yes"
    told = html.unescape(re.search(in_words, client.get(all_of_it).text, re.S)[1])
    assert "I asked for “Scrap” on" in told
    assert "I wrote: “It costs a day a month.”" in told
    assert "small shops" not in told


def test_the_page_is_the_persons_own_and_kept_by_nobody(app, client, kim, regulation):
    a_vote(regulation, KEEP, voter=kim)
    answer = client.get(address(regulation))
    assert "no-store" in answer.headers["Cache-Control"]
    assert signed_in(app, a_voter()).get(address(regulation)).status_code == 404
    assert app.test_client().get(address(regulation)).status_code == 303
    assert client.get("/my/contributions/uksi-1999-9").status_code == 404


def test_many_contributions_take_no_more_questions_than_few(client, kim):
    theme = a_theme(title="Shops")
    a_comment(a_regulation(theme), "It keeps people safe, I say.", voter=kim)
    client.get("/my/contributions")
    with queries_counted() as few:
        client.get("/my/contributions")
    for number in range(8):
        a_comment(a_regulation(theme), f"It keeps people safe, {number}.", voter=kim)
    with queries_counted() as many:
        client.get("/my/contributions")
    assert len(many) == len(few) <= 10, "\n".join(many)
    with queries_counted() as one:
        client.get(f"/my/contributions/{theme.regulations[0].slug}")
    assert len(one) <= 12
