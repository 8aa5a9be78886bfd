"""What stands beside the steps of an official's work: what good looks like and, before closing, what the site knows."""

import pytest

from accounts.rules import Capacity, Role
from analysis.submission_rules import How, Received
from analysis.submissions import enter_submission
from core.db import db, transaction
from decisions.closing import Decides, before_closing
from tests.analysis.making import a_comment, a_point
from tests.decisions.conftest import LATER, ballots_wait
from tests.factories import (
    DAY,
    NOON,
    a_ballot,
    a_decision,
    a_department,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
)
from tests.queries_counted import queries_counted
from voting.moderation import hide_comment
from voting.rules import ModerationRule
from voting.services import cast_vote

pytestmark = pytest.mark.usefixtures("after_the_close")


@pytest.fixture
def water(app):
    theme = a_theme(opens=NOON, closes=NOON + 30 * DAY, title="Water")
    a_regulation(theme, department=a_department("Home Department"))
    a_regulation(theme, department=a_department("Home Department"))
    a_regulation(theme, department=a_department("Elsewhere Department"))
    return theme


def came(theme, how, text, **given):
    by = a_member_of_staff(Role.ANALYST)
    received = Received(how, Capacity.PUBLIC, NOON.date(), text, **given)
    with transaction():
        enter_submission(theme=db.session.merge(theme), regulation=None, received=received, by=by, now=LATER)


def hidden_and_written_anew(regulation):
    voter, moderator = a_voter(), a_member_of_staff(Role.MODERATOR)
    comment = a_comment(regulation, text="Words that a moderator hides.", voter=voter)
    rule = next(iter(ModerationRule))
    with transaction():
        hide_comment(comment=comment, rule=rule, reason="It breaks this rule.", by=moderator, now=LATER)
    with transaction():
        again = a_ballot(text="Other words, which nobody has read.")
        cast_vote(voter=voter, regulation=db.session.merge(regulation), ballot=again, now=LATER)


def test_before_a_theme_closes_the_site_says_what_waits_who_was_not_heard_and_who_decides(app, water):
    regulation = water.regulations[0]
    nobody = before_closing(water, LATER)
    assert (nobody.unconfirmed, nobody.rewritten, nobody.entered, nobody.papers) == (0, 0, [], 0)
    assert nobody.silent == [capacity.plural for capacity in Capacity]
    a_vote(regulation, capacity=Capacity.BUSINESS, organisation="Example Bakery")
    came(water, How.LETTER, "One.")
    came(water, How.LETTER, "Two.")
    came(water, How.WORKSHOP, "Three.")
    hidden_and_written_anew(regulation)
    ballots_wait(regulation, 2)
    a_member_of_staff(Role.OFFICIAL, department=a_department("Home Department"))
    a_member_of_staff(Role.OFFICIAL)
    known = before_closing(water, LATER)
    assert (known.unconfirmed, known.rewritten) == (2, 1)
    assert known.entered == [("Letter", 2), ("Workshop", 1)]
    assert Capacity.BUSINESS.plural not in known.silent
    assert Capacity.CHARITY.plural in known.silent
    assert known.departments == [Decides("Home Department", 2, 1), Decides("Elsewhere Department", 1, 0)]
    assert known.central == 1


def test_the_closing_page_shows_it_in_words_and_asks_ten_questions_at_most(app, signed_in, water, official):
    client = signed_in(official)
    empty = client.get("/staff/themes/water/close").get_data(as_text=True)
    assert "Nothing has been entered so far." in empty
    came(water, How.LETTER, "One.")
    ballots_wait(water.regulations[0], 2)
    with queries_counted() as sent:
        page = client.get("/staff/themes/water/close").get_data(as_text=True)
    assert "Entered so far: letter 1." in page
    assert "2 ballots wait to be confirmed." in page
    assert "Home Department: 2 regulations; <strong>no official of its own" in page
    assert len(sent) <= 10


def test_what_good_work_looks_like_stands_beside_each_step(app, signed_in, regulation, official, water):
    point = a_point(regulation, official, now=LATER)
    decided = a_regulation(a_theme(title="Rail"))
    a_frozen_theme(decided.theme)
    decision = a_decision(decided, now=LATER)
    client, of_regulation = signed_in(official), f"/staff/regulations/{regulation.slug}"
    stands = {
        f"/staff/points/{point.public_id}": "What a fair summary of a point looks like",
        f"{of_regulation}/answers": "What a good answer looks like",
        f"{of_regulation}/decision": "What a sound decision says",
        "/staff/themes/water/close": "Before a theme closes: a checklist",
        "/staff/themes/retail/due": "What a public reason looks like",
        f"/staff/decisions/{decision.reference}/steps": "What an honest step looks like",
    }
    for address, title in stands.items():
        page = client.get(address).get_data(as_text=True)
        beside = page.partition('<div class="guided__advice">')[2].partition("</aside>")[0]
        assert (address, beside.count(title)) == (address, 3)  # folded for a phone, and a column with its name
    a_comment(water.regulations[0])
    sorting = client.get(f"/staff/regulations/{water.regulations[0].slug}/points").get_data(as_text=True)
    assert "What a fair summary of a point looks like" in sorting
