"""Two decisions on one regulation: whatever a reader can see on either and finds otherwise on the other is shown."""

import html
import re

import pytest

from accounts.rules import Capacity, Role
from analysis.models import Point
from analysis.services import reword_point
from analysis.submission_rules import How, Received
from analysis.submissions import enter_submission
from core.db import db, transaction
from decisions.answers import save_answer
from decisions.milestones import add_milestone
from decisions.models import AnswerDraft, Decision
from decisions.rules import Outcome, Verdict
from decisions.steps import Step
from regulations.models import Regulation
from tests.analysis.making import a_comment, a_point, put
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    settle_the_record,
)
from tests.queries_counted import queries_counted
from voting.models import Comment
from voting.rules import Choice, Direction

AGAIN = NOON + 60 * DAY
DOCUMENT = "An assessment https://example.org/{}.pdf {}"
SHARED = "What this does for safety weighs more than what it costs."


@pytest.fixture
def official(app):
    return a_member_of_staff(Role.OFFICIAL)


@pytest.fixture
def regulation(app, official):
    """Closed: 20 businesses would scrap it, 30 others keep it; one point made, one reason alone."""
    theme = a_theme()
    found = a_regulation(theme)
    for n in range(20):
        a_vote(found, Choice.SCRAP, text="", capacity=Capacity.BUSINESS, organisation=f"Example Bakery {n}")
    for _ in range(29):
        a_vote(found, Choice.KEEP, text="")
    put(a_point(found, official), a_comment(found, "It costs a day.", Choice.KEEP), by=official)
    a_comment(found, "Nobody else says this.", Choice.KEEP)
    with transaction():
        comment = db.session.query(Comment).filter_by(text="Nobody else says this.").one()
        put_answer(found, comment=comment, by=official, reasons="We have weighed this one, and say so here.")
    a_frozen_theme(theme)
    return found


def put_answer(regulation, *, by, reasons, verdict=Verdict.ACCEPT_IN_PART, now=NOON + 10 * DAY, **to):
    draft = db.session.query(AnswerDraft).filter_by(**{f"{name}_id": each.id for name, each in to.items()}).first()
    save_answer(
        regulation=db.session.get_one(Regulation, regulation.id), **to, verdict=verdict, reasons=reasons,
        version=draft.version if draft else 0, by=by, now=now,
    )  # fmt: skip


def compared(client, first, second):
    """Each part that differs, by its heading: what the earlier says, and what the later says."""
    page = client.get(f"/decisions/{second.reference}/compare/{first.reference}").get_data(as_text=True)
    found = {}
    for part in page.split('<div class="differs">')[1:]:
        label = re.search(r"<h3>(.*?)</h3>", part, re.DOTALL).group(1)
        found[html.unescape(label)] = [plain(side) for side in re.findall(r"<dd>(.*?)</dd>", part, re.DOTALL)]
    return found


def plain(markup):
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", markup)).split())


def test_another_verdict_another_wording_and_other_reasons_stand_in_pairs_for_each_point(client, regulation, official):
    first = a_decision(regulation)
    with transaction():
        about = db.session.query(Point).order_by(Point.id).first()
        words = {"title": "It costs shops a day", "summary": ""}
        reword_point(point=about, version=about.version, **words, by=official, now=AGAIN)
        put_answer(
            regulation, point=about, by=official, verdict=Verdict.REJECT, now=AGAIN,
            reasons="Inspectors found that it takes an hour.",
        )  # fmt: skip
    second = a_decision(regulation, now=AGAIN)
    found = compared(client, first, second)
    ours = found["Answer to the point “It costs shops a day”"]
    assert "taken out: too much" in ours[0]
    assert "put in: a day" in ours[1]
    assert "Accepted in part" in ours[0]
    assert "put in: Not accepted" in ours[1]
    assert "put in: Inspectors found that it takes an hour." in ours[1]
    assert not [label for label in found if label.startswith("Answer to one reason")]


def test_an_answer_to_one_reason_is_shown_with_the_reason(client, regulation, official):
    first = a_decision(regulation)
    with transaction():
        comment = db.session.query(Comment).filter_by(text="Nobody else says this.").one()
        put_answer(
            regulation, comment=comment, by=official, now=AGAIN, reasons="It is as you say, and will be put right."
        )
    found = compared(client, first, a_decision(regulation, now=AGAIN))
    assert "put right." in found["Answer to one reason: “Nobody else says this.”"][1]


def test_everything_cited_otherwise_is_shown_down_to_a_documents_digest(client, regulation, official):
    with transaction():
        here = db.session.merge(regulation)
        petition = Received(How.PETITION, Capacity.PUBLIC, NOON.date(), "Let it stay.", signatures=1204)
        sent = enter_submission(theme=here.theme, regulation=here, received=petition, by=official, now=NOON).reference
    cited = db.session.query(Comment).filter_by(text="It costs a day.").one().public_id
    settle_the_record()
    point = a_point(regulation, official, title="It keeps people safe", summary="Inspections show it.").public_id
    first = a_decision(regulation, documents=DOCUMENT.format("a", "a" * 64), cited_comments=(cited,))
    documents = DOCUMENT.format("a", "b" * 64)
    second = a_decision(
        regulation, now=AGAIN, documents=documents, cited_submissions=(sent,), cited_points=(point,),
        other_evidence="Another report.",
    )  # fmt: skip
    found = compared(client, first, second)
    assert found["Documents"][0].endswith(f"SHA-256 taken out: {'a' * 64} (end)")
    assert found["Documents"][1].endswith(f"SHA-256 put in: {'b' * 64} (end)")
    assert "“It costs a day.”" in found["Reasons that people gave"][0]
    assert found["Reasons that people gave"][1] == "Nothing on this"
    assert f"{sent}, by petition, 1,204 signatures, not votes" in found["Submissions"][1]
    assert "“It keeps people safe” Inspections show it." in found["Points that people made"][1]
    assert "Another report." in found["Other evidence"][1].replace("put in: ", "").replace(" (end)", "")


def test_how_each_group_is_compared_with_and_the_reason_given_to_it_are_shown(client, regulation):
    own = "Their costs are met by the grant of 2026, as they asked."
    first = a_decision(regulation, departure_reason=SHARED, covers=("business",))
    second = a_decision(
        regulation, Outcome.IMPROVE, direction=Direction.STRICTER, now=AGAIN, departure_reason=SHARED,
        covers=("public",), departures={"business": own},
    )  # fmt: skip
    found = compared(client, first, second)
    assert found["Why it departs from the vote"][0].endswith("Said to: taken out: Businesses (end)")
    assert "Everyone who answered, Members of the public" in found["Why it departs from the vote"][1]
    assert own in found["Why it departs from what businesses asked for"][1]
    assert "The same as" in found["Members of the public"][0]
    assert "Differs from" in found["Members of the public"][1]
    assert "put in: Stricter" in found["Way to improve"][1]
    assert "The count it was taken on" not in found


def test_what_follows_and_by_whom_is_shown(client, regulation, official):
    first = a_decision(regulation, legal_route="", consultation=None, responsible="", due_on=None)
    second = a_decision(regulation, now=AGAIN, consultation=True, review_on=(AGAIN + 800 * DAY).date())
    with transaction():
        decision = db.session.query(Decision).filter_by(reference=second.reference).one()
        step = {"step": Step.OTHER, "words": "A draft is laid", "due_on": (AGAIN + 100 * DAY).date()}
        add_milestone(decision=decision, **step, by=official, now=AGAIN)
    found = compared(client, first, second)
    for label in ("Legal route", "Responsible", "To be done by", "To be reviewed on", "Published"):
        assert found[label][0] != found[label][1], label
    assert found["Formal consultation"] == ["Nothing on this", "put in: Follows (end)"]
    assert "A draft is laid: planned" in found["Steps"][1]


def test_what_is_the_same_in_both_is_folded_and_counted(client, regulation):
    first, second = a_decision(regulation), a_decision(regulation, now=AGAIN, statement="It stays, we say once more.")
    page = client.get(f"/decisions/{second.reference}/compare/{first.reference}").get_data(as_text=True)
    assert '<a href="#answers">What people said, and the answers</a>: the same in both' in page
    assert '<a href="#decided">What was decided</a>: 1 difference' in page
    folded = page.partition('id="decided"')[2].partition("<details")[2].partition("</details>")[0]
    assert "The same in both: Outcome" in folded
    assert "In one sentence" not in folded


def test_the_page_asks_no_more_of_the_database_for_more_that_is_cited_and_answered(client, regulation):
    first, second = a_decision(regulation), a_decision(regulation, now=AGAIN)
    address = f"/decisions/{second.reference}/compare/{first.reference}"
    client.get(address)
    with queries_counted() as sent:
        assert client.get(address).status_code == 200
    assert len(sent) <= 10
